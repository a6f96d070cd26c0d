"""``srspace-eval doctor``: what is installed, found and missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import srspace_eval as se
from benchmarks.inputs.boards import make_results, write_board
from srspace_eval.metrics import registry
from srspace_eval.metrics.lpips import weights
from tests.helpers.commands import run


@pytest.fixture
def no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder that is searched; it is empty."""
    monkeypatch.setattr(weights, "weights_search_path", lambda weights_dir=None: [tmp_path / "weights"])
    monkeypatch.setattr("srspace_eval.doctor.weights_search_path", lambda weights_dir=None: [tmp_path / "weights"])
    return tmp_path / "weights"


def test_missing_and_damaged_weights_are_told_with_their_remedy(
    no_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    no_weights.mkdir()
    damaged = no_weights / weights.TRUNKS["vgg"].name
    damaged.write_bytes(b"half a file")
    assert run("doctor") == 0
    out = capsys.readouterr().out
    assert f"srspace-eval {se.__version__}, Python 3." in out
    assert "weights   alex: missing" in out
    assert f"weights   vgg: damaged, {damaged}" in out
    assert "run `srspace-eval weights fetch alex`" in out
    assert f"{damaged} is damaged; delete it" in out


def test_a_board_is_read_and_checked(no_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_board(tmp_path / "board", make_results(se.load_track("x8"), 3, 2, 2, 0))
    assert run("doctor", "--board", tmp_path / "board", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document == se.diagnose(tmp_path / "board").to_document()
    assert document["tracks"] == {"x8": 3}
    assert "cpu" in document["devices"]
    (damaged, *_) = (tmp_path / "board" / "x8").glob("*.json")
    damaged.write_text("{", encoding="utf-8")
    (problem,) = (line for line in se.diagnose(tmp_path / "board").problems if line.startswith("board: "))
    assert damaged.name in problem


def test_a_board_that_does_not_exist_is_a_problem_and_not_an_error(
    no_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("doctor", "--board", tmp_path / "nowhere") == 0
    assert "nowhere: is not a folder" in capsys.readouterr().out


def test_plug_ins_are_listed_and_broken_ones_are_problems(
    no_weights: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package = tmp_path / "odd_package-2.1.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-package\nVersion: 2.1\n", encoding="utf-8")
    (package / "entry_points.txt").write_text(
        "[srspace_eval.metrics]\nodd = tests.metrics.test_checked:Odd\nabsent = odd_package:Absent\n"
        "[srspace_eval.models]\nnoise_x4 = collections:OrderedDict\nnumber = math:pi\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(registry._state, "entry points loaded", False)
    monkeypatch.setattr(registry, "_plug_ins", [])
    try:
        assert run("doctor") == 0
    finally:
        registry.unregister("odd")
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert printed.err == ""
    assert [line for line in lines if line.startswith("plug-in")] == [
        "plug-in   metric absent (odd-package 2.1), cannot be used",
        "plug-in   metric odd (odd-package 2.1)",
        "plug-in   model noise_x4 (odd-package 2.1)",
        "plug-in   model number (odd-package 2.1), cannot be used",
    ]
    (metric,) = (line for line in lines if "its metric 'absent'" in line)
    assert metric.startswith("problem   package odd-package: its metric 'absent' (odd_package:Absent) cannot be used: ")
    assert "ModuleNotFoundError" in metric
    assert any("its model 'number' (math:pi) cannot be used: is not a callable" in line for line in lines)
    assert any("or give `score` a file of them with --lpips-weights" in line for line in lines)
    assert {plug_in["name"] for plug_in in se.diagnose().to_document()["plug_ins"]} >= {"absent", "noise_x4"}
