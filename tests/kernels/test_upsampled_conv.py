from __future__ import annotations

import pytest
import torch

from srspace_eval.kernels.upsampled_conv import UpsampledConv, upsampled_conv_reference


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
