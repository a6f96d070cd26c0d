"""The squared-error distance in torch, on any device, in bands of rows that stay in the CPU's cache."""

from __future__ import annotations

import torch
from torch import Tensor

from srspace_eval.kernels.cuda import fetch
from srspace_eval.kernels.error_boxes_reference import BOX

_BAND_ROWS = 32


def reduce_into(sr: Tensor, gt: Tensor, running: Tensor | None) -> tuple[int, int, Tensor]:
    """See :func:`srspace_eval.kernels.error_boxes_reference.reduce_into`; overwrites ``running``."""
    height, width = sr.shape[0] + BOX - 1, sr.shape[1] + BOX - 1
    first = running is None
    best = torch.empty(height, width, dtype=torch.int32, device=sr.device) if running is None else running
    total = best_total = 0
    step = _BAND_ROWS if sr.device.type == "cpu" else height
    for start in range(0, height, step):
        stop = min(start + step, height)
        boxes = _band(sr, gt, start, stop)
        place = best[start:stop]
        sums = [boxes.sum()]
        if first:
            place.copy_(boxes)
        else:
            sums.append(torch.minimum(place, boxes, out=place).sum())
        found = fetch(torch.stack(sums)).tolist()
        total += found[0]
        best_total += found[-1]
    return total, best_total, best


def _band(sr: Tensor, gt: Tensor, start: int, stop: int) -> Tensor:
    """Rows ``start`` to ``stop`` of the box sums."""
    edge = BOX - 1
    first, last = max(start - edge, 0), min(stop, sr.shape[0])
    difference = sr[first:last].to(torch.int32).sub_(gt[first:last])
    squared = difference.mul_(difference)  # torch's square of integers is several times slower
    rows = torch.zeros(stop - start + edge, sr.shape[1] + 2 * edge, dtype=torch.int32, device=sr.device)
    inside = rows[first - (start - edge) : last - (start - edge), edge:-edge]
    torch.add(squared[..., 0], squared[..., 1], out=inside).add_(squared[..., 2])
    step = 1
    while step < BOX:  # sums of 2, 4, 8, 16 neighbours
        rows = rows[step:] + rows[:-step]
        step *= 2
    step = 1
    while step < BOX:
        rows = rows[:, step:] + rows[:, :-step]
        step *= 2
    return rows
