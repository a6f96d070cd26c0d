from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from srspace_eval.models.checkpoints.allocations import AllocationLimit, AllocationLimitError

_SMALL = torch.zeros(1000)


@pytest.mark.parametrize(
    "make",
    [
        lambda: torch.empty(1 << 40),
        lambda: torch.arange(1 << 40),
        lambda: torch.zeros(1).expand(1 << 40).clone(),
        lambda: torch.zeros(1 << 20, 1) - torch.zeros(1, 1 << 20),
        lambda: torch.stack([torch.zeros(1).expand(1 << 40)] * 2),
        lambda: torch.zeros(1).expand(1 << 40).to(torch.float64),
    ],
)
def test_a_large_tensor_is_refused_before_it_is_allocated(make: Callable[[], Tensor]) -> None:
    with AllocationLimit(1 << 26), pytest.raises(AllocationLimitError):
        make()


def test_many_small_results_count_together() -> None:
    with AllocationLimit(50_000), pytest.raises(AllocationLimitError):
        torch.stack([_SMALL + number for number in range(20)])


def test_writing_into_tensors_and_views_take_nothing() -> None:
    with AllocationLimit(100) as used:
        for _ in range(20):
            _SMALL.view(10, 100).transpose(0, 1).add_(1)
    assert used.used == 0


def test_results_and_random_numbers_are_the_same_inside() -> None:
    def numbers() -> Tensor:
        torch.manual_seed(0)
        return torch.cat([torch.randn(10), torch.rand(5), torch.randperm(7).float(), torch.zeros(4).bernoulli(0.5)])

    expected = numbers()
    with AllocationLimit(1 << 20):
        assert torch.equal(numbers(), expected)
