"""From a submission to its result: pair, inspect, measure, record.

The module is long because much of it is documentation.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from srspace_eval._utils.machine_secret import machine_secret
from srspace_eval._utils.notices import notify
from srspace_eval._utils.progress import Progress, no_progress
from srspace_eval.errors import InputError
from srspace_eval.results.board_tracks import keep_track
from srspace_eval.results.record import ImageRecord, Kind, Result
from srspace_eval.results.seals import How, Seal, notify_without_seal, seal_result
from srspace_eval.results.store import require_own_file, result_digest, write_result
from srspace_eval.scoring.earlier import earlier_result, measured_from, notify_wrong_claim
from srspace_eval.scoring.executors.base import Executor
from srspace_eval.scoring.executors.opening import open_executor
from srspace_eval.scoring.journal import Journal, open_journal
from srspace_eval.scoring.options import ScoreOptions, ScoreSettings, with_settings
from srspace_eval.scoring.preparation import Run, prepare
from srspace_eval.scoring.shards import Shard, absent_shards, open_shards
from srspace_eval.scoring.summary import make_result
from srspace_eval.scoring.tasks import TaskSources
from srspace_eval.tracks.model import Track

if TYPE_CHECKING:
    if sys.version_info >= (3, 11):
        from typing import Unpack
    else:
        from typing_extensions import Unpack


def score(
    submission: Path | str,
    gt: Path | str | None = None,
    *,
    options: ScoreOptions | None = None,
    track: Track | Path | str | None = None,
    lr: Path | str | None = None,
    team: str | None = None,
    kind: Kind = "team",
    board: Path | str = "leaderboards",
    overwrite: bool = False,
    trust_board: bool = False,
    progress: Progress = no_progress,
    **settings: Unpack[ScoreSettings],
) -> Result:
    """Score a submission and write its result to a board: what ``srspace-eval score`` does, with the same files.

    A stopped run is resumed when the same call is made again. Its result has the same bytes as that of a run that was
    not stopped. If the track was read from a user's file, the file is copied to the board.

    Parameters
    ----------
    submission, gt, lr
        Folder or zip of the samples, of the GT, and of LR files if LR-PSNR is to be measured against them. Without a
        GT only metrics that need none can be measured. The LRs then name the images; without LRs the submission does,
        and missing images cannot be found.
    options
        How to measure.
    track
        A track, a built-in track's name, or a track file; None: the built-in track that fits the names and sizes.
    team
        The name in leaderboards; None: the submission's name, without ``.zip``.
    kind
        ``"team"``, or ``"baseline"``: shown in leaderboards, not ranked.
    board
        The folder of results.
    overwrite
        Replace an existing result. Delete an unfinished run whose settings differ.
    trust_board
        Take journals and results that other machines measured, such as the shards of a cluster of your own. Otherwise
        their images are measured anew, because anybody may have written their numbers.
    progress
        Context manager factory ``(description, total) -> advance(n)``.
    settings
        Fields of :class:`ScoreOptions` as keywords, such as ``metrics=["lpips"]``; they replace those of ``options``.

    Returns
    -------
    Result
        The result, as written to ``result_path(board, track.name, team)``.

    Raises
    ------
    SubmissionError
        All faults of the submission at once.
    WeightsError
        If LPIPS is wanted and its weights are not there.
    ResultsError
        If the board holds another result of this team and ``overwrite`` is False, a result whose team's name differs in
        case alone, or another process writes it.
    TrackError
        If there is no such track, or none is given and none or several fit.
    InputError
        If there is no GT and a metric needs one.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import srspace_eval as se
    >>> with tempfile.TemporaryDirectory() as name:
    ...     gt, submission = Path(name, "gt"), Path(name, "submission")
    ...     gt.mkdir(), submission.mkdir()
    ...     se.write_png(gt / "0801.png", np.zeros((32, 32, 3), np.uint8))
    ...     se.write_png(submission / "000000_sample00000.png", np.ones((32, 32, 3), np.uint8))
    ...     result = se.score(submission, gt, track="x4", samples=1, metrics=["psnr"], board=Path(name, "board"))
    (None, None)
    >>> round(result.summary["psnr"], 2)
    48.13
    """
    options = with_settings(options, settings)
    with open_executor(options.scheduler, workers=options.workers, device=options.device) as executor:
        return score_on(
            executor, submission, gt, options=options, track=track, lr=lr, team=team, kind=kind, board=board,
            overwrite=overwrite, trust=trust_board, progress=progress,
        )  # fmt: skip


def score_on(
    executor: Executor,
    submission: Path | str,
    gt: Path | str | None,
    *,
    options: ScoreOptions,
    track: Track | Path | str | None,
    lr: Path | str | None,
    team: str | None,
    kind: Kind,
    board: Path | str,
    overwrite: bool,
    trust: bool,
    progress: Progress,
) -> Result:
    """:func:`score` on an executor that is open already; several submissions may share it, one after the other."""
    if kind not in get_args(Kind):
        raise InputError(f"kind = {kind!r}: choose from {', '.join(get_args(Kind))}")
    run = prepare(submission, gt, options, track, lr, team, Path(board), None, executor, progress)
    checked, path = run.checked, run.path
    with (
        open_journal(path.with_suffix(".journal.jsonl"), run.signature, replace=overwrite, trust=trust) as journal,
        open_shards(path, run.signature, replace=overwrite, trust=trust) as shards,
    ):
        require_own_file(path, run.team)
        earlier = None if overwrite else earlier_result(path, run.team, run.signature, run.tasks, kind, trust=trust)
        result = earlier.result if earlier is not None and earlier.taken else None
        measured = result is None
        if result is None:
            absent = absent_shards(list(shards))
            if absent:
                names = ", ".join(absent)
                notify(f"{path.parent}: there is no journal of shard {names}; its images are measured in this run")
            records = _measure(run, executor, journal, [*shards.values(), journal], progress)
            result = make_result(checked, run.team, kind, run.signature, records)
            if earlier is not None:
                notify_wrong_claim(path, earlier.result, result)
            write_result(path, result)
            how: How = "trusted" if any(done.trusted for done in (journal, *shards.values())) else "measured"
            _seal(result_digest(result), how, result)
        elif earlier is not None and not earlier.ours:
            _seal(earlier.digest, "trusted", result)
        for done in (journal, *shards.values()):
            done.discard()
    if measured:
        for note in result.notes:
            if note not in checked.inspection.notes:  # those were reported before the measuring
                notify(note)
    if checked.track.file is not None:
        keep_track(Path(board), checked.track.file)
    return result


def score_shard(
    submission: Path | str,
    gt: Path | str | None,
    shard: Shard,
    *,
    options: ScoreOptions | None = None,
    track: Track | Path | str | None = None,
    lr: Path | str | None = None,
    team: str | None = None,
    board: Path | str = "leaderboards",
    overwrite: bool = False,
    trust_board: bool = False,
    progress: Progress = no_progress,
    **settings: Unpack[ScoreSettings],
) -> ShardRun:
    """Measure one shard of a submission's images into its own journal. :func:`score` makes the result of all shards.

    All parameters but ``shard`` and ``overwrite`` must be the same for all shards. Only the shard's own samples are
    inspected. Faults of other samples are found by their shards.

    Parameters
    ----------
    submission, gt
        As for :func:`score`.
    shard
        Which share of the images to measure: index and number of shards.
    options, track, lr, team, board, trust_board, progress, settings
        As for :func:`score`.
    overwrite
        Measure even if the board has a result of this team; drop this shard's unfinished run if its signature differs.

    Returns
    -------
    ShardRun
        Team, track, shard, its journal and the names of its images.

    Raises
    ------
    SrspaceEvalError
        As for :func:`score`.

    Examples
    --------
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from srspace_eval import Shard, score_shard, write_png
    >>> for name in ("gt", "team"):
    ...     Path(name).mkdir()
    >>> for index in range(2):
    ...     write_png(f"gt/080{index + 1}.png", np.zeros((32, 32, 3), np.uint8))
    ...     write_png(f"team/00000{index}_sample00000.png", np.ones((32, 32, 3), np.uint8))
    >>> settings = {"track": "x4", "samples": 1, "metrics": ["psnr"]}
    >>> [score_shard("team", "gt", Shard(number, 2), **settings).images for number in (1, 2)]
    [('0801',), ('0802',)]
    """
    options = with_settings(options, settings)
    with open_executor(options.scheduler, workers=options.workers, device=options.device) as executor:
        run = prepare(submission, gt, options, track, lr, team, Path(board), shard, executor, progress)
        images = tuple(task.image for task in run.tasks)
        path = shard.journal(run.path)
        earlier = None if overwrite else earlier_result(run.path, run.team, run.signature, run.tasks, trust=trust_board)
        if earlier is None or not earlier.taken:
            with open_journal(path, run.signature, replace=overwrite, trust=trust_board) as journal:
                _measure(run, executor, journal, [journal], progress)
    return ShardRun(run.team, run.checked.track.name, shard, path, images)


@dataclass(frozen=True)
class ShardRun:
    """What :func:`score_shard` measured.

    Attributes
    ----------
    team
        The team's name.
    track
        The track's name.
    shard
        Which share of the images.
    journal
        The file with the share's numbers.
    images
        Names of the share's images.

    Examples
    --------
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from srspace_eval import Shard, score_shard, write_png
    >>> for name in ("hr", "entry"):
    ...     Path(name).mkdir()
    >>> write_png("hr/0801.png", np.zeros((32, 32, 3), np.uint8))
    >>> write_png("entry/000000_sample00000.png", np.ones((32, 32, 3), np.uint8))
    >>> run = score_shard("entry", "hr", Shard(1, 1), track="x4", samples=1, metrics=["psnr"])
    >>> run.team, run.track, run.images
    ('entry', 'x4', ('0801',))
    """

    team: str
    track: str
    shard: Shard
    journal: Path
    images: tuple[str, ...]


def _seal(digest: str, how: How, result: Result) -> None:
    try:
        seal_result(digest, Seal(how, len(result.images), len(result.images)))
    except OSError as error:
        with suppress(OSError):  # without the machine's secret, the journal has told it
            machine_secret()
            notify_without_seal(error)


def _measure(
    run: Run, executor: Executor, journal: Journal, before: Iterable[Journal], progress: Progress
) -> list[ImageRecord]:
    """The records of a run's tasks: those of earlier journals, and the others, which are measured into ``journal``."""
    records: dict[str, ImageRecord] = {}
    for earlier in before:
        old = {t.image: r for t in run.tasks if (r := earlier.records.get(t.image)) and measured_from(r, t)}
        if old:
            notify(f"{earlier.path}: {len(old)} images were measured before")
        records |= old
    todo = [t for t in run.tasks if t.image not in records]
    sources = TaskSources(run.checked.submission, run.checked.gt, run.checked.lr)
    with progress("Scoring", sum(len(t.samples) for t in todo)) as advance:
        for record in executor.measure(todo, sources, run.config, advance=advance):
            journal.append(record)
            records[record.image] = record
    return [records[t.image] for t in run.tasks]
