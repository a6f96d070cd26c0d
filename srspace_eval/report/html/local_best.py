"""The map of local best: which sample is nearest to the GT at each place. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

BOX = 16
"""Side of the window over which the squared error is averaged, as in the 2022 program's distance MSE."""

CELLS = 128
"""The map has at most this many cells along its longer side."""


def local_best(gt: NDArray[np.uint8], samples: Sequence[NDArray[np.uint8]]) -> NDArray[np.intp]:
    """Which sample is nearest to the GT at each cell of a coarse grid.

    The distance is the squared error averaged over RGB and over a 16×16 window around each cell's centre (windows
    are cut at the border). It shows where samples differ; S_M itself is measured with its track's distance.

    Parameters
    ----------
    gt
        uint8 (H, W, 3).
    samples
        M arrays like it.

    Returns
    -------
    NDArray[np.intp]
        Array (rows, columns) of sample positions 0..M-1; equal errors go to the first.
    """
    height, width = gt.shape[:2]
    side = cell_side(height, width)
    rows, columns = (_windows(length, side) for length in (height, width))
    area = (rows[1] - rows[0])[:, None] * (columns[1] - columns[0])
    errors = []
    for sample in samples:
        squared = np.square(sample.astype(np.int32) - gt.astype(np.int32)).sum(axis=2, dtype=np.int64)
        total = np.zeros((height + 1, width + 1), dtype=np.int64)
        total[1:, 1:] = squared.cumsum(axis=0).cumsum(axis=1)
        bands = total[rows[1]] - total[rows[0]]
        errors.append((bands[:, columns[1]] - bands[:, columns[0]]) / area)
    best: NDArray[np.intp] = np.argmin(np.stack(errors), axis=0)
    return best


def cell_side(height: int, width: int) -> int:
    """Side of a map's cell in pixels."""
    return max(4, math.ceil(max(height, width) / CELLS))


def _windows(length: int, side: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    centres = np.minimum(np.arange(0, length, side) + side // 2, length - 1)
    return np.maximum(centres - BOX // 2, 0), np.minimum(centres + BOX // 2, length)
