from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from srspace_eval.kernels import banded_tiles
from srspace_eval.kernels.banded_tiles import BandedConv, BandedMap, run_stages
from srspace_eval.kernels.dense_tiles import DenseBlock
from srspace_eval.kernels.winograd_tiles import Scratch


def parameters(channels: int, outputs: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(channels * outputs)
    weight = torch.randn(outputs, channels, 3, 3, generator=generator) / (channels * 9) ** 0.5
    return weight, torch.randn(outputs, generator=generator)


def block(convs: list[tuple[Tensor, Tensor]], x: Tensor) -> Tensor:
    seen = x.double()
    for weight, bias in convs[:-1]:
        new = F.leaky_relu(F.conv2d(seen, weight.double(), bias.double(), padding=1), 0.2)
        seen = torch.cat([seen, new], 1)
    weight, bias = convs[-1]
    return x + 0.5 * F.conv2d(seen, weight.double(), bias.double(), padding=1)


@pytest.mark.parametrize("size", [(1, 1), (3, 9), (8, 4), (17, 33), (40, 62)])
@pytest.mark.parametrize("tiles", [1, 20, 64])
def test_a_dense_block(size: tuple[int, int], tiles: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(banded_tiles, "_BAND_TILES", tiles)
    convs = [parameters(6, 4), parameters(10, 4), parameters(14, 4), parameters(18, 6)]
    x = torch.randn(1, 6, *size, generator=torch.Generator().manual_seed(0))
    factors = (1.0, 1.0, 1.0, 0.5)
    dense = DenseBlock([BandedConv(*conv, factor) for conv, factor in zip(convs, factors, strict=True)], 0.2)
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            first, out = BandedMap.of(x), BandedMap(*size, 6)
            # Memory that was used before holds anything.
            grown = [BandedMap(*size, 4) for _ in range(3)]
            for part in (out, *grown):
                part.pixels[...] = float("nan")
            run_stages([dense.stages(first, out, grown, DenseBlock.new_values(first, 18), Scratch())])
            found.append(out.picture(torch.empty(1, 6, *size)))
            assert torch.equal(first.picture(torch.empty(1, 6, *size)), x)
    finally:
        torch.set_num_threads(before)
    torch.testing.assert_close(found[0].double(), block(convs, x), rtol=0, atol=2e-5)
    assert torch.equal(found[0], found[1])


def test_maps_are_added() -> None:
    x, y = torch.rand(1, 3, 9, 6), torch.rand(1, 3, 9, 6)
    total = BandedMap.of(x)
    run_stages([total.adding(BandedMap.of(y), 0.25)])
    torch.testing.assert_close(total.picture(torch.empty(1, 3, 9, 6)), x + 0.25 * y)
