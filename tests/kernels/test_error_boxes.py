from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d

from srspace_eval.kernels import error_boxes
from srspace_eval.kernels.error_boxes_reference import box_sums


def noise(height: int, width: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.mark.parametrize("size", [(1, 1), (5, 40), (16, 16), (33, 7), (100, 61)])
def test_the_map_is_the_full_convolution_with_a_box(size: tuple[int, int]) -> None:
    sr, gt = noise(*size), noise(*size, seed=1)
    error = ((sr.double() - gt.double()) ** 2).mean(2).numpy()
    expected = convolve2d(error, np.full((16, 16), 1 / 256), mode="full")
    np.testing.assert_allclose(box_sums(sr, gt).double() / 768, expected, rtol=1e-12)


@pytest.mark.parametrize("size", [(1, 1), (5, 40), (40, 5), (31, 33), (150, 61)])
def test_every_form_gives_the_same_bits(size: tuple[int, int]) -> None:
    gt = noise(*size)
    fast = reference = None
    for seed in range(1, 4):
        sr = noise(*size, seed=seed)
        *means, fast = error_boxes.reduce_into(sr, gt, fast)
        *expected, reference = error_boxes.reduce_into(sr, gt, reference, "reference")
        assert means == expected
        assert torch.equal(fast, reference)


def test_the_largest_error_fits() -> None:
    black = torch.zeros(40, 40, 3, dtype=torch.uint8)
    mean, best, boxes = error_boxes.reduce_into(black + 255, black, None)
    assert boxes.max() == 255**2 * 768
    assert mean == best == pytest.approx(255**2 * (40 / 55) ** 2, rel=1e-12)
