from __future__ import annotations

import pytest
import torch

from srspace_eval.kernels import upsampled_conv
from srspace_eval.kernels.upsampled_conv import DifferenceConv, Differences, UpsampledConv, upsampled_conv_reference
from srspace_eval.kernels.winograd_tiles import Scratch


@pytest.mark.parametrize("factor", [2, 4, 8])
@pytest.mark.parametrize("size", [(5, 4), (1, 3), (1, 1)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_equals_the_convolution_of_the_upsampled_map(
    factor: int, size: tuple[int, int], layout: torch.memory_format
) -> None:
    generator = torch.Generator().manual_seed(factor)
    x = torch.randn(2, 3, *size, generator=generator, dtype=torch.float64).contiguous(memory_format=layout)
    weight = torch.randn(5, 3, 3, 3, generator=generator, dtype=torch.float64)
    start = torch.randn(2, 5, size[0] * factor, size[1] * factor, generator=generator, dtype=torch.float64)
    out = start.clone(memory_format=torch.preserve_format).contiguous(memory_format=layout)
    UpsampledConv(weight, factor, layout).add_to(out, x)
    torch.testing.assert_close(out, start + upsampled_conv_reference(x, weight, factor))


@pytest.mark.parametrize("factor", [2, 4, 8])
@pytest.mark.parametrize("size", [(5, 4), (1, 3), (1, 1), (40, 9)])
def test_differences_give_the_same(factor: int, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upsampled_conv, "_BAND_VALUES", 9 * 5 * size[1] * 7)  # seven rows at a time
    generator = torch.Generator().manual_seed(factor)
    x = torch.randn(1, 3, *size, generator=generator)
    weight = torch.randn(5, 3, 3, 3, generator=generator)
    start = torch.randn(size[0] * factor, size[1] * factor, 5, generator=generator)
    outs = [start[..., :2].clone(), start[..., 2:].clone()]
    DifferenceConv(weight, factor).add_to(outs, Differences(x), Scratch())
    expected = start.double() + upsampled_conv_reference(x.double(), weight.double(), factor)[0].permute(1, 2, 0)
    torch.testing.assert_close(torch.cat(outs, 2).double(), expected, rtol=0, atol=2e-5)
