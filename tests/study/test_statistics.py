from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from srspace_eval.study.statistics import compare_pairs, friedman, holm, kendall_w, rank_shares
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


def test_pairs_are_scipys_wilcoxon_over_crops() -> None:
    ranks = simulate(np.random.default_rng(2), 5, 20, 4)
    pairs = compare_pairs(rankings(ranks))
    assert [(p.first, p.second) for p in pairs] == list(itertools.combinations(range(4), 2))
    for pair in pairs:
        a, b = (ranks[:, :, m].mean(axis=0) for m in (pair.first, pair.second))
        assert pair.p == pytest.approx(stats.wilcoxon(b, a).pvalue)
        assert pair.difference == pytest.approx(b.mean() - a.mean())
        assert pair.low < pair.difference < pair.high
    assert [p.p_holm for p in pairs] == pytest.approx(holm([p.p for p in pairs]))


def test_equal_methods_differ_by_nothing() -> None:
    pairs = compare_pairs(rankings(np.full((3, 4, 2), 1.5)))
    assert [(p.difference, p.p, p.p_holm) for p in pairs] == [(0, 1, 1)]


def test_shares_of_each_method_and_rank_sum_to_one() -> None:
    ranks = stats.rankdata(np.random.default_rng(0).integers(0, 4, size=(50, 6)), axis=1)
    shares = rank_shares(np.asarray(ranks))
    np.testing.assert_allclose(shares.sum(axis=0), 1)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    np.testing.assert_allclose(shares @ np.arange(1, 7), ranks.mean(axis=0))
