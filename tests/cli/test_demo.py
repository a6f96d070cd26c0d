from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.inputs.weights import write_alexnet
from tests.helpers.commands import run


def test_the_demo_runs_the_whole_pipeline_without_weights(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("XDG_CACHE_HOME", "TORCH_HOME", "HOME", "SRSPACE_EVAL_WEIGHTS"):
        monkeypatch.setenv(name, str(tmp_path / "empty"))
    assert run("demo", "--out", tmp_path / "demo") == 0
    out, err = capsys.readouterr()
    assert err.count("LPIPS is left out") == 1
    assert f"leaderboard: {tmp_path / 'demo/site/index.html'}" in err
    assert (tmp_path / "demo/site/index.html").is_file()
    results = {p.stem: json.loads(p.read_text()) for p in (tmp_path / "demo/leaderboards/demo").glob("*.json")}
    assert len(results) == 3
    by_team = {r["team"]: r["summary"] for r in results.values()}
    assert by_team["Bicubic"]["diversity_mse"] == 0.0
    # Projected back onto the LR, a sample passes the challenge's threshold; plain noise does not.
    assert by_team["Consistent texture"]["lr_psnr"] > 45 > by_team["Plain noise"]["lr_psnr"]
    assert by_team["Consistent texture"]["diversity_mse"] > by_team["Plain noise"]["diversity_mse"] > 0
    for team in by_team:
        assert team in out
    assert run("rank", "--board", tmp_path / "demo/leaderboards", "--json") == 0
    assert json.loads(capsys.readouterr().out)["track"] == "demo"


def test_the_demo_uses_lpips_if_the_weights_are_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A synthetic trunk cannot carry torchvision's hash, so the check of it is told to expect this file's.
    from srspace_eval.metrics.lpips import weights

    folder = tmp_path / "weights"
    folder.mkdir()
    path = write_alexnet(folder / "alexnet-owt-7be5be79.pth")
    whole = weights.trunk_file("alex").sha256 or "7be5be79" + "0" * 56
    monkeypatch.setattr(weights, "sha256", lambda p: whole)
    assert run("demo", "--out", tmp_path / "demo", "--weights-dir", path.parent) == 0
    err = capsys.readouterr().err
    assert "left out" not in err
    results = [json.loads(p.read_text()) for p in (tmp_path / "demo/leaderboards/demo").glob("*.json")]
    assert all(r["summary"]["lpips"] > 0 for r in results)


def test_a_folder_with_other_files_is_refused_and_not_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").write_text("x")
    assert run("demo", "--out", tmp_path) == 1
    assert "not a demo's folder" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]
    own = 'name = "mine"\ntitle = "Mine"\nscale = 4\n'
    (tmp_path / "track.toml").write_text(own)
    assert run("demo", "--out", tmp_path) == 1
    assert (tmp_path / "track.toml").read_text() == own


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    assert run("demo", "--out", tmp_path / "file" / "demo") == 1
    assert "give another folder with --out" in capsys.readouterr().err
