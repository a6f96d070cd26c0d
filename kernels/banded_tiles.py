"""3×3 convolutions in Winograd's tiles, from maps that are stored in bands of tile rows.

The arithmetic is that of :mod:`srspace_eval.kernels.winograd_tiles`. All steps are matrix products by NumPy, also the
step from pixels to tile values (a matrix of 6×6 along each axis) and the step from products to outputs (4×6). The
pixels of a band are (6, 4, channels, tiles), and its tile values (36, channels, tiles). So no step copies to another
order, and a part of the channels is a contiguous part of the memory. All steps of a band run one after the other: what
is between them stays in the cache. Several threads compute bands (:mod:`srspace_eval.kernels.parallel`). Several
convolutions follow each other band by band (:func:`run_stages`).

The specification is ``F.conv2d(x, weight, bias, padding=1)`` for one picture in float32 on the CPU, without gradients.
This module is longer than others because map and convolution share the order in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from srspace_eval.kernels.parallel import for_each
from srspace_eval.kernels.winograd_tiles import RUN, SIDE, Array, Scratch, after, before, empty, kernel

Task: TypeAlias = Callable[[], object]
"""A part of what must be computed before the first band."""

_SMALL = 1_000_000  # OpenBLAS computes products of so many multiplications at most without copying the matrices
_COLUMNS = 64  # tiles of a product, if there are more than twice as many

_BAND_TILES = 64


class BandedMap:
    """A picture in bands of tile rows.

    Parameters
    ----------
    height, width, channels
        Size of the picture. Pixels to the right of it and below it, up to whole bands, are zero.
    scratch, name
        Memory to use, and its name; None: new memory.
    tiles
        A band has at least so many tiles, in whole rows; None: 64.

    Attributes
    ----------
    pixels
        (bands, 6, 4, channels, tile rows of a band · tile columns). Element (b, i + 1, j, k, t) is channel k of the
        pixel in row i and column j of tile t. The indices 0 and 5 of the second axis are the rows above and below the
        tile, copied when they are read.
    rows, columns, band_tiles
        Tile rows of a band, tile columns, and their product.

    Examples
    --------
    >>> BandedMap(128, 128, 3).pixels.shape
    (16, 6, 4, 3, 64)
    """

    def __init__(
        self,
        height: int,
        width: int,
        channels: int,
        scratch: Scratch | None = None,
        name: str = "",
        tiles: int | None = None,
    ) -> None:
        self.height, self.width, self.channels = height, width, channels
        rows, self.columns = -(-height // RUN), -(-width // RUN)
        self.rows = min(-(-(tiles or _BAND_TILES) // self.columns), rows)
        self.band_tiles = self.rows * self.columns
        shape = -(-rows // self.rows), SIDE, RUN, channels, self.band_tiles
        self.pixels = empty(*shape) if scratch is None else scratch.take(name, *shape)

    @classmethod
    def of(cls, x: Tensor, scratch: Scratch | None = None, name: str = "", tiles: int | None = None) -> BandedMap:
        """A copy of a picture (1, C, H, W)."""
        _, channels, height, width = x.shape
        banded, picture = cls(height, width, channels, scratch, name, tiles), x[0].permute(1, 2, 0).numpy()

        def band(index: int, worker: int) -> None:
            for place, pixels in banded._pairs(index, banded.pixels[index, 1:-1], picture):
                place[...] = pixels
            banded.clear_outside(index)

        for_each(band, len(banded.pixels))
        return banded

    def picture(self, out: Tensor) -> Tensor:
        """A copy to a picture (1, channels, height, width)."""
        picture = out[0].permute(1, 2, 0).numpy()
        for_each(lambda index, worker: self.copy_band(index, self.pixels[index, 1:-1], picture), len(self.pixels))
        return out

    def copy_band(self, band: int, part: Array, picture: Array) -> None:
        """Copy values (4, 4, K, tiles of the band) to a picture (height, width, K) of this map's size."""
        for place, pixels in self._pairs(band, part, picture):
            pixels[...] = place

    def _pairs(self, band: int, part: Array, picture: Array) -> Iterator[tuple[Array, Array]]:
        """The same places in a band's values (4, 4, K, tiles) and in a picture (height, width, K), as equal shapes."""
        for r in range(self.rows):
            tiles = part[..., r * self.columns : (r + 1) * self.columns]
            lines = picture[RUN * (band * self.rows + r) :][:RUN]
            if lines.shape[:2] == (RUN, RUN * self.columns):
                yield tiles.transpose(0, 3, 1, 2), lines.reshape(RUN, self.columns, RUN, -1)
                continue
            for i, j in np.ndindex(len(lines), RUN):  # tiles at the edges of the picture
                pixels = lines[i, j::RUN]
                yield tiles[i, j, :, : len(pixels)].T, pixels

    def adding(self, other: BandedMap, factor: float) -> Stages:
        """Add a factor times another map, which is overwritten."""

        def run(stage: int, band: int, worker: int) -> None:
            part = other.pixels[band, 1:-1]
            np.multiply(part, np.float32(factor), out=part)
            self.pixels[band, 1:-1] += part

        return Stages(1, len(self.pixels), run)

    def clear_outside(self, band: int, part: Array | None = None) -> None:
        """Set the pixels outside the picture to zero: those of a band, or of ``part`` (4, 4, K, tiles of the band)."""
        part = self.pixels[band, 1:-1] if part is None else part
        inside = self.width - RUN * (self.columns - 1)  # columns of the last tile
        if inside < RUN:
            part[:, inside:, :, self.columns - 1 :: self.columns] = 0
        if RUN * self.rows * (band + 1) > self.height:
            for r in range(self.rows):
                rows = min(max(self.height - RUN * (band * self.rows + r), 0), RUN)
                part[rows:, :, :, r * self.columns : (r + 1) * self.columns] = 0

    def read_edges(self, band: int, channels: int) -> Array:
        """The pixels of a band (6, 4, C, tiles), after the rows above and below were copied for the first channels."""
        pixels, columns = self.pixels[band, :, :, :channels], self.columns
        pixels[0, ..., columns:] = pixels[RUN, ..., :-columns]
        pixels[-1, ..., :-columns] = pixels[1, ..., columns:]
        above = self.pixels[band - 1, RUN, :, :channels, -columns:] if band > 0 else 0
        below = self.pixels[band + 1, 1, :, :channels, :columns] if band + 1 < len(self.pixels) else 0
        pixels[0, ..., :columns] = above
        pixels[-1, ..., -columns:] = below
        return pixels

    def values(
        self, band: int, out: Array, scratch: Scratch, worker: int, first: int = 0, matrix: Array | None = None
    ) -> None:
        """Write the tile values of a band to the channels from ``first`` on of ``out`` (36, channels, tiles).

        ``matrix`` is that of other points than the usual ones.
        """
        self.values_of(self.read_edges(band, self.channels), out, scratch, worker, first, matrix)

    def values_of(
        self, pixels: Array, out: Array, scratch: Scratch, worker: int, first: int = 0, matrix: Array | None = None
    ) -> None:
        """The same for the pixels of a band (6, 4, C, tiles), from :meth:`read_edges`, in contiguous memory."""
        matrix = before() if matrix is None else matrix
        tiles, columns = pixels.shape[-1], self.columns
        size = pixels.shape[2] * tiles
        half = scratch.take("odd", SIDE, SIDE, size, worker=worker)
        rows = pixels.reshape(SIDE, RUN, size)
        np.matmul(matrix, rows.transpose(1, 0, 2), out=half.transpose(1, 0, 2)[1:-1])
        half[:, 0, 1:] = half[:, RUN, :-1]
        half[:, 0, ::columns] = 0
        half[:, -1, :-1] = half[:, 1, 1:]
        half[:, -1, columns - 1 :: columns] = 0
        place = out.reshape(SIDE, SIDE, -1)[:, :, first * tiles : first * tiles + size]
        np.matmul(matrix, half, out=place)


def multiply(a: Array, b: Array, out: Array) -> None:
    """``np.matmul(a, b, out=out)`` in parts that are fast: (..., M, K), (..., K, T) -> (..., M, T).

    A large product is slower by a third: its matrices are copied first, and the copies are used too few times here.

    >>> a, b, out = np.ones((48, 320), np.float32), np.ones((320, 80), np.float32), np.zeros((48, 80), np.float32)
    >>> multiply(a, b, out)
    >>> bool((out == 320).all())
    True
    """
    rows, depth = a.shape[-2:]
    tiles = b.shape[-1]
    step = tiles if tiles <= 2 * _COLUMNS else _COLUMNS
    allowed = (n for n in range(1, rows + 1) if rows % n == 0 and rows // n * depth * step <= _SMALL)
    parts = next(allowed, rows)
    split = a.reshape(*a.shape[:-2], parts, rows // parts, depth)
    for start in range(0, tiles, step):
        some = slice(start, start + step)
        place = out[..., some]
        np.matmul(
            split, b[..., None, :, some], out=place.reshape(*place.shape[:-2], parts, rows // parts, place.shape[-1])
        )


def write_outputs(products: Array, place: Array, scratch: Scratch, worker: int, matrix: Array | None = None) -> None:
    """Compute the outputs (4, 4, K, tiles) from the products of tile values (36, K, tiles); inverse of the points.

    The memory "even" is overwritten. ``matrix`` is that of other points than the usual ones.
    """
    matrix = after() if matrix is None else matrix
    size = products.shape[1] * products.shape[2]
    sums = scratch.take("even", RUN, SIDE, size, worker=worker)
    rows = products.reshape(SIDE, SIDE, size)
    np.matmul(matrix, rows.transpose(1, 0, 2), out=sums.transpose(1, 0, 2))
    np.matmul(matrix, sums, out=place.reshape(RUN, RUN, size))


def limit_below(place: Array, slope: float, scratch: Scratch, worker: int) -> None:
    """Multiply negative elements by a slope: 1 (nothing), 0 (ReLU), or between. The memory "odd" is overwritten."""
    if slope == 0:
        # NumPy's maximum of two arrays is four times faster than that of an array and a number.
        np.maximum(place, _zeros(place.shape), out=place)
    elif slope != 1:
        smaller = scratch.take("odd", *place.shape, worker=worker)
        np.multiply(place, np.float32(slope), out=smaller)
        np.maximum(place, smaller, out=place)


@lru_cache(maxsize=16)
def _zeros(shape: tuple[int, ...]) -> Array:
    return np.zeros(shape, np.float32)


class Bias:
    """A bias (K,) that is added to outputs."""

    def __init__(self, bias: Array) -> None:
        self._rows = bias[:, None].copy()

    def add(self, place: Array) -> None:
        """Add it to outputs (..., K, tiles)."""
        rows = self._rows
        if rows.shape[1] != place.shape[-1]:
            # NumPy's sum with rows of this length is faster than one with a column. Next time they are used again.
            rows = self._rows = np.repeat(rows[:, :1], place.shape[-1], axis=1)
        np.add(place, rows, out=place)


class BandedConv:
    """``F.conv2d(x, weight, bias, padding=1)``, multiplied by a factor, in bands.

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
        self._bias = Bias(bias.numpy() * self._factor)
        self._taps = weight.permute(2, 3, 0, 1).reshape(9, -1).contiguous().numpy()

    def __call__(self, x: Tensor, scratch: Scratch, slope: float = 1.0) -> Tensor:
        """(1, C, H, W) float32 -> (1, K, H, W), channels-last; for ``slope`` see :meth:`from_values`.

        >>> x, weight, bias = torch.rand(1, 8, 21, 30), torch.rand(4, 8, 3, 3), torch.rand(4)
        >>> found = BandedConv(weight, bias)(x, Scratch())
        >>> torch.allclose(found, torch.nn.functional.conv2d(x, weight, bias, padding=1), rtol=1e-4)
        True
        """
        banded = BandedMap.of(x, scratch, "input")
        _, _, height, width = x.shape
        out = torch.empty(1, self.outputs, height, width, dtype=torch.float32, memory_format=torch.channels_last)
        tasks: list[Task] = []
        picture, filters = out[0].permute(1, 2, 0).numpy(), self.filters(scratch, "filters", tasks)
        tiles = banded.pixels.shape[-1]

        def run(stage: int, index: int, worker: int) -> None:
            values = scratch.take("even", SIDE**2, self.inputs, tiles, worker=worker)
            banded.values(index, values, scratch, worker)
            place = scratch.take("hidden", RUN, RUN, self.outputs, tiles, worker=worker)
            self.from_values(filters, values, place, scratch, worker, slope, None)
            banded.copy_band(index, place, picture)

        # A band copies rows of its neighbours' pixels into its own edges, which no other band reads or writes.
        run_stages([Stages(1, len(banded.pixels), run, tasks)])
        return out

    def filters(self, scratch: Scratch, name: str, tasks: list[Task]) -> Array:
        """(36, K, C), the filters' values at the points. Adds tasks that compute them."""
        filters = scratch.take(name, SIDE**2, self.outputs, self.inputs)
        tasks += transforms(kernel() * self._factor, self._taps, filters.reshape(SIDE**2, -1))
        return filters

    def from_values(
        self,
        filters: Array,
        values: Array,
        place: Array,
        scratch: Scratch,
        worker: int,
        slope: float,
        added: Array | None,
    ) -> None:
        """The convolution of maps whose tile values are known, in one band.

        Parameters
        ----------
        filters
            From :meth:`filters`.
        values
            (36, C, tiles of the band).
        place
            (4, 4, K, tiles), where the outputs are written.
        scratch, worker
            Memory.
        slope
            Negative outputs are multiplied by it.
        added
            (4, 4, K, tiles), added in the end.
        """
        products = scratch.take("odd", SIDE**2, self.outputs, values.shape[2], worker=worker)
        multiply(filters, values, products)
        write_outputs(products, place, scratch, worker)
        self._bias.add(place)
        limit_below(place, slope, scratch, worker)
        if added is not None:
            place += added


def transforms(matrix: Array, taps: Array, out: Array) -> Iterator[Task]:
    """Tasks that compute ``np.matmul(matrix, taps, out=out)`` in parts that are fast.

    >>> out = np.zeros((4, 9), np.float32)
    >>> for task in transforms(np.ones((4, 3), np.float32), np.ones((3, 9), np.float32), out):
    ...     _ = task()
    >>> bool((out == 3).all())
    True
    """
    step = max(1, _SMALL // matrix.size)
    for start in range(0, taps.shape[1], step):
        some = slice(start, start + step)
        yield partial(np.matmul, matrix, taps[:, some], out=out[:, some])


@dataclass(frozen=True)
class Stages:
    """Convolutions that follow each other band by band.

    Attributes
    ----------
    count, bands
        Numbers of stages and of bands.
    run
        ``run(stage, band, worker)`` computes one band.
    tasks
        What must be computed before the first band.
    """

    count: int
    bands: int
    run: Callable[[int, int, int], None]
    tasks: Sequence[Task] = ()


def run_stages(chain: Sequence[Stages]) -> None:
    """Run stages, and others after them in the same bands, in several threads.

    Before a band of a stage is computed, the stage before it has computed this band and its neighbours. The first stage
    waits for the tasks, and for these bands of the last stage of the member of the chain before it. So the members can
    share all maps. The tasks of a member run while the member before it is being computed: two members that follow each
    other need different memory for what their tasks write.

    A stage follows the one before it so closely that what that stage wrote is still in the cache, and so far behind
    that no thread waits for a band on which another one is working.
    """
    lag = torch.get_num_threads() + 1
    parts: list[tuple[int, int, int]] = []  # member, stage (-1: a task), band or task
    for member, stages in enumerate(chain):
        parts += [(member, -1, task) for task in range(len(stages.tasks))]
        for step in range(stages.bands + lag * stages.count):
            parts += [
                (member, k, step - lag * k) for k in reversed(range(stages.count)) if 0 <= step - lag * k < stages.bands
            ]
    place = {part: index for index, part in enumerate(parts)}

    def last(member: int, bands: Iterable[int]) -> list[int]:
        """The last stage of a member; nothing before the first member."""
        return [place[member, chain[member].count - 1, band] for band in bands] if member >= 0 else []

    def needs(index: int) -> Iterable[int]:
        member, stage, band = parts[index]
        stages = chain[member]
        if stage < 0:
            return last(member - 2, range(stages.bands))
        near = range(max(band - 1, 0), min(band + 2, stages.bands))
        if stage > 0:
            return [place[member, stage - 1, other] for other in near]
        return [*(place[member, -1, task] for task in range(len(stages.tasks))), *last(member - 1, near)]

    def part(index: int, worker: int) -> None:
        member, stage, band = parts[index]
        if stage < 0:
            chain[member].tasks[band]()
        else:
            chain[member].run(stage, band, worker)

    for_each(part, len(parts), needs)
