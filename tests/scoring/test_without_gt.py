"""Submissions without a GT: the LRs name the images, else the submission does."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import srspace_eval as se
from benchmarks.inputs import synth
from srspace_eval.errors import InputError, RankingError, SubmissionError, TrackError
from tests.helpers.commands import run as command

TRACK = """
name = "real"
title = "Real pictures"
scale = 2
samples = 1
gt_names = ["{stem}.png"]
sample_names = ["{stem}.png"]
reference = "none"
metrics = ["piqe"]

[measure.brisque_y]
metric = "brisque"
channel = "y8"

[columns]
nrqm = { better = "higher" }

[ranking]
criteria = [{ metric = "piqe" }]
final = ["piqe"]
"""

pytestmark = pytest.mark.filterwarnings("ignore::srspace_eval.errors.Notice")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """``lr/a.png``, ``lr/b.png``, and samples of twice their size in ``sub/``."""
    for place in ("lr", "sub"):
        (tmp_path / place).mkdir()
    for number, name in enumerate("ab"):
        sample = np.asarray(synth.picture(96, 128, number))
        se.write_png(tmp_path / "sub" / f"{name}.png", sample)
        se.write_png(tmp_path / "lr" / f"{name}.png", np.asarray(se.imresize(sample, 1 / 2)))
    (tmp_path / "real.toml").write_text(TRACK)
    return tmp_path


def score(folder: Path, **more: object) -> se.Result:
    settings = {"track": folder / "real.toml", "board": folder / "board", **more}
    return se.score(folder / "sub", **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("with_lr", [True, False])
def test_the_values_are_those_of_the_functions(folder: Path, with_lr: bool) -> None:
    lr = folder / "lr" if with_lr else None
    wanted = {"metrics": ["piqe", "brisque_y", "lr_psnr"]} if with_lr else {}
    result = score(folder, lr=lr, **wanted)
    assert [image.image for image in result.images] == ["a", "b"]
    for image in result.images:
        sr = se.read_rgb(folder / "sub" / f"{image.image}.png")
        assert image.values["piqe"] == se.piqe(sr)
        assert image.values["brisque_y"] == se.brisque(sr, channel="y8")
        assert (image.height, image.width, image.gt_sha256) == (96, 128, None)
        if with_lr:
            assert image.samples[0].values["lr_psnr"] == np.inf
            values = se.read_rgb(folder / "lr" / f"{image.image}.png").size
            assert image.values["lr_psnr"] == pytest.approx(10 * np.log10(255**2 * values), abs=1e-12)
    common = result.signature.settings["common"]
    assert common["gt"] == "none"
    assert len(common["lr" if with_lr else "pictures"]) == 64
    assert score(folder, lr=lr, **wanted) == result  # read again from the board
    stored = json.loads((folder / "board/real/sub.json").read_text())
    assert [image["gt_sha256"] for image in stored["images"]] == [None, None]


def test_metrics_that_need_a_gt_are_refused_by_name(folder: Path) -> None:
    with pytest.raises(InputError, match=r"says that there is no GT, but these metrics need a GT: psnr, ssim;"):
        score(folder, metrics=["piqe", "psnr", "ssim"])
    with pytest.raises(InputError, match=r"without a GT these metrics need the LR: lr_psnr; give lr"):
        score(folder, metrics=["lr_psnr"])
    with pytest.raises(InputError, match='reference = "none" says that there is no GT; leave out gt'):
        score(folder, gt=folder / "sub")
    (folder / "real.toml").write_text(TRACK.replace('["piqe"]\n\n', '["piqe", "lpips", "mse"]\n\n', 1))
    with pytest.raises(TrackError, match=r"these metrics need one: lpips, mse; without a GT there are .*niqe"):
        se.load_track(folder / "real.toml")
    assert not (folder / "board").exists()


def test_with_lrs_missing_images_and_wrong_sizes_are_faults(folder: Path) -> None:
    (folder / "sub/b.png").unlink()
    se.write_png(folder / "sub/a.png", np.zeros((94, 128, 3), np.uint8))
    se.write_png(folder / "sub/c.png", np.zeros((96, 128, 3), np.uint8))
    found = se.check(folder / "sub", lr=folder / "lr", track=folder / "real.toml")
    faults = "\n".join(found.faults)
    assert "c.png: surplus" in faults
    assert "b: all its samples are missing (b.png)" in faults
    assert "128×94 pixels, but its LR a.png of 64×48 pixels at scale 2 requires 128×96" in faults
    assert found.notices == ()
    alone = se.check(folder / "sub", track=folder / "real.toml")
    assert alone.faults == ()
    assert "Missing images and wrong sizes are not found" in alone.notices[0]


def test_results_of_other_images_are_not_ranked_together(folder: Path) -> None:
    score(folder, team="all")
    (folder / "sub/b.png").unlink()
    score(folder, team="fewer")
    with pytest.raises(RankingError, match="different settings") as error:
        se.rank(se.load_board(folder / "board/real"), folder / "real.toml")
    assert "common.pictures: " in "\n".join(error.value.problems)


def test_a_track_with_a_gt_is_scored_without_it_by_metrics_that_need_none(folder: Path) -> None:
    sub, lr = folder / "ten", folder / "lrs"
    sub.mkdir(), lr.mkdir()
    for number in range(2):
        for sample in range(2):
            picture = np.asarray(synth.picture(96, 128, 9 * number + sample))
            se.write_png(sub / f"{number:06d}_sample{sample:05d}.png", picture)
        se.write_png(lr / f"{801 + number:04d}x4.png", np.zeros((24, 32, 3), np.uint8))
    for more in ({}, {"lr": lr}):
        result = se.score(sub, track="x4", samples=2, metrics=["piqe"], board=folder / f"board{len(more)}", **more)
        assert [image.image for image in result.images] == ["0801", "0802"]
        assert [len(image.samples) for image in result.images] == [2, 2]
    (sub / "000001_sample00001.png").unlink()
    with pytest.raises(SubmissionError, match="a fault") as error:
        se.score(sub, track="x4", samples=2, metrics=["piqe"], board=folder / "board")
    told = "0802: 1 of 2 samples are missing (000001_sample00001.png) (index 1 is image 0802)"
    assert told in error.value.problems
    se.write_png(sub / "000001_sample00001.png", np.zeros((96, 120, 3), np.uint8))
    found = se.check(sub, track="x4", samples=2)
    assert "120×96 pixels, but 000001_sample00000.png of the same image has 128×96" in found.faults[0]


def test_the_command_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--track", folder / "real.toml", "--board", folder / "board", "--team", "T")
    assert command("check", folder / "sub", "--lr", folder / "lr", "--track", folder / "real.toml") == 0
    assert "no faults; 2 samples of 2 images" in capsys.readouterr().err
    assert command("score", folder / "sub", "--lr", folder / "lr", *options, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert set(document["summary"]) == {"piqe", "brisque_y"}
    stored = folder / "board/real/T.json"
    assert command("verify", stored, folder / "sub", "--lr", folder / "lr", *options[:2]) == 0
    capsys.readouterr()
    assert command("verify", stored, folder / "sub", *options[:2]) == 1  # without the LRs the signature differs
    assert "common" in capsys.readouterr().out
    assert command("rank", *options[:4]) == 0
    assert "T" in capsys.readouterr().out
    assert command("score", folder / "sub", "--board", folder / "board") == 2
    assert "--gt" in capsys.readouterr().err
    assert command("check", folder / "sub") == 2
    assert command("score", folder / "sub", "--track", "x4", "--board", folder / "board") == 1
    assert "these metrics need a GT: lpips, diversity; give --gt" in capsys.readouterr().err


def test_scale_with_an_lr_name_that_ends_in_the_scale(folder: Path) -> None:
    for name in "ab":
        shutil.move(folder / "lr" / f"{name}.png", folder / "lr" / f"{name}x2.png")
    (folder / "real.toml").write_text(
        TRACK.replace('gt_names = ["{stem}.png"]', 'gt_names = ["{number:03d}.png"]').replace(
            "{stem}", "{number:03d}x2"
        )
    )
    for number, name in enumerate("ab"):
        for place in ("lr", "sub"):
            old = folder / place / (f"{name}x2.png" if place == "lr" else f"{name}.png")
            old.rename(folder / place / f"{number:03d}x2.png")
    result = score(folder, lr=folder / "lr")
    assert [image.image for image in result.images] == ["000", "001"]
    assert [image.samples[0].file for image in result.images] == ["000x2.png", "001x2.png"]
