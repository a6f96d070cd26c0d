"""The 2022 program's squared-error distance, as its definition reads. The specification of ``error_boxes``."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

BOX = 16
"""Side of the box in pixels."""


def box_sums(sr: Tensor, gt: Tensor) -> Tensor:
    """Squared error, summed over RGB and over a 16×16 box: (H, W, 3) uint8 twice -> (H + 15, W + 15) int32.

    The box is moved over all positions that touch the image ("full" convolution); pixels outside it count as 0.

    >>> box_sums(torch.full((1, 1, 3), 2, dtype=torch.uint8), torch.zeros(1, 1, 3, dtype=torch.uint8)).unique()
    tensor([12], dtype=torch.int32)
    """
    error = (sr.to(torch.int32) - gt.to(torch.int32)).square().sum(2)
    edge = BOX - 1
    windows = F.pad(error, (edge, edge, edge, edge)).unfold(0, BOX, 1).unfold(1, BOX, 1)
    return windows.sum((2, 3)).to(torch.int32)


def reduce_into(sr: Tensor, gt: Tensor, running: Tensor | None) -> tuple[int, int, Tensor]:
    """Sum of the box sums, sum of their new pixel-wise minimum, and that minimum."""
    boxes = box_sums(sr, gt)
    best = boxes if running is None else torch.minimum(running, boxes)
    return int(boxes.sum()), int(best.sum()), best
