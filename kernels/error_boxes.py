"""The 2022 program's squared-error distance: per pixel over RGB, then a 16×16 box, reduced to means and a minimum.

All in whole numbers, so every form gives the same bits: a squared error over RGB is at most 3 * 255**2, a box of 256 of
them fits int32.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from srspace_eval.kernels.cuda import fetch
from srspace_eval.kernels.dispatch import choose

BOX = 16
_BAND_ROWS = 32


def reduce_into(sr: Tensor, gt: Tensor, running: Tensor | None, form: str | None = None) -> tuple[float, float, Tensor]:
    """Mean of the box-filtered error map, and its pixel-wise minimum with the maps before it.

    Parameters
    ----------
    sr, gt:
        (H, W, 3) uint8.
    running:
        (H + 15, W + 15) int32 minimum so far, which may be overwritten; None for the first sample. In units of
        1/768: sums over a box's 256 pixels and three channels.

    Returns
    -------
    Mean of this sample's map, mean of the new minimum (squared error of one channel's 0..255 value), the new minimum.
    """
    if choose("error boxes", sr.device, form) == "reference":
        boxes = box_sums(sr, gt)
        best = boxes if running is None else torch.minimum(running, boxes)
        return _mean(int(boxes.sum()), boxes), _mean(int(best.sum()), boxes), best
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
    mean = _mean(total, best)
    return mean, mean if first else _mean(best_total, best), best


def box_sums(sr: Tensor, gt: Tensor) -> Tensor:
    """(H + 15, W + 15) int32: squared error summed over RGB and over the 16×16 box. The specification."""
    error = (sr.to(torch.int32) - gt.to(torch.int32)).square().sum(2)
    edge = BOX - 1
    windows = F.pad(error, (edge, edge, edge, edge)).unfold(0, BOX, 1).unfold(1, BOX, 1)
    return windows.sum((2, 3)).to(torch.int32)


def _band(sr: Tensor, gt: Tensor, start: int, stop: int) -> Tensor:
    """Rows start..stop of :func:`box_sums`."""
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


def _mean(total: int, boxes: Tensor) -> float:
    return total / (3 * BOX * BOX * boxes.numel())
