"""The 2022 program's squared-error distance, reduced to means and a minimum: the dispatcher over its forms.

Per pixel the squared error is summed over RGB, then over a 16×16 box. All numbers are integers, so every form gives
the same bits: a squared error over RGB is at most 3 · 255², and the sum of a box of 256 of them fits int32.
"""

from __future__ import annotations

from torch import Tensor

from srspace_eval.kernels import error_boxes_fast, error_boxes_reference
from srspace_eval.kernels.dispatch import choose
from srspace_eval.kernels.error_boxes_reference import BOX

__all__ = ["BOX", "reduce_into"]


def reduce_into(sr: Tensor, gt: Tensor, running: Tensor | None, form: str | None = None) -> tuple[float, float, Tensor]:
    """Mean of the box-filtered error map, and its pixel-wise minimum with the maps before it.

    Parameters
    ----------
    sr, gt
        (H, W, 3) uint8.
    running
        (H + 15, W + 15) int32, the minimum of the samples before, which may be overwritten; None for the first sample.
        The unit is 1/768: sums over the 256 pixels of a box and three channels.
    form
        See :func:`srspace_eval.kernels.dispatch.choose`.

    Returns
    -------
    mean, best_mean, best:
        Mean of this sample's map, mean of the new minimum (both in squared levels of one channel, 0 to 255²), and the
        new minimum.

    Example
    -------
    >>> import torch
    >>> mean, best_mean, best = reduce_into(*torch.zeros(2, 4, 4, 3, dtype=torch.uint8), None)
    >>> mean, best_mean, tuple(best.shape)
    (0.0, 0.0, (19, 19))
    """
    chosen = choose("error boxes", sr.device, form)
    if chosen == "triton":
        from srspace_eval.kernels import error_boxes_triton

        total, best_total, best = error_boxes_triton.reduce_into(sr, gt, running)
    elif chosen == "reference":
        total, best_total, best = error_boxes_reference.reduce_into(sr, gt, running)
    else:
        total, best_total, best = error_boxes_fast.reduce_into(sr, gt, running)
    values = 3 * BOX * BOX * best.numel()
    return total / values, best_total / values, best
