"""Statistics of rankings: agreement of the raters, tests of differences between methods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy import stats

from srspace_eval.study.intervals import two_way_error
from srspace_eval.study.rankings import Floats, Ints, Rankings, mean_opinion_rank

_EXACT = 50
"""Up to this number of differences that are not 0, p is exact. SciPy stops at 13 if there are ties or zeros."""


def kendall_w(scores: Floats) -> float:
    """Kendall's coefficient of concordance W, corrected for ties (Kendall & Babington Smith, 1939).

    SciPy has no Kendall's W. It could follow from ``scipy.stats.friedmanchisquare``, but that needs three methods, and
    a study may have two.

    Parameters
    ----------
    scores
        (n, K): ranks or other scores of n judges. They are ranked within each row.

    Returns
    -------
    float
        float in [0, 1]. 1: all judges give the same order. NaN: fewer than two judges or methods, or all rows are one
        tie.

    >>> kendall_w(np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]))
    1.0
    """
    n, k = scores.shape
    if n < 2 or k < 2:
        return float("nan")
    ranks = stats.rankdata(scores, axis=1)
    deviation = float(np.sum((ranks.sum(axis=0) - n * (k + 1) / 2) ** 2))
    ties = sum(float(np.sum(counts**3 - counts)) for counts in (_tie_sizes(row) for row in ranks))
    possible = n**2 * (k**3 - k) - n * ties
    return 12 * deviation / possible if possible > 0 else float("nan")


def _tie_sizes(row: Floats) -> Floats:
    return np.unique(row, return_counts=True)[1].astype(np.float64)


@dataclass(frozen=True)
class Friedman:
    """Friedman's test that all methods are equal: χ², K − 1 degrees of freedom, p value, and number of blocks."""

    chi2: float
    df: int
    p: float
    blocks: int


def friedman(scores: Floats) -> Friedman:
    """Friedman's rank test, corrected for ties: χ² = n (K − 1) W (Friedman, 1937).

    ``scipy.stats.friedmanchisquare`` gives the same numbers, but needs three methods, and a study may have two. Then
    the test is the sign test, and p is exact. With three or more methods, p is that of the χ² distribution.

    Parameters
    ----------
    scores
        (n, K): one row a block. A block is a crop with the mean ranks of its raters, because rankings of the same crop
        are not independent. With rankings as blocks, p would be too small.

    >>> friedman(np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [1.0, 3.0, 2.0]])).df
    2
    """
    n, k = scores.shape
    chi2 = n * (k - 1) * kendall_w(scores)
    p = float(stats.chi2.sf(chi2, k - 1))
    if k == 2 and not np.isnan(p):
        first, second = (int((scores[:, i] < scores[:, 1 - i]).sum()) for i in (0, 1))
        p = float(stats.binomtest(first, first + second).pvalue)
    return Friedman(chi2, k - 1, p, n)


def holm(p: Sequence[float]) -> list[float]:
    """Holm's step-down correction of p values for multiple comparisons (Holm, 1979). SciPy has none.

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
    first, second
        Indices of the methods.
    difference
        MOR of the second minus MOR of the first; positive: the first is better.
    low, high
        Interval of the difference, for other raters and other crops.
    p, p_holm
        p value of Wilcoxon's signed-rank test over the crops' mean ranks, for these raters; the same, corrected for all
        pairs.
    """

    first: int
    second: int
    difference: float
    low: float
    high: float
    p: float
    p_holm: float


def compare_pairs(data: Rankings, level: float = 0.95) -> list[Pair]:
    """Compare all K (K − 1) / 2 pairs of methods. ``level``: confidence level of the intervals."""
    k = len(data.methods)
    pairs = [(i, j) for i in range(k) for j in range(i + 1, k)]
    first, second = (np.array([pair[side] for pair in pairs], dtype=np.int64) for side in (0, 1))
    error = two_way_error(data.ranks[:, second] - data.ranks[:, first], data.rater, data.unit)
    half = error.half_width(level)
    p = [signed_rank_p(data.exact_differences(i, j)) for i, j in pairs]
    mor = mean_opinion_rank(data.ranks)
    return [
        Pair(i, j, float(mor[j] - mor[i]), float(mor[j] - mor[i] - h), float(mor[j] - mor[i] + h), p_one, p_all)
        for (i, j), h, p_one, p_all in zip(pairs, half, p, holm(p), strict=True)
    ]


def signed_rank_p(differences: Sequence[Fraction]) -> float:
    """Two-sided p value of Wilcoxon's signed-rank test; 1 if all differences are 0 (SciPy gives NaN).

    Parameters
    ----------
    differences
        Exact numbers. Rounding would break ties of their sizes, and the test depends on nothing but signs and ranks.

    >>> round(signed_rank_p([Fraction(n, 5) for n in (1, 1, -1, 2, 1, 5, -1, 8)]), 4)
    0.1328
    """
    place = {size: number for number, size in enumerate(sorted({abs(d) for d in differences if d}), start=1)}
    # Whole numbers of the same signs, in the same order, with the same ties.
    signed = [place[abs(d)] if d > 0 else -place[abs(d)] for d in differences if d]
    return float(signed_rank_ps(np.array([signed], dtype=np.float64))[0])


def signed_rank_ps(differences: Floats) -> Floats:
    """Two-sided p values of Wilcoxon's signed-rank test of many samples; 1 where all differences are 0.

    A difference of 0 does not count. Up to 50 other differences, p is exact, whether there are ties or not. For more,
    it is the normal approximation, corrected for ties.

    Parameters
    ----------
    differences
        (samples, n). Equal sizes must be exactly equal.

    >>> signed_rank_ps(np.array([[1.0, 2.0, 2.0, 3.0, 0.0], [1.0, -1.0, 1.0, -1.0, 0.0]])).tolist()
    [0.125, 1.0]
    """
    p = np.ones(len(differences))
    counting = (differences != 0).sum(axis=1)
    many = counting > _EXACT
    if many.any():
        p[many] = stats.wilcoxon(differences[many], axis=1, method="asymptotic", keepdims=True).pvalue[:, 0]
    few = (counting > 0) & ~many
    sizes = np.where(differences == 0, np.inf, np.abs(differences))[few]
    doubled = np.rint(2 * stats.rankdata(sizes, axis=1)) * np.sign(differences[few])  # whole numbers; 0 stays 0
    # Samples with the same signed ranks have the same p, in whatever order.
    rows, row_of = np.unique(np.sort(doubled.astype(np.int64), axis=1), axis=0, return_inverse=True)
    p[few] = np.array([_exact_p(row[row != 0]) for row in rows], dtype=np.float64)[row_of.reshape(-1)]
    return p


def _exact_p(signed: Ints) -> float:
    """The p value of doubled signed ranks, from the distribution of the positive ranks' sum over all signs.

    SciPy gives the same number for up to 13 differences. With ties it evaluates the statistic for every choice of
    signs, which takes a second for each pair of methods.
    """
    ranks = np.abs(signed)
    ways = np.zeros(int(ranks.sum()) + 1, dtype=np.int64)  # number of choices of signs that give a sum
    ways[0] = 1
    for rank in ranks:
        ways[rank:] += ways[:-rank].copy()
    found = int(ranks[signed > 0].sum())
    return min(1.0, 2 * float(min(ways[: found + 1].sum(), ways[found:].sum())) / float(ways.sum()))


@dataclass(frozen=True)
class Agreement:
    """Kendall's W of the raters' overall orders, and its mean over crops (or images). NaN: fewer than two raters."""

    overall: float
    crops: float


def rater_agreement(rankings: Rankings) -> Agreement:
    """Kendall's W of the raters' overall orders, and the mean of the W of each crop's rankings."""
    each = [kendall_w(rankings.ranks[rankings.unit == unit]) for unit in range(rankings.units)]
    known = [w for w in each if not np.isnan(w)]
    return Agreement(
        overall=kendall_w(rankings.means(rankings.rater)),
        crops=float(np.mean(known)) if known else float("nan"),
    )


def rank_shares(ranks: Floats) -> Floats:
    """(K, K): the share of rankings in which each method (row) has each rank (column).

    A tie counts for each of its ranks in equal parts.

    >>> rank_shares(np.array([[1.0, 2.5, 2.5]])).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.0, 0.5, 0.5]]
    """
    n, k = ranks.shape
    tied = (ranks[:, :, None] == ranks[:, None, :]).sum(axis=2)  # how many share the method's rank
    first = ranks - (tied - 1) / 2
    places = np.arange(1, k + 1)
    inside = (places >= first[:, :, None]) & (places < (first + tied)[:, :, None])
    shares: Floats = (inside / tied[:, :, None]).sum(axis=0) / n
    return shares
