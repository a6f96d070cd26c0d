from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from srspace_eval.errors import StudyError
from srspace_eval.study.design import expected_minutes
from srspace_eval.study.planning import Question, World, plan_study, power, quality_gap


def test_the_gap_of_qualities_gives_the_difference_of_mors() -> None:
    world = World(entries=5, taste=0.2, crop=0.5)
    gap = quality_gap(world, 0.7, np.random.default_rng(0))
    rng = np.random.default_rng(1)
    quality = rng.normal(size=(60000, 5))
    quality[:, 0], quality[:, 1] = gap / 2, -gap / 2
    ranks = stats.rankdata(-(quality + np.sqrt(1 + 0.04 + 0.25) * rng.normal(size=(60000, 5))), axis=1)
    assert (ranks[:, 1] - ranks[:, 0]).mean() == pytest.approx(0.7, abs=0.03)


def test_two_methods_have_a_known_gap() -> None:
    # With two methods the difference of MORs is 2 P(right) - 1, and the difference of utilities has variance 2 (1 + 1).
    gap = quality_gap(World(entries=2, taste=0.0, crop=1.0), 0.5, np.random.default_rng(0))
    assert gap == pytest.approx(2 * stats.norm.ppf(0.75), rel=0.03)


def test_power_is_the_share_of_studies_that_the_test_finds() -> None:
    rng = np.random.default_rng(0)
    means = rng.normal(0.4, 1, size=(60, 40))
    expected = np.mean([stats.wilcoxon(row, method="asymptotic").pvalue < 0.05 and row.mean() > 0 for row in means])
    assert power(means, Question()) == pytest.approx(expected)
    assert power(np.zeros((5, 20)), Question()) == 0
    # Without any difference the wrong and the right side get half the level each.
    assert power(rng.normal(size=(4000, 30)), Question()) == pytest.approx(0.025, abs=0.01)


def test_harder_questions_need_more_crops() -> None:
    def crops(question: Question, world: World | None = None) -> int:
        world = world or World()
        (plan,) = plan_study(world, question, raters=[5], studies=100, most_crops=500)
        assert plan.crops is not None
        assert plan.power >= 0.8
        assert plan.minutes_each == expected_minutes(plan.crops, world.entries)
        assert plan.minutes_all == 5 * plan.minutes_each
        return plan.crops

    easy = crops(Question(difference=1.5))
    assert easy < crops(Question(difference=0.8))
    assert easy < crops(Question(difference=1.5, comparisons=28))
    assert easy < crops(Question(difference=1.5), World(crop=3.0))


def test_more_raters_need_fewer_crops() -> None:
    plans = plan_study(World(), Question(difference=1), raters=[20, 3], studies=100, most_crops=400)
    assert [p.raters for p in plans] == [3, 20]
    assert plans[0].crops is not None
    assert plans[1].crops is not None
    assert plans[1].crops < plans[0].crops


def test_what_cannot_be_reached_is_said() -> None:
    (plan,) = plan_study(World(), Question(difference=0.05), raters=[3], studies=50, most_crops=30)
    assert plan.crops is None
    assert plan.power < 0.8


@pytest.mark.parametrize(
    ("world", "question"),
    [
        (World(entries=1), Question()),
        (World(), Question(difference=7)),
        (World(), Question(difference=0)),
        (World(taste=-1), Question()),
        (World(taste=float("nan")), Question()),
        (World(entries=100_000), Question()),
        (World(), Question(power=1)),
        (World(), Question(comparisons=0)),
    ],
)
def test_nonsense_is_named(world: World, question: Question) -> None:
    with pytest.raises(StudyError, match="cannot be planned"):
        plan_study(world, question)


def test_what_would_not_fit_the_memory_is_refused() -> None:
    with pytest.raises(StudyError) as caught:
        plan_study(World(), Question(), most_crops=100_000_000)
    assert "too large to simulate" in caught.value.problems[0]
