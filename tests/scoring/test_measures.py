"""A metric under several options in one run, each under an id of its own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import srspace_eval as se
from benchmarks.inputs.submissions import small
from srspace_eval.errors import TrackError
from srspace_eval.metrics.measures import Measure
from tests.helpers.commands import run as command

Y4 = Measure("psnr_y4", "psnr", {"channel": "y", "border": 4})
TRACK = """
name = "y4"
title = "PSNR on luma"
scale = 4
samples = 3
first = 801
metrics = ["psnr", "psnr_y4"]

[measure.psnr_y4]
metric = "psnr"
channel = "y"
border = 4

[ranking]
criteria = [{ metric = "psnr_y4", plateau = 60 }]
final = ["psnr_y4"]
show = ["psnr"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return small(tmp_path / "a")


def luma_psnr(a: np.ndarray, b: np.ndarray, border: int) -> float:
    """PSNR on Y as MATLAB's rgb2ycbcr defines it, computed independently."""
    weights = np.array([65.481, 128.553, 24.966]) / 255
    difference = (a.astype(float) @ weights - b.astype(float) @ weights)[border:-border, border:-border]
    return float(10 * np.log10(255**2 / np.mean(difference**2)))


def check_y4(document: dict, folder: Path) -> None:
    for image in document["images"]:
        gt = se.read_rgb(folder / "gt" / f"{image['image']}.png")
        for sample in image["samples"]:
            sr = se.read_rgb(folder / "sub" / sample["file"])
            assert sample["psnr"] == se.psnr(sr, gt)
            assert sample["psnr_y4"] == pytest.approx(luma_psnr(sr, gt, 4), rel=1e-9)
        assert image["psnr_y4"] == pytest.approx(np.mean([sample["psnr_y4"] for sample in image["samples"]]))
    settings = document["signature"]["settings"]
    assert settings["psnr"] == {"channels": "RGB", "border": 0, "floor": "one step"}
    assert settings["psnr_y4"] == {"metric": "psnr", "channels": "Y", "border": 4, "floor": "one step"}


def test_rgb_and_luma_in_one_run(folder: Path, tmp_path: Path) -> None:
    board = tmp_path / "board"
    result = se.score(folder / "sub", folder / "gt", track="x4", samples=3, metrics=["psnr", Y4], board=board, team="A")
    path = se.result_path(board, "x4", "A")
    check_y4(json.loads(path.read_text(encoding="utf-8")), folder)
    assert se.read_result(path) == result


def test_the_command_writes_the_same_bytes(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    se.score(folder / "sub", folder / "gt", track="x4", samples=3, metrics=["psnr", Y4], board=tmp_path / "a", team="A")
    arguments = ("score", folder / "sub", "--gt", folder / "gt", "--track", "x4", "--samples", 3, "--team", "A")
    measures = ("--metrics", "psnr", "--measure", "psnr_y4=psnr,channel=y,border=4")
    assert command(*arguments, *measures, "--board", tmp_path / "b") == 0
    assert "HR-PSNR (psnr_y4) ↑" in capsys.readouterr().out
    written = [se.result_path(tmp_path / name, "x4", "A").read_bytes() for name in ("a", "b")]
    assert written[0] == written[1]


@pytest.mark.parametrize(
    "text", ["psnr", "ssim=psnr", "y=nothing", "y=psnr,chanel=y", "y=psnr,border=x", "y=psnr,border=-1"]
)
def test_a_wrong_measure_is_wrong_use(folder: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("score", folder / "sub", "--gt", folder / "gt", "--track", "x4", "--measure", text) == 2
    assert "--measure" in capsys.readouterr().err


def test_a_track_declares_measures(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "y4.toml"
    file.write_text(TRACK, encoding="utf-8")
    board = tmp_path / "board"
    arguments = ("score", folder / "sub", "--gt", folder / "gt", "--track", file, "--board", board)
    for team in ("A", "B"):
        assert command(*arguments, "--team", team) == 0
    (path, _) = sorted((board / "y4").glob("*.json"))
    check_y4(json.loads(path.read_text(encoding="utf-8")), folder)
    capsys.readouterr()
    assert command("rank", "--board", board, "--out", tmp_path / "out", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert [column["label"] for column in document["columns"]] == ["HR-PSNR", "HR-PSNR (psnr_y4)"]
    assert [row["ranks"]["psnr_y4"] for row in document["rows"]] == [1, 1]
    assert "psnr_y4" in (tmp_path / "out/y4/teams/A.html").read_text(encoding="utf-8")
    assert r"(psnr\_y4)" in (tmp_path / "out/y4.tex").read_text(encoding="utf-8")


def test_measures_of_a_track_are_measured_unless_metrics_are_named(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "y4.toml"
    file.write_text(TRACK.replace('metrics = ["psnr", "psnr_y4"]', 'metrics = ["psnr"]'), encoding="utf-8")
    arguments = {"track": file, "board": tmp_path / "board"}
    everything = se.score(folder / "sub", folder / "gt", team="A", **arguments)
    assert set(everything.summary) == {"psnr", "psnr_y4"}
    chosen = se.score(folder / "sub", folder / "gt", team="B", metrics=["psnr_y4"], **arguments)
    assert set(chosen.summary) == {"psnr_y4"}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('metric = "psnr"', 'metric = "psnrr"', "unknown metric 'psnrr'"),
        ('metric = "psnr"', "metric = 3", "measure.psnr_y4.metric"),
        ('channel = "y"', 'chanel = "y"', "no option chanel"),
        ("border = 4", 'border = "four"', "a number is required"),
        ("border = 4", "border = 4.5", "a whole number is required"),
        ("[measure.psnr_y4]", "[measure.ssim]", "a metric has this id"),
    ],
)
def test_a_malformed_measure_of_a_track(tmp_path: Path, old: str, new: str, words: str) -> None:
    file = tmp_path / "y4.toml"
    file.write_text(TRACK.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(TrackError, match=words) as caught:
        se.load_track(file)
    assert str(file) in str(caught.value)


def test_worker_processes_measure_the_same(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    here, there = tmp_path / "here", tmp_path / "there"
    for board, scheduler in ((here, None), (there, "local:2")):
        se.score(
            folder / "sub", folder / "gt", track="x4", samples=3, metrics=["psnr", Y4], board=board, team="A",
            scheduler=scheduler,
        )  # fmt: skip
    assert se.result_path(here, "x4", "A").read_bytes() == se.result_path(there, "x4", "A").read_bytes()
