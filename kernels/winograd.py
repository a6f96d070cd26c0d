"""Convolution with fewer products: Winograd's minimal filtering along the rows of a picture.

A run of m outputs of a filter with r taps takes m·r products if computed directly. Runs and filters can be seen as
polynomials; then m + r - 1 products of their values at as many points suffice (S. Winograd, "Arithmetic Complexity of
Computations", 1980; for convolutional networks A. Lavin and S. Gray, CVPR 2016). With m = 4 that is half as many for
r = 3 and two fifths for r = 5. The method is applied along the rows only; applied along both axes its rounding error
would be several times larger.

The rounding error, as a norm, is 2.2 to 2.5 times that of direct sums on random maps, and 0.5 to 0.8 times on constant,
smooth and striped maps. Where large terms cancel (even maps, filters that sum to 0), direct sums lose as many digits,
so nothing is gained by computing such maps directly.

The specification is ``F.conv2d(x, weight, bias, padding="same")``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import ceil, prod

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

_RUN = 4  # outputs that are computed together
_POINTS = {3: (Fraction(1), Fraction(2)), 5: (Fraction(1), Fraction(2), Fraction(1, 2))}
"""Taps -> the points p > 0. The polynomials are multiplied at 0, p, -p and infinity."""

_LEAST_CHANNELS = 64  # with fewer, the sums before and after the products cost as much as the saved products
_LEAST_WIDTH = 32
_BAND_VALUES = 1 << 21  # 8 MiB: the results of a step are still in the cache when the next step reads them


def saves_time(weight: Tensor, stride: int, padding: int, width: int) -> bool:
    """Whether :class:`WinogradConv` can compute a convolution, and is faster than ``F.conv2d``.

    That is the case on CPUs, in float32, with enough channels and pixels. On accelerators the libraries choose the
    method themselves.

    Parameters
    ----------
    weight
        (K, C, r, r).
    stride, padding
        Of the convolution, equal on both axes.
    width
        Length of the picture's rows in pixels.
    """
    outputs, inputs, tall, taps = weight.shape
    return (
        weight.device.type == "cpu"
        and weight.dtype == torch.float32
        and tall == taps
        and taps in _POINTS
        and (stride, padding) == (1, taps // 2)
        and min(inputs, outputs) >= _LEAST_CHANNELS
        and width >= _LEAST_WIDTH
    )


class WinogradConv:
    """``F.conv2d(x, weight, bias, padding="same")`` with half the products or fewer; float32, without gradients.

    A value that is not finite makes all outputs of the runs that read it not finite.

    Parameters
    ----------
    weight
        (K, C, r, r), r 3 or 5.
    bias
        (K,).

    Examples
    --------
    >>> x, weight, bias = torch.rand(1, 8, 20, 30), torch.rand(4, 8, 3, 3), torch.rand(4)
    >>> torch.allclose(WinogradConv(weight, bias)(x), F.conv2d(x, weight, bias, padding="same"), rtol=1e-5)
    True
    """

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        self._taps = weight.shape[3]
        before, kernel, self._after = (matrix.tolist() for matrix in matrices(_RUN, self._taps))
        self._before: list[list[float]] = before
        points = torch.tensor(kernel, dtype=torch.float64, device=weight.device)
        filters = torch.einsum("pj,kcij->pkci", points, weight.double())
        self._filters = [
            filter_[..., None].to(torch.float32).contiguous(memory_format=torch.channels_last) for filter_ in filters
        ]
        self._bias = bias

    def __call__(self, x: Tensor) -> Tensor:
        """(N, C, H, W) float32, no size 0, fastest in channels-last -> (N, K, H, W), channels-last."""
        pixels = x.permute(0, 2, 3, 1)
        count, height, width, channels = pixels.shape
        outputs, halo = len(self._bias), self._taps // 2
        runs = ceil(width / _RUN)
        out = x.new_empty(count, height, width, outputs)
        row_values = len(self._filters) * count * runs * max(channels, outputs)
        rows = max(1, _BAND_VALUES // row_values)
        rows = ceil(height / ceil(height / rows))  # bands of about equal size
        padded = x.new_empty(count, rows + 2 * halo, (runs - 1) * _RUN + len(self._filters), channels)
        for start in range(0, height, rows):
            stop = min(start + rows, height)
            band = _with_border(pixels, start - halo, stop + halo, halo, padded[:, : stop - start + 2 * halo])
            # Element j is input j of every run.
            inputs = [band[:, :, j : j + (runs - 1) * _RUN + 1 : _RUN] for j in range(len(self._filters))]
            self._outputs(self._products(inputs), out[:, start:stop])
        return out.permute(0, 3, 1, 2)

    def _products(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Products of the polynomials of inputs and filters at each point; F.conv2d sums over the columns."""
        values = inputs[0].new_empty(len(inputs), *inputs[0].shape)
        odd = inputs[0].new_empty(inputs[0].shape)
        _combine(self._before[0], inputs, values[0])
        _combine(self._before[-1], inputs, values[-1])
        for point in range(1, len(inputs) - 1, 2):  # p and -p: equal even terms, odd terms of opposite signs
            row = self._before[point]
            even = _combine([share * (j % 2 == 0) for j, share in enumerate(row)], inputs, values[point + 1])
            _combine([share * (j % 2 == 1) for j, share in enumerate(row)], inputs, odd)
            torch.add(even, odd, out=values[point])
            even.sub_(odd)
        products = []
        for point, (value, filter_) in enumerate(zip(values, self._filters, strict=True)):
            # A bias added to the product at the point 1 is added to every output.
            bias = self._bias if point == 1 else None
            products.append(F.conv2d(value.permute(0, 3, 1, 2), filter_, bias).permute(0, 2, 3, 1))
        return products

    def _outputs(self, products: list[Tensor], out: Tensor) -> None:
        """Write the sums of the products to ``out`` (N, rows, W, K); the products are overwritten."""
        spare = torch.empty_like(products[0])
        for point in range(1, len(products) - 1, 2):
            plus, minus = products[point], products[point + 1]
            products[point] = torch.add(plus, minus, out=spare)  # for the even outputs of a run
            minus.sub_(plus)  # for the odd ones
            spare = plus
        for j, row in enumerate(self._after):
            place = out[:, :, j::_RUN]
            shares = [row[0], *(row[p] * (p % 2 != j % 2) for p in range(1, len(row) - 1)), row[-1]]
            _combine(shares, [product[:, :, : place.shape[2]] for product in products], place)


def _with_border(pixels: Tensor, top: int, bottom: int, left: int, out: Tensor) -> Tensor:
    """Copy rows ``top`` to ``bottom`` of (N, H, W, C) to ``out`` from column ``left`` on; zeros outside the picture."""
    first, last = max(top, 0), min(bottom, pixels.shape[1])
    inside = out[:, first - top : last - top]
    out[:, : first - top].zero_()
    out[:, last - top :].zero_()
    inside[:, :, :left].zero_()
    inside[:, :, left + pixels.shape[2] :].zero_()
    inside[:, :, left : left + pixels.shape[2]] = pixels[:, first:last]
    return out


def _combine(shares: Sequence[float], terms: Sequence[Tensor], out: Tensor) -> Tensor:
    """Write the sum of the terms times their shares to ``out``."""
    used = sorted((j for j, share in enumerate(shares) if share), key=lambda j: shares[j] != 1)
    first, *others = used
    if shares[first] == 1 and others:
        second = others.pop(0)
        torch.add(terms[first], terms[second], alpha=shares[second], out=out)
    else:
        torch.mul(terms[first], shares[first], out=out)
    for j in others:
        out.add_(terms[j], alpha=shares[j])
    return out


def matrices(
    run: int, taps: int, positive: Sequence[Fraction] | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """B^T, G and A^T of Lavin and Gray: outputs = A^T [(G filter) * (B^T inputs)].

    The points are 0, infinity, and p and -p for some p. The matrices are computed with fractions and rounded to
    float64.

    Parameters
    ----------
    run, taps
        Number of outputs, and of taps of the filter. The number of points p and -p is run + taps - 3.
    positive
        The points p > 0; None: those that belong to the number of taps.

    Returns
    -------
    before, kernel, after:
        (n, n), (n, taps) and (run, n) float64 with n = run + taps - 1.

    Examples
    --------
    >>> before, kernel, after = matrices(4, 3)
    >>> after @ ((kernel @ [1, 2, 3]) * (before @ [1, 0, 0, 0, 0, 1])) + 0
    array([1., 0., 0., 3.])
    """
    points = [Fraction(0), *(sign * p for p in positive or _POINTS[taps] for sign in (1, -1))]
    before, scales = [], []
    for point in points:
        others = [other for other in points if other != point]
        before.append([*_polynomial(others), Fraction(0)])
        scales.append(prod(point - other for other in others))
    before.append(_polynomial(points))
    kernel = [[point**j / scale for j in range(taps)] for point, scale in zip(points, scales, strict=True)]
    kernel.append([Fraction(j == taps - 1) for j in range(taps)])
    after = [[*(point**j for point in points), Fraction(j == run - 1)] for j in range(run)]
    return np.array(before, np.float64), np.array(kernel, np.float64), np.array(after, np.float64)


def _polynomial(roots: Iterable[Fraction]) -> list[Fraction]:
    """The coefficients of the product of (x - root), the constant first."""
    coefficients = [Fraction(1)]
    for root in roots:
        raised, lowered = [Fraction(0), *coefficients], [*(root * c for c in coefficients), Fraction(0)]
        coefficients = [a - b for a, b in zip(raised, lowered, strict=True)]
    return coefficients
