"""Uncertainty of the mean opinion rank, over raters and crops."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from srspace_eval.errors import InputError
from srspace_eval.study.rankings import Floats, Ints, Rankings, mean_opinion_rank

_CHUNK = 100
_ROUNDING = 1e-9


FEW = 2.5
"""Degrees of freedom below which groups may agree by chance: of two and of three equal groups."""

COVERAGE = {
    "rank": {2: "92 to 100", 3: "95 to 100", 4: "92 to 99", 5: "91 to 98"},
    "rate": {2: "90 to 100", 3: "90 to 100", 4: "92 to 98", 5: "91 to 97"},
}
"""Task -> smaller of the numbers of raters and crops (5: or more) -> percent of cases in which 95 % intervals held the
truth, in ``benchmarks/study_intervals.py``: the lowest and the highest of all simulated panels,
rounded outward. Another seed moves them by about one."""


def coverage_told(task: str, raters: int, units: int, unit: str, level: float = 0.95) -> str:
    """What a result says of its intervals: how often such intervals held the truth, or why there are none.

    >>> coverage_told("rank", 1, 40, "crop")
    'there are no intervals, because one rater does not show how raters vary'
    """
    if raters < 2 or units < 2:
        few, what = ("rater", "raters") if raters < 2 else (unit, f"{unit}s")
        return f"there are no intervals, because one {few} does not show how {what} vary"
    fewest = min(raters, units, 5)
    other = "" if abs(level - 0.95) < _ROUNDING else f"these are {100 * level:g} % intervals; "
    return (
        f"{other}in simulated studies where the smaller of the numbers of raters and {unit}s is {fewest}"
        f"{' or more' if fewest == 5 else ''}, 95 % intervals held the truth in {COVERAGE[task][fewest]} % of the "
        "cases; fewer for a method that nearly all raters put at the same end, because its interval is too narrow"
    )


@dataclass(frozen=True)
class TwoWayError:
    """Standard errors (K,) of means over raters and crops, and their degrees of freedom. NaN: one rater or one crop."""

    se: Floats
    df: Floats

    def half_width(self, level: float) -> Floats:
        """Half the width of the confidence interval at a level such as 0.95."""
        quantile: Floats = np.asarray(stats.t.ppf(0.5 + level / 2, self.df), dtype=np.float64)
        return quantile * self.se


@dataclass(frozen=True)
class Variation:
    """Variances (K,) of means, estimated from how groups vary, and their degrees of freedom. NaN: one group."""

    variance: Floats
    df: float


def variation(values: Floats, weight: Floats, group: Ints) -> Variation:
    """Variance of a weighted mean, estimated from the sums of its groups.

    The estimate is unbiased for independent groups, also where their weights differ. The degrees of freedom are
    Satterthwaite's for a sum of squares of these weights: the number of groups - 1 for equal weights, and 1 where one
    group has nearly all the weight.

    Parameters
    ----------
    values, weight
        (N, K) deviations from the mean, and the (N,) weights of the mean. Their sum is 1.
    group
        (N,): group of each row.
    """
    _, index = np.unique(group, return_inverse=True)
    share = np.bincount(index, weight)
    if len(share) == 1:
        return Variation(np.full(values.shape[1], np.nan), np.nan)
    totals = np.zeros((len(share), values.shape[1]))
    np.add.at(totals, index, weight[:, None] * values)
    two, three, four, five = (float((share**power).sum()) for power in (2, 3, 4, 5))
    # Squared totals have the quadratic form of matrix A. Its trace, and the trace of its square:
    trace = two + two**2 - 2 * three
    square = two**4 + 2 * two * four - 4 * two**2 * three + 2 * three**2 + four * (1 + 2 * two) - 4 * five
    return Variation(two / trace * np.sum(totals**2, axis=0), max(trace**2 / square, 1.0))


def combined(single: Variation, *factors: Variation, bias: Variation | None = None) -> TwoWayError:
    """The error of a mean from the variance of independent values, plus the excess of each factor's variance.

    A negative excess counts as zero. ``bias``: a further variance, which does not contain that of independent values.
    Degrees of freedom: Satterthwaite's approximation. Two or three groups may agree by chance. Their variance then is
    too small, and the other parts would give it many degrees of freedom. Therefore they count in the degrees of freedom
    as at least the variance of independent values. NaN if a factor has one group.
    """
    variance, weighted = single.variance, single.variance**2 / single.df
    contained = [(factor, single.variance) for factor in factors]
    contained += [] if bias is None else [(bias, np.zeros_like(single.variance))]
    for factor, part in contained:
        variance = variance + np.maximum(factor.variance - part, 0.0)
        counted = np.where(factor.variance > part, factor.variance, 0.0)
        weighted = weighted + (np.maximum(counted, single.variance) if factor.df < FEW else counted) ** 2 / factor.df
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = np.where(weighted == 0, single.df, variance**2 / weighted)
    return TwoWayError(np.sqrt(variance), np.asarray(freedom, dtype=np.float64))


def two_way_error(values: Floats, rater: Ints, unit: Ints) -> TwoWayError:
    """Standard error of a mean over crossed raters and crops.

    Rankings of one rater are correlated, and so are rankings of one crop. The variance of the mean is that of
    independent rankings, plus the excess of the variance between raters, plus that between crops (Cameron, Gelbach &
    Miller 2011); see :func:`variation` and :func:`combined`.

    One rater does not show how raters vary, and one crop does not show how crops vary: there is no error (NaN).

    Parameters
    ----------
    values
        (N, K).
    rater, unit
        (N,): indices of the rater and of the crop (or image) of each row.

    >>> two_way_error(np.array([[1.0], [3.0]]), np.arange(2), np.arange(2)).se.tolist()
    [1.0]
    """
    n = len(values)
    weight = np.full(n, 1 / n)
    residual = values - values.mean(axis=0)
    return combined(*(variation(residual, weight, group) for group in (np.arange(n), rater, unit)))


@dataclass(frozen=True)
class MorIntervals:
    """Intervals of the MOR and of the rank by MOR, arrays (K,); ``draws``, (draws, K): MORs of the bootstrap.

    For one rater or one crop, intervals are NaN, and there are no draws.
    """

    low: Floats
    high: Floats
    rank: Floats
    rank_low: Floats
    rank_high: Floats
    draws: Floats


def bootstrap_mor(data: Rankings, *, level: float = 0.95, draws: int = 2000, seed: int = 0) -> MorIntervals:
    """Intervals of the MOR for other raters and other crops, by a bootstrap over both.

    Raters and crops are drawn with replacement, independently of each other (pigeonhole bootstrap, Owen 2007). The
    weight of a ranking is the number of draws of its rater times the number of draws of its crop. This bootstrap counts
    the noise of single rankings three times, and its intervals are too narrow for few raters. Therefore the standard
    deviation of the draws is set to that of :func:`two_way_error`, times the ratio of Student's to the normal quantile.
    The shape of the draws, and the dependence between methods, remain those of the bootstrap. Half of the
    draws of two raters (or crops) have both, and the tails are short: there the distance of the quantiles is set, not
    the standard deviation.
    Rank intervals come from the ranks of the MORs of each draw. SciPy's bootstrap has no crossed factors.

    One rater does not show how raters vary, and one crop does not show how crops vary. Then there are no intervals.
    :data:`COVERAGE` tells how often the others hold the true MOR.

    Parameters
    ----------
    level
        Confidence level, two-sided.
    draws, seed
        Number of draws, and seed. The same seed gives the same intervals.

    Raises
    ------
    InputError
        If there is no ranking.
    """
    if not len(data.ranks):
        raise InputError("there are no rankings to compute intervals from")
    mor = mean_opinion_rank(data.ranks)
    rank = np.asarray(stats.rankdata(np.round(mor, 9)), dtype=np.float64)
    if min(data.raters, data.units) == 1:
        none = np.full(len(mor), np.nan)
        return MorIntervals(none, none, rank, none, none, np.empty((0, len(mor))))
    drawn = _pigeonhole(data, draws, seed) - mor
    error = two_way_error(data.ranks, data.rater, data.unit)
    tail = (1 - level) / 2
    normal = float(stats.norm.ppf(0.5 + level / 2))
    wanted = error.half_width(level) / normal
    deviation = drawn.std(axis=0)
    if min(data.raters, data.units) == 2:
        distance = np.ptp(np.quantile(drawn, [tail, 1 - tail], axis=0), axis=0) / (2 * normal)
        deviation = np.maximum(distance, deviation / 10)  # at a low level the distance may be 0
    drawn = mor + drawn * np.divide(wanted, deviation, out=np.zeros_like(deviation), where=deviation > 0)
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
    ranks = stats.rankdata(np.round(drawn, 9), axis=1)
    # A mean rank lies between 1 and the number of methods.
    return MorIntervals(
        low=np.clip(low, 1, len(mor)),
        high=np.clip(high, 1, len(mor)),
        rank=rank,
        rank_low=np.quantile(ranks, tail, axis=0, method="inverted_cdf"),
        rank_high=np.quantile(ranks, 1 - tail, axis=0, method="inverted_cdf"),
        draws=np.clip(drawn, 1, len(mor)),
    )


def _pigeonhole(data: Rankings, draws: int, seed: int) -> Floats:
    """Mean ranks (draws, K) of resampled studies, without the draws that hold no ranking."""
    rng = np.random.default_rng(seed)
    raters, units, k = data.raters, data.units, data.ranks.shape[1]
    dense = np.zeros((raters, units, k + 1))
    np.add.at(dense, (data.rater, data.unit), np.column_stack([data.ranks, np.ones(len(data.ranks))]))
    found = []
    for start in range(0, draws, _CHUNK):
        count = min(_CHUNK, draws - start)
        by_rater = rng.multinomial(raters, np.full(raters, 1 / raters), size=count).astype(np.float64)
        by_unit = rng.multinomial(units, np.full(units, 1 / units), size=count).astype(np.float64)
        totals = (by_rater @ dense.reshape(raters, -1)).reshape(count, units, k + 1)
        sums = np.einsum("bu,buk->bk", by_unit, totals)
        found.append(sums[sums[:, k] > 0])
    sums = np.concatenate(found)
    means: Floats = sums[:, :k] / sums[:, k:]
    return means
