"""3×3 convolution of a nearest-upsampled map, computed on the small map.

All pixels of an r×r cell of the upsampled map are equal. Each of the r² output phases therefore reads at most 2×2
pixels of the small map, with summed taps. For r >= 4 the inner phases read one pixel and are equal to each other. An
output needs 4 (r = 2) or 25/16 (r = 4) products for each pair of channels, instead of 9.

:mod:`srspace_eval.kernels.upsampled_tiles` needs fewer products; it is for float32 on the CPU. This form also computes
other precisions, and on GPUs.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


def upsampled_conv_reference(x: Tensor, weight: Tensor, factor: int) -> Tensor:
    """Nearest upsampling by ``factor``, then a zero-padded 3×3 convolution; specifies :class:`UpsampledConv`.

    (N, C, h, w), (K, C, 3, 3) -> (N, K, h·factor, w·factor).
    """
    return F.conv2d(F.interpolate(x, scale_factor=factor, mode="nearest"), weight, padding=1)


@dataclass(frozen=True)
class _Axis:
    """Phases of one axis that share their taps.

    Attributes
    ----------
    phases
        Their positions in the cell.
    first
        First small pixel read, relative to the cell: -1 or 0.
    taps
        (pixels, 3), 1 where the tap falls on the pixel.
    """

    phases: tuple[int, ...]
    first: int
    taps: tuple[tuple[float, ...], ...]


def _axes(factor: int) -> list[_Axis]:
    """The distinct phases of an axis."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for phase in range(factor):
        pixels = tuple((phase + tap) // factor for tap in (-1, 0, 1))
        groups.setdefault(pixels, []).append(phase)
    axes = []
    for pixels, phases in groups.items():
        span = range(min(pixels), max(pixels) + 1)
        taps = tuple(tuple(float(pixel == at) for pixel in pixels) for at in span)
        axes.append(_Axis(tuple(phases), span.start, taps))
    return axes


@dataclass(frozen=True)
class _Phase:
    rows: _Axis
    columns: _Axis
    weight: Tensor


class UpsampledConv:
    """:func:`upsampled_conv_reference` without computing the upsampled map.

    Parameters
    ----------
    weight
        (K, C, 3, 3).
    factor
        Factor of the upsampling, 1 or more.
    memory_format
        Memory format of the summed weights.

    Example
    -------
    >>> x, weight = torch.rand(1, 2, 5, 4), torch.rand(3, 2, 3, 3)
    >>> out = torch.zeros(1, 3, 10, 8)
    >>> UpsampledConv(weight, 2).add_to(out, x)
    >>> torch.allclose(out, upsampled_conv_reference(x, weight, 2), atol=1e-5)
    True
    """

    def __init__(
        self, weight: Tensor, factor: int, memory_format: torch.memory_format = torch.contiguous_format
    ) -> None:
        self.factor = factor
        self._phases = []
        axes = _axes(factor)
        for rows in axes:
            for columns in axes:
                summed = torch.einsum(
                    "kcij,ai,bj->kcab", weight.double(), _matrix(rows, weight), _matrix(columns, weight)
                )
                summed = summed.to(weight.dtype).contiguous(memory_format=memory_format)
                self._phases.append(_Phase(rows, columns, summed))

    def add_to(self, out: Tensor, x: Tensor) -> None:
        """Add the convolution of x (N, C, h, w) to ``out`` (N, K, h·factor, w·factor) in place."""
        h, w = x.shape[2:]
        for phase in self._phases:
            tall, wide = phase.weight.shape[2] - 1, phase.weight.shape[3] - 1
            y = F.conv2d(x, phase.weight, padding=(tall, wide))
            # With two rows (columns) in the kernel the convolution starts at pixel -1, otherwise at pixel 0.
            top, left = phase.rows.first + tall, phase.columns.first + wide
            y = y[:, :, top : top + h, left : left + w]
            for row in phase.rows.phases:
                for column in phase.columns.phases:
                    out[:, :, row :: self.factor, column :: self.factor] += y


def _matrix(axis: _Axis, like: Tensor) -> Tensor:
    return torch.tensor(axis.taps, dtype=torch.float64, device=like.device)
