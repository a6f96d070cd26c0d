"""3×3 convolution by Winograd's minimal filtering along both axes, in tiles of 4×4 output pixels.

A tile's 16 outputs of a 3×3 filter take 144 products if computed directly. As polynomials in two variables they take 36
products of the values at 36 points (A. Lavin and S. Gray, CVPR 2016). The values of the inputs are the *tile values*.
They are computed once for all convolutions that read a map.

The rounding error depends on the points. The common points 0, ±1, ±2 and infinity make it ten times that of direct
sums. With 0, ±3/5, ±3/2 and infinity it is about five times (for points between powers of two see B. Barabasz et al.,
"Error analysis and improving the accuracy of Winograd convolution for deep neural networks", ACM TOMS 2020).

The specification is ``F.conv2d(x, weight, bias, padding=1)`` for one picture in float32 on the CPU, without gradients.
:class:`~srspace_eval.kernels.winograd.WinogradConv` works along the rows only, with twice the products and less error.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from math import prod

import torch
from torch import Tensor

from srspace_eval.kernels.winograd import matrices

RUN = 4
"""Outputs of a tile along one axis."""

_SIDE = RUN + 2  # inputs of a tile, and values, along one axis
_POINTS = (Fraction(3, 5), Fraction(3, 2))
_NEAR, _FAR = (float(point) for point in _POINTS)

_BAND_VALUES = 1 << 20  # 4 MiB: the results of a step are still in the cache when the next step reads them


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
        self._flat: dict[str, Tensor] = {}

    def take(self, name: str, *shape: int) -> Tensor:
        """An uninitialised float32 tensor. It shares memory with all earlier tensors of that name.

        >>> Scratch().take("values", 2, 3).shape
        torch.Size([2, 3])
        """
        size = prod(shape)
        flat = self._flat.get(name)
        if flat is None or len(flat) < size:
            flat = self._flat[name] = torch.empty(size, dtype=torch.float32)
        return flat[:size].view(shape)


class TiledMap:
    """A picture of whole tiles: (rows, columns, channels), with a border of one zero pixel.

    Parameters
    ----------
    height, width, channels
        Size of the picture. Pixels to the right of it and below it, up to whole tiles, are zero as well.

    Attributes
    ----------
    pixels
        (4·tile rows + 2, 4·tile columns + 2, channels) float32.
    tiles
        Numbers of tile rows and tile columns.

    Examples
    --------
    >>> TiledMap(5, 8, 3).pixels.shape
    torch.Size([10, 10, 3])
    """

    def __init__(self, height: int, width: int, channels: int) -> None:
        self.height, self.width = height, width
        self.tiles = -(-height // RUN), -(-width // RUN)
        self.pixels = torch.zeros(RUN * self.tiles[0] + 2, RUN * self.tiles[1] + 2, channels, dtype=torch.float32)

    @classmethod
    def of(cls, x: Tensor) -> TiledMap:
        """A copy of a picture (1, C, H, W)."""
        _, channels, height, width = x.shape
        tiled = cls(height, width, channels)
        tiled.inside.copy_(x[0].permute(1, 2, 0))
        return tiled

    @property
    def inside(self) -> Tensor:
        """(height, width, channels), a view of the picture."""
        return self.pixels[1 : self.height + 1, 1 : self.width + 1]

    @property
    def picture(self) -> Tensor:
        """(1, channels, height, width), the same view."""
        return self.inside.permute(2, 0, 1)[None]

    @property
    def whole_tiles(self) -> Tensor:
        """(4·tile rows, 4·tile columns, channels), a view of the tiles' outputs."""
        return self.pixels[1:-1, 1:-1]

    def clear_outside(self) -> None:
        """Set the pixels outside the picture to zero, after whole tiles were written."""
        self.pixels[self.height + 1 :].zero_()
        self.pixels[:, self.width + 1 :].zero_()

    def new_values(self, channels: int) -> Tensor:
        """Uninitialised tile values (36, tiles, channels) for maps of this size."""
        return torch.empty(_SIDE**2, prod(self.tiles), channels, dtype=torch.float32)

    def values(self, out: Tensor, scratch: Scratch, first: int = 0) -> Tensor:
        """Write the tile values to ``out`` (36, tiles, channels), which may be a slice of a larger tensor.

        The tiles are those of whole tile rows, from the row ``first`` on.
        """
        columns = self.tiles[1]
        rows = out.shape[1] // columns
        _, wide, channels = self.pixels.shape
        out = out.view(_SIDE, _SIDE, rows, columns, channels).transpose(0, 1)
        band = max(1, _BAND_VALUES // (_SIDE * wide * channels))
        down, right, _ = self.pixels.stride()
        for top in range(0, rows, band):
            count = min(band, rows - top)
            part = self.pixels[RUN * (first + top) :]
            inputs = part.as_strided(
                (_SIDE, count, wide, channels), (down, RUN * down, right, 1), part.storage_offset()
            )
            half = _polynomial_values(inputs, scratch.take("rows", *inputs.shape), scratch)
            s = half.stride()
            inputs = half.as_strided((_SIDE, _SIDE, count, columns, channels), (s[2], s[0], s[1], RUN * s[2], 1))
            _polynomial_values(inputs, out[:, :, top : top + count], scratch)
        return out


class TileConv:
    """``F.conv2d(x, weight, bias, padding=1)`` with a quarter of the products.

    Parameters
    ----------
    weight
        (K, C, 3, 3) float32.
    bias
        (K,).

    Examples
    --------
    >>> from torch.nn import functional as F
    >>> x, weight, bias = torch.rand(1, 8, 21, 30), torch.rand(4, 8, 3, 3), torch.rand(4)
    >>> torch.allclose(TileConv(weight, bias)(x), F.conv2d(x, weight, bias, padding=1), rtol=1e-4)
    True
    """

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        self._bias = bias
        self._inputs, self._outputs = weight.shape[1], weight.shape[0]
        # The values at the points take four times the memory. They are computed in each call, which is quick.
        self._taps = weight.permute(2, 3, 1, 0).reshape(9, -1).contiguous()

    def __call__(self, x: Tensor, scratch: Scratch | None = None) -> Tensor:
        """(1, C, H, W) float32 -> (1, K, H, W), channels-last."""
        scratch = scratch or Scratch()
        tiled = TiledMap.of(x)
        rows, columns = tiled.tiles
        out = torch.empty(RUN * rows, RUN * columns, self._outputs, dtype=torch.float32)
        filters = self._filters(scratch)
        band = max(1, _BAND_VALUES // (2 * _SIDE**2 * columns * max(self._inputs, self._outputs)))
        for top in range(0, rows, band):
            count = min(band, rows - top)
            values = scratch.take("values", _SIDE**2, count * columns, self._inputs)
            tiled.values(values, scratch, top)
            self._from_values(filters, values, [out[RUN * top : RUN * (top + count)]], scratch)
        return out[: tiled.height, : tiled.width].permute(2, 0, 1)[None]

    def from_values(self, values: Tensor, outs: Sequence[Tensor], scratch: Scratch) -> None:
        """The convolution of maps whose tile values are known.

        Parameters
        ----------
        values
            (36, tiles, C).
        outs
            Results, (4·tile rows, 4·tile columns, channels) each. They take the output channels in turn.
        scratch
            Memory.
        """
        self._from_values(self._filters(scratch), values, outs, scratch)

    def _filters(self, scratch: Scratch) -> Tensor:
        """(36, C, K), the filters' values at the points."""
        filters = scratch.take("filters", _SIDE**2, self._inputs, self._outputs)
        torch.mm(_kernel(), self._taps, out=filters.view(_SIDE**2, -1))
        return filters

    def _from_values(self, filters: Tensor, values: Tensor, outs: Sequence[Tensor], scratch: Scratch) -> None:
        outputs, after = self._outputs, _after()
        rows, columns = outs[0].shape[0] // RUN, outs[0].shape[1] // RUN
        band = max(1, _BAND_VALUES // (len(filters) * columns * outputs))
        for top in range(0, rows, band):
            count = min(band, rows - top)
            products = scratch.take("products", len(filters), count * columns, outputs)
            torch.bmm(values[:, top * columns : (top + count) * columns], filters, out=products)
            sums = scratch.take("sums", RUN**2, products[0].numel())
            torch.mm(after, products.view(len(filters), -1), out=sums)
            sums = sums.view(RUN, RUN, count, columns, outputs)
            first = 0
            for out in outs:
                last = first + out.shape[2]
                place = out[RUN * top : RUN * (top + count)].view(count, RUN, columns, RUN, -1)
                torch.add(sums[..., first:last], self._bias[first:last], out=place.permute(1, 3, 0, 2, 4))
                first = last


@lru_cache(maxsize=1)
def _kernel() -> Tensor:
    """(36, 9), from the taps of a filter to its values at the points."""
    _, kernel, _ = matrices(RUN, 3, _POINTS)
    points = torch.from_numpy(kernel)
    return torch.einsum("pi,qj->pqij", points, points).reshape(_SIDE**2, 9).float()


@lru_cache(maxsize=1)
def _after() -> Tensor:
    """(16, 36), from the products to a tile's outputs."""
    _, _, after = matrices(RUN, 3, _POINTS)
    rows = torch.from_numpy(after)
    return torch.einsum("ip,jq->ijpq", rows, rows).reshape(RUN**2, _SIDE**2).float()


def _polynomial_values(x: Tensor, out: Tensor, scratch: Scratch) -> Tensor:
    """Values of polynomials, along the first axis, at 0, p, -p, q, -q and infinity; (6, ...) -> (6, ...).

    These are the sums of the matrix B^T of :func:`~srspace_eval.kernels.winograd.matrices`. The values at p and at -p
    have the same even terms, and odd terms of opposite signs.
    """
    near, far = _NEAR**2, _FAR**2
    four = scratch.take("four", 4, *x.shape[1:])
    torch.add(x[2:], x[:4], alpha=-far, out=four)
    torch.add(four[2:], four[:2], alpha=-near, out=out[0::5])
    odd, even = four[1], four[2]
    torch.add(even, odd, alpha=_NEAR, out=out[1])
    torch.add(even, odd, alpha=-_NEAR, out=out[2])
    two = four[:2]
    torch.add(x[3:5], x[1:3], alpha=-near, out=two)
    odd, even = two[0], two[1]
    torch.add(even, odd, alpha=_FAR, out=out[3])
    torch.add(even, odd, alpha=-_FAR, out=out[4])
    return out
