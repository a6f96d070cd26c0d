from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from srspace_eval.errors import InputError
from srspace_eval.metrics.psnr.function import lr_psnr, mse, psnr
from srspace_eval.metrics.resize import imresize


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_psnr_is_its_definition_on_rgb_without_a_border() -> None:
    a, b = noise(150, 33), noise(150, 33, seed=1)
    error = ((a.astype(float) - b) ** 2).mean()
    assert mse(a, b) == error
    assert psnr(a, b) == pytest.approx(20 * math.log10(255 / math.sqrt(error)), abs=1e-12)
    assert psnr(torch.from_numpy(a), b) == psnr(b, a)


def test_the_extremes() -> None:
    black = np.zeros((700, 500, 3), np.uint8)
    assert psnr(black, np.full_like(black, 255)) == 0
    assert psnr(black, black) == math.inf
    black[0, 0, 0] = 1
    assert psnr(black, np.zeros_like(black)) == pytest.approx(10 * math.log10(255**2 * black.size), abs=1e-12)


def test_lr_psnr_compares_the_downscaled_sample() -> None:
    sr, gt = noise(40, 56), noise(40, 56, seed=1)
    lr = imresize(gt, 1 / 8)
    assert lr_psnr(sr, lr, 8) == psnr(imresize(sr, 1 / 8), lr)
    assert lr_psnr(gt, lr, 8) == math.inf
    legacy = imresize(gt, 1 / 8, convention="matlab-legacy")
    assert lr_psnr(gt, legacy, 8, "matlab-legacy") == math.inf
    assert lr_psnr(gt, legacy, 8) < math.inf


def test_other_pictures_are_named() -> None:
    with pytest.raises(InputError, match="sizes differ, 8×8 and 8×9"):
        psnr(noise(8, 8), noise(8, 9))
    with pytest.raises(InputError, match="float64"):
        psnr(noise(8, 8) / 255, noise(8, 8))
    with pytest.raises(InputError, match="sizes differ, 2×2 and 8×8"):
        lr_psnr(noise(8, 8), noise(8, 8), 4)
