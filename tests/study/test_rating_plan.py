"""The plan of a rating study: against simulated studies."""

from __future__ import annotations

import numpy as np
import pytest

from srspace_eval.errors import StudyError
from srspace_eval.study.opinion_scores import mean_opinion_scores
from srspace_eval.study.rating_plan import RatingModel, RatingTarget, half_width, plan_ratings
from srspace_eval.tracks.opinion_scale import OpinionScale


@pytest.mark.parametrize(("raters", "pictures"), [(6, 40), (20, 25), (30, 8)])
def test_the_planned_interval_is_that_of_simulated_studies(raters: int, pictures: int) -> None:
    model = RatingModel(entries=3)
    widths = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        method, picture, rater = (index.ravel() for index in np.indices((3, pictures, raters)))
        score = rng.normal(0, model.bias, raters)[rater] + rng.normal(0, model.picture, (3, pictures))[method, picture]
        score = score + rng.normal(0, model.noise, len(rater))
        found = mean_opinion_scores(
            [f"m{i}" for i in method],
            [f"p{i}" for i in picture],
            [f"r{i}" for i in rater],
            score.tolist(),
            scale=OpinionScale(-100, 100, step=0.01),
        )
        widths.append((found.high - found.low) / 2)
    assert float(np.mean(widths)) == pytest.approx(half_width(model, raters, pictures, 0.95), rel=0.06)


def test_the_numbers_are_the_smallest_ones() -> None:
    target, model = RatingTarget(half_width=0.3, pictures=60), RatingModel()
    plan = plan_ratings(target, model, raters=[30, 5, 30])
    assert [size.raters for size in plan.sizes] == [5, 30]
    assert plan.raters is not None
    assert half_width(model, plan.raters, 60, 0.95) <= 0.3 < half_width(model, plan.raters - 1, 60, 0.95)
    pictures = plan.sizes[1].pictures
    assert pictures is not None
    assert half_width(model, 30, pictures, 0.95) <= 0.3 < half_width(model, 30, pictures - 1, 0.95)
    assert plan.sizes[0].pictures is None  # 5 raters differ too much, whatever they see
    assert plan.to_frame()["raters"].tolist() == [5, 30]
    assert plan_ratings(RatingTarget(half_width=0.001, pictures=10)).raters is None


def test_numbers_out_of_range_are_listed() -> None:
    with pytest.raises(StudyError) as caught:
        plan_ratings(RatingTarget(0, 1, 2), RatingModel(0, -1, float("nan"), 0), raters=[1])
    assert len(caught.value.problems) == 6
