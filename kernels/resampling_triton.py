"""Resampling in Triton, for CUDA: one program computes a run of one output row from the rows that it reads.

Float64 taps in the reference's order and without fused multiply-adds, so that it gives the reference's bits.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from srspace_eval.kernels.cubic import Border, taps

_BLOCK = 512


@triton.jit
def _rows_kernel(source, out, weights, index, width, TAPS: tl.constexpr, MODE: tl.constexpr, BLOCK: tl.constexpr):
    """Row ``program_id(0)`` of the output; MODE 0: as it is, 1: halves to even, 2: halves up (values are positive)."""
    row = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = column < width
    total = tl.zeros((BLOCK,), tl.float64)
    for tap in range(TAPS):
        weight = tl.load(weights + row * TAPS + tap)
        read = tl.load(index + row * TAPS + tap)
        total += weight * tl.load(source + read * width + column, mask=inside, other=0).to(tl.float64)
    if MODE != 0:
        down = tl.floor(total)
        rest = total - down
        if MODE == 1:
            odd = down - 2.0 * tl.floor(down * 0.5) == 1.0
            up = (rest > 0.5) | ((rest == 0.5) & odd)
        else:
            up = rest >= 0.5
        total = tl.minimum(tl.maximum(tl.where(up, down + 1.0, down), 0.0), 255.0)
    tl.store(out + row * width + column, total.to(out.dtype.element_ty), mask=inside)


def resample(
    image: Tensor, out_shape: tuple[int, int], scales: tuple[float, float], border: Border, half_away: bool
) -> Tensor:
    """The form of :func:`srspace_eval.kernels.resampling.resample` that this module holds."""
    work = image
    for axis in (0, 1) if scales[0] <= scales[1] else (1, 0):
        turned = work if axis == 0 else work.transpose(0, 1)
        done = _rows(turned.contiguous(), out_shape[axis], scales[axis], border, half_away)
        work = done if axis == 0 else done.transpose(0, 1)
    return work.to(image.dtype).contiguous()


def _rows(image: Tensor, out_length: int, scale: float, border: Border, half_away: bool) -> Tensor:
    """Resample the first axis; 8-bit images come back rounded, others in float64."""
    is_8bit = image.dtype == torch.uint8
    weights, index = (
        torch.from_numpy(part).contiguous().to(image.device) for part in taps(len(image), out_length, scale, border)
    )
    width = image[0].numel()
    kind = torch.uint8 if is_8bit else torch.float64
    out = torch.empty((out_length, *image.shape[1:]), dtype=kind, device=image.device)
    mode = (2 if half_away else 1) if is_8bit else 0
    _rows_kernel[(out_length, triton.cdiv(width, _BLOCK))](
        image, out, weights, index, width,
        TAPS=weights.shape[1], MODE=mode, BLOCK=_BLOCK, enable_fp_fusion=False,
    )  # fmt: skip
    return out
