"""Resampling as its definition reads: gathered taps, float64, one axis after the other. The specification of
``resampling``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from srspace_eval.kernels.cubic import Border, taps


def resample(
    image: npt.NDArray[Any],
    out_shape: tuple[int, int],
    scales: tuple[float, float],
    border: Border,
    half_away: bool,
) -> npt.NDArray[Any]:
    """See :func:`srspace_eval.kernels.resampling.resample`; of NumPy arrays."""
    work = image.astype(np.float64)
    for axis in np.argsort(scales, kind="stable"):
        weights, index = taps(image.shape[axis], out_shape[axis], scales[axis], border)
        gathered = np.moveaxis(work, axis, 0)[index]  # (out, P, other, C)
        total = np.zeros((len(index), *gathered.shape[2:]))
        for p in range(weights.shape[1]):
            total += weights[:, p, None, None] * gathered[:, p]
        if image.dtype == np.uint8:
            rounded = np.floor(total + 0.5) if half_away else np.rint(total)
            total = rounded.clip(0, 255)
        work = np.moveaxis(total, 0, axis)
    return np.ascontiguousarray(work.astype(image.dtype))
