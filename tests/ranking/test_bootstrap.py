"""The bootstrap against SciPy, against a case with a known answer, and what must not move it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from srspace_eval.errors import InputError
from srspace_eval.ranking.bootstrap import BootstrapPlan, draw_counts, interval, rank_interval, resampled_means


def test_counts_are_resampled_test_sets() -> None:
    counts = draw_counts(17, BootstrapPlan(replicates=500, seed=3))
    assert counts.shape == (500, 17)
    assert (counts.sum(axis=1) == 17).all()
    assert counts.mean() == pytest.approx(1.0)
    assert (counts == 0).any()
    assert np.array_equal(counts, draw_counts(17, BootstrapPlan(replicates=500, seed=3)))
    assert not np.array_equal(counts, draw_counts(17, BootstrapPlan(replicates=500, seed=4)))


def test_means_equal_the_plain_resampling_of_the_same_sets() -> None:
    values = np.random.default_rng(0).gamma(2.0, 1.0, (3, 12))
    counts = draw_counts(12, BootstrapPlan(replicates=100, seed=1))
    plain = [[np.repeat(row, counts[r].astype(int)).mean() for row in values] for r in range(100)]
    np.testing.assert_allclose(resampled_means(values, counts), plain, rtol=1e-12)


def test_intervals_agree_with_scipy() -> None:
    values = np.random.default_rng(5).gamma(2.0, 3.0, 100)
    plan = BootstrapPlan(replicates=20000, seed=0)
    low, high = interval(resampled_means(values[None], draw_counts(100, plan)), plan.level)
    reference = stats.bootstrap(
        (values,), np.mean, n_resamples=20000, method="percentile", confidence_level=0.95, rng=np.random.default_rng(1)
    ).confidence_interval
    width = reference.high - reference.low
    # Both are Monte Carlo estimates: within 3% of the interval's width.
    assert float(low[0]) == pytest.approx(reference.low, abs=0.03 * width)
    assert float(high[0]) == pytest.approx(reference.high, abs=0.03 * width)


def test_paired_difference_agrees_with_scipy() -> None:
    generator = np.random.default_rng(6)
    hard = generator.normal(0, 5, 80)
    a, b = 20 + hard + generator.normal(0, 0.2, 80), 20.05 + hard + generator.normal(0, 0.2, 80)
    plan = BootstrapPlan(replicates=20000, seed=0)
    means = resampled_means(np.stack([a, b]), draw_counts(80, plan))
    low, high = interval(means[:, 0] - means[:, 1], plan.level)
    reference = stats.bootstrap(
        (a, b), lambda x, y, axis: (x - y).mean(axis=axis), paired=True, n_resamples=20000, method="percentile",
        vectorized=True, rng=np.random.default_rng(2),
    ).confidence_interval  # fmt: skip
    assert float(low) == pytest.approx(reference.low, abs=0.003)
    assert float(high) == pytest.approx(reference.high, abs=0.003)


def test_known_answer_of_a_coin() -> None:
    """Half of 100 images are 0, half 1: a resampled mean is Binomial(100, 1/2) / 100."""
    plan = BootstrapPlan(replicates=20000, seed=0)
    means = resampled_means(np.repeat([0.0, 1.0], 50)[None], draw_counts(100, plan))
    low, high = interval(means, plan.level)
    exact = stats.binom(100, 0.5).ppf([0.025, 0.975]) / 100
    assert (float(low[0]), float(high[0])) == pytest.approx(tuple(exact), abs=0.0101)
    assert means.std() == pytest.approx(0.05, rel=0.03)


def test_undefined_and_infinite_images_are_left_out() -> None:
    counts = np.array([[1.0, 1.0, 1.0, 0.0], [0.0, 3.0, 0.0, 0.0]])
    means = resampled_means(np.array([[2.0, np.nan, 4.0, 9.0], [2.0, np.inf, 4.0, 9.0]]), counts)
    assert means[0].tolist() == [3.0, 3.0]
    assert np.isnan(means[1][0])
    assert means[1][1] == np.inf


def test_interval_passes_over_replicates_without_any_image() -> None:
    low, high = interval(np.array([[np.nan], *[[x] for x in np.arange(101.0)]]), 0.9)
    assert (float(low[0]), float(high[0])) == pytest.approx((5.0, 95.0))


def test_rank_intervals_are_ranks_that_occurred() -> None:
    ranks = np.array([1.0] * 30 + [2.0] * 40 + [5.0] * 30)
    low, high = rank_interval(ranks, 0.95)
    assert (float(low), float(high)) == (1.0, 5.0)
    low, high = rank_interval(np.repeat([1.0, 2.0], [990, 10]), 0.95)
    assert (float(low), float(high)) == (1.0, 1.0)


@pytest.mark.parametrize("fields", [{"replicates": 99}, {"seed": -1}, {"level": 1.0}, {"level": 0.0}])
def test_a_plan_out_of_range_is_an_error(fields: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(fields))):
        BootstrapPlan(**fields)  # type: ignore[arg-type]
