"""Antialiased downscaling in float64: bilinear, bicubic, Lanczos; and which pixels ``nearest`` takes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from srspace_eval.errors import InputError
from srspace_eval.kernels.cubic import cubic, taps

FloatArray = npt.NDArray[np.float64]


def triangle(x: FloatArray) -> FloatArray:
    """The kernel of linear interpolation: 1 - abs(x), zero beyond 1.

    >>> triangle(np.array([0.0, 0.25, 2.0])).tolist()
    [1.0, 0.75, 0.0]
    """
    return np.maximum(0.0, 1.0 - np.abs(x))


def lanczos3(x: FloatArray) -> FloatArray:
    """Lanczos' kernel with three lobes: sinc(x) sinc(x / 3), zero beyond 3.

    >>> lanczos3(np.array([0.0, 0.5, 3.0])).round(4).tolist()
    [1.0, 0.6079, 0.0]
    """
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0.0)


SHAPES = {"bilinear": (triangle, 2.0), "bicubic": (cubic, 4.0), "lanczos": (lanczos3, 6.0)}
"""Antialiased scalers: the kernel, and its full width at scale 1. Each is widened by the scale."""

SCALERS = ("nearest", *SHAPES)
"""All scalers. ``nearest`` takes one pixel of each cell, see :mod:`srspace_eval.degrade.picture`."""


def downscale(image: FloatArray, scale: int, scaler: str) -> FloatArray:
    """Downscale by a whole number, antialiased, with a mirrored border. Nothing is rounded or clipped.

    ``"bicubic"`` is MATLAB's antialiased bicubic interpolation. The axes are resampled one after the other, rows first.

    Parameters
    ----------
    image
        (H, W, C) float64; H and W are multiples of the scale.
    scale
        4 makes it a quarter as wide and high.
    scaler
        ``"bilinear"``, ``"bicubic"`` or ``"lanczos"``.

    Returns
    -------
    FloatArray
        (H / scale, W / scale, C) float64. The centre of each output pixel is the centre of its cell of the image.

    Raises
    ------
    InputError
        If the scaler is unknown.

    Examples
    --------
    >>> ramp = np.arange(32.0).reshape(1, 32, 1).repeat(4, axis=0)
    >>> downscale(ramp, 4, "bilinear")[0, 2:6, 0].tolist()
    [9.5, 13.5, 17.5, 21.5]
    """
    if scaler not in SHAPES:
        raise InputError(f"no antialiased scaler {scaler!r}: {', '.join(SHAPES)}")
    kernel, width = SHAPES[scaler]
    for axis in (0, 1):
        length = image.shape[axis]
        weights, index = taps(length, length // scale, 1 / scale, "mirror", kernel, width)
        total: FloatArray | None = None
        for tap in range(weights.shape[1]):
            factor = weights[:, tap].reshape(-1, *[1] * (image.ndim - 1 - axis))
            product = np.take(image, index[:, tap], axis=axis) * factor
            total = product if total is None else np.add(total, product, out=total)
        assert total is not None
        image = total
    return image
