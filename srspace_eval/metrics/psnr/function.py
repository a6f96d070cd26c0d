"""PSNR of 8-bit pictures, and the challenge's LR-PSNR."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from srspace_eval.kernels.cuda import fetch
from srspace_eval.metrics._arrays import ArrayLike, rgb_8bit, same_size
from srspace_eval.metrics.resize import imresize

_BAND_ROWS = 64


def mse(a: ArrayLike, b: ArrayLike) -> float:
    """Mean squared error of two (H, W, 3) uint8 pictures over pixels and channels, from an exact integer sum.

    Raises
    ------
    InputError
        If they are not 8-bit RGB pictures of equal size.
    """
    x, y = rgb_8bit(a, "first picture"), rgb_8bit(b, "second picture")
    same_size(x, y, "mse")
    rows = _BAND_ROWS if x.device.type == "cpu" else len(x)
    bands = zip(torch.split(x, rows), torch.split(y, rows), strict=True)
    return math.fsum(_squared_error(p, q) for p, q in bands) / x.numel()


def psnr(a: ArrayLike, b: ArrayLike) -> float:
    """PSNR in dB of two (H, W, 3) uint8 pictures: over RGB, peak 255, no border removed.

    Infinite if they are identical.

    Raises
    ------
    InputError
        If they are not 8-bit RGB pictures of equal size.

    Examples
    --------
    >>> black = torch.zeros(4, 4, 3, dtype=torch.uint8)
    >>> round(psnr(black, black + 1), 2)
    48.13
    """
    error = mse(a, b)
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def lr_psnr(sr: ArrayLike, lr: ArrayLike, scale: int, convention: str = "ntire21") -> float:
    """PSNR in dB between the downscaled sample and the LR picture (Lugmayr et al., NTIRE 2021).

    Parameters
    ----------
    sr:
        (H, W, 3) uint8 sample; it is downscaled by ``1/scale``, 8-bit in and out.
    lr:
        (ceil(H / scale), ceil(W / scale), 3) uint8: the downscaled GT, or a given LR.
    scale, convention:
        See :func:`srspace_eval.metrics.resize.imresize`.

    Raises
    ------
    InputError
        If they are not 8-bit RGB pictures, or the sizes do not fit.
    """
    return psnr(imresize(rgb_8bit(sr, "sr"), 1 / scale, convention=convention), lr)


def _squared_error(a: Tensor, b: Tensor) -> int:
    difference = a.to(torch.int32).sub_(b)
    return int(fetch(difference.mul_(difference).sum(dtype=torch.int64)))
