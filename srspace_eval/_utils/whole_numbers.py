"""Whether a value that a caller gave is a whole number of a range. Imports no torch."""

from __future__ import annotations

import math
import operator

LARGEST_SEED = 2**63 - 1
"""The largest seed of patches. Their generator takes two 64-bit numbers, and NumPy rounds larger ones to floats."""


def is_whole(value: object, least: float, most: float = math.inf) -> bool:
    """Whether a value is a whole number from ``least`` to ``most``, of Python, NumPy or torch, and no float or bool.

    >>> [is_whole(value, 0, 9) for value in (0, 9, 10, -1, 1.5, True, "1", None)]
    [True, True, False, False, False, False, False, False]
    """
    if isinstance(value, bool):
        return False
    try:
        number = operator.index(value)  # type: ignore[arg-type]  # anything may be given
    except (TypeError, ValueError):
        return False
    return least <= number <= most
