"""Antialiased bicubic resampling: the dispatcher over its forms."""

from __future__ import annotations

import torch
from torch import Tensor

from srspace_eval.kernels import resampling_fast, resampling_reference
from srspace_eval.kernels.cubic import Border
from srspace_eval.kernels.dispatch import choose, notify_once


def resample(
    image: Tensor,
    out_shape: tuple[int, int],
    scales: tuple[float, float],
    border: Border,
    half_away: bool,
    form: str | None = None,
) -> Tensor:
    """Resample a picture with MATLAB's antialiased bicubic kernel.

    The axis of smaller scale is resampled first; with equal scales, the rows. 8-bit images are rounded and clipped
    after each axis. Float images are neither rounded nor clipped.

    Parameters
    ----------
    image
        (H, W, C) uint8, float32 or float64.
    out_shape, scales
        Output rows and columns, and the scale of each axis. They need not agree: ceil(0.25 * 61) = 16.
    border
        What lies beyond the edge.
    half_away
        Whether 8-bit halves are rounded away from zero, instead of to even.
    form
        See :func:`srspace_eval.kernels.dispatch.choose`.

    Returns
    -------
    Tensor
        (\\*out_shape, C), same dtype and device.

    Example
    -------
    >>> resample(torch.full((8, 8, 3), 7, dtype=torch.uint8), (4, 4), (0.5, 0.5), "mirror", True).unique().tolist()
    [7]
    """
    if image.device.type == "mps":
        notify_once("resampling: MPS has no float64; it runs on the CPU instead")
        return resample(image.cpu(), out_shape, scales, border, half_away, form).to(image.device)
    chosen = choose("resampling", image.device, form)
    if chosen == "reference":
        done = resampling_reference.resample(image.cpu().numpy(), out_shape, scales, border, half_away)
        return torch.from_numpy(done).to(image.device)
    if chosen == "triton":
        from srspace_eval.kernels import resampling_triton

        return resampling_triton.resample(image, out_shape, scales, border, half_away)
    return resampling_fast.resample(image, out_shape, scales, border, half_away)
