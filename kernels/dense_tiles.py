"""The convolutions of dense blocks in tiles: each reads the concatenation of all maps before it.

The arithmetic is that of :mod:`srspace_eval.kernels.winograd_tiles`. The order in memory is another one: the tile
values of a band are (36, channels, tiles). The values of a new map are then a contiguous part of those of the
concatenation. Matrix products of contiguous memory are fast even if it is not in the cache.
"""

from __future__ import annotations

import numpy as np
from torch import Tensor

from srspace_eval.kernels.parallel import for_each
from srspace_eval.kernels.winograd_tiles import RUN, Array, Scratch, after, before, empty, kernel

_SIDE = RUN + 2
_BAND_TILES = 64  # at least so many tiles are computed at a time, in whole rows


class BandedMap:
    """A picture in bands of tile rows.

    Parameters
    ----------
    height, width, channels
        Size of the picture. Pixels to the right of it and below it, up to whole bands, are zero.

    Attributes
    ----------
    pixels
        (bands, 6, 4, channels, tile rows of a band · tile columns). Element (b, i + 1, j, k, t) is channel k of the
        pixel in row i and column j of tile t. The indices 0 and 5 of the second axis are the rows above and below the
        tile, copied when they are read.
    columns
        Tile columns.

    Examples
    --------
    >>> BandedMap(128, 128, 3).pixels.shape
    (16, 6, 4, 3, 64)
    """

    def __init__(self, height: int, width: int, channels: int) -> None:
        self.height, self.width, self.channels = height, width, channels
        rows, self.columns = -(-height // RUN), -(-width // RUN)
        self._step = min(-(-_BAND_TILES // self.columns), rows)
        self.pixels = empty(-(-rows // self._step), _SIDE, RUN, channels, self._step * self.columns)

    @classmethod
    def of(cls, x: Tensor) -> BandedMap:
        """A copy of a picture (1, C, H, W)."""
        _, channels, height, width = x.shape
        banded, picture = cls(height, width, channels), x[0].numpy()

        def band(index: int, worker: int) -> None:
            for place, y, j in banded._lines(index):
                part = picture[:, y, j::RUN]
                place[:, : part.shape[1]] = part
            banded.clear_outside(index)

        for_each(band, len(banded.pixels))
        return banded

    def picture(self, out: Tensor) -> Tensor:
        """A copy to a picture (1, channels, height, width)."""
        picture = out[0].permute(1, 2, 0).numpy()

        def band(index: int, worker: int) -> None:
            for place, y, j in self._lines(index):
                part = picture[y, j::RUN]
                part[...] = place[:, : len(part)].T

        for_each(band, len(self.pixels))
        return out

    def _lines(self, band: int) -> list[tuple[Array, int, int]]:
        """For each row of pixels and each phase j of its columns: the pixels (channels, columns), the row, and j."""
        lines = []
        for r in range(self._step):
            for i in range(RUN):
                y = RUN * (band * self._step + r) + i
                if y < self.height:
                    tiles = slice(r * self.columns, (r + 1) * self.columns)
                    lines += [(self.pixels[band, i + 1, j, :, tiles], y, j) for j in range(RUN)]
        return lines

    def add(self, other: BandedMap, factor: float) -> None:
        """Add a factor times another map, which is overwritten."""

        def band(index: int, worker: int) -> None:
            part = other.pixels[index, 1:-1]
            np.multiply(part, np.float32(factor), out=part)
            self.pixels[index, 1:-1] += part

        for_each(band, len(self.pixels))

    def clear_outside(self, band: int) -> None:
        """Set the pixels outside the picture to zero."""
        inside = self.width - RUN * (self.columns - 1)  # columns of the last tile
        if inside < RUN:
            self.pixels[band, 1:-1, inside:, :, self.columns - 1 :: self.columns] = 0
        for r in range(self._step):
            rows = min(max(self.height - RUN * (band * self._step + r), 0), RUN)
            if rows < RUN:
                self.pixels[band, rows + 1 : -1, :, :, r * self.columns : (r + 1) * self.columns] = 0

    def new_values(self, channels: int) -> Array:
        """Uninitialised tile values (bands, 36, channels, tiles of a band) for maps of this size."""
        return empty(len(self.pixels), _SIDE**2, channels, self.pixels.shape[-1])

    def values(self, band: int, first: int, out: Array, scratch: Scratch, worker: int) -> None:
        """Write the tile values of a band to the channels from ``first`` on of ``out`` (36, channels, tiles)."""
        pixels, columns = self.pixels[band], self.columns
        pixels[0, ..., columns:] = pixels[RUN, ..., :-columns]
        pixels[-1, ..., :-columns] = pixels[1, ..., columns:]
        pixels[0, ..., :columns] = self.pixels[band - 1, RUN, ..., -columns:] if band > 0 else 0
        pixels[-1, ..., -columns:] = self.pixels[band + 1, 1, ..., :columns] if band + 1 < len(self.pixels) else 0
        tiles = pixels.shape[-1]
        size = self.channels * tiles
        half = scratch.take("odd", _SIDE, _SIDE, size, worker=worker)
        flat = half.reshape(_SIDE, _SIDE * size)
        np.matmul(before(), pixels.reshape(_SIDE, RUN * size), out=flat[:, size : size * (RUN + 1)])
        half[:, 0, 1:] = half[:, RUN, :-1]
        half[:, 0, ::columns] = 0
        half[:, -1, :-1] = half[:, 1, 1:]
        half[:, -1, columns - 1 :: columns] = 0
        place = out.reshape(_SIDE, _SIDE, -1)[:, :, first * tiles : first * tiles + size]
        np.matmul(before(), half, out=place)


class DenseConv:
    """``F.conv2d(x, weight, bias, padding=1)`` of a concatenation, multiplied by a factor.

    Parameters
    ----------
    weight
        (K, C, 3, 3) float32.
    bias
        (K,).
    factor
        The factor.
    """

    def __init__(self, weight: Tensor, bias: Tensor, factor: float = 1.0) -> None:
        self.outputs, self.inputs = weight.shape[:2]
        self._factor = np.float32(factor)
        self._bias = bias.numpy()[:, None] * self._factor
        self._taps = weight.permute(2, 3, 0, 1).reshape(9, -1).contiguous().numpy()

    def filters(self, scratch: Scratch, name: str) -> Array:
        """(36, K, C), the filters' values at the points."""
        filters = scratch.take(name, _SIDE**2, self.outputs, self.inputs)
        np.matmul(kernel() * self._factor, self._taps, out=filters.reshape(_SIDE**2, -1))
        return filters

    def from_values(
        self,
        filters: Array,
        values: Array,
        out: BandedMap,
        band: int,
        scratch: Scratch,
        worker: int,
        slope: float,
        added: BandedMap | None,
    ) -> None:
        """The convolution of maps whose tile values are known, in one band.

        Parameters
        ----------
        filters
            From :meth:`filters`.
        values
            (36, C, tiles of the band).
        out
            The map to which the band is written.
        band
            Its index.
        scratch, worker
            Memory.
        slope
            Negative outputs are multiplied by it.
        added
            A map that is added in the end.
        """
        tiles = values.shape[2]
        products = scratch.take("odd", _SIDE**2, self.outputs, tiles, worker=worker)
        np.matmul(filters, values, out=products)
        sums = scratch.take("even", RUN, _SIDE, self.outputs * tiles, worker=worker)
        np.matmul(after(), products.reshape(_SIDE, -1), out=sums.reshape(RUN, -1))
        place = out.pixels[band, 1:-1]
        np.matmul(after(), sums, out=place.reshape(RUN, RUN, -1))
        place += self._bias
        if slope != 1:
            smaller = scratch.take("odd", *place.shape, worker=worker)
            np.multiply(place, np.float32(slope), out=smaller)
            np.maximum(place, smaller, out=place)
        if added is not None:
            place += added.pixels[band, 1:-1]
        out.clear_outside(band)


class DenseBlock:
    """Convolutions, each of which reads the concatenation of a map and of the outputs of all convolutions before it.

    Parameters
    ----------
    convs
        All but the last have as many outputs; the last has as many as the map has channels.
    slope
        Negative outputs of all but the last are multiplied by it.
    """

    def __init__(self, convs: list[DenseConv], slope: float) -> None:
        self._convs, self._slope = convs, slope

    def run(self, x: BandedMap, out: BandedMap, grown: list[BandedMap], values: Array, scratch: Scratch) -> None:
        """Write x + the last convolution to ``out``.

        ``grown``, a map for each other convolution, and ``values`` are overwritten.
        """
        filters: list[Array] = [np.empty(0, np.float32)] * len(self._convs)

        def transform(k: int, worker: int) -> None:
            filters[k] = self._convs[k].filters(scratch, f"filters{k}")

        for_each(transform, len(self._convs))
        # A convolution follows two bands behind the one before it, so that the values of a band are still in the cache
        # when the next convolutions read them. It needs the neighbouring bands of the newest map.
        bands = len(x.pixels)
        order = [
            (k, step - 2 * k)
            for step in range(bands + 2 * len(self._convs))
            for k in reversed(range(len(self._convs)))
            if 0 <= step - 2 * k < bands
        ]
        place = {task: index for index, task in enumerate(order)}

        def needs(index: int) -> list[int]:
            k, band = order[index]
            near = range(max(band - 1, 0), min(band + 2, bands)) if k else ()
            return [place[k - 1, other] for other in near]

        def run(index: int, worker: int) -> None:
            k, band = order[index]
            conv, last = self._convs[k], k + 1 == len(self._convs)
            newest = maps[k]
            target, slope, added = (out, 1.0, x) if last else (maps[k + 1], self._slope, None)
            newest.values(band, conv.inputs - newest.channels, values[band], scratch, worker)
            seen = values[band, :, : conv.inputs]
            conv.from_values(filters[k], seen, target, band, scratch, worker, slope, added)

        maps = [x, *grown]
        for_each(run, len(order), needs)
