from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from srspace_eval.errors import InputError
from srspace_eval.metrics.diversity.function import (
    PatchPlan,
    diversity_curve,
    diversity_score,
    diversity_score_patches,
    patch_means,
    patch_score,
    score,
)


def maps(samples: int = 5, height: int = 23, width: int = 31, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).gamma(2.0, size=(samples, height, width))


def test_the_score_is_its_definition() -> None:
    d = maps()
    g = min(one.mean() for one in d)
    local = d.min(axis=0).mean()
    assert diversity_score(d) == pytest.approx(100 * (g - local) / g, abs=1e-10)
    assert diversity_score(torch.from_numpy(d)) == diversity_score(d)


def test_a_deterministic_method_scores_exactly_zero() -> None:
    d = np.repeat(maps(1), 4, axis=0)
    assert diversity_curve(d) == [0, 0, 0, 0]
    assert diversity_score_patches(d, PatchPlan(50, 4)).score == 0


def test_complementary_samples_score_a_hundred() -> None:
    left = np.zeros((1, 8, 8))
    left[..., :4] = 1
    assert diversity_score(np.concatenate([left, 1 - left])) == 100


def test_a_sample_equal_to_the_gt_leaves_the_score_undefined() -> None:
    d = maps(3)
    d[1] = 0
    assert math.isnan(diversity_score(d))
    assert [math.isnan(s) for s in diversity_curve(d)] == [False, True, True]
    undefined = diversity_score_patches(d, PatchPlan(10, 3))
    assert math.isnan(undefined.score)
    assert math.isnan(undefined.standard_error)
    assert math.isnan(score(0.0, 0.0))


def test_the_curve_scores_the_first_n_samples_and_never_looks_ahead() -> None:
    d = maps()
    curve = diversity_curve(d)
    assert curve[0] == 0
    assert curve == [diversity_score(d[:n]) for n in range(1, 6)]


def test_a_batch_of_images_gives_a_score_and_a_curve_each() -> None:
    d = np.stack([maps(), maps()[::-1]])[None]
    scores, curves = diversity_score(d), diversity_curve(d)
    assert isinstance(scores, np.ndarray)
    assert isinstance(curves, np.ndarray)
    assert scores.tolist() == [[diversity_score(d[0, 0]), diversity_score(d[0, 1])]]
    assert curves.shape == (1, 2, 5)
    assert curves[0, 1].tolist() == diversity_curve(d[0, 1])
    tensor = diversity_curve(torch.from_numpy(d))
    assert isinstance(tensor, torch.Tensor)
    np.testing.assert_array_equal(tensor.numpy(), curves)
    with pytest.raises(InputError, match="of one image wanted"):
        diversity_score_patches(d, PatchPlan(5, 3))


def test_the_order_of_samples_matters_to_the_curve_alone() -> None:
    d = maps()
    assert diversity_score(d[::-1].copy()) == pytest.approx(diversity_score(d), abs=1e-12)
    assert diversity_curve(d[::-1].copy())[1] != diversity_curve(d)[1]


def test_one_patch_a_pixel_is_the_dense_form() -> None:
    d = maps()
    corners = np.argwhere(np.ones(d.shape[1:]))
    every_pixel = torch.stack([patch_means(torch.from_numpy(one), corners, 1) for one in d])
    assert patch_score(every_pixel).score == pytest.approx(diversity_score(d), abs=1e-9)


def test_patch_means_are_means() -> None:
    d = maps(1)[0]
    plan = PatchPlan(40, 5, seed=3)
    corners = plan.corners(*d.shape)
    expected = [d[y : y + 5, x : x + 5].mean() for y, x in corners]
    np.testing.assert_allclose(patch_means(torch.from_numpy(d), corners, 5), expected, rtol=1e-12)


def test_patches_are_drawn_from_the_whole_image_by_seed_and_image() -> None:
    plan = PatchPlan(4000, 4, seed=1)
    corners = plan.corners(20, 9, "0801")
    assert corners.min(axis=0).tolist() == [0, 0]
    assert corners.max(axis=0).tolist() == [16, 5]
    assert (corners == plan.corners(20, 9, "0801")).all()
    assert (corners != plan.corners(20, 9, "0802")).any()
    assert (corners != PatchPlan(4000, 4, seed=2).corners(20, 9, "0801")).any()
    assert PatchPlan(10, 4, seed=0).corners(20, 9).shape == (10, 2)


def test_the_standard_error_is_the_spread_over_seeds() -> None:
    # Smooth maps, so that patches see different things.
    y, x = np.mgrid[:60, :60] / 60
    d = np.stack([0.2 + (np.sin(5 * x + i) ** 2) * (np.cos(4 * y - i) ** 2) for i in range(4)])
    found = [diversity_score_patches(d, PatchPlan(300, 3, seed)) for seed in range(150)]
    scores = np.array([one.score for one in found])
    claimed = np.mean([one.standard_error for one in found])
    assert scores.mean() == pytest.approx(diversity_score(d), abs=4 * claimed / math.sqrt(150) + 0.3)
    assert scores.std(ddof=1) == pytest.approx(claimed, rel=0.2)


def test_one_patch_has_no_standard_error() -> None:
    assert math.isnan(diversity_score_patches(maps(), PatchPlan(1, 23)).standard_error)


def test_wrong_input_is_named() -> None:
    with pytest.raises(InputError, match=r"\(M, H, W\) wanted"):
        diversity_score(maps()[0])
    for bad in (-1.0, math.nan, math.inf):
        spoilt = maps()
        spoilt[2, 3, 4] = bad
        with pytest.raises(InputError, match="finite and at least 0"):
            diversity_score(spoilt)
    with pytest.raises(InputError, match="24×24 do not fit into 23×31"):
        diversity_score_patches(maps(), PatchPlan(5, 24))
    for wrong in ((0, 1), (5, 0), (5, 2, -1)):
        with pytest.raises(InputError, match="at least 1 patch"):
            PatchPlan(*wrong)


def test_the_score_is_never_larger_than_100() -> None:
    rng = np.random.default_rng(0)
    for g in rng.random(2000):
        maps = np.array([[[2 * g, 0.0]], [[0.0, 2 * g]]])
        assert diversity_score(maps) <= 100
        assert max(diversity_curve(maps)) <= 100
