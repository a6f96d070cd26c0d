"""Taps of MATLAB's antialiased bicubic resampling: which input pixels an output pixel reads, and their weights.

The kernel is Keys' cubic with a = -1/2, stretched by 1/scale when shrinking, and normalised (R. Keys, "Cubic
convolution interpolation for digital image processing", 1981; conventions as in the documentation of MATLAB's
``imresize``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt

Border = Literal["mirror", "repeat"]
"""What lies beyond the edge of an image: its mirror image, the edge pixel twice; or the edge pixel repeated."""

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def cubic(x: FloatArray) -> FloatArray:
    """Keys' kernel with a = -1/2, element by element; zero for |x| >= 2.

    >>> cubic(np.array([0.0, 0.5, 1.0, 1.5, 2.0])).tolist()
    [1.0, 0.5625, 0.0, -0.0625, 0.0]
    """
    a = np.abs(x)
    # The challenge's program multiplies. A power is rounded differently, and a rounded pixel may then differ.
    a2 = a * a
    a3 = a2 * a
    near = 1.5 * a3 - 2.5 * a2 + 1
    far = -0.5 * a3 + 2.5 * a2 - 4 * a + 2
    return np.where(a <= 1, near, np.where(a < 2, far, 0.0))


def taps(
    in_length: int,
    out_length: int,
    scale: float,
    border: Border,
    kernel: Callable[[FloatArray], FloatArray] = cubic,
    width: float = 4.0,
) -> tuple[FloatArray, IntArray]:
    """Weights and input indices along one axis.

    Output pixel i is ``sum_p weights[i, p] * input[indices[i, p]]``.

    Parameters
    ----------
    in_length, out_length
        Lengths of the axis before and after, in pixels.
    scale
        Output pixels per input pixel; it need not be ``out_length / in_length``.
    border
        What lies beyond the edge.
    kernel, width
        The interpolation kernel, and its full width in pixels at scale 1: Keys' cubic, or another one.

    Returns
    -------
    weights, indices:
        (out_length, P) float64 and (out_length, P) int64. Taps that are zero for every pixel are left out.

    Example
    -------
    >>> weights, indices = taps(8, 4, 0.5, "repeat")
    >>> indices[0].tolist()
    [0, 0, 0, 0, 1, 2, 3, 4]
    """
    stretch = min(scale, 1.0)
    support = width / stretch
    centre = np.arange(1, out_length + 1, dtype=np.float64) / scale + 0.5 * (1 - 1 / scale)
    left = np.floor(centre - support / 2)
    position = left[:, None] + np.arange(int(np.ceil(support)) + 2)
    index = position.astype(np.int64) - 1
    # In the order of the challenge's program, which counts input pixels from 0 and output pixels from 1.
    weights = stretch * kernel(stretch * (centre[:, None] - index - 1))
    weights /= weights.sum(axis=1, keepdims=True)
    if border == "mirror":
        index %= 2 * in_length
        index = np.where(index < in_length, index, 2 * in_length - 1 - index)
    else:
        index = index.clip(0, in_length - 1)
    used = (weights != 0).any(axis=0)
    return weights[:, used], index[:, used]
