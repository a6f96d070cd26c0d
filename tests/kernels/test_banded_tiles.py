from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from srspace_eval.kernels import banded_tiles
from srspace_eval.kernels.banded_tiles import BandedConv
from srspace_eval.kernels.winograd_tiles import Scratch, can_tile


def operands(channels: int, outputs: int, size: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(channels * outputs)
    x = torch.randn(1, channels, *size, generator=generator)
    weight = torch.randn(outputs, channels, 3, 3, generator=generator) / (channels * 9) ** 0.5
    return x, weight, torch.randn(outputs, generator=generator)


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (8, 4), (5, 33), (40, 62)])
def test_equals_the_convolution(size: tuple[int, int]) -> None:
    x, weight, bias = operands(9, 5, size)
    exact = F.conv2d(x.double(), weight.double(), bias.double(), padding=1)
    found = BandedConv(weight, bias)(x, Scratch())
    torch.testing.assert_close(found.double(), exact, rtol=0, atol=2e-5)
    assert float((found - exact).norm() / exact.norm()) < 2e-6


@pytest.mark.parametrize(("channels", "outputs"), [(64, 32), (192, 64), (320, 128)])
def test_the_points_keep_the_error_small(channels: int, outputs: int) -> None:
    x, weight, bias = operands(channels, outputs, (20, 33))
    exact = F.conv2d(x.double(), weight.double(), bias.double(), padding=1)
    # The points 0, ±1, ±2 and infinity give about 2.6e-6.
    assert float((BandedConv(weight, bias)(x, Scratch()) - exact).norm() / exact.norm()) < 1.6e-6


@pytest.mark.parametrize("tiles", [1, 20, 1000])
def test_bands_and_threads_change_nothing(tiles: int, monkeypatch: pytest.MonkeyPatch) -> None:
    x, weight, bias = operands(8, 8, (23, 40))
    whole = BandedConv(weight, bias)(x, Scratch())
    monkeypatch.setattr(banded_tiles, "_BAND_TILES", tiles)
    found = BandedConv(weight, bias)(x, Scratch())
    torch.testing.assert_close(found, whole, rtol=0, atol=2e-6)
    before = torch.get_num_threads()
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            assert torch.equal(BandedConv(weight, bias)(x, Scratch()), found)
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("slope", [0.0, 0.2])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_an_activation_follows(slope: float, layout: torch.memory_format) -> None:
    x, weight, bias = operands(6, 5, (9, 10))
    found = BandedConv(weight, bias)(x.contiguous(memory_format=layout), Scratch(), slope)
    expected = F.leaky_relu(F.conv2d(x, weight, bias, padding=1), slope)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    assert found.is_contiguous(memory_format=torch.channels_last)


def test_it_is_for_float32_on_the_cpu() -> None:
    assert can_tile(torch.zeros(1))
    assert not can_tile(torch.zeros(1, dtype=torch.float64))
    assert not can_tile(torch.zeros(1, device="meta"))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert not can_tile(torch.zeros(1))


def test_programs_may_compute_in_another_precision() -> None:
    x, weight, bias = operands(8, 8, (5, 9))
    expected = BandedConv(weight, bias)(x, Scratch())
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        found = BandedConv(weight, bias)(x, Scratch())
    finally:
        torch.set_default_dtype(before)
    assert found.dtype == torch.float32
    assert torch.equal(found, expected)
