from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from srspace_eval.errors import StudyError
from srspace_eval.study.design import expected_minutes
from srspace_eval.study.plan import PlanTarget, RaterModel, plan_study, power, quality_gap
from srspace_eval.study.statistics import signed_rank_p


def test_the_gap_of_qualities_gives_the_difference_of_mors() -> None:
    model = RaterModel(entries=5, taste=0.2, crop_effect=0.5)
    gap = quality_gap(model, 0.7, np.random.default_rng(0))
    rng = np.random.default_rng(1)
    quality = rng.normal(size=(60000, 5))
    quality[:, 0], quality[:, 1] = gap / 2, -gap / 2
    ranks = stats.rankdata(-(quality + np.sqrt(1 + 0.04 + 0.25) * rng.normal(size=(60000, 5))), axis=1)
    assert (ranks[:, 1] - ranks[:, 0]).mean() == pytest.approx(0.7, abs=0.03)


def test_two_methods_have_a_known_gap() -> None:
    # With two methods the difference of MORs is 2 P(right) - 1, and the difference of utilities has variance 2 (1 + 1).
    gap = quality_gap(RaterModel(entries=2, taste=0.0, crop_effect=1.0), 0.5, np.random.default_rng(0))
    assert gap == pytest.approx(2 * stats.norm.ppf(0.75), rel=0.03)


def test_power_is_the_share_of_studies_that_the_test_finds() -> None:
    rng = np.random.default_rng(0)
    means = rng.normal(0.4, 1, size=(60, 55))
    expected = np.mean([stats.wilcoxon(row, method="asymptotic").pvalue < 0.05 and row.mean() > 0 for row in means])
    assert power(means, PlanTarget()) == pytest.approx(expected)
    assert power(np.zeros((5, 20)), PlanTarget()) == 0
    # Without a difference, each side has half of alpha.
    assert power(rng.normal(size=(4000, 30)), PlanTarget()) == pytest.approx(0.025, abs=0.01)


def test_the_power_is_that_of_the_test_of_collect() -> None:
    """With five crops no p is below 0.05, but the plan told a power of 0.86."""
    rng = np.random.default_rng(0)
    for crops in (5, 6, 9, 20):
        totals = rng.integers(-3, 8, size=(80, crops))
        p = [signed_rank_p([Fraction(int(total), 5) for total in row]) for row in totals]
        found = np.mean((np.array(p) < 0.05) & (totals.sum(axis=1) > 0))
        assert power(totals / 5, PlanTarget()) == pytest.approx(found)
    target, model = PlanTarget(difference=1), RaterModel(entries=3, crop_effect=0.5)
    plan = plan_study(target, model, raters=[20, 40], most_crops=60, studies=200)
    assert [size.crops for size in plan.sizes] == [6, 6] == [plan.fewest_significant] * 2


def test_harder_targets_need_more_crops() -> None:
    def crops(target: PlanTarget, model: RaterModel | None = None) -> int:
        model = model or RaterModel()
        (plan,) = plan_study(target, model, raters=[5], studies=100, most_crops=500).sizes
        assert plan.crops is not None
        assert plan.power >= 0.8
        assert plan.minutes_each == expected_minutes(plan.crops, model.entries)
        assert plan.minutes_all == 5 * plan.minutes_each
        return plan.crops

    easy = crops(PlanTarget(difference=1.5))
    assert easy < crops(PlanTarget(difference=0.8))
    assert easy < crops(PlanTarget(difference=1.5, comparisons=28))
    assert easy < crops(PlanTarget(difference=1.5), RaterModel(crop_effect=3.0))


def test_more_raters_need_fewer_crops() -> None:
    plans = plan_study(PlanTarget(difference=1), raters=[20, 3], studies=100, most_crops=400).sizes
    assert [p.raters for p in plans] == [3, 20]
    assert plans[0].crops is not None
    assert plans[1].crops is not None
    assert plans[1].crops < plans[0].crops


def test_a_target_that_cannot_be_reached_has_no_number_of_crops() -> None:
    (plan,) = plan_study(PlanTarget(difference=0.05), raters=[3], studies=50, most_crops=30).sizes
    assert plan.crops is None
    assert plan.power < 0.8


@pytest.mark.parametrize(
    ("model", "target"),
    [
        (RaterModel(entries=1), PlanTarget()),
        (RaterModel(), PlanTarget(difference=7)),
        (RaterModel(), PlanTarget(difference=0)),
        (RaterModel(taste=-1), PlanTarget()),
        (RaterModel(taste=float("nan")), PlanTarget()),
        (RaterModel(entries=100_000), PlanTarget()),
        (RaterModel(), PlanTarget(power=1)),
        (RaterModel(), PlanTarget(comparisons=0)),
    ],
)
def test_numbers_out_of_range_are_listed(model: RaterModel, target: PlanTarget) -> None:
    with pytest.raises(StudyError, match="cannot be planned"):
        plan_study(target, model)


def test_a_simulation_larger_than_the_memory_is_refused() -> None:
    with pytest.raises(StudyError) as caught:
        plan_study(most_crops=100_000_000)
    assert "too large to simulate" in caught.value.problems[0]


def test_a_plan_as_frame_and_as_document() -> None:
    plan = plan_study(PlanTarget(difference=1.5), raters=[5, 3], studies=40, most_crops=60)
    frame = plan.to_frame()
    assert list(frame.columns) == ["raters", "crops", "power", "minutes_each", "minutes_all"]
    assert frame["raters"].tolist() == [3, 5]
    document = plan.to_dict()
    assert document["question"] == {"difference": 1.5, "level": 0.05, "comparisons": 1, "power": 0.8}
    assert document["world"] == {"entries": 8, "taste": 0.3, "crop": 1.0, "spread": 1.0}
    assert [size["crops"] for size in document["plans"]] == [size.crops for size in plan.sizes]
