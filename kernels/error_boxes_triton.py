"""The squared-error distance in Triton, for CUDA.

The box sum is separable: one kernel sums squared errors along the rows, a second one sums these along the columns,
takes the minimum and adds up its tile in 64-bit integers.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from srspace_eval.kernels.cuda import EXACT, fetch, launching
from srspace_eval.kernels.error_boxes_reference import BOX

_BLOCK = 512
_TILE_ROWS, _TILE_COLUMNS = 8, 128


@triton.jit
def _row_sums_kernel(sr, gt, out, width, blocks, SIDE: tl.constexpr, BLOCK: tl.constexpr):
    """BLOCK values of one row: squared error over RGB, summed over SIDE neighbours that end at the pixel."""
    row = (tl.program_id(0) // blocks).to(tl.int64)
    column = tl.program_id(0) % blocks * BLOCK + tl.arange(0, BLOCK)
    total = tl.zeros((BLOCK,), tl.int32)
    for back in range(SIDE):
        pixel = column - back
        inside = (pixel >= 0) & (pixel < width)
        for channel in range(3):
            place = (row * width + pixel) * 3 + channel
            difference = tl.load(sr + place, mask=inside, other=0).to(tl.int32)
            difference -= tl.load(gt + place, mask=inside, other=0).to(tl.int32)
            total += difference * difference
    out_width = width + SIDE - 1
    tl.store(out + row * out_width + column, total, mask=column < out_width)


@triton.jit
def _box_sums_kernel(
    rows, best, sums, height, width, FIRST: tl.constexpr, SIDE: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr
):
    """A tile of the box sums and of the minimum, from row sums (height, width); each adds its part to ``sums``."""
    row = (tl.program_id(0) * ROWS + tl.arange(0, ROWS))[:, None]
    column = (tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS))[None, :]
    inside = (row < height + SIDE - 1) & (column < width)
    total = tl.zeros((ROWS, COLUMNS), tl.int32)
    for back in range(SIDE):
        above = row - back
        place = above.to(tl.int64) * width + column
        total += tl.load(rows + place, mask=inside & (above >= 0) & (above < height), other=0)
    place = row.to(tl.int64) * width + column
    least = total
    if not FIRST:
        least = tl.minimum(total, tl.load(best + place, mask=inside, other=0))
    tl.store(best + place, least, mask=inside)
    tile = tl.program_id(0) * tl.num_programs(1) + tl.program_id(1)
    tl.store(sums + 2 * tile, tl.sum(tl.sum(tl.where(inside, total, 0).to(tl.int64), axis=1), axis=0))
    tl.store(sums + 2 * tile + 1, tl.sum(tl.sum(tl.where(inside, least, 0).to(tl.int64), axis=1), axis=0))


def reduce_into(sr: Tensor, gt: Tensor, running: Tensor | None) -> tuple[int, int, Tensor]:
    """See :func:`srspace_eval.kernels.error_boxes_reference.reduce_into`; overwrites ``running``."""
    sr, gt = sr.contiguous(), gt.contiguous()
    height, width = sr.shape[:2]
    out_height, out_width = height + BOX - 1, width + BOX - 1
    rows = torch.empty(height, out_width, dtype=torch.int32, device=sr.device)
    best = torch.empty(out_height, out_width, dtype=torch.int32, device=sr.device) if running is None else running
    grid = triton.cdiv(out_height, _TILE_ROWS), triton.cdiv(out_width, _TILE_COLUMNS)
    sums = torch.empty(grid[0] * grid[1], 2, dtype=torch.int64, device=sr.device)
    blocks = triton.cdiv(out_width, _BLOCK)
    with launching(sr):
        _row_sums_kernel[(height * blocks,)](sr, gt, rows, width, blocks, SIDE=BOX, BLOCK=_BLOCK, **EXACT)
        _box_sums_kernel[grid](
            rows, best, sums, height, out_width,
            FIRST=running is None, SIDE=BOX, ROWS=_TILE_ROWS, COLUMNS=_TILE_COLUMNS, **EXACT,
        )  # fmt: skip
    total, best_total = fetch(sums.sum(0)).tolist()
    return total, best_total, best
