"""Resampling in torch, on any device: strided taps at 1/2, 1/3, 1/4 and 1/8, gathered rows at other scales.

Shrinking by an integer n reads every n-th row, so a tap is a strided view and no rows are gathered. 8-bit pixels are
computed in float32 with the bits of the float64 reference, for two reasons. At 1/2, 1/4 and 1/8 every weight is a
dyadic rational; on pixels shifted to -128..127 every partial sum fits float32's 24 bits, so the sum is exact in any
order. At 1/3 the weights are multiples of 1/27; a sum is at least 1/54 away from a rounding border, far more than
float32's error.
"""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from srspace_eval.kernels.cubic import Border, taps

STRIDED = (2, 3, 4, 8)
"""Factors of shrinking that have strided taps."""

_BLOCK = 1 << 16  # values of a block of output rows, which stays in the cache while the taps are added


def resample(
    image: Tensor, out_shape: tuple[int, int], scales: tuple[float, float], border: Border, half_away: bool
) -> Tensor:
    """See :func:`srspace_eval.kernels.resampling.resample`."""
    rows_first = scales[0] <= scales[1]
    work = image
    for axis in (0, 1) if rows_first else (1, 0):
        turned = work if axis == 0 else work.transpose(0, 1).contiguous()
        done = _rows(turned, out_shape[axis], scales[axis], border, half_away)
        work = done if axis == 0 else done.transpose(0, 1)
    return work.to(image.dtype).contiguous()


def _rows(image: Tensor, out_length: int, scale: float, border: Border, half_away: bool) -> Tensor:
    """Resample the first axis. The result is uint8, rounded, for 8-bit images and float64 for others."""
    length = image.shape[0]
    flat = image.reshape(length, -1)
    factor = round(1 / scale)
    if factor in STRIDED and scale == 1 / factor and length >= 2 * factor:
        done = _strided(flat, out_length, factor, border, half_away)
    else:
        done = _gathered(flat, out_length, scale, border, half_away)
    return done.reshape(out_length, *image.shape[1:])


def _strided(flat: Tensor, out_length: int, factor: int, border: Border, half_away: bool) -> Tensor:
    pattern = _pattern(factor)
    reach = range(min(pattern), max(pattern) + 1)  # rows that output row 0 reads
    length, width = flat.shape
    before, after = -reach.start, (out_length - 1) * factor + reach.stop - length
    beyond = _edge_rows(length, before, after, border)
    # Slices, because a list of indices would be copied to the device with a wait.
    above, below = (
        torch.cat([flat[:0], *(flat[row : row + 1] for row in rows)]) for rows in (beyond[:before], beyond[before:])
    )
    is_8bit = flat.dtype == torch.uint8
    kind = torch.float32 if is_8bit else torch.float64
    out = torch.empty(out_length, width, dtype=flat.dtype if is_8bit else kind, device=flat.device)
    step = max(1, _BLOCK // width) if flat.device.type == "cpu" else out_length
    for start in range(0, out_length, step):
        stop = min(start + step, out_length)
        first, last = start * factor - before, (stop - 1) * factor + reach.stop
        parts = [flat[max(first, 0) : min(last, length)]]
        if first < 0:
            parts.insert(0, above[first + before :])
        if last > length:
            parts.append(below[max(first - length, 0) : last - length])
        band = torch.cat(parts).to(kind)
        if is_8bit:
            band -= 128
        rows = (stop - start - 1) * factor + 1
        total = torch.zeros(stop - start, width, dtype=kind, device=flat.device)
        for offset, weight in pattern.items():
            total.add_(band[offset + before : offset + before + rows : factor], alpha=weight)
        out[start:stop] = _round(total.add_(128), half_away) if is_8bit else total
    return out


@functools.cache
def _pattern(factor: int) -> dict[int, float]:
    """The taps of every output pixel i when shrinking by ``factor``: offset from ``i * factor`` -> weight."""
    middle = 32
    weights, index = (part[middle] for part in taps(2 * middle * factor, 2 * middle, 1 / factor, "repeat"))
    offsets = (index - middle * factor).tolist()
    return {offset: weight for offset, weight in zip(offsets, weights.tolist(), strict=True) if abs(weight) > 1e-12}


def _edge_rows(length: int, before: int, after: int, border: Border) -> list[int]:
    """The input rows that replace the ``before`` rows above the image and the ``after`` rows below it."""
    beyond = [*range(-before, 0), *range(length, length + max(after, 0))]
    if border == "repeat":
        return [min(max(row, 0), length - 1) for row in beyond]
    return [row if row < length else 2 * length - 1 - row for row in (row % (2 * length) for row in beyond)]


def _gathered(flat: Tensor, out_length: int, scale: float, border: Border, half_away: bool) -> Tensor:
    weights, index = (torch.from_numpy(part).to(flat.device) for part in taps(flat.shape[0], out_length, scale, border))
    work = flat.to(torch.float64)
    total = torch.zeros(out_length, flat.shape[1], dtype=torch.float64, device=flat.device)
    for tap in range(weights.shape[1]):
        # Multiply, then add: a fused multiply-add would round differently from the reference.
        total += work[index[:, tap]].mul_(weights[:, tap, None])
    return _round(total, half_away) if flat.dtype == torch.uint8 else total


def _round(total: Tensor, half_away: bool) -> Tensor:
    rounded = total.add_(0.5).floor_() if half_away else total.round_()
    return rounded.clamp_(0, 255).to(torch.uint8)
