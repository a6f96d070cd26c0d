"""Infinite PSNRs in means: the finite value that they count as, and that nothing can be gained or lost by it."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import srspace_eval as se
from srspace_eval.metrics.base import RunInputs
from srspace_eval.metrics.evaluator import EvaluatorConfig, ImageEvaluator
from srspace_eval.metrics.measures import Measure
from srspace_eval.metrics.psnr.floor import floored_columns, largest_psnr
from srspace_eval.metrics.registry import bind


@pytest.mark.parametrize("channel", ["rgb", "y8"])
@pytest.mark.parametrize("size", [(8, 8), (5, 7), (85, 97)])
def test_the_largest_psnr_is_that_of_one_step_in_one_value(
    size: tuple[int, int], channel: Literal["rgb", "y8"]
) -> None:
    a = np.full((*size, 3), 100, np.uint8)
    b = a.copy()
    b[2, 3, 1] += 1
    wanted = se.psnr(a, b, channel=channel)
    if channel == "y8" and math.isinf(wanted):  # one step of green may not move the rounded luma
        b[2, 3, 1] += 1
        wanted = se.psnr(a, b, channel=channel)
    assert largest_psnr(*size, channel) == wanted


def test_no_change_of_the_rgb_values_gives_a_larger_psnr_of_the_luma() -> None:
    red, green, blue = np.meshgrid(*[np.arange(-120, 121)] * 3, indexing="ij")
    steps = np.abs(299 * red + 587 * green + 114 * blue)
    least = np.unravel_index(np.where(steps == 0, steps.max(), steps).argmin(), steps.shape)
    a = np.full((4, 4, 3), 125, np.uint8)
    b = a.copy()
    b[0, 0] = [125 + int(axis[least]) for axis in (red, green, blue)]
    assert largest_psnr(4, 4, "y") == pytest.approx(se.psnr(a, b, channel="y"), abs=1e-9)


def _image(samples: list[np.ndarray], gt: np.ndarray, **options: Literal["none"]) -> dict[str, float | None]:
    measures = [Measure(name, options={**options}) for name in ("lr_psnr", "psnr")] if options else []
    evaluator = ImageEvaluator(gt, EvaluatorConfig(bind(measures or ["lr_psnr", "psnr"]), scale=4))
    for sample in samples:
        evaluator.update(evaluator.measure(torch.from_numpy(sample)))
    return dict(evaluator.compute().values)


def test_one_exact_sample_does_not_hide_the_others() -> None:
    rng = np.random.default_rng(0)
    gt = rng.integers(60, 190, (64, 64, 3), dtype=np.uint8)
    bad = [rng.integers(0, 256, gt.shape, dtype=np.uint8) for _ in range(9)]
    challenge = _image([gt, *bad], gt, floor="none")
    assert challenge["lr_psnr"] == math.inf
    found = _image([gt, *bad], gt)
    others = _image(bad, gt)
    assert others["lr_psnr"] is not None
    assert found["lr_psnr"] == pytest.approx((9 * others["lr_psnr"] + largest_psnr(16, 16)) / 10)
    assert found["lr_psnr_worst"] == others["lr_psnr_worst"]
    # Where no sample is infinite, the two are the same.
    assert _image(bad, gt, floor="none") == others


def test_the_floor_is_stated_in_the_signature() -> None:
    (metric,) = bind(["lr_psnr"]).values()
    (challenge,) = bind([Measure("lr_psnr", options={"floor": "none"})]).values()
    assert metric.signature(RunInputs()) == {**challenge.signature(RunInputs()), "floor": "one step"}


@settings(max_examples=60, deadline=None)
@given(
    errors=st.lists(st.integers(0, 3), min_size=1, max_size=4),
    better=st.data(),
)
def test_a_better_sample_never_lowers_the_mean_or_the_worst(errors: list[int], better: st.DataObject) -> None:
    gt = np.full((16, 16, 3), 100, np.uint8)

    def sample(error: int) -> np.ndarray:
        picture: np.ndarray = gt.copy()
        picture.reshape(-1)[:error] += 40  # 0: equal to the GT
        return picture

    which = better.draw(st.integers(0, len(errors) - 1))
    improved = [*errors]
    improved[which] = better.draw(st.integers(0, errors[which]))
    before, after = (_image([sample(e) for e in each], gt) for each in (errors, improved))
    for column in ("lr_psnr", "lr_psnr_worst", "psnr"):
        old, new = before[column], after[column]
        assert old is not None
        assert new is not None
        assert math.isfinite(new)
        assert new >= old - 1e-12


@pytest.mark.parametrize(
    "broken",
    [
        {"lr_psnr": {"floor": "one step"}},
        {"common": {"scale": "4"}, "lr_psnr": {"floor": "one step"}},
        {"common": {"scale": 0}, "lr_psnr": {"floor": "one step"}},
        {"psnr": {"floor": "one step", "border": 9, "channels": ["RGB"]}},
        {"psnr": {"floor": ["one step"], "metric": ["psnr"]}},
    ],
)
def test_settings_of_strangers_give_no_floor_and_no_error(broken: dict[str, dict[str, object]]) -> None:
    assert floored_columns(broken, 8, 8) == {}


def test_a_measure_of_another_id_has_the_floor_of_its_channel() -> None:
    group = {"metric": "psnr", "channels": "Y", "border": 2, "floor": "one step"}
    assert floored_columns({"mine": group}, 12, 20) == {"mine": largest_psnr(8, 16, "y")}
    assert floored_columns({"psnr": group}, 10**9, 10**9) == {}
