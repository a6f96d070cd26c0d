"""Exact samples in means, ranks and intervals: none is hidden behind infinity, and a better sample never does harm."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from srspace_eval.metrics.psnr.floor import largest_psnr
from srspace_eval.ranking import BootstrapPlan, Entry, Row, rank
from srspace_eval.ranking.bootstrap import interval
from srspace_eval.results.means import mean_of
from srspace_eval.results.record import ImageRecord, Result, SampleRecord
from srspace_eval.results.signature import Signature
from srspace_eval.scoring.summary import summarise
from srspace_eval.tracks.reader import load_track

NOW = Signature({"lr_psnr": {"convention": "ntire21", "reference": "downscaled GT", "floor": "one step"},
                 "common": {"scale": 4}})  # fmt: skip
THEN = Signature({"lr_psnr": {"convention": "ntire21", "reference": "downscaled GT"}, "common": {"scale": 4}})
ONE_STEP = largest_psnr(16, 16)
PLAN = BootstrapPlan(replicates=200, seed=1)


def result(team: str, samples: Sequence[Sequence[float]], signature: Signature = NOW) -> Result:
    """LR-PSNRs, images by samples, as ``score`` summarises them: with the floor, or as 0.1.0 did."""
    largest = ONE_STEP if signature is NOW else math.inf
    images = tuple(
        ImageRecord(
            f"{number:04d}", 64, 64, "a" * 64,
            {"lr_psnr": math.fsum(min(v, largest) for v in values) / len(values),
             "lr_psnr_worst": min(largest, *values)},
            {},
            tuple(SampleRecord(s, f"{number}_{s}.png", "b" * 64, {"lr_psnr": v}) for s, v in enumerate(values)),
        )
        for number, values in enumerate(samples)
    )  # fmt: skip
    summary = summarise(images, {})[0]
    if signature is THEN:  # images with an infinite mean were left out
        summary = {key: mean_of(image.values[key] for image in images) for key in summary}
    return Result(team, "x4", signature, images, summary)


def rows(*results: Result) -> dict[str, Row]:
    track = load_track("x4")
    return {row.entry.team: row for row in rank(results, track, bootstrap=PLAN).rows}


def test_one_exact_sample_in_one_image_does_not_lead() -> None:
    hidden = result("hidden", [[math.inf, *[9.5] * 9], *[[9.5] * 10] * 3])
    honest = result("honest", [[44.0] * 10] * 4)
    found = rows(hidden, honest)
    assert found["honest"].ranks["lr_psnr"] == 1
    assert found["hidden"].ranks["lr_psnr"] == 2
    value = found["hidden"].entry.values["lr_psnr"]
    assert value == pytest.approx(9.5 + (ONE_STEP - 9.5) / 40)


def test_images_that_are_nearly_all_exact_are_the_best_in_every_replicate() -> None:
    best = result("best", [[math.inf]] * 97 + [[30.0]] * 3)
    second, third = result("second", [[44.0]] * 100), result("third", [[43.0]] * 100)
    assert rows(best, second, third)["best"].rank_intervals["lr_psnr"] == (1, 1)


def test_results_of_0_1_0_are_ranked_by_the_same_rule() -> None:
    values = [[math.inf, 20.0], [50.0, 40.0], [math.inf, math.inf]]
    old, new = result("old", values, THEN), result("new", values)
    assert old.summary["lr_psnr"] == 45.0
    found = rows(old, new)
    assert found["old"].entry.values == found["new"].entry.values
    assert found["old"].intervals == found["new"].intervals
    assert found["old"].ranks == found["new"].ranks == {"lr_psnr": 1.0}


def test_results_of_0_1_0_without_infinite_values_keep_their_numbers() -> None:
    old = result("old", [[30.0, 20.0], [50.0, 40.0]], THEN)
    assert rows(old)["old"].entry.values == old.summary


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_better_sample_never_lowers_a_mean_a_rank_or_an_interval(data: st.DataObject) -> None:
    value = st.sampled_from([20.0, 30.0, 36.25, 43.5, 44.0, 44.5, 60.0, ONE_STEP, math.inf])
    shape = st.lists(st.lists(value, min_size=2, max_size=2), min_size=3, max_size=3)
    tables = [data.draw(shape) for _ in range(3)]
    image, sample = data.draw(st.integers(0, 2)), data.draw(st.integers(0, 1))
    better = [list(row) for row in tables[0]]
    better[image][sample] = data.draw(value.filter(lambda v: v >= tables[0][image][sample]))
    others = [result(f"other {i}", table) for i, table in enumerate(tables[1:])]
    before, after = rows(result("mine", tables[0]), *others)["mine"], rows(result("mine", better), *others)["mine"]
    for column in ("lr_psnr", "lr_psnr_worst"):
        old, new = before.entry.values[column], after.entry.values[column]
        assert old is not None
        assert new is not None
        assert new >= old - 1e-9
    assert after.ranks["lr_psnr"] <= before.ranks["lr_psnr"]
    for old_end, new_end in zip(before.intervals["lr_psnr"], after.intervals["lr_psnr"], strict=True):
        assert new_end >= old_end - 1e-9
    for old_rank, new_rank in zip(before.rank_intervals["lr_psnr"], after.rank_intervals["lr_psnr"], strict=True):
        assert new_rank <= old_rank


@pytest.mark.parametrize("infinite", [1, 50, 97, 100])
def test_intervals_of_infinite_replicates_are_numbers_and_warn_of_nothing(infinite: int) -> None:
    values = np.array([*np.linspace(30, 50, 100 - infinite), *[np.inf] * infinite])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        low, high = interval(values, 0.95)
    finite = interval(np.where(np.isinf(values), 1e6, values), 0.95)
    for end, reference in zip((low, high), finite, strict=True):
        assert float(end) == (math.inf if reference > 50 else pytest.approx(float(reference)))


def test_an_infinite_team_of_a_table_is_compared_without_a_warning() -> None:
    entries = [Entry("exact", "team", {"lr_psnr": math.inf}, "given")]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ranking = rank([*entries, result("measured", [[30.0], [31.0], [29.0]])], load_track("x4"), bootstrap=PLAN)
    assert [row.ranks["lr_psnr"] for row in ranking.rows] == [1, 2]
