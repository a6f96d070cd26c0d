"""3×3 convolution of a nearest-upsampled map, computed on the small map.

All pixels of an r×r cell of the upsampled map are equal. Each of the r² output phases therefore reads at most 2×2
pixels of the small map, with summed taps. For r >= 4 the inner phases read one pixel and are equal to each other. An
output needs 4 (r = 2) or 25/16 (r = 4) products for each pair of channels, instead of 9.

:class:`DifferenceConv` needs 9 products for each small pixel: 9/4 (r = 2) or 9/16 (r = 4) for an output. Along one axis
the taps (a, b, c) give the first phase (a + b + c)·x[i] - a·(x[i] - x[i - 1]), the last phase
(a + b + c)·x[i] + c·(x[i + 1] - x[i]), and the others (a + b + c)·x[i]. The differences of neighbouring pixels are
shared by all convolutions of a map.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from srspace_eval.kernels.parallel import for_each
from srspace_eval.kernels.winograd_tiles import Array, Scratch

_BAND_VALUES = 1 << 18  # 1 MiB: the products of a band of rows are still in the cache when they are added


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


class Differences:
    """A small map and the differences of its neighbouring pixels; outside the map there are zeros.

    Parameters
    ----------
    x
        (1, C, h, w).

    Attributes
    ----------
    x, across, down, both
        (h, w, C); (h, w + 1, C), each pixel minus the one to its left; (h + 1, w, C), minus the one above it; and
        (h + 1, w + 1, C), the differences of the differences.
    """

    def __init__(self, x: Tensor) -> None:
        _, channels, height, width = x.shape
        padded = x.new_zeros(height + 2, width + 2, channels)
        padded[1:-1, 1:-1] = x[0].permute(1, 2, 0)
        self.x = padded[1:-1, 1:-1].contiguous()
        self.down = padded[1:, 1:-1] - padded[:-1, 1:-1]
        across = padded[:, 1:] - padded[:, :-1]
        self.across = across[1:-1].contiguous()
        self.both = across[1:] - across[:-1]


class DifferenceConv:
    """:func:`upsampled_conv_reference` with 9 products for each pixel of the small map.

    Parameters
    ----------
    weight
        (K, C, 3, 3).
    factor
        Factor of the upsampling, 2 or more.

    Example
    -------
    >>> x, weight = torch.rand(1, 2, 5, 4), torch.rand(3, 2, 3, 3)
    >>> out = torch.zeros(1, 10, 8, 3)
    >>> DifferenceConv(weight, 2).add_to([out[0]], Differences(x), Scratch())
    >>> torch.allclose(out.permute(0, 3, 1, 2), upsampled_conv_reference(x, weight, 2), atol=1e-5)
    True
    """

    def __init__(self, weight: Tensor, factor: int) -> None:
        self.factor = factor
        self._outputs = len(weight)
        taps = weight.double().permute(2, 3, 1, 0)  # (3, 3, C, K)
        edges = torch.stack([-taps[0], taps[2]])  # first and last phase of the rows, (2, 3, C, K)
        across = taps.sum(0)
        groups = [
            [taps.sum((0, 1))],
            [-across[0], across[2]],
            [*edges.sum(1)],
            [sign * edge[column] for edge in edges for sign, column in ((-1, 0), (1, 2))],
        ]
        self._weights = [torch.cat(group, 1).to(weight.dtype).numpy() for group in groups]

    def add_to(self, outs: Sequence[Tensor], maps: Differences, scratch: Scratch) -> None:
        """Add the convolution to maps of h·factor × w·factor pixels.

        Parameters
        ----------
        outs
            (h·factor, w·factor, channels) each. They take the output channels in turn.
        maps
            The small map, float32.
        scratch
            Memory.
        """
        height, width, _ = maps.x.shape
        rows = max(1, _BAND_VALUES // (9 * self._outputs * width))
        inputs = [x.numpy() for x in (maps.x, maps.across, maps.down, maps.both)]
        arrays = [out.numpy() for out in outs]

        def band(index: int, worker: int) -> None:
            top, stop = index * rows, min(index * rows + rows, height)
            products = []
            for k, (x, weight) in enumerate(zip(inputs, self._weights, strict=True)):
                part = x[top : stop + k // 2]
                found = scratch.take(f"difference{k}", *part.shape[:2], weight.shape[1], worker=worker)
                np.matmul(part.reshape(-1, len(weight)), weight, out=found.reshape(-1, weight.shape[1]))
                products.append(found)
            places = [
                out[top * self.factor : stop * self.factor].reshape(stop - top, self.factor, width, self.factor, -1)
                for out in arrays
            ]
            self._add(places, products, scratch, worker)

        for_each(band, -(-height // rows))

    def _add(self, places: Sequence[Array], products: Sequence[Array], scratch: Scratch, worker: int) -> None:
        """Add the sums of the products to ``places`` (rows, factor, columns, factor, channels)."""
        plain, across, down, both = products
        rows, columns, outputs = plain.shape
        across = across.reshape(rows, columns + 1, 2, outputs)
        down = down.reshape(rows + 1, columns, 2, outputs)
        both = both.reshape(rows + 1, columns + 1, 2, 2, outputs)
        last = self.factor - 1
        column_sums = [
            np.add(plain, across[:, k : k + columns, k], out=scratch.take(f"columns{k}", *plain.shape, worker=worker))
            for k in (0, 1)
        ]
        total = scratch.take("total", *plain.shape, worker=worker)
        for b, at in ((0, slice(0, 1)), (None, slice(1, last)), (1, slice(last, None))):
            if at.start == at.stop:
                continue
            sums = plain if b is None else column_sums[b]
            if last > 1:
                _spread(sums, places, slice(1, last), at)
            for a, row in ((0, slice(0, 1)), (1, slice(last, None))):
                np.add(sums, down[a : a + rows, :, a], out=total)
                if b is not None:
                    total += both[a : a + rows, b : b + columns, a, b]
                _spread(total, places, row, at)


def _spread(sums: Array, places: Sequence[Array], rows: slice, columns: slice) -> None:
    """Add sums (rows, columns, channels) to phases of the cells; the places take the channels in turn."""
    first = 0
    for place in places:
        stop = first + place.shape[4]
        place[:, rows, :, columns] += sums[:, None, :, None, first:stop]
        first = stop


def _matrix(axis: _Axis, like: Tensor) -> Tensor:
    return torch.tensor(axis.taps, dtype=torch.float64, device=like.device)
