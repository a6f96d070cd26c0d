"""What rankings tell: mean opinion rank, its uncertainty, the raters' agreement, which differences are real."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from srspace_eval.errors import InputError
from srspace_eval.study.rankings import Floats, Ints, Rankings

_CHUNK = 100


def mean_opinion_rank(ranks: Floats) -> Floats:
    """MOR: each method's mean rank over all rankings.

    Parameters
    ----------
    ranks:
        (N, K), 1 is best.

    Returns
    -------
    (K,) in [1, K]; lower is better.

    >>> mean_opinion_rank(np.array([[1.0, 2.0, 3.0], [2.0, 1.0, 3.0]])).tolist()
    [1.5, 1.5, 3.0]
    """
    return np.asarray(ranks.mean(axis=0), dtype=np.float64)


def kendall_w(scores: Floats) -> float:
    """Kendall's coefficient of concordance W, corrected for ties (Kendall & Babington Smith, 1939).

    Parameters
    ----------
    scores:
        (n, K): n judges' ranks, or any scores (they are ranked within each row).

    Returns
    -------
    float in [0, 1]: 1 if all judges give the same order, NaN if there are fewer than two judges or every row is one
    tie.

    >>> kendall_w(np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]))
    1.0
    """
    n, k = scores.shape
    if n < 2 or k < 2:
        return float("nan")
    ranks = stats.rankdata(scores, axis=1)
    spread = float(np.sum((ranks.sum(axis=0) - n * (k + 1) / 2) ** 2))
    ties = sum(float(np.sum(counts**3 - counts)) for counts in (_tie_sizes(row) for row in ranks))
    possible = n**2 * (k**3 - k) - n * ties
    return 12 * spread / possible if possible > 0 else float("nan")


def _tie_sizes(row: Floats) -> Floats:
    return np.unique(row, return_counts=True)[1].astype(np.float64)


@dataclass(frozen=True)
class Friedman:
    """Friedman's test that all methods are equal: χ² with K − 1 degrees of freedom, and its p value."""

    chi2: float
    df: int
    p: float
    blocks: int


def friedman(scores: Floats) -> Friedman:
    """Friedman's rank test, corrected for ties: χ² = n (K − 1) W.

    Parameters
    ----------
    scores:
        (n, K): one row a block. A block is a crop, with its raters' mean ranks: single rankings of one crop depend on
        each other, and as blocks of their own would make any difference look certain.
    """
    n, k = scores.shape
    chi2 = n * (k - 1) * kendall_w(scores)
    return Friedman(chi2, k - 1, float(stats.chi2.sf(chi2, k - 1)), n)


def holm(p: Sequence[float]) -> list[float]:
    """Holm's step-down correction of p values for their number (Holm, 1979).

    >>> [round(value, 3) for value in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(len(p))
    largest = 0.0
    for place, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p) - place) * p[int(index)]))
        adjusted[index] = largest
    return [float(value) for value in adjusted]


@dataclass(frozen=True)
class Pair:
    """Two methods compared: difference of their MORs, its interval, and the test over crops.

    Attributes
    ----------
    first, second:
        Indices of the methods.
    difference:
        MOR of the second minus MOR of the first; positive: the first is better.
    low, high:
        Interval of the difference for other raters and other crops.
    p, p_holm:
        Wilcoxon's signed-rank test over the crops' mean ranks, for these raters; and corrected for all pairs.
    """

    first: int
    second: int
    difference: float
    low: float
    high: float
    p: float
    p_holm: float


def compare_pairs(data: Rankings, level: float = 0.95) -> list[Pair]:
    """All K (K − 1) / 2 pairs of methods."""
    means = data.means(data.unit)
    k = len(data.methods)
    pairs = [(i, j) for i in range(k) for j in range(i + 1, k)]
    first, second = (np.array([pair[side] for pair in pairs], dtype=np.int64) for side in (0, 1))
    error = two_way_error(data.ranks[:, second] - data.ranks[:, first], data.rater, data.unit)
    half = error.half_width(level)
    p = [signed_rank_p(means[:, j] - means[:, i]) for i, j in pairs]
    mor = mean_opinion_rank(data.ranks)
    return [
        Pair(i, j, float(mor[j] - mor[i]), float(mor[j] - mor[i] - h), float(mor[j] - mor[i] + h), p_one, p_all)
        for (i, j), h, p_one, p_all in zip(pairs, half, p, holm(p), strict=True)
    ]


def signed_rank_p(differences: Floats) -> float:
    """Two-sided p value of Wilcoxon's signed-rank test; 1 if nothing differs."""
    if not np.any(differences):
        return 1.0
    return float(stats.wilcoxon(differences).pvalue)


@dataclass(frozen=True)
class TwoWayError:
    """Standard errors (K,) of means over raters and crops, with the degrees of freedom behind them."""

    se: Floats
    df: Floats

    def half_width(self, level: float) -> Floats:
        """Half the width of the confidence interval at a level such as 0.95."""
        quantile: Floats = np.asarray(stats.t.ppf(0.5 + level / 2, self.df), dtype=np.float64)
        return quantile * self.se


def two_way_error(values: Floats, rater: Ints, unit: Ints) -> TwoWayError:
    """Standard error of a mean over crossed raters and crops.

    Rankings of one rater are alike, and so are those of one crop; taken as N independent ones they promise too much.
    The variance of the mean is that of the single rankings, plus what the totals by rater and the totals by crop vary
    beyond it (Cameron, Gelbach & Miller 2011, each excess floored at zero). Degrees of freedom: Satterthwaite.

    Parameters
    ----------
    values:
        (N, K).
    rater, unit:
        (N,) indices.
    """
    n = len(values)
    residual = values - values.mean(axis=0)
    parts = []
    for index in (rater, unit, np.arange(n)):
        groups = int(index.max()) + 1
        totals = np.zeros((groups, values.shape[1]))
        np.add.at(totals, index, residual)
        # One group tells nothing about how groups vary.
        factor = groups / (groups - 1) if groups > 1 else 0.0
        parts.append((factor * np.sum(totals**2, axis=0) / n**2, max(groups - 1, 1)))
    (by_rater, df_rater), (by_unit, df_unit), (single, df_single) = parts
    variance = single + np.maximum(by_rater - single, 0.0) + np.maximum(by_unit - single, 0.0)
    spread: Floats = single**2 / df_single
    for v, df in ((by_rater, df_rater), (by_unit, df_unit)):
        spread += np.where(v > single, v**2 / df, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = np.where(spread > 0, variance**2 / spread, df_single)
    return TwoWayError(np.sqrt(variance), np.asarray(freedom, dtype=np.float64))


@dataclass(frozen=True)
class Intervals:
    """Intervals of the MOR and of the rank by MOR: arrays (K,). ``draws`` (draws, K): the MORs they come from."""

    low: Floats
    high: Floats
    rank: Floats
    rank_low: Floats
    rank_high: Floats
    draws: Floats


def bootstrap_intervals(data: Rankings, *, level: float = 0.95, draws: int = 2000, seed: int = 0) -> Intervals:
    """Intervals of the MOR for other raters and other crops, by the bootstrap over both.

    Raters and crops are drawn with replacement, independently of each other (the pigeonhole bootstrap, Owen 2007);
    a ranking counts as often as its rater was drawn times as often as its crop was. That bootstrap counts the noise of
    single rankings three times, and knows nothing of how few five raters are. So the draws' spread is set to that of
    :func:`two_way_error`, widened from the normal's to Student's quantile; shape and the dependence between methods
    stay the bootstrap's. Rank intervals come from ranking the MORs of each draw.

    Parameters
    ----------
    level:
        Confidence, two-sided.
    draws, seed:
        Of the bootstrap; the same seed gives the same intervals.

    Raises
    ------
    InputError
        If there is no ranking.
    """
    if not len(data.ranks):
        raise InputError("there are no rankings to compute intervals from")
    mor = mean_opinion_rank(data.ranks)
    drawn = _pigeonhole(data, draws, seed) - mor
    error = two_way_error(data.ranks, data.rater, data.unit)
    normal = float(stats.norm.ppf(0.5 + level / 2))
    wanted = error.half_width(level) / normal
    spread = drawn.std(axis=0)
    drawn = mor + drawn * np.divide(wanted, spread, out=np.zeros_like(spread), where=spread > 0)
    tail = (1 - level) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
    ranks = stats.rankdata(np.round(drawn, 9), axis=1)
    # The number of methods bounds what a mean rank can be.
    return Intervals(
        low=np.clip(low, 1, len(mor)),
        high=np.clip(high, 1, len(mor)),
        rank=np.asarray(stats.rankdata(np.round(mor, 9)), dtype=np.float64),
        rank_low=np.quantile(ranks, tail, axis=0, method="inverted_cdf"),
        rank_high=np.quantile(ranks, 1 - tail, axis=0, method="inverted_cdf"),
        draws=np.clip(drawn, 1, len(mor)),
    )


def _pigeonhole(data: Rankings, draws: int, seed: int) -> Floats:
    """Mean ranks (draws', K) of resampled studies; a draw in which no ranking is left is left out."""
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
