from __future__ import annotations

import pickle
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from srspace_eval.kernels import winograd
from srspace_eval.kernels.winograd import WinogradConv, matrices, saves_time
from srspace_eval.metrics.lpips.trunk_files import parameter_shapes
from srspace_eval.metrics.lpips.trunks import Trunk


def operands(channels: int, outputs: int, taps: int, size: tuple[int, int], count: int = 1) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(channels * outputs + taps)
    x = torch.randn(count, channels, *size, generator=generator)
    weight = torch.randn(outputs, channels, taps, taps, generator=generator) / (channels * taps**2) ** 0.5
    return x.contiguous(memory_format=torch.channels_last), weight, torch.randn(outputs, generator=generator)


@pytest.mark.parametrize("taps", [3, 5])
def test_the_matrices_make_a_correlation(taps: int) -> None:
    before, kernel, after = (
        [[Fraction(value).limit_denominator(1000) for value in row] for row in matrix.tolist()]
        for matrix in matrices(4, taps)
    )
    for i in range(taps):  # bilinear, so unit filters and unit inputs suffice; in fractions, so exactly
        for j in range(taps + 3):
            products = [row_k[i] * row_b[j] for row_k, row_b in zip(kernel, before, strict=True)]
            outputs = [sum(a * p for a, p in zip(row, products, strict=True)) for row in after]
            assert outputs == [int(position + i == j) for position in range(4)]


@pytest.mark.parametrize("taps", [3, 5])
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (7, 4), (5, 33), (40, 62)])
def test_equals_the_convolution(taps: int, size: tuple[int, int]) -> None:
    x, weight, bias = operands(9, 5, taps, size, count=2)
    exact = F.conv2d(x.double(), weight.double(), bias.double(), padding=taps // 2)
    found = WinogradConv(weight, bias)(x)
    assert found.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(found.double(), exact, rtol=0, atol=2e-5)
    assert float((found - exact).norm() / exact.norm()) < 1e-6


@pytest.mark.parametrize(("channels", "outputs", "taps"), [(64, 192, 5), (192, 384, 3), (384, 256, 3), (256, 256, 3)])
def test_rounding_is_about_twice_that_of_direct_sums(channels: int, outputs: int, taps: int) -> None:
    x, weight, bias = operands(channels, outputs, taps, (20, 33))
    x = x.relu()
    exact = F.conv2d(x.double(), weight.double(), bias.double(), padding=taps // 2)
    direct = float((F.conv2d(x, weight, bias, padding=taps // 2) - exact).norm())
    assert float((WinogradConv(weight, bias)(x) - exact).norm()) < max(3 * direct, 1e-6 * float(exact.norm()))


@pytest.mark.parametrize("taps", [3, 5])
@pytest.mark.parametrize("kind", ["constant", "nearly constant", "smooth", "stripes"])
@pytest.mark.parametrize("balanced", [False, True])
def test_on_even_maps_rounding_is_no_more_than_that_of_direct_sums(taps: int, kind: str, balanced: bool) -> None:
    """Grey pictures give such maps. With filters that sum to 0, little is left of large terms: both lose digits."""
    generator = torch.Generator().manual_seed(taps)
    levels = torch.rand(1, 64, 1, 1, generator=generator)
    maps = {
        "constant": levels.expand(1, 64, 16, 64),
        "nearly constant": levels * (1 + 0.01 * torch.randn(1, 64, 16, 64, generator=generator)),
        "smooth": F.interpolate(torch.rand(1, 64, 2, 8, generator=generator), size=(16, 64), mode="bicubic").relu(),
        "stripes": (levels * (torch.arange(64) % 2)).expand(1, 64, 16, 64),
    }
    x = maps[kind].contiguous(memory_format=torch.channels_last)
    _, weight, bias = operands(64, 64, taps, (1, 1))
    if balanced:
        weight = weight - weight.mean((2, 3), keepdim=True)
    exact = F.conv2d(x.double(), weight.double(), bias.double(), padding=taps // 2)
    direct = float((F.conv2d(x, weight, bias, padding=taps // 2) - exact).norm())
    assert float((WinogradConv(weight, bias)(x) - exact).norm()) < 1.5 * direct


def test_bands_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    x, weight, bias = operands(8, 8, 5, (23, 40))
    whole = WinogradConv(weight, bias)(x)
    monkeypatch.setattr(winograd, "_BAND_VALUES", 1)  # one row at a time
    assert torch.equal(WinogradConv(weight, bias)(x), whole)


def test_cases_in_which_it_saves_time() -> None:
    weight = torch.zeros(64, 64, 3, 3)
    assert saves_time(weight, 1, 1, 100)
    assert not saves_time(weight, 2, 1, 100)
    assert not saves_time(weight, 1, 0, 100)
    assert not saves_time(weight, 1, 1, 16)
    assert not saves_time(weight.bfloat16(), 1, 1, 100)
    assert not saves_time(weight.to("meta"), 1, 1, 100)
    assert not saves_time(torch.zeros(64, 16, 3, 3), 1, 1, 100)
    assert not saves_time(torch.zeros(64, 64, 1, 1), 1, 0, 100)
    assert not saves_time(torch.zeros(64, 3, 11, 11), 4, 2, 100)


@pytest.mark.parametrize("net", ["alex", "vgg", "squeeze"])
def test_trunks_use_it_and_agree_with_direct_convolution(net: str, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(1)
    parameters = {
        name: torch.randn(shape, generator=generator) * (2 / np.prod(shape[1:])) ** 0.5 if len(shape) > 1
        else torch.randn(shape, generator=generator) * 0.1
        for name, shape in parameter_shapes(net).items()
    }  # fmt: skip
    x = torch.randn(1, 3, 300, 560, generator=generator)
    used = []
    call = WinogradConv.__call__
    monkeypatch.setattr(WinogradConv, "__call__", lambda self, x: used.append(x.shape) or call(self, x))

    def activations() -> list[Tensor]:
        trunk = Trunk(net, parameters, torch.device("cpu"), torch.float32)
        with torch.no_grad():
            return [part.values.clone() for part in trunk.activations(x)]

    fast = activations()
    assert used
    used.clear()
    monkeypatch.setattr("srspace_eval.metrics.lpips.trunks.saves_time", lambda *args: False)
    for mine, direct in zip(fast, activations(), strict=True):
        assert float((mine - direct).norm() / direct.norm()) < 3e-6
    assert not used


def test_programs_may_compute_in_another_precision() -> None:
    x, weight, bias = operands(8, 8, 3, (5, 9))
    expected = WinogradConv(weight, bias)(x)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        found = WinogradConv(weight, bias)(x)
    finally:
        torch.set_default_dtype(before)
    assert found.dtype == torch.float32
    assert torch.equal(found, expected)


def test_trunks_can_be_copied() -> None:
    generator = torch.Generator().manual_seed(1)
    parameters = {name: torch.randn(shape, generator=generator) for name, shape in parameter_shapes("alex").items()}
    trunk = Trunk("alex", parameters, torch.device("cpu"), torch.float32)
    x = torch.randn(1, 3, 40, 300, generator=generator)
    with torch.no_grad():
        expected = [part.values for part in trunk.activations(x)]
        found = [part.values for part in pickle.loads(pickle.dumps(trunk)).activations(x)]
    assert all(map(torch.equal, found, expected))
