"""Notices about the weights of networks: another trunk than torchvision's, weights that are missing."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

import srspace_eval as se
from benchmarks.inputs.submissions import small
from srspace_eval.metrics.lpips import weights
from srspace_eval.scoring.trunk_notices import missing_weights
from tests.helpers.commands import run


def test_score_says_that_another_trunk_does_not_compare(alexnet: Path, tmp_path: Path) -> None:
    folder = small(tmp_path / "a", images=1)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always", se.Notice)
        result = se.score(
            folder / "sub", folder / "gt", track="x4", samples=3, board=tmp_path / "b", lpips_weights=alexnet,
            metrics=["lpips", "psnr", "diversity"],
        )  # fmt: skip
    (notice,) = (str(one.message) for one in heard if "torchvision" in str(one.message))
    digest = str(result.signature.settings["lpips"]["trunk_sha256"])
    assert notice == (
        f"lpips, diversity: measured with weights that are not torchvision's (trunk custom, SHA-256 {digest[:8]}…). "
        "The values do not compare with published ones"
    )


def test_check_says_which_weights_score_will_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(weights, "weights_search_path", lambda weights_dir=None: [tmp_path / "weights"])
    folder = small(tmp_path / "a", images=1)
    arguments = ("check", folder / "sub", "--gt", folder / "gt", "--track", "x4", "--samples", 3)
    told = (
        "`score` will need alexnet-owt-7be5be79.pth to measure lpips, diversity, and this file is missing; run "
        "`srspace-eval weights fetch alex`, or give `score` a file with --lpips-weights"
    )
    assert run(*arguments) == 0
    assert told in capsys.readouterr().err
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights/alexnet-owt-7be5be79.pth").write_bytes(b"is checked by score")
    assert run(*arguments) == 0
    assert "will need" not in capsys.readouterr().err
    assert list(missing_weights(se.load_track("ntire2017-x4"))) == []


def test_an_incomplete_result_has_no_row_of_dashes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = small(tmp_path / "a")
    (folder / "sub/000001_sample00002.png").unlink()
    arguments = ("score", folder / "sub", "--gt", folder / "gt", "--track", "x4", "--samples", 3, "--metrics", "psnr")
    assert run(*arguments, "--board", tmp_path / "b", "--incomplete", "--team", "T") == 0
    out = capsys.readouterr().out
    assert "incomplete, not ranked: 1 image lacks samples. There are no averages" in out.replace("\n", " ")
    assert "–" not in out
    (first, second) = se.read_result(se.result_path(tmp_path / "b", "x4", "T")).images
    assert [len(image.samples) for image in (first, second)] == [3, 2]
    assert all(image.values["psnr"] > 20 for image in (first, second))
