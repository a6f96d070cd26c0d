from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from benchmarks.inputs import synth
from srspace_eval.errors import InputError
from srspace_eval.metrics.ssim.function import ssim


def by_scipy(a: np.ndarray, b: np.ndarray) -> float:
    """Wang et al.'s equation 13 with scipy's Gaussian, cut at five pixels; windows wholly inside."""
    means = []
    for channel in range(a.shape[2]):
        x, y = a[..., channel].astype(float), b[..., channel].astype(float)

        def blur(image: np.ndarray) -> np.ndarray:
            return ndimage.gaussian_filter(image, 1.5, radius=5)[5:-5, 5:-5]

        mx, my = blur(x), blur(y)
        vx, vy, cov = blur(x * x) - mx**2, blur(y * y) - my**2, blur(x * y) - mx * my
        c1, c2 = 2.55**2, 7.65**2
        means.append(((2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))).mean())
    return float(np.mean(means))


@pytest.mark.parametrize("size", [(40, 51), (150, 33), (11, 11)])
def test_equals_an_independent_implementation(size: tuple[int, int]) -> None:
    gt = synth.picture(*size, 3)
    sr = np.clip(gt + np.random.default_rng(0).normal(0, 12, gt.shape), 0, 255).astype(np.uint8)
    assert ssim(sr, gt) == pytest.approx(by_scipy(sr, gt), abs=1e-12)
    assert 0 < ssim(sr, gt) < 1
    assert ssim(sr, gt) == pytest.approx(ssim(gt, sr), abs=1e-15)


def test_luma_inside_a_border_equals_an_independent_implementation() -> None:
    gt = synth.picture(60, 51, 3)
    sr = np.clip(gt + np.random.default_rng(0).normal(0, 12, gt.shape), 0, 255).astype(np.uint8)
    weights = np.array([65.481, 128.553, 24.966]) / 255
    inside = [(picture[4:-4, 4:-4] @ weights + 16)[..., None] for picture in (sr, gt)]
    assert ssim(sr, gt, channel="y", border=4) == pytest.approx(by_scipy(*inside), abs=1e-12)
    assert ssim(sr / 255, gt / 255, channel="y", border=4) == pytest.approx(by_scipy(*inside), abs=1e-12)


def test_identical_pictures_give_one() -> None:
    gt = synth.picture(64, 64, 3)
    assert ssim(gt, gt) == 1


def test_too_small_or_unequal_pictures_are_named() -> None:
    with pytest.raises(InputError, match="at least 11×11"):
        ssim(np.zeros((10, 40, 3), np.uint8), np.zeros((10, 40, 3), np.uint8))
    with pytest.raises(InputError, match="at least 11×11"):
        ssim(np.zeros((16, 40, 3), np.uint8), np.zeros((16, 40, 3), np.uint8), border=3)
    with pytest.raises(InputError, match="sizes differ"):
        ssim(np.zeros((12, 40, 3), np.uint8), np.zeros((12, 41, 3), np.uint8))
