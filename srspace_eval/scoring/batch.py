"""Many submissions scored one after the other; one that has faults does not stop the others."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from srspace_eval._utils.progress import Progress, no_progress
from srspace_eval._utils.untrusted_text import unusable_name
from srspace_eval.errors import ImageError, InputError, MetricError, Notice, ResultsError, SubmissionError, TrackError
from srspace_eval.results.documents import to_document
from srspace_eval.results.record import Result
from srspace_eval.scoring.executors.opening import open_executor
from srspace_eval.scoring.options import ScoreOptions, ScoreSettings, with_settings
from srspace_eval.scoring.run import score_on
from srspace_eval.submissions.batch import faults_of, make_members
from srspace_eval.submissions.batch_progress import batch_progress
from srspace_eval.submissions.sources import open_source
from srspace_eval.tracks.model import Track
from srspace_eval.tracks.reader import load_track
from srspace_eval.tracks.teams import Team

if TYPE_CHECKING:
    if sys.version_info >= (3, 11):
        from typing import Unpack
    else:
        from typing_extensions import Unpack


@dataclass(frozen=True)
class ScoreOutcome:
    """What became of one submission of a batch.

    Attributes
    ----------
    path, team
        The submission and its team.
    result
        The result; None if there are faults.
    faults, notices
        Why it was not measured, and what readers of its result should know; one line each.
    organiser
        Whether the faults are of the organiser's board or of a metric, and not of the submission.

    Examples
    --------
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from srspace_eval import score_all, write_png
    >>> for name in ("hr", "nothing"):
    ...     Path(name).mkdir()
    >>> write_png("hr/0801.png", np.zeros((32, 32, 3), np.uint8))
    >>> (outcome,) = score_all("nothing", "hr", track="x4", metrics=["psnr"]).outcomes
    >>> outcome.team.team, outcome.result, len(outcome.faults)
    ('nothing', None, 1)
    """

    path: Path
    team: Team
    result: Result | None
    faults: tuple[str, ...]
    notices: tuple[str, ...]
    organiser: bool = False

    @property
    def check(self) -> None:
        """The files that were measured are in the result."""
        return None


@dataclass(frozen=True)
class ScoreBatch:
    """What became of many submissions, in their order.

    Attributes
    ----------
    outcomes
        One outcome for each submission.
    gt
        The GT that they were measured against; None if there is none.
    track
        The name of the track that was given; empty if none was given.
    samples
        The number of samples for each image, if it was given in place of the track's.

    Examples
    --------
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from srspace_eval import score_all, write_png
    >>> for name, file in (("truth", "0801.png"), ("good", "000000_sample00000.png"), ("empty", None)):
    ...     Path(name).mkdir()
    ...     if file:
    ...         write_png(Path(name, file), np.zeros((32, 32, 3), np.uint8))
    >>> batch = score_all(["good", "empty"], "truth", track="x4", samples=1, metrics=["ssim"])
    >>> len(batch.outcomes), [outcome.team.team for outcome in batch.faulty]
    (2, ['empty'])
    """

    outcomes: tuple[ScoreOutcome, ...]
    gt: Path | None
    track: str = ""
    samples: int | None = None

    @property
    def faulty(self) -> tuple[ScoreOutcome, ...]:
        """The outcomes without a result."""
        return tuple(outcome for outcome in self.outcomes if outcome.faults)

    def to_document(self) -> dict[str, object]:
        """The batch as ``srspace-eval score --json`` prints it.

        Returns
        -------
        dict[str, object]
            Values that JSON can hold. ``submissions``: one object for each submission, with ``submission``, ``team``,
            ``faults``, ``notices`` and ``result``, which is what the board holds, or None.
        """
        return {
            "submissions": [
                {
                    "submission": str(outcome.path),
                    "team": outcome.team.team,
                    "faults": list(outcome.faults),
                    "notices": list(outcome.notices),
                    "result": None if outcome.result is None else to_document(outcome.result),
                }
                for outcome in self.outcomes
            ]
        }


def score_all(
    submissions: Sequence[Path | str] | Path | str,
    gt: Path | str | None = None,
    *,
    teams: Sequence[Team] | Path | str | None = None,
    options: ScoreOptions | None = None,
    track: Track | Path | str | None = None,
    lr: Path | str | None = None,
    board: Path | str = "leaderboards",
    overwrite: bool = False,
    trust_board: bool = False,
    progress: Progress = no_progress,
    **settings: Unpack[ScoreSettings],
) -> ScoreBatch:
    """Score many submissions into one board: what ``srspace-eval score inbox/`` does, with the same files.

    A submission with faults is reported in its outcome, and the others are scored. The network is loaded once. The same
    call again resumes a stopped batch: finished results are kept, and not measured again.

    Parameters
    ----------
    submissions
        Folders and zips, patterns such as ``"inbox/*.zip"``, or folders that contain submissions.
    teams
        Teams or their CSV: names and kinds of the submissions
        (:func:`srspace_eval.submissions.batch.make_members`).
    gt, options, track, lr, board, overwrite, trust_board, progress, settings
        As :func:`srspace_eval.score` takes them. All submissions are advanced in one progress.

    Returns
    -------
    ScoreBatch
        One outcome for each submission, in order.

    Raises
    ------
    SubmissionError
        If there is no submission, two are of one team, or the GT or LR cannot be read.
    WeightsError
        If LPIPS is wanted and its weights are not there.
    TrackError
        If there is no such track.
    InputError
        If an option is unknown or out of range, a metric needs a GT that is not given, or leaderboards cannot show a
        team's name.

    Examples
    --------
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from srspace_eval import score_all, write_png
    >>> for name, value in (("gt", 100), ("inbox/teamA", 101), ("inbox/teamB", 104)):
    ...     Path(name).mkdir(parents=True)
    ...     file = "0801.png" if name == "gt" else "000000_sample00000.png"
    ...     write_png(Path(name, file), np.full((32, 32, 3), value, np.uint8))
    >>> batch = score_all(["inbox/teamA", "inbox/teamB"], "gt", track="x4", samples=1, metrics=["psnr"])
    >>> {outcome.team.team: round(outcome.result.summary["psnr"], 2) for outcome in batch.outcomes}
    {'teamA': 48.13, 'teamB': 36.09}
    """
    options = with_settings(options, settings)
    paths = [submissions] if isinstance(submissions, (Path, str)) else submissions
    members = make_members(paths, teams)
    if gt is not None:
        open_source(gt).names()
    if lr is not None:
        open_source(lr).names()
    known = load_track(track) if isinstance(track, (Path, str)) else track
    outcomes: list[ScoreOutcome] = []
    with (
        batch_progress(progress, "Scoring", [member.path for member in members]) as shares,
        open_executor(options.scheduler, workers=options.workers, device=options.device) as executor,
    ):
        for member, share in zip(members, shares, strict=True):
            result: Result | None = None
            faults: tuple[str, ...] = ()
            organiser = False
            if told := unusable_name(member.team.team):
                outcomes.append(
                    ScoreOutcome(member.path, member.team, None, (str(InputError(f"{told} with --teams")),), ())
                )
                share.finish()
                continue
            with warnings.catch_warnings(record=True) as heard:
                warnings.simplefilter("always", Notice)
                try:
                    result = score_on(
                        executor, member.path, gt, options=options, track=known, lr=lr, team=member.team.team,
                        kind=member.team.kind, board=board, overwrite=overwrite, trust=trust_board,
                        progress=share,
                    )  # fmt: skip
                except (ResultsError, MetricError) as error:
                    organiser, faults = True, (" ".join(str(error).split()),)
                except (SubmissionError, TrackError, ImageError) as error:
                    faults = faults_of(error)
            notices = tuple(dict.fromkeys(str(h.message) for h in heard if issubclass(h.category, Notice)))
            for other in (h for h in heard if not issubclass(h.category, Notice)):
                warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)
            outcomes.append(ScoreOutcome(member.path, member.team, result, faults, notices, organiser))
            share.finish()
    return ScoreBatch(
        tuple(outcomes), None if gt is None else Path(gt), "" if known is None else known.name, options.samples
    )
