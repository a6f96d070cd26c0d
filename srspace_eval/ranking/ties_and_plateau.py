"""Competition ranks of one criterion, for one table or for thousands of resampled ones at once. Imports no torch.

``scipy.stats.rankdata(method="min")`` gives the same ranks. Importing it takes half a second, which would double the
time of a small ``rank``; the tests compare the two.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from srspace_eval.metrics.base import Direction
from srspace_eval.ranking.places import merged
from srspace_eval.tracks.model import RankedMetric

Floats = NDArray[np.float64]

# Values that agree to this many decimals tie: the order of a sum must not decide a rank.
_DECIMALS = 9


def sort_keys(values: ArrayLike, criterion: RankedMetric, better: Direction) -> Floats:
    """Sort keys: values with the sign that makes lower better; all values at or beyond the plateau get the same key.

    Values within the criterion's tolerance of the best of their group get its key (along the last axis).

    Parameters
    ----------
    values
        Any shape. Infinite values are allowed; NaN is "none" and sorts last.
    criterion
        Gives the plateau and the tolerance.
    better
        The metric's direction.

    Examples
    --------
    >>> sort_keys([44.9, 45.0, float("inf")], RankedMetric("lr_psnr", plateau=45.0), "higher").tolist()
    [-44.9, -45.0, -45.0]
    """
    sign = -1.0 if better == "higher" else 1.0
    keys = sign * rounded(values)
    best = -np.inf if criterion.plateau is None else sign * criterion.plateau
    capped = np.asarray(np.where(np.isnan(keys), np.inf, np.maximum(keys, best)), dtype=np.float64)
    return merged(capped, criterion.tolerance)


def rounded(values: ArrayLike) -> Floats:
    """Values as ranks compare them: what agrees to nine decimals is equal, whatever the order of its sum."""
    exact = np.asarray(values, dtype=np.float64)
    with np.errstate(over="ignore"):
        found = np.round(exact, _DECIMALS)
    # NumPy multiplies before it rounds. Where the product is too large, the value has no decimals.
    return np.where(np.isfinite(found), found, exact)


def competition_ranks(keys: ArrayLike) -> Floats:
    """Ranks from 1 along the last axis, lower keys first; equal keys share the best of their places (1, 2, 2, 4).

    Examples
    --------
    >>> competition_ranks([0.1, 0.2, 0.2, 0.4]).tolist()
    [1.0, 2.0, 2.0, 4.0]
    """
    keys = np.asarray(keys, dtype=np.float64)
    order = np.argsort(keys, axis=-1, kind="stable")
    sorted_keys = np.take_along_axis(keys, order, axis=-1)
    places = np.broadcast_to(np.arange(1.0, keys.shape[-1] + 1), keys.shape).copy()
    # A key that equals the one before it takes the place at which their run began.
    places[..., 1:][sorted_keys[..., 1:] == sorted_keys[..., :-1]] = 0.0
    ranks: Floats = np.empty_like(places)
    np.put_along_axis(ranks, order, np.maximum.accumulate(places, axis=-1), axis=-1)
    return ranks
