"""The command verify, as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.inputs.submissions import small
from tests.helpers.commands import run
from tests.helpers.scoring import run as score


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = small(tmp_path / "a")
    score(folder, folder / "board")
    return folder


def verify(folder: Path, *more: object) -> int:
    return run("verify", folder / "board/x4/t.json", folder / "sub", "--gt", folder / "gt", *more)


def forge(folder: Path) -> None:
    path = folder / "board/x4/t.json"
    document = json.loads(path.read_text())
    document["summary"]["lr_psnr"] += 1
    path.write_text(json.dumps(document))


def test_equal_is_code_0(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(folder) == 0
    assert "t.json: equal" in capsys.readouterr().out


def test_a_forgery_is_code_1_and_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    forge(folder)
    assert verify(folder, "--images", 1, "--seed", 4) == 1
    out = capsys.readouterr().out
    assert "DIFFERENT" in out
    assert "The summary does not follow" in out
    assert "summary.lr_psnr: stored" in out
    assert "seed 4" in out


def test_json_and_markdown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    forge(folder)
    assert verify(folder, "--json") == 1
    document = json.loads(capsys.readouterr().out)["results"][0]
    assert document["causes"] == {"summary": 1}
    assert document["verdict"] == "different"
    assert verify(folder, "--markdown") == 1
    assert "| result | team |" in capsys.readouterr().out


def test_values_of_another_device_are_a_notice(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "board/x4/t.json"
    document = json.loads(path.read_text())
    document["images"][0]["samples"][0]["lr_psnr"] *= 1 + 1e-11
    path.write_text(json.dumps(document))
    assert verify(folder) == 0
    assert "notice:" in capsys.readouterr().err


def test_several_results_at_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "broken.json").write_text("[]")
    assert verify(folder, folder / "broken.json", folder / "sub") == 1
    out, err = capsys.readouterr()
    assert "t.json: equal" in out
    assert "broken.json: could not be verified" in out
    assert "error: " in err
    assert "Traceback" not in err


@pytest.mark.parametrize("more", [["--images", "0"], ["--images", "some"], ["odd.json"], ["--json", "--markdown"]])
def test_wrong_use_is_code_2(more: list[str], folder: Path) -> None:
    assert verify(folder, *more) == 2
