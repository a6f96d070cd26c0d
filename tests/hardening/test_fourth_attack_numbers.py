"""The fourth attack, numbers: sizes and layouts that a metric cannot measure are named before anything is measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from srspace_eval import brisque, imresize, load_track, niqe, score, write_png
from srspace_eval.errors import InputError, SubmissionError
from srspace_eval.metrics.scenes.metric import Brisque

TRACK = """
name = "nq"
title = "N"
scale = 4
sample_names = ["{number:04d}.png"]
samples = 1
metrics = ["niqe", "psnr"]
"""


def test_pictures_with_one_block_of_niqe_are_named_before_anything_is_measured(tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text(TRACK, encoding="utf-8")
    rng = np.random.default_rng(0)
    sizes = [(96, 192), (128, 160), (188, 188), (192, 96)]
    for index, size in enumerate(sizes):
        gt = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
        for folder, picture in (("gt", gt), ("s", gt // 2 * 2)):
            (tmp_path / folder).mkdir(exist_ok=True)
            write_png(tmp_path / folder / f"{index:04d}.png", picture)
        if size in ((96, 192), (192, 96)):
            assert niqe(gt) > 0
        else:
            with pytest.raises(InputError, match="needs at least 96×192"):
                niqe(gt)
    with pytest.raises(SubmissionError) as caught:
        score(tmp_path / "s", tmp_path / "gt", track=load_track(tmp_path / "t.toml"), board=tmp_path / "board")
    faults = [line for line in str(caught.value).splitlines() if "niqe needs 96×192" in line]
    assert [("0001.png" in line, "0002.png" in line) for line in faults] == [(True, False), (False, True)]


@pytest.mark.parametrize("shape", [(1, 64, 64), (2, 64, 64), (3, 64, 64), (4, 64, 64), (1, 5, 9)])
@pytest.mark.parametrize("make", [torch.zeros, np.zeros])
def test_channels_first_are_never_read_as_rows(make: type, shape: tuple[int, int, int]) -> None:
    if make is torch.zeros and shape[0] == 3:
        assert imresize(torch.zeros(shape), 1 / 4).shape == (3, 16, 16)
        return
    with pytest.raises(InputError, match="channels first"):
        imresize(make(shape, dtype=torch.float32 if make is torch.zeros else np.float32), 1 / 4)


@pytest.mark.parametrize("shape", [(64, 64, 31), (4, 64, 4), (1, 64, 3), (2, 4, 31)])
def test_pictures_of_few_rows_and_of_many_channels_are_resized(shape: tuple[int, int, int]) -> None:
    rows, columns, channels = shape
    expected = (-(-rows // 4), -(-columns // 4), channels)
    assert imresize(np.zeros(shape, np.float32), 1 / 4).shape == expected


def test_brisque_needs_three_rows() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    assert np.isnan([brisque(picture[:2]), brisque(picture[:, :2]), brisque(picture[:1, :1])]).all()
    assert not np.isnan(brisque(picture[:20, :20]))
    (least,) = Brisque(border=2).least_sizes("alex")
    assert least.side == 3 + 4
