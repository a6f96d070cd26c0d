"""Uncertainty of the mean opinion rank, over raters and crops."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from srspace_eval.errors import InputError
from srspace_eval.study.rankings import Floats, Ints, Rankings, mean_opinion_rank

_CHUNK = 100

COVERAGE = {2: "94 to 100", 3: "93 to 98", 4: "92 to 97"}
"""Raters -> percent of cases in which 95 % intervals held the true MOR, in ``benchmarks/study_intervals.py``."""


@dataclass(frozen=True)
class TwoWayError:
    """Standard errors (K,) of means over raters and crops, and their degrees of freedom. NaN: one rater."""

    se: Floats
    df: Floats

    def half_width(self, level: float) -> Floats:
        """Half the width of the confidence interval at a level such as 0.95."""
        quantile: Floats = np.asarray(stats.t.ppf(0.5 + level / 2, self.df), dtype=np.float64)
        return quantile * self.se


def two_way_error(values: Floats, rater: Ints, unit: Ints) -> TwoWayError:
    """Standard error of a mean over crossed raters and crops.

    Rankings of one rater are correlated, and so are rankings of one crop. The variance of the mean is that of
    independent rankings, plus the excess of the variance between raters, plus that between crops (Cameron, Gelbach &
    Miller 2011; a negative excess counts as zero). Degrees of freedom: Satterthwaite's approximation.

    One rater does not show how raters vary: there is no error (NaN). Two raters may agree by chance. Their variance
    then is too small, and the other parts would give it many degrees of freedom. It therefore counts in the degrees of
    freedom as at least that of independent rankings.

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
    raters = int(rater.max()) + 1
    if raters == 1:
        none = np.full(values.shape[1], np.nan)
        return TwoWayError(none, none)
    residual = values - values.mean(axis=0)
    parts = []
    for index in (rater, unit, np.arange(n)):
        groups = int(index.max()) + 1
        totals = np.zeros((groups, values.shape[1]))
        np.add.at(totals, index, residual)
        # One group does not show how groups vary.
        factor = groups / (groups - 1) if groups > 1 else 0.0
        parts.append((factor * np.sum(totals**2, axis=0) / n**2, max(groups - 1, 1)))
    (by_rater, df_rater), (by_unit, df_unit), (single, df_single) = parts
    variance = single + np.maximum(by_rater - single, 0.0) + np.maximum(by_unit - single, 0.0)
    weighted: Floats = single**2 / df_single
    counted = np.maximum(by_rater, single) if raters == 2 else np.where(by_rater > single, by_rater, 0.0)
    weighted += counted**2 / df_rater
    weighted += np.where(by_unit > single, by_unit**2 / df_unit, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = np.where(weighted > 0, variance**2 / weighted, df_single)
    return TwoWayError(np.sqrt(variance), np.asarray(freedom, dtype=np.float64))


@dataclass(frozen=True)
class MorIntervals:
    """Intervals of the MOR and of the rank by MOR, arrays (K,); ``draws``, (draws, K): MORs of the bootstrap.

    For one rater, intervals are NaN, and there are no draws.
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
    draws of two raters have both, and the tails are short: there the distance of the quantiles is set, not the
    standard deviation.
    Rank intervals come from the ranks of the MORs of each draw. SciPy's bootstrap has no crossed factors.

    One rater does not show how raters vary. Then there are no intervals.

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
    if data.raters == 1:
        none = np.full(len(mor), np.nan)
        return MorIntervals(none, none, rank, none, none, np.empty((0, len(mor))))
    drawn = _pigeonhole(data, draws, seed) - mor
    error = two_way_error(data.ranks, data.rater, data.unit)
    tail = (1 - level) / 2
    normal = float(stats.norm.ppf(0.5 + level / 2))
    wanted = error.half_width(level) / normal
    deviation = drawn.std(axis=0)
    if data.raters == 2:
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
