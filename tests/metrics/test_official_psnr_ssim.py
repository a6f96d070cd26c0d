"""PSNR, SSIM and MSE equal the official programs' values under every convention that a track file can name.

``tests/golden/psnr_ssim.json`` holds the values. Their photographs are not in the repository. The flat pair
is made here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from srspace_eval import read_rgb
from srspace_eval.metrics.psnr.function import mse, psnr
from srspace_eval.metrics.ssim.function import ssim

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "psnr_ssim.json").read_text(encoding="utf-8"))

DB, SSIM, MSE, FLOAT32_DB = 1e-9, 1e-12, 1e-9, 2e-6
HALVES = 1e-4
"""Half an 8-bit step goes to the even number in NumPy and upwards in MATLAB and here; few pixels meet it."""

FAINT = {"small_one_bit.png": 5e-5, "flat_red1.png": 1e-4}
"""Pairs that differ by one step of one channel: Y in float32 is itself that far from exact arithmetic, in dB."""

# Convention -> the function, its options, the multiple that the program crops to beside the scale, and the tolerance.
# "scale" as the border is the pair's scale.
RGB: dict[str, Any] = {"channel": "rgb"}
Y: dict[str, Any] = {"channel": "y"}
Y8: dict[str, Any] = {"channel": "y8"}
CONVENTIONS: dict[str, tuple[Callable[..., Any], dict[str, Any], int, float]] = {
    "ntire2026_psnr": (psnr, {**Y, "border": 4}, 4, FLOAT32_DB),
    "ntire2026_ssim": (ssim, {**Y, "border": 4}, 4, FLOAT32_DB),  # Y in float32
    "esr_psnr_rgb_b4": (psnr, {**RGB, "border": 4}, 4, DB),
    "esr_ssim_rgb_b4": (ssim, {**RGB, "border": 4}, 4, SSIM),
    "esr_psnr_y8_b4": (psnr, {**Y8, "border": 4}, 4, HALVES),
    "esr_ssim_y8_b4": (ssim, {**Y8, "border": 4}, 4, HALVES),
    "exact_psnr_y8_b4": (psnr, {**Y8, "border": 4}, 4, DB),
    "pirm_mse_y8_b4": (mse, {**Y8, "border": 4}, 1, MSE),
    "ntire2017_psnr": (psnr, {**RGB, "border": "6 + scale"}, 1, DB),
    "ntire2017_ssim": (ssim, {**RGB, "border": "6 + scale"}, 1, SSIM),
    "rtsr_psnr_rgb": (psnr, RGB, 1, DB),
    "rtsr_ssim_rgb": (ssim, RGB, 1, SSIM),
    "skimage_ssim_default": (ssim, {"window": "uniform"}, 1, SSIM),
    "skimage_ssim_gauss": (ssim, {}, 1, SSIM),
}
for _border, _name in ((0, "b0"), ("scale", "bs"), (4, "b4")):
    CONVENTIONS |= {
        f"exact_psnr_y_{_name}": (psnr, {**Y, "border": _border}, 1, DB),
        f"exact_ssim_y_{_name}": (ssim, {**Y, "border": _border}, 1, SSIM),
        f"exact_ssim_rgb_{_name}": (ssim, {**RGB, "border": _border}, 1, SSIM),
        f"basicsr_psnr_rgb_{_name}": (psnr, {**RGB, "border": _border}, 1, DB),
        f"basicsr_ssim_rgb_{_name}": (ssim, {**RGB, "border": _border}, 1, SSIM),
        f"basicsr_psnr_y_{_name}": (psnr, {**Y, "border": _border}, 1, FLOAT32_DB),  # Y in float32
        f"basicsr_ssim_y_{_name}": (ssim, {**Y, "border": _border}, 1, FLOAT32_DB),
    }


def check(name: str, pair: dict[str, Any], gt: np.ndarray, sr: np.ndarray) -> None:
    function, options, multiple, tolerance = CONVENTIONS[name]
    for crop in (pair["scale"], multiple):
        height, width = (length // crop * crop for length in gt.shape[:2])
        gt, sr = gt[:height, :width], sr[:height, :width]
    borders = {"scale": pair["scale"], "6 + scale": 6 + pair["scale"]}
    border = options.get("border", 0)
    value = function(sr, gt, **{**options, "border": borders.get(border, border)})
    expected = float(pair["values"][name])
    if tolerance == FLOAT32_DB:
        tolerance = FAINT.get(pair["sr"], tolerance)
    if math.isinf(expected):
        assert value == expected
    else:
        assert value == pytest.approx(expected, rel=0, abs=tolerance), (pair["sr"], name)


@pytest.mark.parametrize("name", CONVENTIONS)
def test_the_official_values_of_all_pairs(name: str, shared: Path) -> None:
    folder = shared / "challenges" / "psnr-ssim" / "pictures"
    if not folder.is_dir():
        pytest.skip("needs ../shared/challenges")
    for pair in GOLDEN["pairs"]:
        check(name, pair, read_rgb(folder / pair["gt"]), read_rgb(folder / pair["sr"]))


@pytest.mark.parametrize("name", CONVENTIONS)
def test_the_official_values_of_the_flat_pair(name: str) -> None:
    (pair,) = (pair for pair in GOLDEN["pairs"] if pair["gt"] == "flat.png")
    gt = np.full((48, 40, 3), (10, 200, 30), np.uint8)
    check(name, pair, gt, gt + np.array([1, 0, 0], np.uint8))


def test_every_golden_convention_is_checked() -> None:
    assert set(GOLDEN["conventions"]) == set(CONVENTIONS)
    assert len(GOLDEN["pairs"]) == 26
