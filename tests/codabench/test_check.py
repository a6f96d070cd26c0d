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
    "hide_output must be true": lambda d: d["phases"][0].update(hide_output="maybe"),
    "hidden must be true": lambda d: d["leaderboards"][0]["columns"][0].update(hidden="terms.md"),
    "primary_index must be": lambda d: d["leaderboards"][0].update(primary_index="first"),
    "precision must be": lambda d: d["leaderboards"][0]["columns"][0].update(precision=3_000_000_000),
    "index must be a whole number in every phase": lambda d: d["phases"][0].update(index=["a"]),
    "max_submissions must be": lambda d: d["phases"][0].update(max_submissions=[]),
    "competition_type": lambda d: d.update(competition_type="race"),
    "description must be a text": lambda d: d["tasks"][0].update(description=True),
    "e-mail": lambda d: d.update(contact_email="me"),
    "write a date such as": lambda d: d["phases"][0].update(start=["2026-03-01"]),
    "not a text in UTF-8": lambda d: d["pages"][0].update(file="logo.png"),
    "starting_kit": lambda d: d["phases"][0].update(starting_kit="gone.zip"),
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


def test_numbers_in_other_forms_are_taken_as_the_platform_takes_them(folder: Path, tmp_path: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        document["leaderboards"][0]["columns"][0].update(index="0", precision=2.0)
        document["phases"][0].update(max_submissions="7.0", execution_time_limit="")
        document["leaderboards"][0].update(submission_rule="Force_Best", hidden="no")

    found = check_bundle(rewritten(folder, tmp_path / "b.zip", change))
    assert (found.refusals, found.traps) == ([], [])


def test_the_shared_emulator_agrees(folder: Path, tmp_path: Path, shared: Path) -> None:
    """It takes the good bundle, refuses what the check refuses, and takes what the check calls a trap."""
    bundles = {"good": folder / "bundle.zip"}
    for name, change in {**REFUSED, **TRAPS}.items():
        if name == "Vhost":  # only the site knows its queues; the emulator takes any name
            continue
        bundles[name] = rewritten(folder, tmp_path / f"{len(bundles)}.zip", change)
    command = [sys.executable, str(shared / "codabench/emulate.py"), "check", *map(str, bundles.values())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    verdicts = dict(line.rsplit(": ", 1) for line in done.stdout.splitlines() if line.startswith("/"))
    assert {name: verdicts[str(path)] for name, path in bundles.items()} == {
        name: "REFUSED" if name in REFUSED else "taken" for name in bundles
    }
    # The phase hides its output on purpose, and its pages tell nothing image by image.
    good = done.stdout.partition(str(bundles["version"]))[0].splitlines()[1:]
    assert [line for line in good if "hides its output" not in line] == []
