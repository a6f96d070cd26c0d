from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.inputs import synth
from srspace_eval._utils.hashing import sha256
from srspace_eval._utils.png import read_rgb
from srspace_eval.errors import InputError
from srspace_eval.metrics.resize import CONVENTIONS, imresize

GOLDEN = Path(__file__).parents[1] / "golden"
CASES: list[dict[str, Any]] = json.loads((GOLDEN / "resize_cases.json").read_text())
FORMS = ("fast", "reference")


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def expected() -> dict[str, np.ndarray]:
    with np.load(GOLDEN / "resize_expected.npz") as arrays:
        return dict(arrays)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['key']}-{case['scale']}")
def test_equals_the_challenges_own_program(case: dict[str, Any], form: str, expected: dict[str, np.ndarray]) -> None:
    picture = synth.picture(case["height"], case["width"], case["picture_seed"])
    key, scale = case["key"], float(Fraction(case["scale"]))
    np.testing.assert_array_equal(imresize(picture, scale, form=form), expected[f"{key}_uint8"])
    np.testing.assert_allclose(
        imresize(picture / 255.0, scale, form=form), expected[f"{key}_float64"], rtol=0, atol=1e-12
    )
    to_shape = imresize(picture / 255.0, output_shape=tuple(case["output_shape"]), form=form)
    np.testing.assert_allclose(to_shape, expected[f"{key}_shape_float64"], rtol=0, atol=1e-12)


@pytest.mark.parametrize("form", FORMS)
def test_equals_the_challenges_own_program_at_fractional_scales(form: str) -> None:
    # SHA-256 sums of what that program makes. Version 0.1.0 differed in 20 of these 40 pictures.
    for case in json.loads((GOLDEN / "resize_fractional.json").read_text()):
        picture = noise(case["height"], case["width"], case["seed"])
        if case["two_levels"]:
            picture = (picture > 127).astype(np.uint8) * np.uint8(255)
        shape = case.get("output_shape")
        found = imresize(picture, case.get("scale"), output_shape=shape and tuple(shape), form=form)
        assert sha256(found.tobytes()) == case["sha256"], case


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("number", range(1, 6))
def test_matlab_legacy_equals_the_lrs_of_set5(shared: Path, number: int, scale: int) -> None:
    folder = shared / "images" / "set5"
    hr, lr = (read_rgb(folder / f"img_{number:03d}_x{scale}_{kind}.png") for kind in ("HR", "LR"))
    for form in FORMS:
        np.testing.assert_array_equal(imresize(hr, 1 / scale, convention="matlab-legacy", form=form), lr)


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    scale=st.sampled_from([1 / 2, 1 / 3, 1 / 4, 1 / 8, 1 / 5, 2, 3, 0.37, 1.0]),
    convention=st.sampled_from(sorted(CONVENTIONS)),
    seed=st.integers(0, 99),
)
def test_fast_form_equals_the_reference(height: int, width: int, scale: float, convention: str, seed: int) -> None:
    picture = noise(height, width, seed)
    fast, reference = (imresize(picture, scale, convention=convention, form=form) for form in FORMS)
    np.testing.assert_array_equal(fast, reference)
    fast, reference = (imresize(picture / 255.0, scale, convention=convention, form=form) for form in FORMS)
    np.testing.assert_allclose(fast, reference, rtol=0, atol=1e-12)


@pytest.mark.parametrize("factor", [2, 3, 4, 8])
def test_fast_form_is_exact_on_the_extremes_of_the_range(factor: int) -> None:
    # Black and white pixels give the largest partial sums, and many sums that end in exactly one half.
    picture = noise(97, 131) // 128 * 255
    for convention in CONVENTIONS:
        fast, reference = (imresize(picture, 1 / factor, convention=convention, form=form) for form in FORMS)
        np.testing.assert_array_equal(fast, reference)


@pytest.mark.parametrize("scale", [1 / 2, 1 / 3, 1 / 4, 1 / 8, 0.7, 3.0])
def test_torch_equals_numpy(scale: float) -> None:
    picture = noise(45, 62)
    tensor = imresize(torch.from_numpy(picture), scale)
    assert isinstance(tensor, torch.Tensor)
    np.testing.assert_array_equal(tensor.numpy(), imresize(picture, scale))
    np.testing.assert_array_equal(
        imresize(torch.from_numpy(picture / 255.0), scale).numpy(), imresize(picture / 255.0, scale)
    )


def test_a_batch_is_its_pictures_in_the_same_layout() -> None:
    pictures = np.stack([noise(20, 24, seed) for seed in range(4)]).reshape(2, 2, 20, 24, 3)
    small = imresize(pictures, 0.25)
    assert small.shape == (2, 2, 5, 6, 3)
    np.testing.assert_array_equal(small[1, 0], imresize(pictures[1, 0], 0.25))
    first = torch.from_numpy(pictures[0]).permute(0, 3, 1, 2)
    np.testing.assert_array_equal(imresize(first, 0.25).permute(0, 2, 3, 1).numpy(), small[0])
    np.testing.assert_array_equal(imresize(first[1], 0.25).permute(1, 2, 0).numpy(), small[0, 1])
    assert imresize(first[:, :1], output_shape=(7, 3)).shape == (2, 1, 7, 3)


def test_conventions_differ_in_the_border() -> None:
    ramp = np.repeat(np.arange(0, 256, 16, dtype=np.uint8)[:, None], 16, axis=1)
    mirrored, repeated = (imresize(ramp, 0.25, convention=name) for name in ("matlab", "matlab-legacy"))
    assert (mirrored[0] != repeated[0]).all()
    np.testing.assert_array_equal(mirrored[1:3], repeated[1:3])


def test_halves_round_to_even_or_away_from_zero() -> None:
    # Halving columns of 0 and 1 in turn gives exactly one half.
    stripes = np.tile(np.array([0, 1], dtype=np.uint8), (8, 8))
    assert (imresize(stripes, 0.5, convention="ntire21")[:, 2:-2] == 0).all()
    assert (imresize(stripes, 0.5, convention="matlab")[:, 2:-2] == 1).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_grey_colour_and_dtype_are_kept(dtype: type) -> None:
    picture = noise(32, 40).astype(dtype)
    for scale in (0.25, 0.3, 2.0):
        colour = imresize(picture, scale)
        assert colour.dtype == dtype
        for channel in range(3):
            np.testing.assert_array_equal(imresize(picture[..., channel], scale), colour[..., channel])
    assert imresize(picture, 0.25).shape == (8, 10, 3)
    assert imresize(picture[..., :1], 0.3).shape == (10, 12, 1)


def test_float_is_neither_rounded_nor_clipped() -> None:
    step = np.zeros((32, 32))
    step[:, 16:] = 1.0
    result = imresize(step, 2.0)
    assert result.min() < -0.01
    assert result.max() > 1.01


def test_the_input_is_left_alone_however_it_lies_in_memory() -> None:
    picture = noise(64, 48)
    picture.flags.writeable = False
    kept = picture.copy()
    turned = imresize(picture[::-1, ::-1], 0.25)
    np.testing.assert_array_equal(turned, imresize(picture, 0.25)[::-1, ::-1])
    np.testing.assert_array_equal(picture, kept)
    wide = noise(64, 96)
    np.testing.assert_array_equal(imresize(wide[:, ::2], 0.25), imresize(np.ascontiguousarray(wide[:, ::2]), 0.25))
    np.testing.assert_array_equal(
        imresize(torch.from_numpy(wide)[:, ::2], 0.25).numpy(), imresize(np.ascontiguousarray(wide[:, ::2]), 0.25)
    )


def test_a_constant_stays_constant() -> None:
    for scale in (1 / 8, 1 / 3, 0.41, 5.0):
        assert (imresize(np.full((33, 29), 173, np.uint8), scale) == 173).all()


def test_nan_reaches_only_the_pixels_that_read_it() -> None:
    picture = np.zeros((64, 64))
    picture[0, 0] = np.nan
    for form in FORMS:
        assert np.isnan(imresize(picture, 0.25, form=form)).sum() == 4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"scale": 0.0}, "scale 0.0: a positive number"),
        ({"scale": float("nan")}, "positive number"),
        ({}, "either scale or output_shape"),
        ({"scale": 0.5, "output_shape": (4, 4)}, "either scale or output_shape"),
        ({"output_shape": (4, 0)}, "two positive whole numbers"),
        ({"output_shape": (4, 2.5)}, "two positive whole numbers"),
        ({"output_shape": (4, 4, 3)}, "two positive whole numbers"),
        ({"scale": 0.5, "convention": "bicubic"}, "ntire21, matlab, matlab-legacy"),
        ({"scale": 0.5, "form": "quick"}, "reference, fast, triton"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        imresize(noise(8, 8), **arguments)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.zeros((8, 8), np.int32), r"int32 \(8, 8\) given, uint8, float32 or float64 wanted"),
        (np.zeros((8, 8), np.uint16), "uint16"),
        (np.zeros((2, 3, 8, 8)), r"\(H, W\) or \(H, W, C\) wanted"),
        (torch.zeros(2, 8, 8, 3), r"\(N, C, H, W\) as a torch tensor"),
        (np.zeros((0, 8)), "wanted"),
        (np.array([["a"]]), "not an image"),
        ([[1, 2], [3, 4]], "not list"),
    ],
)
def test_wrong_images_are_named(image: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        imresize(image, 0.5)
