"""A dry run of a bundle: submissions are scored as the worker does, and the board is shown.

The program runs in a mount namespace where the system has one, else in a temporary folder
(:mod:`srspace_eval.codabench.container`). Neither is the worker's container: the image's packages and weights are not
tested, but those of this machine.
"""

from __future__ import annotations

import io
import lzma
import shlex
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from srspace_eval._utils import strict_json
from srspace_eval._utils.bounded_zip import BoundedZip, ZipLimits
from srspace_eval._utils.files import read_bounded
from srspace_eval._utils.untrusted_text import name_key, spelled
from srspace_eval.codabench.board import DryRun, leaderboard, stored
from srspace_eval.codabench.check import check_bundle
from srspace_eval.codabench.checks.files import LARGEST_DATA, command_of, read_member
from srspace_eval.codabench.container import Place, best_place, run_program
from srspace_eval.codabench.estimate import QUOTA
from srspace_eval.errors import InputError, ProblemsError

LIMIT = 600
"""The limit of a phase that names none, in seconds."""

_LIMITS = ZipLimits(entries=200_000, depth=20)
_LARGEST_PAGE = 1 << 27
_DAMAGE = (OSError, NotImplementedError, RuntimeError, EOFError, ValueError, zlib.error, lzma.LZMAError, struct.error)

_VARIABLES = (
    ("$input", "/app/input"), ("$output", "/app/output"), ("$program", "/app/program"), ("$hidden", "/app/input/ref"),
    ("$shared", "/app/shared"), ("$tmp", "/app/output"), ("$predictions", "/app/input/res"),
)  # fmt: skip


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
    bundle
        The zip file of the competition.
    submissions
        (team, zip) each.
    phase
        Number of the phase, from 1.
    data
        The folder that stands for ``/app/data``.
    place
        Where the program runs. If none is given, it is :func:`srspace_eval.codabench.container.best_place`.

    Returns
    -------
    tuple[list[DryRun], list[str]]
        The runs in order, and the teams in the order of the leaderboard.

    Raises
    ------
    ProblemsError
        If the platform refuses the bundle.
    InputError
        If the bundle has no such phase, or not the phase's GT. If two submissions are of one team. If a submission
        cannot be read.

    Examples
    --------
    >>> import shutil
    >>> import tempfile
    >>> import numpy as np
    >>> import srspace_eval as se
    >>> with tempfile.TemporaryDirectory() as name:
    ...     folder = Path(name)
    ...     (folder / "gt").mkdir()
    ...     se.write_png(folder / "gt/0801.png", np.zeros((32, 32, 3), np.uint8))
    ...     (folder / "sub").mkdir()
    ...     se.write_png(folder / "sub/000000_sample00000.png", np.ones((32, 32, 3), np.uint8))
    ...     submission = shutil.make_archive(str(folder / "sub"), "zip", folder / "sub")
    ...     phase = se.CompetitionPhase.parse(f"Test={folder / 'gt'},2026-03-10")
    ...     plan = se.CompetitionPlan(se.load_track("x4"), (phase,), "a/b:1", metrics=("psnr",), samples=1)
    ...     _ = se.write_bundle(plan, folder / "bundle.zip")
    ...     runs, board = dry_run_bundle(folder / "bundle.zip", [("Team A", submission)])
    >>> runs[0].status, runs[0].scores["psnr"], board
    ('Finished', 48.1308036087, ['Team A'])
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
    with BoundedZip(Path(bundle)) as archive:
        for key in ("scoring_program", "reference_data"):
            if task.get(key) not in archive.namelist():
                raise InputError(f"{bundle}: {key} {task.get(key)!r} is on the platform, not in the bundle")
        try:
            program, reference = (
                read_member(archive, task[key], LARGEST_DATA) for key in ("scoring_program", "reference_data")
            )
        except (zipfile.BadZipFile, *_DAMAGE) as error:
            raise InputError(f"{bundle}: cannot be read ({error}); make the bundle again") from error
    _require_distinct([team for team, _ in submissions])
    worker = _Worker(
        program, reference, document["leaderboards"][0]["columns"], float(chosen.get("execution_time_limit") or LIMIT),
        None if data is None else Path(data), place or best_place(),
    )  # fmt: skip
    runs = [worker.run(team, Path(path)) for team, path in submissions]
    return runs, leaderboard(document["leaderboards"][0], runs)


def _require_distinct(teams: Sequence[str]) -> None:
    same: dict[str, list[str]] = {}
    for team in teams:
        same.setdefault(name_key(team), []).append(spelled(team))
    if twice := [" and ".join(names) for names in same.values() if len(names) > 1]:
        raise InputError(
            f"one team has several submissions ({'; '.join(twice)}); give each submission another team's name, or "
            "leave one out"
        )


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
            for key, data, place in (
                ("scoring_program", self.program, top / "program"),
                ("reference_data", self.reference, top / "input/ref"),
            ):
                try:
                    unpack(io.BytesIO(data), place)
                except (zipfile.BadZipFile, *_DAMAGE) as error:
                    raise InputError(
                        f"the {key} of the bundle cannot be unpacked ({error}); `srspace-eval codabench check` lists "
                        "what is wrong"
                    ) from error
            if path.exists() and not path.is_file():
                raise InputError(f"{path}: not a file; give the zip of a submission")
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
                keys = [str(column["key"]).strip() for column in self.columns]
                kept = {key: stored(float(scores[key])) for key in keys if key in scores}
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
    with BoundedZip(file, _LIMITS) as archive:
        infos = archive.infolist()
        if not infos:
            raise zipfile.BadZipFile("empty")
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
