"""A bundle's scoring program as the platform's worker runs it, in this process and in a temporary folder."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from srspace_eval.codabench.scoring_program import main


@dataclass(frozen=True)
class Outcome:
    """What a run left behind."""

    code: int
    scores: dict[str, Any] | None
    page: str
    stderr: str
    result: Path | None


def unpack(data: bytes, folder: Path) -> None:
    """Unpack a zip as the worker does."""
    folder.mkdir(parents=True)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(folder)


def work(
    bundle: Path, submission: bytes, folder: Path, capsys: pytest.CaptureFixture[str] | None = None, *, phase: int = 1,
    data: Path | None = None,
) -> Outcome:  # fmt: skip
    """Score one submission. ``metadata`` is added to it, as the prediction step does."""
    with zipfile.ZipFile(bundle) as archive:
        unpack(archive.read(f"program_{phase}.zip"), folder / "program")
        unpack(archive.read(f"reference_{phase}.zip"), folder / "input/ref")
    unpack(submission, folder / "input/res")
    (folder / "input/res/metadata").write_text("exitCode: null\n")
    if capsys is not None:
        capsys.readouterr()
    arguments = [str(folder / "input"), str(folder / "output"), *([] if data is None else [str(data)])]
    code = main(folder / "program", arguments)
    out = folder / "output"
    scores = json.loads((out / "scores.json").read_text()) if (out / "scores.json").exists() else None
    result = out / "result.json" if (out / "result.json").exists() else None
    page = (out / "detailed_results.html").read_text(encoding="utf-8")
    return Outcome(code, scores, page, "" if capsys is None else capsys.readouterr().err, result)
