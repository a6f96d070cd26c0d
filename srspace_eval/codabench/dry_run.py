"""A dry run of a bundle: submissions are scored as the worker does, and the board is shown.

The program runs in a mount namespace where the system has one, else in a temporary folder
(:mod:`srspace_eval.codabench.container`). Neither is the worker's container: the image's packages and weights are not
tested, but those of this machine.
"""

from __future__ import annotations

import decimal
import io
import lzma
import math
import shlex
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from srspace_eval._utils import strict_json
from srspace_eval._utils.files import read_bounded
from srspace_eval.codabench.check import check_bundle
from srspace_eval.codabench.checks.files import command_of
from srspace_eval.codabench.container import Place, best_place, run_program
from srspace_eval.codabench.estimate import QUOTA
from srspace_eval.errors import InputError, ProblemsError

LIMIT = 600
"""The limit of a phase that names none, in seconds."""

_PLACES = decimal.Decimal("1e-10")
_DIGITS = decimal.Context(prec=20)
_LARGEST_ENTRIES = 200_000
_LARGEST_PAGE = 1 << 27
_DAMAGE = (OSError, NotImplementedError, RuntimeError, EOFError, ValueError, zlib.error, lzma.LZMAError, struct.error)

_VARIABLES = (
    ("$input", "/app/input"), ("$output", "/app/output"), ("$program", "/app/program"), ("$hidden", "/app/input/ref"),
    ("$shared", "/app/shared"), ("$tmp", "/app/output"), ("$predictions", "/app/input/res"),
)  # fmt: skip


@dataclass(frozen=True)
class DryRun:
    """What became of one submission.

    Attributes
    ----------
    team:
        Its owner.
    status:
        As the platform shows it.
    reason:
        Why it failed; empty if it did not.
    scores:
        Column key -> number, as the platform stores it: with ten decimals.
    stderr:
        What the participant reads in the scoring log.
    page:
        The page of detailed results; empty: none.
    place:
        Where the program ran: in a mount namespace, or in a temporary folder.

    Examples
    --------
    >>> DryRun("A", "Finished", "", {"psnr": 27.5}, "", "").scores["psnr"]
    27.5
    """

    team: str
    status: Literal["Finished", "Failed"]
    reason: str
    scores: dict[str, float]
    stderr: str
    page: str
    place: Place = "folder"


def dry_run_bundle(
    bundle: Path | str,
    submissions: Sequence[tuple[str, Path | str]],
    *,
    phase: int = 1,
    data: Path | str | None = None,
    place: Place | None = None,
) -> tuple[list[DryRun], list[str]]:
    """Score submissions with a bundle's scoring program.

    Parameters
    ----------
    bundle:
        The bundle.
    submissions:
        (team, zip) each.
    phase:
        Number of the phase, from 1.
    data:
        The folder that stands for ``/app/data``.
    place:
        Where the program runs. If none is given, it is :func:`srspace_eval.codabench.container.best_place`.

    Returns
    -------
    The runs in order, and the teams in the order of the leaderboard.

    Raises
    ------
    ProblemsError
        If the platform refuses the bundle.
    InputError
        If there is no such phase, its GT is on the platform, or a submission's file cannot be read.
    """
    found = check_bundle(bundle)
    if found.refusals:
        raise ProblemsError(f"{bundle}: the platform refuses it", found.refusals)
    document = found.document
    phases = sorted(document["phases"], key=lambda p: p.get("index", 0))
    if not 1 <= phase <= len(phases):
        raise InputError(f"phase {phase}: the bundle has {len(phases)}")
    chosen = phases[phase - 1]
    tasks = {task["index"]: task for task in document["tasks"]}
    if len(chosen["tasks"]) != 1:
        raise InputError(f"phase {chosen['name']!r} has {len(chosen['tasks'])} tasks; a dry run takes one")
    task = tasks[chosen["tasks"][0]]
    with zipfile.ZipFile(bundle) as archive:
        for key in ("scoring_program", "reference_data"):
            if task.get(key) not in archive.namelist():
                raise InputError(f"{bundle}: {key} {task.get(key)!r} is on the platform, not in the bundle")
        program, reference = archive.read(task["scoring_program"]), archive.read(task["reference_data"])
    worker = _Worker(
        program, reference, document["leaderboards"][0]["columns"], float(chosen.get("execution_time_limit") or LIMIT),
        None if data is None else Path(data), place or best_place(),
    )  # fmt: skip
    runs = [worker.run(team, Path(path)) for team, path in submissions]
    return runs, leaderboard(document["leaderboards"][0], runs)


def leaderboard(board: dict[str, Any], runs: Sequence[DryRun]) -> list[str]:
    """The teams in the platform's order: primary column, then the other visible ones. n/a counts as the largest."""
    primary = board.get("primary_index", 0)
    columns = sorted(board["columns"], key=lambda c: (c["index"] != primary, c["index"]))
    columns = [c for c in columns if c["index"] == primary or not c.get("hidden")]

    def key(run: DryRun) -> list[float]:
        signs = [1.0 if c.get("sorting", "desc") == "asc" else -1.0 for c in columns]
        return [sign * run.scores.get(c["key"], math.inf) for sign, c in zip(signs, columns, strict=True)]

    last = {run.team: run for run in runs if run.status == "Finished"}
    return [run.team for run in sorted(last.values(), key=key)]


def shown_scores(bundle: Path | str, runs: Sequence[DryRun], order: Sequence[str]) -> list[str]:
    """The leaderboard's rows as the platform shows them: visible columns, rounded; n/a where there is no score."""
    columns = check_bundle(bundle).document["leaderboards"][0]["columns"]
    visible = sorted((c for c in columns if not c.get("hidden")), key=lambda c: c["index"])
    scores = {run.team: run.scores for run in runs if run.status == "Finished"}
    rows = []
    for team in order:
        cells = []
        for column in visible:
            value = scores[team].get(column["key"])
            text = "n/a" if value is None else str(round(value, column.get("precision", 2)))
            cells.append(f"{column['title']}: {text}")
        rows.append(f"{team}: {', '.join(cells)}")
    return rows


def stored(value: float) -> float:
    """A number as the platform stores it: 20 digits, ten of them after the point, halves away from zero.

    Raises
    ------
    ValueError
        If it is not finite, or too large.

    Examples
    --------
    >>> stored(1 / 3)
    0.3333333333
    """
    number = _DIGITS.create_decimal(value)
    if not number.is_finite() or abs(number) >= 10**10:
        raise ValueError(f"{value}: the platform stores finite numbers below 1e10 only")
    with decimal.localcontext(decimal.Context(prec=60)):
        return float(number.quantize(_PLACES, rounding=decimal.ROUND_HALF_UP))


@dataclass(frozen=True)
class _Worker:
    program: bytes
    reference: bytes
    columns: Sequence[dict[str, Any]]
    limit: float
    data: Path | None
    place: Place

    def run(self, team: str, path: Path) -> DryRun:
        def failed(reason: str, stderr: str = "", page: str = "") -> DryRun:
            return DryRun(team, "Failed", reason, {}, stderr, page, self.place)

        with tempfile.TemporaryDirectory() as name:
            top = Path(name)
            unpack(io.BytesIO(self.program), top / "program")
            unpack(io.BytesIO(self.reference), top / "input/ref")
            try:
                file = path.open("rb")
            except OSError as error:
                raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
            with file:
                try:
                    unpack(file, top / "input/res")
                except zipfile.BadZipFile:
                    return failed("Bad or empty zip file")
                except _DAMAGE as error:
                    return failed(f"the zip cannot be unpacked ({error})")
            if lost := _program_instead(top / "input/res"):
                return failed(*lost)
            (top / "input/res/metadata").write_text("exitCode: null\n", encoding="utf-8", newline="\n")
            for part in ("output", "shared"):
                (top / part).mkdir()
            folders = {f"/app/{part}": top / part for part in ("program", "input", "output", "shared")}
            done = run_program(_words(top / "program"), folders, limit=self.limit, place=self.place, data=self.data)
            page = _page(top / "output/detailed_results.html")
            if done.code is None:
                return failed(f"Execution Time Limit exceeded. Limit was {self.limit:g} seconds", done.stderr, page)
            if done.code:
                return failed("Child task failed or non-zero return code", done.stderr, page)
            try:
                scores = strict_json.loads(read_bounded(top / "output/scores.json", 1 << 20))
                kept = {c["key"]: stored(float(scores[c["key"]])) for c in self.columns if c["key"] in scores}
            except (OSError, ValueError, TypeError, KeyError, ArithmeticError) as error:
                return failed(f"no usable scores.json ({error})", done.stderr, page)
            return DryRun(team, "Finished", "", kept, done.stderr, page, self.place)


def unpack(file: Any, folder: Path) -> None:
    """Unpack a zip as the worker does. ``zipfile`` keeps every file inside the folder and makes no links.

    Raises
    ------
    zipfile.BadZipFile
        If it is not a zip.
    ValueError
        If it holds more than the platform stores.
    OSError, RuntimeError, NotImplementedError, EOFError, zlib.error, lzma.LZMAError
        If it is damaged, encrypted, or cannot be unpacked here.
    """
    folder.mkdir(parents=True)
    with zipfile.ZipFile(file) as archive:
        infos = archive.infolist()
        if not infos:
            raise zipfile.BadZipFile("empty")
        if len(infos) > _LARGEST_ENTRIES:
            raise ValueError(f"holds more than {_LARGEST_ENTRIES} files")
        if sum(info.file_size for info in infos) > QUOTA:
            raise ValueError(f"unpacks to more than {QUOTA / 1e9:.0f} GB, which a participant may store")
        archive.extractall(folder)


def _program_instead(folder: Path) -> tuple[str, str] | None:
    """The failure of a submission that the platform takes for a program, and what to do; None: it is none."""
    for name in ("metadata.yaml", "metadata"):
        if not (folder / name).is_file():
            continue
        try:
            command = command_of(read_bounded(folder / name, 1 << 20))
        except OSError:
            command = None
        if command:
            told = f"{name}: the platform runs its command and passes no pictures on; remove the file from the zip"
            return "Child task failed or non-zero return code", told
        return (
            "Bad or empty zip file",
            f"{name}: the platform takes the zip for a program; remove the file from the zip",
        )
    return None


def _words(program: Path) -> list[str]:
    """The command of a scoring program, split as the platform does."""
    name = next((n for n in ("metadata.yaml", "metadata") if (program / n).is_file()), "")
    command = command_of(read_bounded(program / name, 1 << 20)) if name else None
    if not command or not command.strip():
        raise InputError("the scoring program has no command; `srspace-eval codabench check` lists what is wrong")
    for variable, place in _VARIABLES:
        command = command.replace(variable, place)
    try:
        return shlex.split(command)
    except ValueError as error:
        raise InputError(f"the command of the scoring program cannot be split ({error})") from error


def _page(path: Path) -> str:
    if path.is_symlink() or not path.is_file():
        return ""
    return read_bounded(path, _LARGEST_PAGE).decode("utf-8", "replace")


def to_document(runs: Sequence[DryRun], order: Sequence[str]) -> dict[str, Any]:
    """The dry run as ``srspace-eval codabench dry-run --json`` prints it."""
    return {
        "submissions": [
            {"team": run.team, "status": run.status, "reason": run.reason or None, "scores": run.scores,
             "stderr": run.stderr}
            for run in runs
        ],
        "board": list(order),
        "place": runs[0].place if runs else None,
    }  # fmt: skip
