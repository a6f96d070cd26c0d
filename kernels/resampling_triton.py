"""Resampling in Triton, for CUDA: one program computes a part of one output row.

The taps are added in float64, in the reference's order and without fused multiply-adds, so that the result has the
reference's bits.
"""

from __future__ import annotations

from functools import lru_cache

import torch
import triton
import triton.language as tl
from torch import Tensor

from srspace_eval.kernels.cubic import Border, taps
from srspace_eval.kernels.cuda import EXACT, launching

_BLOCK = 512


@triton.jit
def _rows_kernel(source, out, weights, index, width, TAPS: tl.constexpr, MODE: tl.constexpr, BLOCK: tl.constexpr):
    """BLOCK values of an output row. MODE 0: not rounded; 1: halves to even; 2: halves up."""
    blocks = tl.cdiv(width, BLOCK)  # one axis of the grid: CUDA limits the other axes to 65535
    row = (tl.program_id(0) // blocks).to(tl.int64)
    column = tl.program_id(0) % blocks * BLOCK + tl.arange(0, BLOCK)
    inside = column < width
    total = tl.zeros((BLOCK,), tl.float64)
    for tap in range(TAPS):
        weight = tl.load(weights + row * TAPS + tap)
        read = tl.load(index + row * TAPS + tap)
        total += weight * tl.load(source + read * width + column, mask=inside, other=0).to(tl.float64)
    if MODE != 0:
        if MODE == 1:
            down = tl.floor(total)
            rest = total - down
            odd = down - 2.0 * tl.floor(down * 0.5) == 1.0
            total = tl.where((rest > 0.5) | ((rest == 0.5) & odd), down + 1.0, down)
        else:
            total = tl.floor(total + 0.5)
        total = tl.minimum(tl.maximum(total, 0.0), 255.0)
    tl.store(out + row * width + column, total.to(out.dtype.element_ty), mask=inside)


def resample(
    image: Tensor, out_shape: tuple[int, int], scales: tuple[float, float], border: Border, half_away: bool
) -> Tensor:
    """See :func:`srspace_eval.kernels.resampling.resample`."""
    work = image
    for axis in (0, 1) if scales[0] <= scales[1] else (1, 0):
        turned = work if axis == 0 else work.transpose(0, 1)
        done = _rows(turned.contiguous(), out_shape[axis], scales[axis], border, half_away)
        work = done if axis == 0 else done.transpose(0, 1)
    return work.to(image.dtype).contiguous()


def _rows(image: Tensor, out_length: int, scale: float, border: Border, half_away: bool) -> Tensor:
    """Resample the first axis. The result is uint8, rounded, for 8-bit images and float64 for others."""
    is_8bit = image.dtype == torch.uint8
    weights, index = _taps(len(image), out_length, scale, border, image.device)
    width = image[0].numel()
    kind = torch.uint8 if is_8bit else torch.float64
    out = torch.empty((out_length, *image.shape[1:]), dtype=kind, device=image.device)
    mode = (2 if half_away else 1) if is_8bit else 0
    with launching(image):
        _rows_kernel[(out_length * triton.cdiv(width, _BLOCK),)](
            image, out, weights, index, width,
            TAPS=weights.shape[1], MODE=mode, BLOCK=_BLOCK, **EXACT,
        )  # fmt: skip
    return out


@lru_cache(maxsize=64)
def _taps(length: int, out_length: int, scale: float, border: Border, device: torch.device) -> tuple[Tensor, Tensor]:
    """The taps on the device, cached: pictures of one size share them and wait for the copy only once."""
    weights, index = taps(length, out_length, scale, border)
    return torch.from_numpy(weights).contiguous().to(device), torch.from_numpy(index).contiguous().to(device)
