"""One picture or a batch, NumPy or torch, 8 bits or floats: every pure function reads them alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from srspace_eval.errors import InputError
from srspace_eval.metrics._arrays import ArrayLike
from srspace_eval.metrics.lpips.function import lpips
from srspace_eval.metrics.psnr.function import lr_psnr, psnr
from srspace_eval.metrics.resize import imresize
from srspace_eval.metrics.ssim.function import ssim

Function = Callable[[ArrayLike, ArrayLike], object]

FUNCTIONS: dict[str, Function] = {
    "psnr": psnr,
    "psnr-y": lambda a, b: psnr(a, b, channel="y", border=2),
    "ssim": ssim,
    "ssim-y": lambda a, b: ssim(a, b, channel="y", border=2),
}


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture(params=[*FUNCTIONS, "lpips"])
def function(request: pytest.FixtureRequest, alexnet: Path) -> Function:
    return FUNCTIONS.get(request.param, lambda a, b: lpips(a, b, weights=alexnet))


A, B = noise(2, 3, 36, 44, 3), noise(2, 3, 36, 44, 3, seed=1)


def test_a_batch_is_its_pictures(function: Function) -> None:
    single = function(A[1, 2], B[1, 2])
    assert isinstance(single, float)
    values = function(A, B)
    assert isinstance(values, np.ndarray)
    assert values.shape == (2, 3)
    assert values.dtype == np.float64
    assert values[1, 2] == single
    against_one = function(A[0], B[0, 1])
    assert isinstance(against_one, np.ndarray)
    np.testing.assert_array_equal(against_one, [function(a, B[0, 1]) for a in A[0]])


def test_a_tensor_is_read_channels_first_or_last(function: Function) -> None:
    expected = function(A[0, 0], B[0, 0])
    last_a, last_b = torch.from_numpy(A[0, 0]), torch.from_numpy(B[0, 0])
    first_a, first_b = last_a.permute(2, 0, 1), last_b.permute(2, 0, 1)
    for a, b in [(last_a, last_b), (first_a, first_b), (first_a, last_b), (first_a.contiguous(), B[0, 0])]:
        found = function(a, b)
        assert isinstance(found, float)
        assert found == expected
    values = function(torch.from_numpy(A[0]).permute(0, 3, 1, 2), torch.from_numpy(B[0]).permute(0, 3, 1, 2))
    assert isinstance(values, torch.Tensor)
    assert values.dtype == torch.float64
    np.testing.assert_array_equal(values.numpy(), function(A[0], B[0]))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_floats_in_0_to_1_are_8_bits_without_the_rounding(function: Function, kind: type) -> None:
    a, b = A[0, 0], B[0, 0]
    expected = function(a, b)
    assert function((a / 255).astype(kind), (b / 255).astype(kind)) == pytest.approx(expected, rel=2e-6)
    assert function((a / 255).astype(kind), b) == pytest.approx(expected, rel=2e-6)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (A[0, 0].astype(np.float32), "values from 0 to 255 given, uint8 or float in .0, 1. wanted; for 0..255"),
        (A[0, 0] / 127.5 - 1, r"values from -1 to 1 .*for \[-1, 1\] pass \(x \+ 1\) / 2"),
        (np.full((36, 44, 3), np.nan), "4752 values are NaN or infinite"),
        (A[0, 0].astype(np.int32), r"int32 \(36, 44, 3\) given"),
        (A[0, 0, ..., :2], r"uint8 \(36, 44, 2\) given, RGB wanted"),
        (A[0, 0, ..., 0], r"uint8 \(36, 44\) given, RGB wanted"),
        (A[0, 0].transpose(2, 0, 1), r"uint8 \(3, 36, 44\) given, RGB wanted"),
        (torch.from_numpy(A[0]), r"uint8 \(3, 36, 44, 3\) given, RGB wanted.*\(N, 3, H, W\)"),
        (A[0, :2], r"batch of shape \(2,\), .* one of shape \(3,\)"),
        (A[0, 0].tolist(), "not list"),
        (np.zeros((0, 4, 3), np.uint8), r"uint8 \(0, 4, 3\) given"),
    ],
)
def test_other_values_and_shapes_are_named(function: Function, bad: ArrayLike, words: str) -> None:
    with pytest.raises(InputError, match=words):
        function(bad, B[0])


def test_an_ambiguous_tensor_is_an_error_that_says_what_to_do() -> None:
    narrow = torch.from_numpy(noise(3, 20, 3))
    with pytest.raises(InputError, match=r"ambiguous: pass x\[None\] for a \(3, H, W\) tensor, x.permute"):
        psnr(narrow, narrow)
    as_first = psnr(narrow[None], narrow[None] // 2)
    as_last = psnr(narrow.permute(2, 0, 1)[None], narrow.permute(2, 0, 1)[None] // 2)
    assert isinstance(as_first, torch.Tensor)
    assert as_first.shape == (1,)
    assert float(as_first) == pytest.approx(float(as_last))
    with pytest.raises(InputError, match="ambiguous"):
        imresize(narrow, 0.5)
    assert imresize(narrow[None], 0.5).shape == (1, 3, 10, 2)


def test_an_lr_of_three_rows_is_read_in_the_layout_of_its_sample() -> None:
    sr, gt = torch.from_numpy(noise(24, 24, 3)), torch.from_numpy(noise(24, 24, 3, seed=1))
    lr = imresize(gt, 1 / 8)
    assert lr.shape == (3, 3, 3)
    expected = lr_psnr(sr.numpy(), lr.numpy(), 8)
    assert lr_psnr(sr, lr, 8) == expected
    assert lr_psnr(sr.permute(2, 0, 1), lr.permute(2, 0, 1), 8) == expected


def test_the_inputs_are_left_alone() -> None:
    a, b = A / 255, torch.from_numpy(B[0]).permute(0, 3, 1, 2) / 255
    kept = a.copy(), b.clone()
    psnr(a, a)
    ssim(b, b, channel="y", border=1)
    np.testing.assert_array_equal(a, kept[0])
    assert torch.equal(b, kept[1])
