"""Programs that call the functions in unusual states: autocast, default devices, threads, odd arrays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import srspace_eval as se
from benchmarks.inputs.weights import write_small_checkpoint
from srspace_eval.errors import ImageError, InputError
from srspace_eval.models.precision import exact_arithmetic

RNG = np.random.default_rng(0)
PICTURE, GT = (RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8) for _ in range(2))


def test_the_caller_s_autocast_changes_no_number(alexnet: Path, tmp_path: Path) -> None:
    model = se.load_model(write_small_checkpoint(tmp_path / "m.pth", "srflow"))
    calls: list[Callable[[], Any]] = [
        lambda: se.lpips(PICTURE, GT, weights=alexnet),
        lambda: model.sample(PICTURE[:8, :8], n=1, seed=0).tobytes(),
    ]
    before = [call() for call in calls]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert [call() for call in calls] == before
        assert torch.is_autocast_enabled("cpu")


def test_the_caller_s_default_device_changes_no_sample(tmp_path: Path) -> None:
    model = se.load_model(write_small_checkpoint(tmp_path / "m.pth", "srflow"))
    before = model.sample(PICTURE[:8, :8], n=1, seed=0)
    with torch.device("meta"):
        assert np.array_equal(model.sample(PICTURE[:8, :8], n=1, seed=0), before)


def test_overlapping_blocks_of_exact_arithmetic_stay_exact() -> None:
    former = torch.backends.cudnn.deterministic
    first, second = exact_arithmetic(), exact_arithmetic()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)  # the thread that began first ends first
    assert torch.backends.cudnn.deterministic
    second.__exit__(None, None, None)
    assert torch.backends.cudnn.deterministic == former


CALLS: dict[str, Callable[[Any], Any]] = {
    "psnr": lambda odd: se.psnr(odd, GT),
    "ssim, second": lambda odd: se.ssim(GT, odd),
    "imresize": lambda odd: se.imresize(odd, scale=0.25),
    "diversity_score": lambda odd: se.diversity_score(odd),
}


@pytest.mark.parametrize("function", CALLS)
@pytest.mark.parametrize(
    ("odd", "words"),
    [
        (np.ma.masked_greater(PICTURE, 200), "masked pixels cannot be left out"),
        (torch.empty(64, 64, 3, device="meta"), "not one on the device meta"),
        (torch.from_numpy(PICTURE / 255).to_sparse(), "not sparse_coo"),
    ],
    ids=["masked", "meta", "sparse"],
)
def test_arrays_without_all_their_values_are_refused(function: str, odd: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        CALLS[function](odd)


@pytest.mark.parametrize("odd", [[[1]], b"x", None, memoryview(PICTURE)])
def test_only_arrays_are_written_as_pictures(odd: Any, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="a NumPy array is required"):
        se.write_png(tmp_path / "x.png", odd)
    assert not list(tmp_path.iterdir())
