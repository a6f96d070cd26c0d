"""The log-determinant of a map by autograd, to test the layers' own formulas against."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def jacobian_logdet(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """log|det| of a map of one (1, C, H, W), by autograd."""
    jacobian = torch.autograd.functional.jacobian(lambda flat: function(flat.view_as(x)).flatten(), x.flatten())
    return torch.linalg.slogdet(jacobian)[1]


def normal(*shape: int, seed: int = 1) -> Tensor:
    """Normal float64 numbers of this shape."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
