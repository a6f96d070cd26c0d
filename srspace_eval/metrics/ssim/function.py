"""Structural similarity of 8-bit pictures."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

from srspace_eval.errors import InputError
from srspace_eval.kernels.cuda import fetch
from srspace_eval.metrics._arrays import ArrayLike, rgb_8bit, same_size

WINDOW = 11
_SIGMA = 1.5
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
_BAND_ROWS = {"cpu": 64, "cuda": 512}  # windows a band: few stay in the cache, many are few kernels to launch


def ssim(a: ArrayLike, b: ArrayLike) -> float:
    """SSIM of two (H, W, 3) uint8 pictures, at most 1, higher is closer.

    Z. Wang et al., "Image quality assessment: from error visibility to structural similarity", 2004, equation 13:
    Gaussian window 11×11, σ = 1.5, K1 = 0.01, K2 = 0.03, peak 255, weighted moments without Bessel's correction; the
    mean over windows that lie wholly inside the picture, of R, G and B each, then over the three. No border is
    removed beforehand and no luma is taken.

    Raises
    ------
    InputError
        If they are not 8-bit RGB pictures of equal size, or smaller than the window.

    Examples
    --------
    >>> grey = torch.full((16, 16, 3), 99, dtype=torch.uint8)
    >>> ssim(grey, grey)
    1.0
    """
    x, y = rgb_8bit(a, "first picture"), rgb_8bit(b, "second picture")
    same_size(x, y, "ssim")
    height, width = x.shape[0] - WINDOW + 1, x.shape[1] - WINDOW + 1
    if height < 1 or width < 1:
        raise InputError(f"ssim: pictures of at least {WINDOW}×{WINDOW} pixels are wanted, not {tuple(x.shape[:2])}")
    if x.device.type not in _BAND_ROWS:  # MPS has no float64
        x, y = x.cpu(), y.cpu()
    rows = _BAND_ROWS[x.device.type]
    sums = []
    for start in range(0, height, rows):
        stop = min(start + rows, height) + WINDOW - 1
        sums.append(_band(x[start:stop], y[start:stop]).sum())
    total = math.fsum(fetch(torch.stack(sums)).tolist())
    return total / (height * width * 3)


def _band(a: Tensor, b: Tensor) -> Tensor:
    """SSIM of every window inside the band, (3, h, w) float64."""
    x, y = (part.permute(2, 0, 1).to(torch.float64) for part in (a, b))
    mean_x, mean_y, xx, yy, xy = (_blur(part) for part in (x, y, x * x, y * y, x * y))
    var_x, var_y, cov = xx - mean_x**2, yy - mean_y**2, xy - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + _C1) / (mean_x**2 + mean_y**2 + _C1)
    structure = (2 * cov + _C2) / (var_x + var_y + _C2)
    return luminance * structure


def _blur(image: Tensor) -> Tensor:
    """Gaussian means of every window inside (3, H, W)."""
    weights = _gaussian()
    rows, columns = image.shape[1] - WINDOW + 1, image.shape[2] - WINDOW + 1
    down = image[:, :rows] * weights[0]
    for offset, weight in enumerate(weights[1:], start=1):
        down.add_(image[:, offset : offset + rows], alpha=weight)
    across = down[:, :, :columns] * weights[0]
    for offset, weight in enumerate(weights[1:], start=1):
        across.add_(down[:, :, offset : offset + columns], alpha=weight)
    return across


@lru_cache(maxsize=1)
def _gaussian() -> list[float]:
    x = torch.arange(WINDOW, dtype=torch.float64) - WINDOW // 2
    weights = torch.exp(-(x**2) / (2 * _SIGMA**2))
    values: list[float] = (weights / weights.sum()).tolist()
    return values
