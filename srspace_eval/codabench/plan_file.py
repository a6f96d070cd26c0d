"""The options file of a competition: every option of a bundle in TOML, and a commented one to begin with.

Paths in the file are relative to the file's folder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from srspace_eval._utils import documents, toml
from srspace_eval._utils.files import read_bounded, write_atomic
from srspace_eval.codabench.phase import CompetitionPhase, parse_date
from srspace_eval.codabench.plan import QUESTIONS, CompetitionPlan, Net, Page, Question, SubmissionRule
from srspace_eval.errors import InputError, ResultsError
from srspace_eval.tracks.reader import load_track

_MAX_FILE_BYTES = 1 << 20
_MAX_PAGE_BYTES = 1 << 20

Words = Annotated[str, Meta(max_length=100_000, pattern=documents.NO_NUL)]
Name = Annotated[str, Meta(min_length=1, max_length=1000, pattern=documents.NO_NUL)]
Count = Annotated[int, Meta(ge=1, le=1_000_000)]
Seconds = Annotated[int, Meta(ge=60, le=10_000_000)]


class PhaseTable(Struct, frozen=True, forbid_unknown_fields=True):
    """One ``[[phases]]``: dates are texts, in UTC."""

    name: Name
    gt: Name
    start: Name
    end: str = ""
    description: Words = ""
    hide_output: bool = False
    submissions_per_day: Count = 5
    submissions: Count = 100
    seconds: Seconds | None = None


class PageTable(Struct, frozen=True, forbid_unknown_fields=True):
    """One ``[[pages]]``: a title, and a file of Markdown."""

    title: Name
    file: Name


class QuestionTable(Struct, frozen=True, forbid_unknown_fields=True):
    """One ``[[fact_sheet]]``: a question that participants answer with each submission."""

    key: Annotated[str, Meta(pattern="^[A-Za-z0-9_]{1,36}$(?!\\n)", description="1 to 36 letters, digits and _")]
    title: Name
    required: bool = False
    shown: bool = True


class PlanTable(Struct, frozen=True, forbid_unknown_fields=True):
    """An options file. ``track``, ``image`` and ``phases`` are needed, here or on the command line."""

    track: str = ""
    image: str = ""
    phases: tuple[PhaseTable, ...] = ()
    title: Words = ""
    description: Words = ""
    organisers: Words = ""
    contact: str = ""
    reward: str = ""
    logo: str = ""
    terms: str = ""
    pages: tuple[PageTable, ...] = ()
    fact_sheet: tuple[QuestionTable, ...] | None = None
    metrics: tuple[str, ...] = ()
    primary: str = ""
    samples: Annotated[int, Meta(ge=1, le=10_000)] | None = None
    lpips_net: Net = "alex"
    submission_rule: SubmissionRule = "Force_Last"
    queue: str = ""
    seconds: Seconds = 600
    auto_approve: bool = False
    forum: bool = True
    public_submissions: bool = False
    starting_kit: bool = False

    def changed(self, changes: Mapping[str, Any], *, hidden: Sequence[str] = ()) -> PlanTable:
        """The options with some replaced, and with phases that hide their output.

        Raises
        ------
        InputError
            If there is no phase of a name in ``hidden``.
        """
        table = msgspec.structs.replace(self, **changes)
        if unknown := sorted(set(hidden) - {phase.name for phase in table.phases}):
            raise InputError(f"--hide-output {', '.join(unknown)}: there is no such phase")
        replace = msgspec.structs.replace
        phases = (replace(phase, hide_output=phase.hide_output or phase.name in hidden) for phase in table.phases)
        return replace(table, phases=tuple(phases))


def parse_phase(text: str) -> PhaseTable:
    """A phase from ``NAME=GT,START[,END]``, as the command line gives it.

    Raises
    ------
    InputError
        If the text has another form.
    """
    phase = CompetitionPhase.parse(text)
    end = "" if phase.end is None else str(phase.end)
    return PhaseTable(name=phase.name, gt=phase.gt, start=str(phase.start), end=end)


def read_options(path: Path | str) -> PlanTable:
    """An options file, with its paths made relative to the working folder.

    Raises
    ------
    InputError
        If it cannot be read, or a key or value is wrong. The message names the file and the key.
    """
    path = Path(path)
    try:
        text = read_bounded(path, _MAX_FILE_BYTES).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: the options file cannot be read ({error})") from error
    try:
        data = toml.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not valid TOML ({error})") from error
    try:
        table = documents.convert(data, PlanTable)
    except documents.DocumentError as error:
        raise InputError(f"{path}: {error}") from error
    folder = path.parent

    def beside(name: str) -> str:
        return str(folder / name) if name else ""

    return msgspec.structs.replace(
        table,
        track=beside(table.track) if table.track.endswith(".toml") else table.track,
        logo=beside(table.logo),
        terms=beside(table.terms),
        pages=tuple(msgspec.structs.replace(page, file=beside(page.file)) for page in table.pages),
        phases=tuple(
            msgspec.structs.replace(phase, gt=beside(phase.gt)) if _is_path(phase) else phase for phase in table.phases
        ),
    )


def make_plan(options: PlanTable, *, where: str = "options") -> CompetitionPlan:
    """The competition that options describe.

    Raises
    ------
    InputError, TrackError
        If an option is missing or wrong, or a file that it names cannot be read.
    """
    missing = [key for key in ("track", "image", "phases") if not getattr(options, key)]
    if missing:
        raise InputError(f"{where}: {', '.join(missing)}: missing; write it into the file or give the option")
    questions = QUESTIONS
    if options.fact_sheet is not None:
        questions = tuple(Question(q.key, q.title, q.required, q.shown) for q in options.fact_sheet)
    return CompetitionPlan(
        track=load_track(options.track),
        phases=tuple(_phase(phase, options.seconds) for phase in options.phases),
        image=options.image,
        title=options.title,
        description=options.description,
        organisers=options.organisers,
        contact=options.contact,
        reward=options.reward,
        logo=Path(options.logo) if options.logo else None,
        terms=_markdown(options.terms, "terms") if options.terms else "",
        pages=tuple(Page(page.title, _markdown(page.file, f"page {page.title!r}")) for page in options.pages),
        questions=questions,
        metrics=options.metrics,
        primary=options.primary,
        samples=options.samples,
        net=options.lpips_net,
        submission_rule=options.submission_rule,
        queue=options.queue,
        auto_approve=options.auto_approve,
        forum=options.forum,
        public_submissions=options.public_submissions,
        starting_kit=options.starting_kit,
    )


def load_competition(path: Path | str) -> CompetitionPlan:
    """The competition of an options file, as ``srspace-eval codabench --options FILE`` reads it.

    Parameters
    ----------
    path
        A TOML file, such as :func:`write_competition_template` writes.

    Returns
    -------
    CompetitionPlan
        The competition. Paths in the file are relative to it.

    Raises
    ------
    InputError, TrackError
        If the file or an option is wrong, or a file that it names cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "competition.toml")
    ...     _ = path.write_text('''track = "x4"
    ... image = "user/srspace-eval:1"
    ... [[phases]]
    ... name = "Test"
    ... gt = "/app/data/GT_test"
    ... start = "2026-03-10"
    ... ''')
    ...     load_competition(path).phases[0].name
    'Test'
    """
    return make_plan(read_options(path), where=str(path))


def write_competition_template(path: Path | str) -> None:
    """Write an options file with comments, as ``srspace-eval codabench new`` does.

    Parameters
    ----------
    path
        The file to write. Its name must end in ``.toml``.

    Raises
    ------
    InputError
        If the name does not end in ``.toml``.
    ResultsError
        If there is a file already, or it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_competition_template(Path(folder, "competition.toml"))
    ...     read_options(Path(folder, "competition.toml")).track
    'x4'
    """
    path = Path(path)
    if path.suffix != ".toml":
        raise InputError(f"{path}: the name of an options file must end in .toml")
    if path.exists():
        raise ResultsError(f"{path}: there is a file already; name another one")
    template = files("srspace_eval.codabench").joinpath("templates/competition.toml.txt")
    try:
        write_atomic(path, template.read_text(encoding="utf-8"))
    except OSError as error:
        raise ResultsError(f"{path}: cannot be written ({error.strerror or error})") from error


def _phase(table: PhaseTable, seconds: int) -> CompetitionPhase:
    where = f"phase {table.name!r}"
    return CompetitionPhase(
        name=table.name.strip(),
        gt=table.gt,
        start=parse_date(table.start, where),
        end=parse_date(table.end, where, end=True) if table.end else None,
        hide_output=table.hide_output,
        submissions_per_day=table.submissions_per_day,
        submissions=table.submissions,
        seconds=seconds if table.seconds is None else table.seconds,
        description=table.description,
    )


def _is_path(phase: PhaseTable) -> bool:
    """Whether the GT is a folder or zip of this machine: not a UUID, not on a worker."""
    return CompetitionPhase(phase.name, phase.gt, parse_date("2000-01-01", "")).at_hand


def _markdown(file: str, where: str) -> str:
    try:
        text = read_bounded(Path(file), _MAX_PAGE_BYTES).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{where}: {file}: cannot be read ({error}); name a file of Markdown in UTF-8") from error
    if not text.strip():
        raise InputError(f"{where}: {file}: is empty; the platform refuses empty pages")
    return text
