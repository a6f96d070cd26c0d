"""Many submissions at once: the members of an inbox, their teams, and the check of all of them.

The module is long because much of it is documentation.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from srspace_eval._utils.files import given_name
from srspace_eval._utils.folder_walk import files_below
from srspace_eval._utils.notices import notify
from srspace_eval._utils.progress import Progress, no_progress
from srspace_eval._utils.untrusted_text import name_key, visible
from srspace_eval.errors import ImageError, ProblemsError, SrspaceEvalError, SubmissionError, TrackError
from srspace_eval.submissions.batch_progress import batch_progress
from srspace_eval.submissions.check import SubmissionCheck, check
from srspace_eval.submissions.folder_search import MAX_ENTRIES, has_png
from srspace_eval.submissions.sources import open_source
from srspace_eval.tracks.model import Track
from srspace_eval.tracks.reader import load_track
from srspace_eval.tracks.teams import Team, read_teams

_SCALE_NAME = re.compile(r"(?i)(?:^|[^a-z0-9])(?:x[2-9]|[2-9]x|x16|16x)(?:$|[^a-z0-9])")


@dataclass(frozen=True)
class BatchMember:
    """One submission of a batch: its folder or zip, and its team as the organiser's table or its name says."""

    path: Path
    team: Team


@dataclass(frozen=True)
class CheckOutcome:
    """The check of one submission of a batch.

    Attributes
    ----------
    path, team
        The submission and its team.
    check
        The check; None if the submission could not be opened or paired.
    faults, notices
        What is wrong, and what does not prevent scoring; one line each.

    Examples
    --------
    >>> from pathlib import Path
    >>> from srspace_eval import check_all
    >>> Path("empty").mkdir()
    >>> (outcome,) = check_all("empty", track="x4").outcomes
    >>> outcome.team.team, outcome.check, len(outcome.faults)
    ('empty', None, 1)
    """

    path: Path
    team: Team
    check: SubmissionCheck | None
    faults: tuple[str, ...]
    notices: tuple[str, ...]

    @property
    def organiser(self) -> bool:
        """A check reads no board."""
        return False

    @property
    def result(self) -> None:
        """A check measures nothing."""
        return None

    def to_document(self) -> dict[str, object]:
        """The outcome as ``srspace-eval check --json`` prints it.

        Returns
        -------
        dict[str, object]
            Values that JSON can hold. ``submission``, ``team``, ``track``, ``names`` (the template of the file names),
            ``images``, ``samples``, ``faults``, ``notices``. ``track`` and ``names`` are None if the submission could
            not be opened.
        """
        known = {} if self.check is None else self.check.to_document()
        return {
            "submission": str(self.path), "team": self.team.team, "track": None, "names": None, "images": 0,
            "samples": 0, **known, "faults": list(self.faults), "notices": list(self.notices),
        }  # fmt: skip


@dataclass(frozen=True)
class CheckBatch:
    """The checks of many submissions, in their order.

    Attributes
    ----------
    outcomes
        One outcome for each submission.
    gt
        The GT that they were compared with; None if there is none.
    track
        The name of the track that was given; empty if none was given.
    samples
        The number of samples for each image, if it was given in place of the track's.

    Examples
    --------
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from srspace_eval import check_all, write_png
    >>> Path("team").mkdir()
    >>> write_png("team/000000_sample00000.png", np.zeros((32, 32, 3), np.uint8))
    >>> batch = check_all("team", track="x4", samples=1)
    >>> len(batch.outcomes), batch.faulty
    (1, ())
    """

    outcomes: tuple[CheckOutcome, ...]
    gt: Path | None
    track: str = ""
    samples: int | None = None

    @property
    def faulty(self) -> tuple[CheckOutcome, ...]:
        """The outcomes with faults."""
        return tuple(outcome for outcome in self.outcomes if outcome.faults)

    def to_document(self) -> dict[str, object]:
        """The batch as ``srspace-eval check --json`` prints it.

        Returns
        -------
        dict[str, object]
            Values that JSON can hold. ``submissions``: one object for each submission, as
            :meth:`CheckOutcome.to_document` gives it.
        """
        return {"submissions": [outcome.to_document() for outcome in self.outcomes]}


def is_inbox(path: Path | str) -> bool:
    """Whether a folder contains submissions, rather than being one.

    An inbox has no PNG directly in it, and at least one zip or at least two folders of PNGs. Folders are parts of one
    submission if two are named after scales, such as ``x4`` and ``x8``, or if all names differ in a scale alone.
    """
    path = Path(path)
    if not path.is_dir():
        return False
    zips, folders = _members(path)
    if has_png(path):
        return False
    return bool(zips) or (len(folders) > 1 and not _are_scales([folder.name for folder in folders]))


def _are_scales(names: Sequence[str]) -> bool:
    """Whether folders are the scales of one submission. A single name such as ``SwinIR_x4`` may be that of a method."""
    without = [_SCALE_NAME.sub("", name.casefold(), count=1) for name in names]
    return without.count("") > 1 or (len(set(without)) == 1 and all(_SCALE_NAME.search(name) for name in names))


def is_batch(submissions: Sequence[Path | str]) -> bool:
    """Whether the paths name many submissions: several paths, a pattern, or an inbox."""
    return len(submissions) != 1 or is_inbox(submissions[0]) or is_pattern(submissions[0])


def is_one_folder(submissions: Sequence[Path | str]) -> bool:
    """Whether the paths are a single folder without zips, which may be an inbox or one submission."""
    return len(submissions) == 1 and Path(submissions[0]).is_dir() and not _members(Path(submissions[0]))[0]


def lone_folder(submission: Path | str) -> str:
    """The name of a submission's only folder with PNGs. This folder may be the only submission of an inbox.

    It is empty if a PNG is elsewhere, if there are zips, or if the name has a scale, such as ``x4``.
    """
    path = Path(submission)
    if not path.is_dir() or has_png(path):
        return ""
    zips, folders = _members(path)
    return folders[0].name if not zips and len(folders) == 1 and not _SCALE_NAME.search(folders[0].name) else ""


def find_submissions(submissions: Sequence[Path | str]) -> list[Path]:
    """The submissions that paths name: folders and zips, patterns such as ``inbox/*.zip``, and the members of an inbox.

    A folder is an inbox only if it is the single path. If there are several paths, each is one submission. So is each
    file that a pattern names. Otherwise a participant could hand in folders with the names of other teams.

    Returns
    -------
    list[Path]
        Each submission once, in the order of the paths; members of an inbox and of a pattern are sorted by name.

    Raises
    ------
    SubmissionError
        If there is none.

    Examples
    --------
    >>> import tempfile, zipfile
    >>> with tempfile.TemporaryDirectory() as inbox:
    ...     for name in ("b.zip", "a.zip"):
    ...         zipfile.ZipFile(Path(inbox, name), "w").close()
    ...     [path.name for path in find_submissions([inbox])]
    ['a.zip', 'b.zip']
    """
    found: list[Path] = []
    for submission in submissions:
        path = Path(submission)
        if is_pattern(path):
            # As in a shell, a pattern names hidden files only if it begins with a dot.
            matching = path.parent.glob(path.name)
            found += sorted(p for p in matching if path.name.startswith(".") or not p.name.startswith("."))
        elif len(submissions) == 1 and is_inbox(path):
            zips, folders = _members(path)
            found += sorted([*zips, *folders])
        else:
            found.append(path)
    if not found:
        raise SubmissionError(
            f"{', '.join(map(str, submissions)) or 'no path'}: there is no submission; give folders or zips of PNGs, "
            "or a folder that contains them"
        )
    return list(dict.fromkeys(found))


def make_members(
    submissions: Sequence[Path | str], teams: Sequence[Team] | Path | str | None = None
) -> list[BatchMember]:
    """The submissions with their teams.

    Parameters
    ----------
    submissions
        As :func:`find_submissions` takes them.
    teams
        Teams, or their CSV (:func:`srspace_eval.tracks.teams.read_teams`). A submission belongs to the team whose
        ``file`` is its name, with or without ``.zip``. A submission that no team names gets its own name.

    Raises
    ------
    SubmissionError
        If there is no submission, two are of one team, or the table has faults.

    Warns
    -----
    Notice
        About submissions that the table lacks, files of the table that are not there, and a folder of folders, which
        is taken as an inbox.
    """
    paths = find_submissions(submissions)
    if is_one_folder(submissions) and len(paths) > 1:
        names = _listed([path.name for path in paths])
        notify(
            f"{submissions[0]}: is taken as {len(paths)} submissions: {names}. If it is the submission of one team, "
            "give `score` its name with --team, and the other commands the folder of its samples"
        )
    if teams is None:
        known: list[Team] = []
    else:
        known = read_teams(teams) if isinstance(teams, (Path, str)) else list(teams)
    by_file = {team.file.casefold().removesuffix(".zip"): team for team in known if team.file}
    members, strangers = [], []
    for path in paths:
        name = given_name(path)
        plain = name[:-4] if name.lower().endswith(".zip") else name
        team = by_file.get(plain.casefold())
        if team is None and known:
            strangers.append(name)
        members.append(BatchMember(path, team or Team(plain or name)))
    _require_distinct(members)
    if strangers:
        notify(f"the table of teams lacks {_listed(strangers)}; the name of the file is the name of the team")
    there = {member.team.file for member in members}
    if absent := [team.file for team in known if team.file and team.file not in there]:
        notify(f"the table of teams names {_listed(absent)}, but no such submission was given")
    return members


def check_all(
    submissions: Sequence[Path | str] | Path | str,
    gt: Path | str | None = None,
    *,
    teams: Sequence[Team] | Path | str | None = None,
    track: Track | Path | str | None = None,
    lr: Path | str | None = None,
    samples: int | None = None,
    strict: bool = False,
    workers: int | None = None,
    progress: Progress = no_progress,
) -> CheckBatch:
    """Check many submissions. One that cannot be used does not stop the others.

    Parameters
    ----------
    submissions
        Folders and zips, patterns such as ``"inbox/*.zip"``, or one folder that contains submissions.
    gt, track, lr, samples, strict, workers, progress
        As :func:`srspace_eval.check` takes them. All submissions are advanced in one progress.
    teams
        Teams or their CSV, for the names (:func:`make_members`).

    Returns
    -------
    CheckBatch
        One outcome for each submission, in order.

    Raises
    ------
    SubmissionError
        If there is no submission, two are of one team, or the GT or LR cannot be read.
    TrackError
        If there is no such track.
    InputError
        If a GT is given although the track has none, or ``samples`` is out of range.

    Examples
    --------
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from srspace_eval import check_all, write_png
    >>> for name in ("gt", "inbox/teamA", "inbox/teamB"):
    ...     Path(name).mkdir(parents=True)
    >>> write_png("gt/0801.png", np.zeros((32, 32, 3), np.uint8))
    >>> write_png("inbox/teamA/000000_sample00000.png", np.zeros((32, 32, 3), np.uint8))
    >>> write_png("inbox/teamB/000000_sample00000.png", np.zeros((16, 16, 3), np.uint8))
    >>> batch = check_all(["inbox/teamA", "inbox/teamB"], "gt", track="x4", samples=1)
    >>> [(outcome.team.team, len(outcome.faults)) for outcome in batch.outcomes]
    [('teamA', 0), ('teamB', 1)]
    """
    paths = [submissions] if isinstance(submissions, (Path, str)) else submissions
    members = make_members(paths, teams)
    if gt is not None:
        open_source(gt).names()
    if lr is not None:
        open_source(lr).names()
    known = load_track(track) if isinstance(track, (Path, str)) else track
    outcomes = []
    with batch_progress(progress, "Checking", [member.path for member in members]) as shares:
        for member, share in zip(members, shares, strict=True):
            try:
                found = check(
                    member.path, gt, track=known, lr=lr, samples=samples, strict=strict, workers=workers,
                    progress=share,
                )  # fmt: skip
                outcomes.append(CheckOutcome(member.path, member.team, found, found.faults, found.notices))
            except (SubmissionError, TrackError, ImageError) as error:
                outcomes.append(CheckOutcome(member.path, member.team, None, faults_of(error), ()))
            share.finish()
    return CheckBatch(tuple(outcomes), None if gt is None else Path(gt), "" if known is None else known.name, samples)


def faults_of(error: SrspaceEvalError) -> tuple[str, ...]:
    """The problems that an error lists, or its message as the only one."""
    return (isinstance(error, ProblemsError) and error.problems) or (str(error),)


def is_pattern(path: Path | str) -> bool:
    """Whether a text is a pattern such as ``inbox/*.zip``."""
    # A shell replaces patterns by names, but that of Windows does not.
    return glob.has_magic(Path(path).name) and not Path(path).exists()


def _members(folder: Path) -> tuple[list[Path], list[Path]]:
    """The zips in a folder, and the folders in it that contain a PNG."""
    zips, folders = [], []
    try:
        for count, path in enumerate(folder.iterdir()):
            if count > MAX_ENTRIES:
                raise SubmissionError(f"{folder}: contains more than {MAX_ENTRIES} files")
            if path.name.startswith((".", "__MACOSX")):
                continue
            if path.suffix.lower() == ".zip" and path.is_file():
                zips.append(path)
            elif path.is_dir() and _may_hold_png(path):
                folders.append(path)
    except OSError as error:
        raise SubmissionError(f"{folder}: cannot be listed ({error.strerror or error})") from error
    return zips, folders


def _may_hold_png(folder: Path) -> bool:
    """Whether a PNG is in a folder, however deep. True if the folder cannot be searched: its check says why."""
    try:
        return any(path.suffix.lower() == ".png" for path in files_below(folder))
    except OSError:
        return True


def _require_distinct(members: Sequence[BatchMember]) -> None:
    seen: dict[str, BatchMember] = {}
    problems = []
    for member in members:
        key = name_key(member.team.team)
        other = seen.setdefault(key, member)
        if other is not member:
            problems.append(f"{member.path} and {other.path}: both are of {visible(member.team.team)!r}")
    if problems:
        raise SubmissionError(
            "two submissions are of one team; remove one, or name them in a table of teams (--teams)", problems
        )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(map(visible, names[:5]))
    return shown + (f" and {len(names) - 5} more" if len(names) > 5 else "")
