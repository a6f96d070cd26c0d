"""Antialiased bicubic resampling: the dispatcher over its forms."""

from __future__ import annotations

import torch
from torch import Tensor

from srspace_eval.kernels import resampling_fast, resampling_reference
from srspace_eval.kernels.cubic import Border
from srspace_eval.kernels.dispatch import choose, tell_once


def resample(
    image: Tensor,
    out_shape: tuple[int, int],
    scales: tuple[float, float],
    border: Border,
    half_away: bool,
    form: str | None = None,
) -> Tensor:
    """Resample (H, W, C) to (\\*out_shape, C), same dtype and device.

    The axis of smaller scale goes first, rows first when equal. 8-bit images are rounded and clipped after each axis:
    halves away from zero (``half_away``) or to even. Float images are neither rounded nor clipped.

    Parameters
    ----------
    image:
        uint8, float32 or float64.
    out_shape, scales:
        Output rows and columns, and the scale of each axis (the two need not agree: ceil(0.25 * 61) = 16).
    border:
        What lies beyond the edge.
    form:
        See :func:`srspace_eval.kernels.dispatch.choose`.
    """
    if image.device.type == "mps":
        tell_once("resampling: MPS has no float64; it runs on the CPU instead")
        return resample(image.cpu(), out_shape, scales, border, half_away, form).to(image.device)
    chosen = choose("resampling", image.device, form)
    if chosen == "reference":
        done = resampling_reference.resample(image.cpu().numpy(), out_shape, scales, border, half_away)
        return torch.from_numpy(done).to(image.device)
    if chosen == "triton":
        from srspace_eval.kernels import resampling_triton

        return resampling_triton.resample(image, out_shape, scales, border, half_away)
    return resampling_fast.resample(image, out_shape, scales, border, half_away)
