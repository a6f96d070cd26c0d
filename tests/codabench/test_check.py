"""The check of a bundle: refusals and traps."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from srspace_eval.codabench.archive import make_zip
from srspace_eval.codabench.check import check_bundle


def rewritten(folder: Path, out: Path, change: Callable[[dict[str, Any]], object], drop: str = "") -> Path:
    with zipfile.ZipFile(folder / "bundle.zip") as archive:
        content = {name: archive.read(name) for name in archive.namelist() if name != drop}
    document = yaml.safe_load(content["competition.yaml"])
    change(document)
    content["competition.yaml"] = yaml.dump(document).encode()
    out.write_bytes(make_zip(content))
    return out


REFUSED: dict[str, Callable[[dict[str, Any]], object]] = {
    "version": lambda d: d.update(version=1),
    "title": lambda d: d.update(title=""),
    "image": lambda d: d.update(image="competition.yaml"),
    "terms": lambda d: d.pop("terms"),
    "pages": lambda d: d.pop("pages"),
    "forum_enabled": lambda d: d.update(forum_enabled=None),
    "fact_sheet": lambda d: d["fact_sheet"]["method"].pop("selection"),
    "there twice": lambda d: d["tasks"][1].update(index=1),
    "scoring_program": lambda d: d["tasks"][0].pop("scoring_program"),
    "not a UUID": lambda d: d["tasks"][0].update(reference_data="gone.zip"),
    "no task with index": lambda d: d["phases"][0].update(tasks=[9]),
    "start is missing": lambda d: d["phases"][0].pop("start"),
    "end is missing": lambda d: d["phases"][0].pop("end"),
    "must start after": lambda d: d["phases"][1].update(start="2026-03-01 00:00:01"),
    "whole number": lambda d: d["phases"][0].update(execution_time_limit="soon"),
    "one key": lambda d: d["leaderboards"][0]["columns"][1].update(key="lr_psnr"),
    "1 to 36 characters": lambda d: d["leaderboards"][0]["columns"][1].update(title="x" * 37),
    "sorting": lambda d: d["leaderboards"][0]["columns"][0].update(sorting="up"),
    "submission_rule": lambda d: d["leaderboards"][0].update(submission_rule="Best"),
    "Vhost": lambda d: d.update(queue="mine"),
    "leaderboards": lambda d: d.update(leaderboard=d.pop("leaderboards")),
}
TRAPS: dict[str, Callable[[dict[str, Any]], object]] = {
    "not in quotes": lambda d: d["phases"][0].update(start=datetime(2026, 3, 1, 13, 30)),
    "time zone": lambda d: d["phases"][0].update(start="2026-03-01 00:00:00+02:00"),
    "public queue": lambda d: d["phases"][0].update(execution_time_limit=5000),
    "primary index": lambda d: d["leaderboards"][0].update(primary_index=77),
    "after its owner": lambda d: d["leaderboards"][0].update(submission_rule="Add"),
    "docker_image": lambda d: d.pop("docker_image"),
    "prizes is not read": lambda d: d.update(prizes=1),
    "reference_data is missing": lambda d: d["tasks"][0].pop("reference_data"),
    "not a zip": lambda d: d["tasks"][0].update(scoring_program="terms.md"),
    "no metadata.yaml": lambda d: d["tasks"][0].update(scoring_program="reference_1.zip"),
}


@pytest.mark.parametrize("told", REFUSED)
def test_what_the_platform_refuses_is_told(told: str, folder: Path, tmp_path: Path) -> None:
    found = check_bundle(rewritten(folder, tmp_path / "b.zip", REFUSED[told]))
    assert any(told in text for text in found.refusals), found.refusals


@pytest.mark.parametrize("told", TRAPS)
def test_what_fails_later_is_told(told: str, folder: Path, tmp_path: Path) -> None:
    found = check_bundle(rewritten(folder, tmp_path / "b.zip", TRAPS[told]))
    assert found.refusals == []
    assert any(told in text for text in found.traps), found.traps


def test_a_bundle_in_a_folder_and_one_that_is_no_zip(folder: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(folder / "bundle.zip") as archive:
        (tmp_path / "b.zip").write_bytes(make_zip({f"b/{n}": archive.read(n) for n in archive.namelist()}))
    assert "zip the files, not their folder" in check_bundle(tmp_path / "b.zip").refusals[0]
    (tmp_path / "c.zip").write_text("x")
    assert check_bundle(tmp_path / "c.zip").refusals == ["not a zip"]


def test_the_shared_emulator_agrees(folder: Path, shared: Path) -> None:
    emulator = shared / "codabench/emulate.py"
    command = [sys.executable, str(emulator), "check", str(folder / "bundle.zip")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    # The phase hides its output on purpose, and its pages tell nothing image by image.
    warnings = [line for line in done.stdout.splitlines() if "warning" in line and "hides its output" not in line]
    assert warnings == []
