from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from srspace_eval.kernels import banded_tiles, upsampled_tiles
from srspace_eval.kernels.banded_tiles import BandedMap, Task
from srspace_eval.kernels.upsampled_tiles import SharedConv, SharedValues, before_small
from srspace_eval.kernels.winograd_tiles import Scratch


@pytest.mark.parametrize("factor", [1, 2, 4])
@pytest.mark.parametrize("size", [(1, 1), (3, 2), (5, 8), (9, 14)])
@pytest.mark.parametrize("tiles", [1, 20, 64])
def test_equals_the_convolution_of_both_maps(
    factor: int, size: tuple[int, int], tiles: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(banded_tiles, "_BAND_TILES", tiles)
    generator = torch.Generator().manual_seed(factor)
    own = torch.randn(1, 3, size[0] * factor, size[1] * factor, generator=generator)
    small = torch.randn(1, 5, *size, generator=generator) if factor > 1 else None
    x = own if small is None else torch.cat([own, F.interpolate(small, scale_factor=factor)], 1)
    weight = torch.randn(6, x.shape[1], 3, 3, generator=generator) / (9 * x.shape[1]) ** 0.5
    bias = torch.randn(6, generator=generator)
    conv, values, scratch = SharedConv(weight, bias, 3, factor), SharedValues(own, small), Scratch()
    tasks: list[Task] = []
    out, filters = BandedMap(*own.shape[2:], 6), conv.filters(scratch, tasks)
    for task in tasks:
        task()
    for band in range(len(out.pixels)):
        conv.run(filters, values, band, out.pixels[band, 1:-1], scratch, 0)
    expected = F.conv2d(x.double(), weight.double(), bias.double(), padding=1)
    found = out.picture(torch.empty(expected.shape)).double()
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize("factor", [2, 4])
def test_left_out_values_are_zero(factor: int) -> None:
    before = upsampled_tiles._points().before.astype(np.float64)
    upsampled = np.random.default_rng(0).standard_normal(8).repeat(factor)
    tile = upsampled[factor - 1 :][:6]  # the pixel before a cell, and so on
    values = before @ tile
    n = len(before_small(factor))
    np.testing.assert_allclose(values[n:], 0, atol=1e-6)
    assert np.abs(values[:n]).min() > 1e-3
