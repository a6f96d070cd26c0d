"""Structural similarity (SSIM)."""

from __future__ import annotations

import math
from functools import lru_cache, partial
from typing import Literal, TypeAlias, get_args, overload

import torch
from torch import Tensor

from srspace_eval.errors import InputError
from srspace_eval.kernels.cuda import fetch
from srspace_eval.metrics._arrays import Array, ArrayLike, FloatArray, same_size, sum_of, values_of_pairs
from srspace_eval.metrics._channels import Channel, check_part, inside, planes

Window: TypeAlias = Literal["gaussian", "uniform"]

SIZES: dict[Window, int] = {"gaussian": 11, "uniform": 7}
"""Side of each window."""
_SIGMA = 1.5
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
# Rows of windows a band: few on the CPU, so that a band stays in the cache; many on CUDA, so that few kernels run.
_BAND_ROWS = {"cpu": 64, "cuda": 512}


@overload
def ssim(
    a: Array, b: ArrayLike, *, channel: Channel = "rgb", border: int = 0, window: Window = "gaussian"
) -> float | FloatArray: ...
@overload
def ssim(
    a: Tensor, b: ArrayLike, *, channel: Channel = "rgb", border: int = 0, window: Window = "gaussian"
) -> float | Tensor: ...
def ssim(
    a: ArrayLike, b: ArrayLike, *, channel: Channel = "rgb", border: int = 0, window: Window = "gaussian"
) -> float | FloatArray | Tensor:
    """Structural similarity, at most 1, higher is closer.

    Z. Wang et al., "Image quality assessment: from error visibility to structural similarity", 2004, equation 13:
    Gaussian window 11×11, σ = 1.5, K1 = 0.01, K2 = 0.03, L = 255 on the scale of 0..255 values, weighted moments
    without Bessel's correction. The value is the mean over the windows that lie wholly inside the picture, of each
    channel, and then over the channels.

    Parameters
    ----------
    a, b
        RGB pictures of equal size, uint8 or floats in [0, 1]: (H, W, 3) or a batch (..., H, W, 3) as NumPy arrays,
        (3, H, W), (H, W, 3) or a batch (N, 3, H, W) as torch tensors. ``b`` may be one picture for a whole batch.
    channel
        ``"rgb"``: the three channels. ``"y"``: luma alone, ITU-R BT.601 in limited range, not rounded. ``"y8"``: luma
        rounded to 8 bits. L stays 255.
    border
        Pixels that are cut off on each side before the comparison.
    window
        ``"gaussian"``: as above. ``"uniform"``: 7×7 pixels of equal weight, with sample variances and covariances
        (divided by 48); these are the defaults of scikit-image's ``structural_similarity``.

    Returns
    -------
    float or FloatArray or Tensor
        A float for one pair. For a batch float64 values of the batch's shape: an array or a tensor, as ``a`` is.

    Raises
    ------
    InputError
        If a shape, dtype or range is another, sizes differ, or fewer pixels than a window has remain inside the
        border.

    Examples
    --------
    >>> import numpy as np
    >>> from srspace_eval import ssim
    >>> grey = np.full((16, 16, 3), 99, np.uint8)
    >>> ssim(grey, grey)
    1.0
    """
    check_part(channel, border)
    if window not in get_args(Window):
        raise InputError(f"window {window!r}: {', '.join(get_args(Window))} are known")
    return values_of_pairs(
        partial(picture_ssim, channel=channel, border=border, window=window), a, b, ("first picture", "second picture")
    )


def picture_ssim(a: Tensor, b: Tensor, channel: Channel = "rgb", border: int = 0, window: Window = "gaussian") -> float:
    """:func:`ssim` of two (H, W, 3) tensors whose dtype and range are checked already."""
    same_size(a, b, "ssim")
    x, y = inside(a, border), inside(b, border)
    size = SIZES[window]
    height, width = x.shape[0] - size + 1, x.shape[1] - size + 1
    if height < 1 or width < 1:
        raise InputError(f"ssim: pictures of at least {size}×{size} pixels are wanted, not {tuple(x.shape[:2])}")
    if x.device.type not in _BAND_ROWS:  # MPS has no float64
        x, y = x.cpu(), y.cpu()
    rows = _BAND_ROWS[x.device.type]
    sums = []
    for start in range(0, height, rows):
        stop = min(start + rows, height) + size - 1
        sums.append(sum_of(_band(planes(x[start:stop], channel), planes(y[start:stop], channel), window)))
    total = math.fsum(fetch(torch.stack(sums)).tolist())
    return total / (height * width * (3 if channel == "rgb" else 1))


def _band(x: Tensor, y: Tensor, window: Window) -> Tensor:
    """SSIM of every window inside a band: two (C, H, W) float64 -> (C, h, w)."""
    blur = _gaussian_means if window == "gaussian" else _uniform_means
    mean_x, mean_y, xx, yy, xy = (blur(part) for part in (x, y, x * x, y * y, x * y))
    var_x, var_y, cov = xx - mean_x**2, yy - mean_y**2, xy - mean_x * mean_y
    if window == "uniform":
        pixels = SIZES[window] ** 2
        var_x, var_y, cov = (moment * (pixels / (pixels - 1)) for moment in (var_x, var_y, cov))
    luminance = (2 * mean_x * mean_y + _C1) / (mean_x**2 + mean_y**2 + _C1)
    structure = (2 * cov + _C2) / (var_x + var_y + _C2)
    return luminance * structure


def _gaussian_means(image: Tensor) -> Tensor:
    """Gaussian means of every window inside (C, H, W)."""
    return _weighted_sums(image, _gaussian())


def _uniform_means(image: Tensor) -> Tensor:
    """Plain means of every window inside (C, H, W); sums of whole numbers are exact."""
    size = SIZES["uniform"]
    return _weighted_sums(image, [1.0] * size) / size**2


def _weighted_sums(image: Tensor, weights: list[float]) -> Tensor:
    size = len(weights)
    rows, columns = image.shape[1] - size + 1, image.shape[2] - size + 1
    down = image[:, :rows] * weights[0]
    for offset, weight in enumerate(weights[1:], start=1):
        down.add_(image[:, offset : offset + rows], alpha=weight)
    across = down[:, :, :columns] * weights[0]
    for offset, weight in enumerate(weights[1:], start=1):
        across.add_(down[:, :, offset : offset + columns], alpha=weight)
    return across


@lru_cache(maxsize=1)
def _gaussian() -> list[float]:
    size = SIZES["gaussian"]
    x = torch.arange(size, dtype=torch.float64) - size // 2
    weights = torch.exp(-(x**2) / (2 * _SIGMA**2))
    values: list[float] = (weights / weights.sum()).tolist()
    return values
