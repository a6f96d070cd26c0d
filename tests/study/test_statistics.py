from __future__ import annotations

import itertools
import math
import time
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from srspace_eval.study.rankings import Rankings
from srspace_eval.study.statistics import (
    compare_pairs,
    friedman,
    holm,
    kendall_w,
    rank_shares,
    signed_rank_p,
    signed_rank_ps,
)
from tests.helpers.rankings import rankings, simulate


@pytest.mark.parametrize(("n", "k"), [(5, 8), (30, 3), (2, 4), (12, 40)])
def test_w_and_friedman_equal_scipys_friedman_statistic(n: int, k: int) -> None:
    rng = np.random.default_rng(n * k)
    for scores in (rng.normal(size=(n, k)), rng.integers(0, 3, size=(n, k)).astype(float)):  # the second with ties
        chi2, p = stats.friedmanchisquare(*scores.T)
        assert kendall_w(scores) == pytest.approx(chi2 / (n * (k - 1)), rel=1e-12)
        found = friedman(scores)
        assert (found.chi2, found.p, found.df, found.blocks) == (pytest.approx(chi2), pytest.approx(p), k - 1, n)


def test_w_without_ties_follows_from_spearmans_correlations() -> None:
    # Kendall & Babington Smith: the mean Spearman correlation of all pairs of judges is (n W - 1) / (n - 1).
    scores = np.random.default_rng(1).normal(size=(6, 7))
    mean = np.mean([stats.spearmanr(a, b).statistic for a, b in itertools.combinations(scores, 2)])
    assert kendall_w(scores) == pytest.approx((5 * mean + 1) / 6)


def test_w_of_full_and_of_no_agreement() -> None:
    assert kendall_w(np.tile([3.0, 1.0, 2.0], (4, 1))) == 1
    assert kendall_w(np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]])) == 0
    assert np.isnan(kendall_w(np.array([[1.0, 2.0]])))
    assert np.isnan(kendall_w(np.ones((3, 4))))


def test_holm_equals_the_definition() -> None:
    p = [0.02, 0.001, 0.3, 0.04, 0.02]
    adjusted = holm(p)
    for i, value in enumerate(p):
        below = [(sum(q >= smaller for q in p) + 0) * smaller for smaller in p if smaller <= value]
        # The m-th smallest of equal values has the largest factor; the running maximum makes them equal.
        assert adjusted[i] == pytest.approx(min(1, max(below)))
    assert holm([]) == []


@pytest.mark.parametrize("crops", [10, 70])
def test_pairs_are_scipys_wilcoxon_over_crops(crops: int) -> None:
    ranks = simulate(np.random.default_rng(2), 5, crops, 4)
    pairs = compare_pairs(rankings(ranks))
    assert [(p.first, p.second) for p in pairs] == list(itertools.combinations(range(4), 2))
    for pair in pairs:
        a, b = (ranks[:, :, m].mean(axis=0) for m in (pair.first, pair.second))
        sums = [ranks[:, :, m].sum(axis=0) for m in (pair.first, pair.second)]  # of whole numbers, so exact
        assert pair.p == pytest.approx(stats.wilcoxon(sums[1], sums[0]).pvalue)
        assert pair.difference == pytest.approx(b.mean() - a.mean())
        assert pair.low < pair.difference < pair.high
    assert [p.p_holm for p in pairs] == pytest.approx(holm([p.p for p in pairs]))


def brute_force_p(differences: np.ndarray) -> float:
    """Wilcoxon's two-sided p by its definition: all signs of the differences that are not 0."""
    some = differences[differences != 0]
    ranks = stats.rankdata(np.abs(some))
    sums = np.array(list(itertools.product((0, 1), repeat=len(some)))) @ ranks
    found = ranks[some > 0].sum()
    return float(min(1, 2 * min((sums <= found).mean(), (sums >= found).mean())))


def test_wilcoxons_p_does_not_depend_on_rounding() -> None:
    # Sums over five raters of the ranks of two methods on 14 crops. As quotients, ties of the differences break.
    b = np.array([10, 12, 8, 10, 8, 11, 9, 14, 9, 8, 8, 8, 10, 14])
    a = np.array([9, 9, 9, 8, 7, 6, 10, 6, 10, 9, 9, 7, 9, 6])
    exact = brute_force_p(b - a)
    assert exact == pytest.approx(0.0858, abs=1e-4)
    assert stats.wilcoxon(b / 5 - a / 5).pvalue == pytest.approx(0.038, abs=1e-3)

    def spread(total: int) -> list[int]:  # five ranks from 1 to 3 with this sum
        return [1 + (total - 5 + i) // 5 for i in range(5)]

    ranks = np.array([[[spread(x)[r], spread(y)[r]] for x, y in zip(a, b, strict=True)] for r in range(5)], dtype=float)
    assert ranks.sum(axis=0).tolist() == np.stack([a, b], axis=1).tolist()
    (pair,) = compare_pairs(rankings(ranks))
    assert pair.p == exact


@pytest.mark.parametrize("seed", range(20))
def test_wilcoxons_p_is_the_same_in_units_of_any_size(seed: int) -> None:
    # Crops that different numbers of raters ranked: the tie of 1/3 and 2/6 must hold.
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 8, 9)
    rows = [(u, r, rng.permutation(3) + 1.0) for u, n in enumerate(counts) for r in range(n)]
    data = Rankings(
        ("A", "B", "C"),
        np.array([row for _, _, row in rows]),
        np.array([r for _, r, _ in rows]),
        np.array([u for u, _, _ in rows]),
    )
    common = math.lcm(*map(int, counts))
    totals = np.array([[sum(int(row[m]) for v, _, row in rows if v == u) for m in range(3)] for u in range(9)])
    whole = totals * (common // counts)[:, None]
    for pair in compare_pairs(data):
        difference = whole[:, pair.second] - whole[:, pair.first]
        assert pair.p == (stats.wilcoxon(difference).pvalue if difference.any() else 1)


def test_wilcoxons_p_is_exact_where_many_crops_are_ties() -> None:
    """Two raters who disagree on all but five of thirty crops: the approximation gave 0.025 for 2/32."""
    for sizes in ([2] * 5, [2, 4, 6, 8, 10]):
        assert signed_rank_p([Fraction(n, 2) for n in (*sizes, *[0] * 25)]) == 2 / 32
    rng = np.random.default_rng(3)
    samples = rng.integers(-4, 6, (20, 15)).astype(float)
    assert signed_rank_ps(samples).tolist() == pytest.approx([brute_force_p(row) for row in samples])
    many = rng.integers(-9, 12, (4, 90)).astype(float)
    both = np.concatenate([many, np.pad(samples, ((0, 0), (0, 75)))])
    assert signed_rank_ps(both)[:4].tolist() == [stats.wilcoxon(row).pvalue for row in many]
    assert signed_rank_ps(both)[4:].tolist() == signed_rank_ps(samples).tolist()
    assert signed_rank_ps(np.zeros((2, 3))).tolist() == [1, 1]


def test_friedmans_test_of_two_methods_is_the_sign_test() -> None:
    for crops in (2, 4, 5, 12):
        assert friedman(np.tile([1.0, 2.0], (crops, 1))).p == pytest.approx(2 / 2**crops)
        assert friedman(np.tile([2.0, 1.0], (crops, 1))).p == pytest.approx(2 / 2**crops)
    mixed = np.array([[1.0, 2.0]] * 7 + [[2.0, 1.0]] + [[1.5, 1.5]] * 4)
    assert friedman(mixed).p == pytest.approx(2 * 9 / 2**8)
    assert friedman(mixed).chi2 == pytest.approx(6**2 / 8)
    assert math.isnan(friedman(np.full((3, 2), 1.5)).p)


def test_pairs_with_ties_on_few_crops_take_no_minutes() -> None:
    """With 13 crops and ties, SciPy takes a second for each pair: these 190 pairs took three minutes."""
    data = rankings(simulate(np.random.default_rng(2), 5, 13, 20))
    start = time.process_time()
    pairs = compare_pairs(data)
    assert time.process_time() - start < 5
    first = pairs[0]
    differences = [float(d) for d in data.exact_differences(first.first, first.second)]
    assert len(set(map(abs, differences))) < 13
    signs = np.array(list(itertools.product((-1, 1), repeat=13)))
    sizes = stats.rankdata(np.abs(differences)) * (np.array(differences) != 0)
    sums = (signs * sizes).sum(axis=1)
    found = (np.sign(differences) * sizes).sum()
    assert first.p == pytest.approx(min(1, 2 * min(np.mean(sums <= found), np.mean(sums >= found))))


def test_equal_methods_differ_by_nothing() -> None:
    pairs = compare_pairs(rankings(np.full((3, 4, 2), 1.5)))
    assert [(p.difference, p.p, p.p_holm) for p in pairs] == [(0, 1, 1)]


def test_shares_of_each_method_and_rank_sum_to_one() -> None:
    ranks = stats.rankdata(np.random.default_rng(0).integers(0, 4, size=(50, 6)), axis=1)
    shares = rank_shares(np.asarray(ranks))
    np.testing.assert_allclose(shares.sum(axis=0), 1)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    np.testing.assert_allclose(shares @ np.arange(1, 7), ranks.mean(axis=0))
