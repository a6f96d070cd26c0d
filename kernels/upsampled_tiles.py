"""3×3 convolutions of one map and a nearest-upsampled map, in tiles, whose tile values many convolutions share.

A tile has 6×6 inputs. Those of a map that is upsampled twice are 4×4 pixels of the small map; those of a map that is
upsampled four times are 3×3 pixels. Therefore their values are zero at some points, if the points are chosen well
(along one axis; the filter at the point p is a + b·p + c·p²):

* Upsampled four times, the tile has the pixels x, y, y, y, y and z. The values at 0, 1 and infinity suffice.
* Upsampled twice, it has w, x, x, y, y and z. The value at -1 is zero, because (1 + p) is a factor of an upsampled map.

With the points 0, 1, infinity, 3/5, -3/5 and -1 the values of an upsampled map are the first 3×3 or 5×5 ones. The other
products are computed for the map of full resolution alone. Compared with the points of
:mod:`~srspace_eval.kernels.winograd_tiles` the rounding error is twice as large.

The specification is ``F.conv2d(torch.cat([own, F.interpolate(small, scale_factor=r)], 1), weight, bias, padding=1)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
from torch import Tensor

from srspace_eval.kernels.banded_tiles import BandedMap, Bias, Task, multiply, transforms, write_outputs
from srspace_eval.kernels.parallel import for_each
from srspace_eval.kernels.winograd import matrices
from srspace_eval.kernels.winograd_tiles import RUN, SIDE, Array, Scratch, empty

_POINTS = {1: SIDE, 2: 5, 4: 3}  # factor -> points along an axis whose values are not zero

FACTORS = tuple(_POINTS)
"""The factors of upsampling that :class:`SharedValues` knows."""


@dataclass(frozen=True)
class _Points:
    """The matrices of Winograd's filtering for the points 0, 1, infinity, 3/5, -3/5 and -1."""

    before: Array
    kernel: Array
    after: Array


@lru_cache(maxsize=1)
def _points() -> _Points:
    before, points, after = matrices(RUN, 3, (Fraction(1), Fraction(3, 5)))
    order = [0, 1, 5, 3, 4, 2]
    points = points[order]
    kernel = np.einsum("pi,qj->pqij", points, points).reshape(SIDE, SIDE, 9)
    return _Points(*(np.ascontiguousarray(m, np.float32) for m in (before[order], kernel, after[:, order])))


@lru_cache(maxsize=len(_POINTS))
def before_small(factor: int) -> Array:
    """(points, pixels), from the pixels of the small map to the values of a tile along one axis."""
    pixels = [(at - 1) // factor + 1 for at in range(SIDE)]
    upsampled = np.eye(max(pixels) + 1)[pixels]
    small: Array = (_points().before[: _POINTS[factor]].astype(np.float64) @ upsampled).astype(np.float32)
    return small


class SharedValues:
    """The tile values of a map and of an upsampled map.

    Parameters
    ----------
    own
        (1, C, H, W) float32.
    small
        (1, D, H / factor, W / factor) with a factor of 2 or 4; None: there is no such map.
    tiles
        See :class:`~srspace_eval.kernels.banded_tiles.BandedMap`.

    Attributes
    ----------
    height, width, band_tiles
        Size of the first map, and tiles of a band.
    both, below, right
        (bands, n, n, C + D, tiles), (bands, 6 - n, 6, C, tiles) and (bands, n, 6 - n, C, tiles): the values at the
        first n points of both axes, of both maps; and those of the first map at the other points.
    """

    def __init__(self, own: Tensor, small: Tensor | None, tiles: int | None = None) -> None:
        banded = BandedMap.of(own, tiles=tiles)
        self.height, self.width = banded.height, banded.width
        self.factor = 1 if small is None else self.height // small.shape[2]
        n = _POINTS[self.factor]
        bands, tiles, channels = len(banded.pixels), banded.band_tiles, banded.channels
        self.band_tiles = tiles
        depth = channels + (0 if small is None else small.shape[1])
        self.both = empty(bands, n, n, depth, tiles)
        self.below = empty(bands, SIDE - n, SIDE, channels, tiles)
        self.right = empty(bands, n, SIDE - n, channels, tiles)
        scratch, matrix = Scratch(), _points().before
        padded = None if small is None else self._padded(small, bands * banded.rows, banded.columns)

        def band(index: int, worker: int) -> None:
            values = scratch.take("even", SIDE, SIDE, channels, tiles, worker=worker)
            banded.values(index, values.reshape(SIDE**2, channels, tiles), scratch, worker, matrix=matrix)
            self.both[index, :, :, :channels] = values[:n, :n]
            self.below[index], self.right[index] = values[n:], values[:n, n:]
            if padded is not None:
                self._write_small(padded, banded, index, channels, scratch, worker)

        for_each(band, bands)

    def _padded(self, small: Tensor, rows: int, columns: int) -> Array:
        """The small map (D, h, w) with zeros around it, as far as tiles read."""
        run = RUN // self.factor
        _, depth, height, width = small.shape
        padded = small.new_zeros(depth, rows * run + 2, columns * run + 2)
        padded[:, 1 : height + 1, 1 : width + 1] = small[0]
        array: Array = padded.numpy()
        return array

    def _write_small(
        self, padded: Array, like: BandedMap, index: int, first: int, scratch: Scratch, worker: int
    ) -> None:
        run, matrix = RUN // self.factor, before_small(self.factor)
        n, side = matrix.shape
        depth, tiles = len(padded), like.pixels.shape[-1]
        inputs = scratch.take("even", side, side, depth, like.rows, like.columns, worker=worker)
        for r in range(like.rows):
            top = run * (index * like.rows + r)
            for a in range(side):
                for b in range(side):
                    inputs[a, b, :, r] = padded[:, top + a, b : b + run * like.columns : run]
        half = scratch.take("odd", n, side, depth * tiles, worker=worker)
        np.matmul(matrix, inputs.reshape(side, -1), out=half.reshape(n, -1))
        place = self.both[index].reshape(n, n, -1)[:, :, first * tiles :]
        np.matmul(matrix, half, out=place)


class SharedConv:
    """A convolution of a map and an upsampled map, from :class:`SharedValues`.

    Parameters
    ----------
    weight
        (K, C + D, 3, 3) float32.
    bias
        (K,).
    own_channels
        C.
    factor
        One of :data:`FACTORS`: the second map is upsampled by it. 1 means that the convolution has only the first map.
    """

    def __init__(self, weight: Tensor, bias: Tensor, own_channels: int, factor: int) -> None:
        self.outputs = len(weight)
        self._points = _POINTS[factor]
        self._bias = Bias(bias.numpy())
        self._taps = weight.permute(2, 3, 0, 1).reshape(9, self.outputs, -1).contiguous().numpy()
        self._own_taps = np.ascontiguousarray(self._taps[:, :, :own_channels])

    def filters(self, scratch: Scratch, tasks: list[Task], turn: int = 0) -> tuple[Array, Array, Array]:
        """The filters' values at the points, in the parts of :class:`SharedValues`. Adds tasks that compute them.

        ``turn`` is 0 or 1, another one for the convolution that follows in a chain.
        """
        n, kernel = self._points, _points().kernel
        found = []
        for k, (points, taps) in enumerate(
            ((kernel[:n, :n], self._taps), (kernel[n:], self._own_taps), (kernel[:n, n:], self._own_taps))
        ):
            flat, columns = points.reshape(-1, 9), taps.shape[1] * taps.shape[2]
            values = scratch.take(f"shared filters{k} {turn}", len(flat), columns)
            if len(flat):
                tasks += transforms(flat, taps.reshape(9, -1), values)
            found.append(values.reshape(*points.shape[:2], *taps.shape[1:]))
        return found[0], found[1], found[2]

    def run(
        self,
        filters: tuple[Array, Array, Array],
        values: SharedValues,
        band: int,
        place: Array,
        scratch: Scratch,
        worker: int,
    ) -> None:
        """Write one band of the convolution to ``place`` (4, 4, K, tiles)."""
        n = self._points
        products = scratch.take("odd", SIDE, SIDE, self.outputs, place.shape[-1], worker=worker)
        both, below, right = filters
        multiply(both, values.both[band], products[:n, :n])
        if n < SIDE:
            multiply(below, values.below[band], products[n:])
            multiply(right, values.right[band], products[:n, n:])
        flat = products.reshape(SIDE**2, *products.shape[2:])
        write_outputs(flat, place, scratch, worker, _points().after)
        self._bias.add(place)
