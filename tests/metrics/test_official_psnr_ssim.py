"""PSNR, SSIM and MSE equal the official programs' values under every convention that a track file can name.

``tests/golden/psnr_ssim.json`` holds the values. Their photographs are not in the repository. The flat pair
is made here.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from srspace_eval import read_rgb
from tests.helpers.conventions import CONVENTIONS, FAINT, FLOAT32_DB

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "psnr_ssim.json").read_text(encoding="utf-8"))


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
