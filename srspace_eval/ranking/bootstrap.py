"""Paired bootstrap over images: how far means and ranks would move on other test images. Imports no torch.

Each resampled test set is drawn once for all teams (B. Efron, R. Tibshirani: An Introduction to the Bootstrap, 1993,
chapters 13 and 16). An image that is hard for all teams then moves all teams, and differences between teams are as
sharp as the data allow. Intervals are percentile intervals.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from srspace_eval._utils.whole_numbers import is_whole
from srspace_eval.errors import InputError

Floats = NDArray[np.float64]

_COVERAGE = {2: 0.50, 3: 0.75, 4: 0.80, 5: 0.84, 6: 0.85, 7: 0.87, 8: 0.89, 9: 0.89, 10: 0.90}
_MANY = 15  # images from which on the intervals are near enough to what they promise: 0.91


@dataclass(frozen=True)
class BootstrapPlan:
    """How intervals are made.

    Attributes
    ----------
    replicates
        Number of resampled test sets.
    seed
        The same seed gives the same intervals.
    level
        Coverage of the intervals, between 0 and 1.

    Raises
    ------
    InputError
        If a field is out of range.

    Examples
    --------
    >>> from srspace_eval import BootstrapPlan
    >>> BootstrapPlan(replicates=500, level=0.9)
    BootstrapPlan(replicates=500, seed=0, level=0.9)
    """

    replicates: int = 2000
    seed: int = 0
    level: float = 0.95

    def __post_init__(self) -> None:
        if not is_whole(self.replicates, 100):
            raise InputError(f"replicates = {self.replicates!r}: must be a whole number of at least 100")
        if not is_whole(self.seed, 0):
            raise InputError(f"seed = {self.seed!r} must be a whole number of at least 0")
        level: object = self.level  # a caller may give anything
        if not isinstance(level, (float, np.floating)) or not 0 < level < 1:
            raise InputError(f"level = {level!r} must lie between 0 and 1")


def coverage(images: int) -> float | None:
    """How often a 95 % interval of few images holds the true mean; None: there are not few images.

    Measured with 10 000 simulated sets of normally distributed values and 1000 replicates each. A test repeats it.
    Skewed values give less. A percentile interval of few values is too narrow, because it does not know how uncertain
    their spread is.

    Examples
    --------
    >>> coverage(3), coverage(100)
    (0.75, None)
    """
    return None if images >= _MANY else _COVERAGE.get(images, 0.91)


def draw_counts(images: int, plan: BootstrapPlan) -> Floats:
    """How often each image occurs in each resampled test set.

    Returns
    -------
    numpy.ndarray
        ``(replicates, images)`` float64; each row is a multinomial draw that sums to ``images``.
    """
    generator = np.random.default_rng(plan.seed)
    counts = generator.multinomial(images, np.full(images, 1.0 / images), size=plan.replicates)
    return counts.astype(np.float64)


def resampled_means(values: Floats, counts: Floats) -> Floats:
    """The means over every resampled test set.

    Parameters
    ----------
    values
        ``(teams, images)`` float64. NaN and infinite values are left out, as in the summary.
    counts
        ``(replicates, images)``, see :func:`draw_counts`.

    Returns
    -------
    numpy.ndarray
        ``(replicates, teams)`` float64. Where a resampled set holds no finite image: infinite if it holds infinite ones
        (of one sign), as in the summary, otherwise NaN.
    """
    defined = np.isfinite(values)
    totals = counts @ np.where(defined, values, 0.0).T
    if defined.all():
        weights: Floats = counts.sum(axis=1, keepdims=True)
    else:
        weights = counts @ defined.T.astype(np.float64)
    means = np.full(totals.shape, np.nan)
    np.divide(totals, weights, out=means, where=weights > 0)
    for infinite in (math.inf, -math.inf):
        held = values == infinite
        if held.any():
            means[np.isnan(means) & (counts @ held.T.astype(np.float64) > 0)] = infinite
    return means


def interval(replicates: Floats, level: float) -> tuple[Floats, Floats]:
    """Percentile interval along the first axis: lower and upper ends, each of the remaining shape.

    NaN replicates are left out. An end between a finite and an infinite replicate is infinite.

    Examples
    --------
    >>> low, high = interval(np.arange(101.0), 0.5)
    >>> float(low), float(high)
    (25.0, 75.0)
    """
    tail = (1 - level) / 2
    ends = [tail, 1 - tail]
    if not np.isinf(replicates).any():
        quantile = np.nanquantile if np.isnan(replicates).any() else np.quantile
        low, high = quantile(replicates, ends, axis=0)
        return low, high
    columns = replicates.reshape(len(replicates), -1).T
    found = np.array([[_quantile(np.sort(column[~np.isnan(column)]), end) for column in columns] for end in ends])
    low, high = found.reshape(2, *replicates.shape[1:])
    return low, high


def _quantile(ordered: Floats, share: float) -> float:
    """NumPy's linear quantile of sorted values, some of which are infinite."""
    if not ordered.size:
        return math.nan
    place = share * (ordered.size - 1)
    below, above = float(ordered[math.floor(place)]), float(ordered[math.ceil(place)])
    if below == above or place == math.floor(place):
        return below
    if math.isinf(below) or math.isinf(above):
        return above if math.isinf(above) else below
    return below + (above - below) * (place - math.floor(place))


def rank_interval(ranks: Floats, level: float) -> tuple[Floats, Floats]:
    """Percentile interval of ranks along the first axis; its ends are ranks that occurred, not numbers between two.

    Examples
    --------
    >>> low, high = rank_interval(np.array([1.0, 1.0, 2.0, 4.0]), 0.5)
    >>> float(low), float(high)
    (1.0, 4.0)
    """
    tail = (1 - level) / 2
    low = np.quantile(ranks, tail, axis=0, method="lower")
    high = np.quantile(ranks, 1 - tail, axis=0, method="higher")
    return low, high
