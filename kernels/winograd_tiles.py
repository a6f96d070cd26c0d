"""3×3 convolution by Winograd's minimal filtering along both axes, in tiles of 4×4 output pixels.

A tile's 16 outputs of a 3×3 filter take 144 products if computed directly. As polynomials in two variables they take 36
products of the values at 36 points (A. Lavin and S. Gray, CVPR 2016). The values of the inputs are the *tile values*.
They are computed once for all convolutions that read a map.

The rounding error depends on the points. The common points 0, ±1, ±2 and infinity make it ten times that of direct
sums. With 0, ±3/5, ±3/2 and infinity it is about five times (for points between powers of two see B. Barabasz et al.,
"Error analysis and improving the accuracy of Winograd convolution for deep neural networks", ACM TOMS 2020).

This module has the matrices and the memory. :mod:`~srspace_eval.kernels.banded_tiles` computes with them.
:class:`~srspace_eval.kernels.winograd.WinogradConv` works along the rows only, with twice the products and less error.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import prod
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from srspace_eval.kernels.winograd import matrices

RUN = 4
"""Outputs of a tile along one axis."""

Array: TypeAlias = NDArray[np.float32]

SIDE = RUN + 2
"""Inputs of a tile, and values, along one axis."""

_POINTS = (Fraction(3, 5), Fraction(3, 2))


def can_tile(x: Tensor) -> bool:
    """Whether convolutions in tiles take a tensor: it is on the CPU and float32, and autocast is off.

    >>> can_tile(torch.rand(2)), can_tile(torch.rand(2).double())
    (True, False)
    """
    return supports(x) and not torch.is_autocast_enabled("cpu")


def supports(weight: Tensor) -> bool:
    """Whether weights are on the CPU and float32; the same as :func:`can_tile`, whatever autocast is."""
    return weight.device.type == "cpu" and weight.dtype == torch.float32


class Scratch:
    """Memory that is used again, because new memory is slow: the system clears it page by page."""

    def __init__(self) -> None:
        self._flat: dict[tuple[str, int], Array] = {}

    def take(self, name: str, *shape: int, worker: int = 0) -> Array:
        """An uninitialised float32 array. It shares memory with all earlier arrays of that name and worker.

        >>> Scratch().take("values", 2, 3).shape
        (2, 3)
        """
        size = prod(shape)
        flat = self._flat.get((name, worker))
        if flat is None or len(flat) < size:
            flat = self._flat[name, worker] = empty(size)
        return flat[:size].reshape(shape)


def empty(*shape: int) -> Array:
    """Uninitialised memory; PyTorch knows of it."""
    array: Array = torch.empty(shape, dtype=torch.float32, device="cpu").numpy()
    return array


@lru_cache(maxsize=1)
def kernel() -> Array:
    """(36, 9), from the taps of a filter to its values at the points."""
    _, points, _ = matrices(RUN, 3, _POINTS)
    both: Array = np.einsum("pi,qj->pqij", points, points).reshape(SIDE**2, 9).astype(np.float32)
    return both


@lru_cache(maxsize=1)
def before() -> Array:
    """(6, 6), from the inputs of a tile to their values, along one axis."""
    return matrices(RUN, 3, _POINTS)[0].astype(np.float32)


@lru_cache(maxsize=1)
def after() -> Array:
    """(4, 6), from the products to a tile's outputs, along one axis."""
    return matrices(RUN, 3, _POINTS)[2].astype(np.float32)
