"""Bundles: their content, their bytes, and what a plan must say."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from datetime import datetime
from pathlib import Path

import pytest
import yaml

from srspace_eval.codabench.archive import make_zip
from srspace_eval.codabench.bundle import dockerfile, make_bundle, write_bundle
from srspace_eval.codabench.check import check_bundle
from srspace_eval.codabench.phase import CompetitionPhase
from srspace_eval.codabench.plan import CompetitionPlan
from srspace_eval.errors import InputError, ResultsError
from srspace_eval.tracks.reader import list_tracks, load_track
from tests.helpers.codabench import (
    END,
    START,
    UUID,
    files,
)
from tests.helpers.worker import work


@pytest.mark.parametrize("track", [track.name for track in list_tracks()])
@pytest.mark.parametrize("gt", ["folder", "zip", UUID, "/app/data/GT.zip"])
@pytest.mark.parametrize("count", [1, 2])
def test_the_check_takes_every_bundle(track: str, gt: str, count: int, folder: Path, tmp_path: Path) -> None:
    if gt == "zip":
        gt = shutil.make_archive(str(tmp_path / "gt"), "zip", folder / "gt")
    gt = str(folder / "gt") if gt == "folder" else gt
    phases = (CompetitionPhase("Validation", gt, START, END), CompetitionPhase("Test", gt, datetime(2026, 4, 1)))[
        :count
    ]
    write_bundle(CompetitionPlan(load_track(track), phases, "user/image:1"), tmp_path / "b.zip")
    found = check_bundle(tmp_path / "b.zip")
    assert (found.refusals, found.traps) == ([], [])
    assert len(found.document["tasks"]) == count


def test_the_same_plan_gives_the_same_bytes_without_a_path_of_this_machine(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "gt", tmp_path / "elsewhere")
    (tmp_path / "elsewhere/notes.txt").write_text("private")
    first, second = (
        make_bundle(CompetitionPlan(load_track("x4"), (CompetitionPhase("P", str(gt), START),), "a/b:1"))[1]
        for gt in (folder / "gt", tmp_path / "elsewhere")
    )
    assert first == second
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        for name in archive.namelist():
            data = archive.read(name)
            inner = zipfile.ZipFile(io.BytesIO(data)) if name.endswith(".zip") else None
            for content in [data] if inner is None else map(inner.read, inner.namelist()):
                assert str(tmp_path).encode() not in content
                assert str(folder).encode() not in content


def test_no_gt_is_outside_the_reference_zips(folder: Path) -> None:
    with zipfile.ZipFile(folder / "bundle.zip") as archive:
        names = archive.namelist()
        references = {n for n in names if n.startswith("reference_")}
        inside = zipfile.ZipFile(io.BytesIO(archive.read("reference_1.zip")))
        assert inside.namelist() == ["0801.png", "0802.png"]
        pixels = [inside.read(name) for name in inside.namelist()]
        assert zipfile.ZipFile(io.BytesIO(archive.read("reference_2.zip"))).namelist() == ["README.txt"]
        assert not [n for n in names if n.endswith(".png") and archive.read(n) in pixels]
        assert references == {"reference_1.zip", "reference_2.zip"}


def test_the_competition_is_private_and_its_dates_are_quoted(folder: Path) -> None:
    with zipfile.ZipFile(folder / "bundle.zip") as archive:
        text = archive.read("competition.yaml").decode()
    document = yaml.safe_load(text)
    assert document["phases"][0]["end"] == "2026-03-02 12:30:00"
    assert not document["registration_auto_approve"]
    assert not document["can_participants_make_submissions_public"]
    board = document["leaderboards"][0]
    assert board["submission_rule"] == "Force_Last"
    assert board["columns"][board["primary_index"]]["key"] == "lr_psnr"
    assert {c["key"]: c["sorting"] for c in board["columns"]}["psnr"] == "desc"
    assert [c["key"] for c in board["columns"] if c["hidden"]] == ["program"]
    assert all(len(c["title"]) <= 36 for c in board["columns"])


def test_a_track_file_travels_with_the_program(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    track = tmp_path / "own.toml"
    track.write_text('name = "own"\ntitle = "Own"\nscale = 4\nsamples = 2\nfirst = 801\nmetrics = ["psnr"]\n'
                     '[ranking]\nfinal = ["psnr"]\ncriteria = [{ metric = "psnr" }]\n')  # fmt: skip
    plan = CompetitionPlan(load_track(track), (CompetitionPhase("P", str(folder / "gt"), START),), "a/b:1")
    write_bundle(plan, tmp_path / "b.zip")
    track.unlink()
    done = work(tmp_path / "b.zip", make_zip(files(folder)), tmp_path / "worker", capsys)
    assert done.code == 0, done.stderr
    assert "$" not in dockerfile(plan).partition("FROM")[0]


def test_programs_that_score_differently_have_different_numbers(folder: Path) -> None:
    with zipfile.ZipFile(folder / "bundle.zip") as archive:
        programs = [zipfile.ZipFile(io.BytesIO(archive.read(f"program_{n}.zip"))) for n in (1, 2)]
        numbers = {json.loads(program.read("settings.json"))["program"] for program in programs}
    assert len(numbers) == 2


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "P=gt",
        "P=gt,tomorrow",
        "P=gt,2026-01-01T00:00:00+02:00",
        "P=gt,2026-01-02,2026-01-01",
        "P=/app/data/../x,2026-01-01",
    ],
)
def test_a_wrong_phase_is_an_error(text: str) -> None:
    with pytest.raises(InputError):
        CompetitionPhase.parse(text)


def test_a_wrong_plan_lists_its_problems() -> None:
    phases = (CompetitionPhase("A", UUID, START), CompetitionPhase("A", UUID, START))
    with pytest.raises(InputError, match=r"no end.*one name"):
        CompetitionPlan(load_track("x4"), phases, "a/b:1")
    with pytest.raises(InputError, match="image"):
        CompetitionPlan(load_track("x4"), phases[:1], "no spaces please")
    with pytest.raises(InputError, match="primary"):
        CompetitionPlan(load_track("x4"), phases[:1], "a/b:1", metrics=("psnr",), primary="lpips")


def test_nothing_is_replaced_unasked(folder: Path) -> None:
    plan = CompetitionPlan(load_track("x4"), (CompetitionPhase("P", UUID, START),), "a/b:1")
    with pytest.raises(ResultsError, match=r"--overwrite"):
        write_bundle(plan, folder / "bundle.zip")
