"""3×3 convolution by Winograd's minimal filtering along both axes, in tiles of 4×4 output pixels.

A tile's 16 outputs of a 3×3 filter take 144 products if computed directly. As polynomials in two variables they take 36
products of the values at 36 points (A. Lavin and S. Gray, CVPR 2016). The values of the inputs are the *tile values*.
They are computed once for all convolutions that read a map.

The rounding error depends on the points. The common points 0, ±1, ±2 and infinity make it ten times that of direct
sums. With 0, ±3/5, ±3/2 and infinity it is about five times (for points between powers of two see B. Barabasz et al.,
"Error analysis and improving the accuracy of Winograd convolution for deep neural networks", ACM TOMS 2020).

All steps are matrix products by NumPy, also the step from pixels to tile values (a matrix of 6×6 along each axis) and
the step from products to outputs (4×6). Maps are stored so that no step copies to another order: a row of pixels is
stored as four rows of every fourth pixel. Several threads compute a map in bands of tile rows, whose values stay in the
cache (:mod:`srspace_eval.kernels.parallel`).

The specification is ``F.conv2d(x, weight, bias, padding=1)`` for one picture in float32 on the CPU, without gradients.
:class:`~srspace_eval.kernels.winograd.WinogradConv` works along the rows only, with twice the products and less error.
This module is longer than others because map and convolution share the order in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import lru_cache
from math import prod
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from srspace_eval.kernels.parallel import for_each
from srspace_eval.kernels.winograd import matrices

RUN = 4
"""Outputs of a tile along one axis."""

Array: TypeAlias = NDArray[np.float32]

_SIDE = RUN + 2  # inputs of a tile, and values, along one axis
_POINTS = (Fraction(3, 5), Fraction(3, 2))
_BAND_TILES = 64  # so many tiles are computed at a time, in whole rows: their values fit into the cache of a core

_FILTER_INPUTS = 32  # so many input channels of the filters are transformed at a time


def can_tile(x: Tensor) -> bool:
    """Whether the classes of this module compute with a tensor: on the CPU, in float32, outside of autocast.

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

    def map(self, name: str, height: int, width: int, channels: int) -> TiledMap:
        """An uninitialised map, whose border is zero. It shares memory with all earlier maps of that name."""
        return TiledMap(height, width, channels, self.take(name, *_map_shape(height, width, channels)))


class TiledMap:
    """A picture of whole tiles, with a border of one zero row above and below.

    Parameters
    ----------
    height, width, channels
        Size of the picture. Pixels to the right of it and below it, up to whole tiles, are zero.
    memory
        (4·tile rows + 2, 4, tile columns, channels) float32 to use; None: new memory.

    Attributes
    ----------
    pixels
        (4·tile rows + 2, 4, tile columns, channels). Element (y + 1, j, c) is the pixel (y, 4·c + j).
    tiles
        Numbers of tile rows and tile columns.

    Examples
    --------
    >>> TiledMap(5, 8, 3).pixels.shape
    (10, 4, 2, 3)
    """

    def __init__(self, height: int, width: int, channels: int, memory: Array | None = None) -> None:
        self.height, self.width, self.channels = height, width, channels
        self.tiles = -(-height // RUN), -(-width // RUN)
        self.pixels = empty(*_map_shape(height, width, channels)) if memory is None else memory
        self.pixels[0] = self.pixels[-1] = 0

    @classmethod
    def of(cls, x: Tensor) -> TiledMap:
        """A copy of a picture (1, C, H, W)."""
        _, channels, height, width = x.shape
        tiled = cls(height, width, channels)
        tiled.write(x)
        return tiled

    def write(self, x: Tensor) -> None:
        """Copy a picture (1, channels, height, width) to this map."""
        picture = x[0].permute(1, 2, 0).numpy()

        def band(first: int, last: int, worker: int) -> None:
            for place, part in self._parts(picture, first, last):
                place[...] = part
            self.clear_outside(first, last)

        self.for_bands(band)

    def picture(self, out: Tensor | None = None, first: int = 0) -> Tensor:
        """A copy as a picture (1, K, height, width): of all channels, or of K channels from ``first`` on."""
        if out is None:
            size = 1, self.channels, self.height, self.width
            out = torch.empty(size, dtype=torch.float32, memory_format=torch.channels_last)
        picture = out[0].permute(1, 2, 0).numpy()
        channels = slice(first, first + picture.shape[2])

        def band(start: int, stop: int, worker: int) -> None:
            for place, part in self._parts(picture, start, stop):
                part[...] = place[..., channels]

        self.for_bands(band)
        return out

    def _parts(self, picture: Array, first: int, last: int) -> Iterator[tuple[Array, Array]]:
        """The places of the pixels of tile rows, and the same pixels in a picture (height, width, channels)."""
        start, stop = RUN * first, min(RUN * last, self.height)
        for j in range(RUN):
            part = picture[start:stop, j::RUN]
            yield self.pixels[start + 1 : stop + 1, j, : part.shape[1]], part

    def for_bands(self, band: Callable[[int, int, int], None]) -> None:
        """Call ``band(first, last, worker)`` for ranges of tile rows that together are all, in several threads."""
        rows, columns = self.tiles
        step = max(1, _BAND_TILES // columns)
        for_each(lambda index, worker: band(index * step, min(index * step + step, rows), worker), -(-rows // step))

    def clear_outside(self, first: int, last: int) -> None:
        """Set the pixels outside the picture to zero, in a range of tile rows."""
        self.pixels[max(self.height, RUN * first) + 1 : RUN * last + 1] = 0
        inside = self.width - RUN * (self.tiles[1] - 1)  # columns of the last tile
        if inside < RUN:
            self.pixels[RUN * first + 1 : RUN * last + 1, inside:, -1] = 0

    def values(self, first: int, last: int, out: Array, scratch: Scratch, worker: int) -> None:
        """Write the tile values of a range of tile rows to ``out`` (36, tiles, channels)."""
        rows, columns, channels = last - first, self.tiles[1], self.channels
        size = columns * channels
        pixels, line = self.pixels, 4 * RUN * size  # bytes of a row of pixels
        inputs: Array = np.ndarray(
            (rows, _SIDE, RUN * size), np.float32, pixels, RUN * first * line, (RUN * line, line, 4)
        )
        half = scratch.take("odd", rows, _SIDE, _SIDE, columns, channels, worker=worker)
        flat = half.reshape(rows, _SIDE, _SIDE * size)
        np.matmul(before(), inputs, out=flat[:, :, size : size * (RUN + 1)])
        half[:, :, 0, 0] = half[:, :, -1, -1] = 0
        half[:, :, 0, 1:] = half[:, :, RUN, :-1]
        half[:, :, -1, :-1] = half[:, :, 1, 1:]
        inputs = half.reshape(rows, _SIDE, _SIDE, size)
        np.matmul(before(), inputs, out=_by_rows(out, _SIDE, _SIDE, rows, size))


def empty(*shape: int) -> Array:
    """Uninitialised memory; PyTorch knows of it."""
    array: Array = torch.empty(shape, dtype=torch.float32, device="cpu").numpy()
    return array


def _map_shape(height: int, width: int, channels: int) -> tuple[int, int, int, int]:
    return RUN * -(-height // RUN) + 2, RUN, -(-width // RUN), channels


def _by_rows(x: Array, tall: int, wide: int, rows: int, size: int) -> Array:
    """(tall·wide, tiles, channels) -> (rows, tall, wide, size), a view."""
    by_rows: Array = x.reshape(tall, wide, rows, size).transpose(2, 0, 1, 3)
    return by_rows


class TileConv:
    """``F.conv2d(x, weight, bias, padding=1)`` with a quarter of the products.

    Parameters
    ----------
    weight
        (K, C, 3, 3) float32.
    bias
        (K,) or None.

    Examples
    --------
    >>> from torch.nn import functional as F
    >>> x, weight, bias = torch.rand(1, 8, 21, 30), torch.rand(4, 8, 3, 3), torch.rand(4)
    >>> torch.allclose(TileConv(weight, bias)(x), F.conv2d(x, weight, bias, padding=1), rtol=1e-4)
    True
    """

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        self.outputs, self.inputs = weight.shape[:2]
        self._bias = np.zeros(self.outputs, np.float32) if bias is None else bias.numpy()
        # The values at the points take four times the memory. They are computed in each call, which is quick.
        self._taps = weight.permute(2, 3, 1, 0).reshape(9, -1).contiguous().numpy()

    def __call__(self, x: Tensor, scratch: Scratch | None = None, slope: float = 1.0) -> Tensor:
        """(1, C, H, W) float32 -> (1, K, H, W), channels-last; for ``slope`` see :meth:`from_values`."""
        scratch = scratch or Scratch()
        _, _, height, width = x.shape
        tiled = scratch.map("input", height, width, self.inputs)
        tiled.write(x)
        out = scratch.map("output", height, width, self.outputs)
        self.run(tiled, out, scratch, slope)
        return out.picture()

    def run(
        self, x: TiledMap, out: TiledMap, scratch: Scratch, slope: float = 1.0, added: TiledMap | None = None
    ) -> None:
        """Write the convolution of a map to another one, see :meth:`from_values`."""
        filters = self.filters(scratch)

        def band(first: int, last: int, worker: int) -> None:
            # The memory "odd" and "even" is used in turn by the steps, so that it stays in the cache.
            tiles = (last - first) * x.tiles[1]
            values = scratch.take("even", _SIDE**2, tiles, self.inputs, worker=worker)
            x.values(first, last, values, scratch, worker)
            self.from_values(filters, values, out, first, last, scratch, worker, slope, added)

        x.for_bands(band)

    def filters(self, scratch: Scratch) -> Array:
        """(36, C, K), the filters' values at the points."""
        filters = scratch.take("filters", _SIDE**2, self.inputs, self.outputs)
        taps = self._taps.reshape(9, self.inputs, self.outputs)

        def part(index: int, worker: int) -> None:
            some = slice(index * _FILTER_INPUTS, (index + 1) * _FILTER_INPUTS)
            place = filters[:, some].reshape(_SIDE**2, -1)
            np.matmul(kernel(), taps[:, some].reshape(9, -1), out=place)

        for_each(part, -(-self.inputs // _FILTER_INPUTS))
        return filters

    def from_values(
        self,
        filters: Array,
        values: Array,
        out: TiledMap,
        first: int,
        last: int,
        scratch: Scratch,
        worker: int,
        slope: float = 1.0,
        added: TiledMap | None = None,
    ) -> None:
        """The convolution of a map whose tile values are known, in a range of tile rows.

        Parameters
        ----------
        filters
            From :meth:`filters`.
        values
            (36, tiles of these rows, C).
        out
            The map to which the rows are written.
        first, last
            The range.
        scratch, worker
            Memory.
        slope
            Negative outputs are multiplied by it: 1 (nothing), 0 (ReLU), or between.
        added
            A map that is added in the end.
        """
        rows, columns = last - first, out.tiles[1]
        size = columns * self.outputs
        products = scratch.take("odd", _SIDE**2, rows * columns, self.outputs, worker=worker)
        np.matmul(values, filters, out=products)
        sums = scratch.take("even", RUN, _SIDE, rows, size, worker=worker)
        np.matmul(after(), products.reshape(_SIDE, -1), out=sums.reshape(RUN, -1))
        lines = slice(RUN * first + 1, RUN * last + 1)
        place = out.pixels[lines].reshape(rows, RUN, RUN, size)
        np.matmul(after(), sums.transpose(2, 0, 1, 3), out=place)
        bias = scratch.take("bias", columns, self.outputs, worker=worker)
        bias[...] = self._bias
        place += bias.reshape(size)
        if slope == 0:
            np.maximum(place, 0, out=place)
        elif slope != 1:
            smaller = scratch.take("odd", *place.shape, worker=worker)
            np.multiply(place, np.float32(slope), out=smaller)
            np.maximum(place, smaller, out=place)
        if added is not None:
            place += added.pixels[lines].reshape(place.shape)
        out.clear_outside(first, last)


@lru_cache(maxsize=1)
def kernel() -> Array:
    """(36, 9), from the taps of a filter to its values at the points."""
    _, points, _ = matrices(RUN, 3, _POINTS)
    both: Array = np.einsum("pi,qj->pqij", points, points).reshape(_SIDE**2, 9).astype(np.float32)
    return both


@lru_cache(maxsize=1)
def before() -> Array:
    """(6, 6), from the inputs of a tile to their values, along one axis."""
    return matrices(RUN, 3, _POINTS)[0].astype(np.float32)


@lru_cache(maxsize=1)
def after() -> Array:
    """(4, 6), from the products to a tile's outputs, along one axis."""
    return matrices(RUN, 3, _POINTS)[2].astype(np.float32)
