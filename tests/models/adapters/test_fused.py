from __future__ import annotations

import math

import pytest
import torch

from srspace_eval.models.adapters.fused import _sum_log


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 3, 1, 3), (1, 6, 16, 16), (3, 5, 7, 9)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_logarithms_are_summed_for_each_sample(shape: tuple[int, int, int, int], layout: torch.memory_format) -> None:
    generator = torch.Generator().manual_seed(sum(shape))
    scale = torch.sigmoid(20 * torch.randn(shape, generator=generator)).add(1e-4).contiguous(memory_format=layout)
    before = scale.clone()
    found = _sum_log(scale)
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, scale.double().log().sum((1, 2, 3)), rtol=1e-6, atol=1e-6)
    assert torch.equal(scale, before)


def test_products_of_the_smallest_scales_do_not_underflow() -> None:
    found = _sum_log(torch.full((1, 6, 4, 4), 1e-4))
    assert float(found) == pytest.approx(96 * math.log(1e-4), rel=1e-6)
