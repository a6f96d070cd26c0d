"""A dry run of a bundle: submissions are scored as the worker does, in temporary folders, and the board is shown.

This is not a container: the scoring program runs with this Python, this machine's files and its network.
"""

from __future__ import annotations

import io
import math
import shlex
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from srspace_eval._utils import strict_json
from srspace_eval._utils.files import read_bounded
from srspace_eval.codabench.check import check_bundle
from srspace_eval.errors import InputError, ProblemsError

PLACES = 10
"""Decimals that the platform stores."""


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
        Column key -> number, as the platform stores it.
    stderr:
        What the participant reads in the scoring log.
    page:
        The page of detailed results; empty: none.
    """

    team: str
    status: Literal["Finished", "Failed"]
    reason: str
    scores: dict[str, float]
    stderr: str
    page: str


def dry_run_bundle(
    bundle: Path | str, submissions: Sequence[tuple[str, Path | str]], *, phase: int = 1, data: Path | str | None = None
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

    Returns
    -------
    The runs in order, and the teams in the order of the leaderboard.

    Raises
    ------
    ProblemsError
        If the platform refuses the bundle.
    InputError
        If there is no such phase, or its GT is on the platform.
    """
    found = check_bundle(bundle)
    if found.refusals:
        raise ProblemsError(f"{bundle}: the platform refuses it", found.refusals)
    document = found.document
    phases = document["phases"]
    if not 1 <= phase <= len(phases):
        raise InputError(f"phase {phase}: the bundle has {len(phases)}")
    chosen = phases[phase - 1]
    tasks = {task["index"]: task for task in document["tasks"]}
    if len(chosen["tasks"]) != 1:
        raise InputError(f"phase {chosen['name']!r} has {len(chosen['tasks'])} tasks; a dry run takes one")
    task = tasks[chosen["tasks"][0]]
    columns = document["leaderboards"][0]["columns"]
    with zipfile.ZipFile(bundle) as archive:
        for key in ("scoring_program", "reference_data"):
            if task.get(key) not in archive.namelist():
                raise InputError(f"{bundle}: {key} {task.get(key)!r} is on the platform, not in the bundle")
        program, reference = archive.read(task["scoring_program"]), archive.read(task["reference_data"])
    limit = chosen.get("execution_time_limit") or 600
    runs = [_run(team, Path(path), program, reference, columns, limit, data) for team, path in submissions]
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


def _run(
    team: str, path: Path, program: bytes, reference: bytes, columns: Sequence[dict[str, Any]], limit: float,
    data: Path | str | None,
) -> DryRun:  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        for part, content in (("program", program), ("input/ref", reference)):
            _unzip(content, place / part)
        try:
            _unzip(path.read_bytes(), place / "input/res")
        except zipfile.BadZipFile:
            return DryRun(team, "Failed", "Bad or empty zip file", {}, "", "")
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
        (place / "input/res/metadata").write_text("exitCode: null\n", encoding="utf-8", newline="\n")
        (place / "output").mkdir()
        words = shlex.split((place / "program/metadata.yaml").read_text(encoding="utf-8").partition("command:")[2])
        words = [w.replace("$input", str(place / "input")).replace("$output", str(place / "output")) for w in words]
        words[0] = sys.executable if words[0] in ("python", "python3") else words[0]
        if data is not None:
            words.append(str(Path(data).absolute()))
        try:
            done = subprocess.run(words, cwd=place / "program", capture_output=True, timeout=limit, check=False)
        except subprocess.TimeoutExpired:
            return DryRun(team, "Failed", f"Execution Time Limit exceeded. Limit was {limit} seconds", {}, "", "")
        page_file = place / "output/detailed_results.html"
        page = page_file.read_text(encoding="utf-8") if page_file.is_file() else ""
        stderr = done.stderr.decode("utf-8", "replace")
        if done.returncode:
            return DryRun(team, "Failed", "Child task failed or non-zero return code", {}, stderr, page)
        try:
            scores = strict_json.loads(read_bounded(place / "output/scores.json", 1 << 20))
            stored = {c["key"]: round(float(scores[c["key"]]), PLACES) for c in columns if c["key"] in scores}
        except (OSError, ValueError, TypeError, KeyError) as error:
            return DryRun(team, "Failed", f"no usable scores.json ({error})", {}, stderr, page)
        return DryRun(team, "Finished", "", stored, stderr, page)


def _unzip(data: bytes, folder: Path) -> None:
    """Unpack as the worker does. ``zipfile`` keeps every file inside the folder and makes no links."""
    folder.mkdir(parents=True)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(folder)


def to_document(runs: Sequence[DryRun], order: Sequence[str]) -> dict[str, Any]:
    """The dry run as ``srspace-eval codabench dry-run --json`` prints it."""
    return {
        "submissions": [
            {"team": run.team, "status": run.status, "reason": run.reason or None, "scores": run.scores,
             "stderr": run.stderr}
            for run in runs
        ],
        "board": list(order),
    }  # fmt: skip
