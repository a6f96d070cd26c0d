"""The third attack, callers of the library: each wrong argument is one named error, before memory is taken."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch._subclasses import FakeTensorMode

import srspace_eval as se
from srspace_eval.errors import ExecutorError, ImageError, InputError
from srspace_eval.metrics.lpips.metric import DiversityPatches
from srspace_eval.metrics.psnr.metric import Psnr
from tests.helpers.commands import run

GREY = np.full((24, 32, 3), 99, np.uint8)
RGB = torch.rand(3, 24, 32, generator=torch.Generator().manual_seed(0))
FUNCTIONS: list[Callable[[Any], Any]] = [
    lambda x: se.psnr(x, x),
    lambda x: se.ssim(x, GREY),
    lambda x: se.lr_psnr(GREY, x, 1),
    lambda x: se.imresize(x, 0.5),
    se.diversity_score,
]


@pytest.mark.parametrize("seed", [-1, 2**63, 2**64, 10**30, 1.5, "1"])
def test_a_seed_of_patches_that_would_be_rounded_is_refused(seed: Any) -> None:
    with pytest.raises(InputError, match=r"a seed of at most 2\^63 - 1"):
        se.PatchPlan(3, 2, seed)
    with pytest.raises(InputError, match=r"a seed from 0 to 2\^63 - 1"):
        DiversityPatches(3, 2, seed)


def test_each_seed_of_patches_has_its_own_places() -> None:
    places = {se.PatchPlan(9, 2, 2**63 - n).corners(50, 50).tobytes() for n in range(1, 9)}
    assert len(places) == 8


def test_score_refuses_a_seed_that_is_too_large(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("score", tmp_path, "--gt", tmp_path, "--patches", "10", "--seed", "99999999999999999999") == 2
    assert "is not in the range 0<=x<=9223372036854775807" in capsys.readouterr().err


@pytest.mark.parametrize("sizes", [(1.5, 2), (2, 1.5), (True, 2), (10**30, 2), ("2", 2)])
def test_patches_are_whole_numbers(sizes: tuple[Any, Any]) -> None:
    with pytest.raises(InputError, match="all of them whole numbers"):
        se.PatchPlan(*sizes)


@pytest.mark.parametrize("scale", [0, -1, float("nan"), float("inf"), "2", None, 10**400])
def test_a_scale_is_a_positive_number(scale: Any) -> None:
    with pytest.raises(InputError, match=r"scale .*: a positive number is wanted"):
        se.lr_psnr(GREY, GREY, scale)


@pytest.mark.parametrize("scale", [1e-9, 1e-300, 1e9, 1e12, 10**30])
def test_extreme_scales_are_refused_before_memory_is_taken(scale: Any) -> None:
    for call in (lambda: se.imresize(GREY, scale), lambda: se.lr_psnr(GREY, GREY, scale)):
        with pytest.raises(InputError, match=r"too large|too much memory|a positive number"):
            call()


@pytest.mark.parametrize("shape", [(1, 10**9), (10**5, 10**5), (10**30, 1)])
def test_extreme_outputs_are_refused_before_memory_is_taken(shape: tuple[int, int]) -> None:
    with pytest.raises(InputError, match=r"too much memory|pixels are made"):
        se.imresize(GREY, output_shape=shape)


def test_a_picture_may_still_become_one_pixel() -> None:
    assert se.imresize(GREY, 1e-3).tolist() == [[[99, 99, 99]]]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_unusual_tensors_are_named(function: Callable[[Any], Any]) -> None:
    with FakeTensorMode():
        fake = torch.rand(3, 24, 32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a prototype
        nested = torch.nested.nested_tensor([RGB, RGB])
    for tensor in (fake, nested, RGB.to(torch.float8_e4m3fn)):
        with pytest.raises(InputError, match=r"is required, not|wanted"):
            function(tensor)


def test_a_tensor_that_is_negated_when_it_is_read_is_a_picture() -> None:
    negated = torch.complex(RGB, -RGB).conj().imag
    assert negated.is_neg()
    for form in ("reference", "fast"):
        assert torch.equal(se.imresize(negated, 0.5, form=form), se.imresize(negated.clone(), 0.5, form=form))
    assert se.psnr(negated, RGB) == float("inf")


@pytest.mark.parametrize("border", [1.5, "x", None, -1, 1.0])
def test_a_border_is_a_whole_number(border: Any) -> None:
    calls: list[Callable[..., Any]] = [
        se.psnr,
        se.ssim,
        lambda a, b, border: se.niqe(a, border=border),
        lambda a, b, border: Psnr(border=border),
    ]
    for call in calls:
        with pytest.raises(InputError, match=r"border .*a whole number"):
            call(GREY, GREY, border=border)


@pytest.mark.parametrize("level", [-1, 10, 10**30, 1.5, "6"])
def test_a_level_of_compression_is_from_0_to_9(tmp_path: Path, level: Any) -> None:
    with pytest.raises(ImageError, match="a whole number from 0 to 9"):
        se.write_png(tmp_path / "a.png", GREY, compress_level=level)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("device", [10**30, 1.5, None, "nothing"])
def test_a_device_that_torch_cannot_read_is_named(device: Any) -> None:
    with pytest.raises(ExecutorError, match="unknown to torch"):
        se.LPIPS("squeeze", device=device)


def test_the_number_of_threads_changes_no_bit() -> None:
    rng = np.random.default_rng(0)
    gt = rng.integers(0, 256, (90, 700, 3), dtype=np.uint8)
    sr = (gt * 0.9 / 255).astype(np.float32)
    maps = rng.random((3, 90, 700))
    threads, found = torch.get_num_threads(), []
    try:
        for number in (1, 2, 3, 5):
            torch.set_num_threads(number)
            values = [se.ssim(sr, gt), se.ssim(sr, gt, window="uniform"), se.ssim(sr, gt, channel="y"), se.psnr(sr, gt)]
            found.append([*values, *se.diversity_curve(maps), se.diversity_score(maps)])
    finally:
        torch.set_num_threads(threads)
    assert all(values == found[0] for values in found)
