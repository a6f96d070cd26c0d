"""What a batch found, as one Markdown text for each team, to be mailed back. Imports no torch.

All names and faults in it are text of strangers. Folders of the organiser's machine are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from srspace_eval._utils.documentation import install_lines
from srspace_eval._utils.files import given_name, write_atomic
from srspace_eval._utils.unique_names import file_key
from srspace_eval._utils.untrusted_text import spelled, team_slug
from srspace_eval.errors import ResultsError
from srspace_eval.metrics.registry import columns, measures_of, own_values
from srspace_eval.report.escaping import escape_markdown, markdown_code
from srspace_eval.results.record import Result
from srspace_eval.submissions.check import SubmissionCheck
from srspace_eval.tracks.reader import builtin_names, load_track
from srspace_eval.tracks.teams import Team

_LISTED = 100
_FILE = re.compile(r"([^\s,;:()'\"`]+\.(?:png|zip|txt|md|json|toml|jpe?g)(?![\w.]))", re.IGNORECASE)


class Outcome(Protocol):
    """What became of one submission: of :func:`srspace_eval.check_all` or :func:`srspace_eval.score_all`."""

    @property
    def path(self) -> Path:
        """The submission."""

    @property
    def team(self) -> Team:
        """Its team."""

    @property
    def check(self) -> SubmissionCheck | None:
        """Its check; None if there is none."""

    @property
    def result(self) -> Result | None:
        """Its result; None if it was not measured."""

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong with it."""

    @property
    def organiser(self) -> bool:
        """Whether the faults are of the organiser's board or of a metric."""

    @property
    def notices(self) -> tuple[str, ...]:
        """What does not prevent scoring."""


class Batch(Protocol):
    """What became of many submissions."""

    @property
    def outcomes(self) -> Sequence[Outcome]:
        """One for each submission."""

    @property
    def gt(self) -> Path | None:
        """The GT, whose folder no letter names."""

    @property
    def track(self) -> str:
        """The name of the track that was given; empty: none was."""

    @property
    def samples(self) -> int | None:
        """The number of samples for each image, if it was given."""


def render_letter(outcome: Outcome, batch: Batch) -> str:
    """What a team should know of its submission, as Markdown.

    Parameters
    ----------
    batch
        The batch of the outcome. Faults name files of its GT, and the letter leaves the GT's folder out.
    """
    return "\n".join(_lines(outcome, batch)) + "\n"


def check_command(track: str, samples: int | None) -> str:
    """The command by which a team checks its submission.

    Parameters
    ----------
    track
        The track's name; ``TRACK.toml`` stands for a track that is not built in. Empty: the command finds the track.
    samples
        The number of samples for each image; None: the track's.

    >>> check_command("x4", 10)
    'srspace-eval check SUBMISSION.zip --track x4 --lr LR'
    >>> check_command("our challenge", 3)
    'srspace-eval check SUBMISSION.zip --track TRACK.toml --lr LR --samples 3'
    """
    known = load_track(track) if track in builtin_names() else None
    option = f" --track {track if known is not None else 'TRACK.toml'}" if track else ""
    number = "" if samples is None or (known is not None and known.samples == samples) else f" --samples {samples}"
    return f"srspace-eval check SUBMISSION.zip{option} --lr LR{number}"


def write_letters(batch: Batch, folder: Path | str) -> list[Path]:
    """Write a Markdown file for each team of a batch. An earlier report of the same team is replaced.

    Parameters
    ----------
    batch
        What :func:`check_all` or :func:`score_all` returned.
    folder
        The folder for the files; it is created.

    Returns
    -------
    list[Path]
        The files, in the order of the submissions.

    Raises
    ------
    ResultsError
        If the folder cannot be written, or a file of another origin would be replaced. Then nothing is written.

    Examples
    --------
    >>> from pathlib import Path
    >>> from srspace_eval import check_all, write_letters
    >>> Path("teamA").mkdir()
    >>> (letter,) = write_letters(check_all("teamA", track="x4"), "letters")
    >>> letter.as_posix(), letter.read_text(encoding="utf-8").splitlines()[0]
    ('letters/teamA.md', '# Submission of teamA')
    """
    folder = Path(folder)
    written = [folder / f"{team_slug(outcome.team.team)}.md" for outcome in batch.outcomes]
    try:
        foreign = [
            str(path)
            for path, outcome in zip(written, batch.outcomes, strict=True)
            if path.exists() and not _is_letter(path, outcome.team.team)
        ]
        if foreign:
            raise ResultsError(
                f"{folder}: files that are no earlier reports of these teams would be replaced; choose another "
                "--reports",
                foreign,
            )
        sharing: dict[str, list[str]] = {}
        for path, outcome in zip(written, batch.outcomes, strict=True):
            sharing.setdefault(file_key(path.name), []).append(spelled(outcome.team.team))
        if shared := [f"{file}: {' and '.join(teams)}" for file, teams in sharing.items() if len(teams) > 1]:
            raise ResultsError(f"{folder}: several teams would have one report; give them other names", shared)
        folder.mkdir(parents=True, exist_ok=True)
        for path, outcome in zip(written, batch.outcomes, strict=True):
            write_atomic(path, render_letter(outcome, batch))
    except OSError as error:
        raise ResultsError(f"{folder}: the reports cannot be written ({error}); choose another --reports") from error
    return written


def _is_letter(path: Path, team: str) -> bool:
    """Whether a file begins as a report of this team does."""
    if not path.is_file():
        return False
    first = f"{_title(team)}\n".encode()
    with path.open("rb") as file:
        return file.read(len(first)) == first


def _title(team: str) -> str:
    return f"# Submission of {escape_markdown(team)}"


def verdict(outcome: Outcome) -> str:
    """One phrase: what became of a submission."""
    if outcome.faults:
        return "1 fault" if len(outcome.faults) == 1 else f"{len(outcome.faults)} faults"
    if outcome.result is not None:
        return "scored, incomplete" if outcome.result.incomplete else "scored"
    return "no faults"


def contents(outcome: Outcome) -> tuple[int, int] | None:
    """The number of images and of samples that were found; None if the submission could not be paired."""
    if outcome.result is not None:
        return len(outcome.result.images), sum(len(image.samples) for image in outcome.result.images)
    if outcome.check is not None:
        return len(outcome.check.pairing.pairs), outcome.check.samples
    return None


def _lines(outcome: Outcome, batch: Batch) -> Iterator[str]:
    gt = batch.gt
    name, result = markdown_code(given_name(outcome.path)), outcome.result
    yield _title(outcome.team.team)
    yield ""
    found = contents(outcome)
    if outcome.organiser:
        yield f"File: {name}. The submission was not scored."
        yield "The submission is not at fault. The organiser has to correct the error. You do not need to do anything."
        return
    inside = "" if found is None else f" It contains {found[1]} samples of {found[0]} images."
    track = result.track if result is not None else outcome.check.track.name if outcome.check is not None else ""
    of_track = f" of track {escape_markdown(track)}" if track else ""
    yield f"File: {name}.{inside} Verdict{of_track}: **{verdict(outcome)}**."
    if outcome.faults:
        yield ""
        yield "## Faults"
        yield ""
        yield from (f"- {_with_names(_without_folders(fault, outcome, gt))}" for fault in outcome.faults[:_LISTED])
        if len(outcome.faults) > _LISTED:
            yield f"- and {len(outcome.faults) - _LISTED} more"
        yield ""
        yield "Please correct the faults and send the submission again. `srspace-eval check` finds missing files, wrong"
        command = check_command(track or batch.track or _track_of_others(batch), batch.samples)
        of_file = ", and TRACK.toml the track file of the challenge" if "TRACK.toml" in command else ""
        yield f"names and wrong sizes before you send it. LR is the folder of the LR images{of_file}:"
        yield ""
        yield from (f"    {line}" for line in install_lines())
        yield f"    {command}"
    if result is not None:
        yield ""
        yield "## Values"
        yield ""
        yield "| metric | value | unit | better |"
        yield "|:--|--:|:--|:--|"
        own = own_values(result.summary, result.signature.settings)
        for metric, info in columns(measures_of(result.signature.settings)).items():
            if metric in own:
                cells = (info.label, info.format(result.summary[metric]), info.unit, info.direction)
                yield f"| {' | '.join(escape_markdown(cell) for cell in cells)} |"
        yield ""
        yield f"Signature: `{result.signature.id}`"
    if outcome.notices:
        yield ""
        yield "## Notices"
        yield ""
        yield from (f"- {_with_names(_without_folders(n, outcome, gt))}" for n in outcome.notices[:_LISTED])


def _track_of_others(batch: Batch) -> str:
    """The track of a batch whose track was found by names and sizes; empty if it is not the same for all."""
    measured = {one.result.track for one in batch.outcomes if one.result is not None}
    found = measured | {one.check.track.name for one in batch.outcomes if one.check is not None}
    return found.pop() if len(found) == 1 else ""


def _with_names(text: str) -> str:
    """Markdown of a message, with the names of files in it as code."""
    parts = _FILE.split(text)
    return "".join(markdown_code(part) if number % 2 else escape_markdown(part) for number, part in enumerate(parts))


def _without_folders(text: str, outcome: Outcome, gt: Path | None) -> str:
    for path, short in ((outcome.path, outcome.path.name), (gt, "GT")):
        if path is None:
            continue
        for full in (str(path.resolve()), str(path)):
            parts = re.split(rf"(?<![\w/.]){re.escape(full)}(?=[/\\:,;]|\s|$)", text)
            text = short.join(parts)
    return text
