"""PSNR, the mean squared error behind it, and the challenge's LR-PSNR."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import overload

import torch
from torch import Tensor

from srspace_eval.kernels.cuda import fetch
from srspace_eval.metrics._arrays import Array, ArrayLike, FloatArray, same_size, sum_of, values_of_pairs
from srspace_eval.metrics._channels import LUMA_WEIGHTS, Channel, check_part, inside, luma_8bit, planes
from srspace_eval.metrics.resize import positive_number, resize_picture

_BAND_ROWS = 64  # on the CPU, so that a band stays in the cache


@overload
def psnr(a: Array, b: ArrayLike, *, channel: Channel = "rgb", border: int = 0) -> float | FloatArray: ...
@overload
def psnr(a: Tensor, b: ArrayLike, *, channel: Channel = "rgb", border: int = 0) -> float | Tensor: ...
def psnr(a: ArrayLike, b: ArrayLike, *, channel: Channel = "rgb", border: int = 0) -> float | FloatArray | Tensor:
    """PSNR in dB: 10 log10(255² / MSE), higher is closer, infinite for identical pictures.

    The MSE is the mean over all pixels and channels, on the scale of 0..255 values; for uint8 pictures it comes from an
    exact integer sum.

    Parameters
    ----------
    a, b
        RGB pictures of equal size, uint8 or floats in [0, 1]: (H, W, 3) or a batch (..., H, W, 3) as NumPy arrays,
        (3, H, W), (H, W, 3) or a batch (N, 3, H, W) as torch tensors. ``b`` may be one picture for a whole batch.
    channel
        ``"rgb"``: the three channels. ``"y"``: luma alone, ITU-R BT.601 in limited range, not rounded. ``"y8"``: luma
        rounded to 8 bits, as MATLAB's ``rgb2ycbcr`` gives it. The peak stays 255.
    border
        Pixels that are cut off on each side before the comparison.

    Returns
    -------
    float or FloatArray or Tensor
        A float for one pair. For a batch float64 values of the batch's shape: an array or a tensor, as ``a`` is.

    Raises
    ------
    InputError
        If a shape, dtype or range is another, sizes differ, or no pixel remains inside the border.

    Examples
    --------
    >>> import numpy as np
    >>> from srspace_eval import psnr
    >>> black = np.zeros((4, 4, 3), np.uint8)
    >>> round(psnr(black, black + 1), 2)
    48.13
    >>> psnr(black, black)
    inf
    >>> psnr(np.stack([black + 1, black + 2]), black).round(2)
    array([48.13, 42.11])
    """
    return _of_pairs(picture_psnr, a, b, channel, border)


@overload
def mse(a: Array, b: ArrayLike, *, channel: Channel = "rgb", border: int = 0) -> float | FloatArray: ...
@overload
def mse(a: Tensor, b: ArrayLike, *, channel: Channel = "rgb", border: int = 0) -> float | Tensor: ...
def mse(a: ArrayLike, b: ArrayLike, *, channel: Channel = "rgb", border: int = 0) -> float | FloatArray | Tensor:
    """Mean squared error on the scale of 0..255 values, 0 for identical pictures; lower is closer.

    The mean is over all pixels and channels. For uint8 pictures it comes from an exact integer sum.

    Parameters
    ----------
    a, b, channel, border
        As for :func:`psnr`.

    Returns
    -------
    float or FloatArray or Tensor
        A float for one pair. For a batch float64 values of the batch's shape: an array or a tensor, as ``a`` is.

    Raises
    ------
    InputError
        If a shape, dtype or range is another, sizes differ, or no pixel remains inside the border.

    Examples
    --------
    >>> import numpy as np
    >>> from srspace_eval import mse
    >>> black = np.zeros((4, 4, 3), np.uint8)
    >>> mse(black, black + 2)
    4.0
    """
    return _of_pairs(picture_mse, a, b, channel, border)


@overload
def lr_psnr(
    sr: Array, lr: ArrayLike, scale: int, convention: str = "ntire21", *, channel: Channel = "rgb", border: int = 0
) -> float | FloatArray: ...
@overload
def lr_psnr(
    sr: Tensor, lr: ArrayLike, scale: int, convention: str = "ntire21", *, channel: Channel = "rgb", border: int = 0
) -> float | Tensor: ...
def lr_psnr(
    sr: ArrayLike, lr: ArrayLike, scale: int, convention: str = "ntire21", *, channel: Channel = "rgb", border: int = 0
) -> float | FloatArray | Tensor:
    """LR-PSNR in dB: PSNR between the downscaled sample and the LR, higher is closer.

    A. Lugmayr, M. Danelljan, R. Timofte, "NTIRE 2021 Learning the Super-Resolution Space Challenge", section 3.

    Parameters
    ----------
    sr
        The sample, or a batch; shapes, dtypes and ranges as for :func:`psnr`. It is downscaled by ``1 / scale``. A
        uint8 sample is rounded to 8 bits as the convention says. A float sample is downscaled without rounding or
        clipping, so that its value differs slightly from that of the same sample in 8 bits.
    lr
        The LR of ceil(H / scale) × ceil(W / scale) pixels: a given LR, or the downscaled GT. One for a whole batch, or
        a batch.
    scale, convention
        See :func:`srspace_eval.imresize`.
    channel, border
        As for :func:`psnr`; the border is counted in LR pixels.

    Returns
    -------
    float or FloatArray or Tensor
        A float for one pair; for a batch float64 values as for :func:`psnr`. Infinite if the downscaled sample equals
        the LR.

    Raises
    ------
    InputError
        If a shape, dtype or range is another, the scale is not a positive number, or the sizes do not fit together.

    Examples
    --------
    >>> import numpy as np
    >>> from srspace_eval import imresize, lr_psnr
    >>> gt = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    >>> lr_psnr(gt, imresize(gt, 1 / 4), scale=4)
    inf
    """
    check_part(channel, border)
    factor = positive_number(scale, "scale")
    function = partial(picture_lr_psnr, scale=factor, convention=convention, channel=channel, border=border)
    return values_of_pairs(function, sr, lr, ("sr", "lr"))


def _of_pairs(
    function: Callable[[Tensor, Tensor, Channel, int], float], a: ArrayLike, b: ArrayLike, channel: Channel, border: int
) -> float | FloatArray | Tensor:
    """A comparison of two pictures, for one pair or a batch."""
    check_part(channel, border)
    return values_of_pairs(lambda x, y: function(x, y, channel, border), a, b, ("first picture", "second picture"))


def picture_psnr(a: Tensor, b: Tensor, channel: Channel = "rgb", border: int = 0) -> float:
    """:func:`psnr` of two (H, W, 3) tensors whose dtype and range are checked already."""
    error = picture_mse(a, b, channel, border)
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def picture_lr_psnr(
    sr: Tensor, lr: Tensor, scale: float, convention: str = "ntire21", channel: Channel = "rgb", border: int = 0
) -> float:
    """:func:`lr_psnr` of two (H, W, 3) tensors whose dtype and range are checked already."""
    if sr.dtype != torch.uint8:
        sr = (sr.cpu() if sr.device.type == "mps" else sr).to(torch.float64)
    return picture_psnr(resize_picture(sr, 1 / scale, convention), lr, channel, border)


def picture_mse(a: Tensor, b: Tensor, channel: Channel = "rgb", border: int = 0) -> float:
    """Mean squared error of two (H, W, 3) tensors on the scale of 0..255 values; exact for uint8.

    Raises
    ------
    InputError
        If sizes differ, or no pixel remains inside the border.
    """
    same_size(a, b, "psnr")
    a, b = inside(a, border), inside(b, border)
    exact = a.dtype == b.dtype == torch.uint8
    if not exact and "mps" in (a.device.type, b.device.type):  # MPS has no float64
        a, b = a.cpu(), b.cpu()
    rows = _BAND_ROWS if a.device.type == "cpu" else len(a)
    bands = zip(torch.split(a, rows), torch.split(b, rows), strict=True)
    pixels = a.shape[0] * a.shape[1]
    if not exact:
        errors = (float(sum_of((planes(p, channel) - planes(q, channel)).square())) for p, q in bands)
        return math.fsum(errors) / (pixels * (3 if channel == "rgb" else 1))
    if channel == "rgb":
        return sum(_squared_error(p, q) for p, q in bands) / (pixels * 3)
    if channel == "y8":
        return sum(_squared_rounded_luma_error(p, q) for p, q in bands) / pixels
    # Luma of whole numbers is a whole number of steps of 219 / 255000.
    return sum(_squared_luma_error(p, q) for p, q in bands) * 219**2 / (pixels * 255_000**2)


def _squared_error(a: Tensor, b: Tensor) -> int:
    difference = a.to(torch.int32).sub_(b)
    return int(fetch(difference.mul_(difference).sum(dtype=torch.int64)))


def _squared_luma_error(a: Tensor, b: Tensor) -> int:
    """The sum of (299 ΔR + 587 ΔG + 114 ΔB)²; int64 holds it for up to 141 million pixels."""
    difference = a.to(torch.int32).sub_(b)
    red, green, blue = (weight * plane for weight, plane in zip(LUMA_WEIGHTS, difference.unbind(2), strict=True))
    steps = (red + green + blue).to(torch.int64)
    return int(fetch(steps.mul_(steps).sum()))


def _squared_rounded_luma_error(a: Tensor, b: Tensor) -> int:
    difference = luma_8bit(a).sub_(luma_8bit(b))
    return int(fetch(difference.mul_(difference).sum()))
