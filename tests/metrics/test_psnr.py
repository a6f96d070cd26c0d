from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from srspace_eval.errors import InputError
from srspace_eval.metrics.psnr.function import lr_psnr, picture_mse, psnr
from srspace_eval.metrics.resize import imresize


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_psnr_is_its_definition_on_rgb_without_a_border() -> None:
    a, b = noise(150, 33), noise(150, 33, seed=1)
    error = ((a.astype(float) - b) ** 2).mean()
    assert picture_mse(torch.from_numpy(a), torch.from_numpy(b)) == error
    assert psnr(a, b) == pytest.approx(20 * math.log10(255 / math.sqrt(error)), abs=1e-12)
    assert psnr(torch.from_numpy(a), b) == psnr(b, a)


def test_the_extremes() -> None:
    black = np.zeros((700, 500, 3), np.uint8)
    assert psnr(black, np.full_like(black, 255)) == 0
    assert psnr(black, black) == math.inf
    black[0, 0, 0] = 1
    assert psnr(black, np.zeros_like(black)) == pytest.approx(10 * math.log10(255**2 * black.size), abs=1e-12)


def luma(picture: np.ndarray) -> np.ndarray:
    """MATLAB's rgb2ycbcr, without its rounding."""
    return picture.astype(float) @ np.array([65.481, 128.553, 24.966]) / 255 + 16


@pytest.mark.parametrize("border", [0, 1, 4])
def test_psnr_of_luma_inside_a_border(border: int) -> None:
    a, b = noise(150, 33), noise(150, 33, seed=1)
    inside = np.s_[border : 150 - border, border : 33 - border]
    error = ((luma(a) - luma(b))[inside] ** 2).mean()
    expected = 10 * math.log10(255**2 / error)
    assert psnr(a, b, channel="y", border=border) == pytest.approx(expected, abs=1e-12)
    assert psnr(a / 255, b / 255, channel="y", border=border) == pytest.approx(expected, abs=1e-9)
    assert psnr(a, b, border=border) == psnr(a[inside], b[inside])


def test_psnr_of_luma_is_exact_on_the_largest_differences() -> None:
    black = np.zeros((300, 400, 3), np.uint8)
    assert psnr(black, np.full_like(black, 255), channel="y") == 10 * math.log10((255 / 219) ** 2)
    assert psnr(black, black, channel="y") == math.inf


def test_lr_psnr_compares_the_downscaled_sample() -> None:
    sr, gt = noise(40, 56), noise(40, 56, seed=1)
    lr = imresize(gt, 1 / 8)
    assert lr_psnr(sr, lr, 8) == psnr(imresize(sr, 1 / 8), lr)
    assert lr_psnr(gt, lr, 8) == math.inf
    legacy = imresize(gt, 1 / 8, convention="matlab-legacy")
    assert lr_psnr(gt, legacy, 8, "matlab-legacy") == math.inf
    assert lr_psnr(gt, legacy, 8) < math.inf


def test_lr_psnr_of_floats_downscales_without_rounding() -> None:
    sr, lr = noise(40, 56) / 255, imresize(noise(40, 56, seed=1), 1 / 8)
    error = ((imresize(sr, 1 / 8) * 255 - lr) ** 2).mean()
    expected = 10 * math.log10(255**2 / error)
    assert lr_psnr(sr, lr, 8) == pytest.approx(expected, abs=1e-9)
    assert lr_psnr(torch.from_numpy(sr), torch.from_numpy(lr / 255), 8) == pytest.approx(expected, abs=1e-9)
    assert lr_psnr(np.stack([sr, sr]), lr, 8) == pytest.approx([expected] * 2, abs=1e-9)
    # Black and white stripes overshoot [0, 1] when they are downscaled: that is allowed.
    stripes = np.zeros((32, 32, 3), np.float32)
    stripes[:, 16:] = 1
    assert 40 < lr_psnr(stripes, imresize(stripes, 1 / 4).clip(0, 1), 4) < math.inf


def test_other_pictures_are_named() -> None:
    with pytest.raises(InputError, match="sizes differ, 8×8 and 8×9"):
        psnr(noise(8, 8), noise(8, 9))
    with pytest.raises(InputError, match=r"values from .* given, uint8 or float"):
        psnr(noise(8, 8).astype(float), noise(8, 8))
    with pytest.raises(InputError, match="border 4: no pixel remains of a picture of 8×9"):
        psnr(noise(8, 9), noise(8, 9), border=4)
    with pytest.raises(InputError, match="border -1"):
        psnr(noise(8, 9), noise(8, 9), border=-1)
    with pytest.raises(InputError, match="channel 'luma': rgb, y"):
        psnr(noise(8, 9), noise(8, 9), channel="luma")  # type: ignore[call-overload]
    with pytest.raises(InputError, match="sizes differ, 2×2 and 8×8"):
        lr_psnr(noise(8, 8), noise(8, 8), 4)
