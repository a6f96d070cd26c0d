"""Extreme pictures: every metric gives a defined number or a named error, whatever the number of threads."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.inputs import pngs
from benchmarks.inputs.weights import write_alexnet
from srspace_eval._utils.png import write_png
from srspace_eval.errors import InputError, SrspaceEvalError
from srspace_eval.metrics.diversity.function import PatchPlan
from srspace_eval.metrics.evaluator import ImageEvaluator
from srspace_eval.metrics.lpips.network import LPIPS
from srspace_eval.metrics.psnr.function import psnr
from srspace_eval.metrics.resize import CONVENTIONS, imresize
from srspace_eval.metrics.ssim.function import ssim
from srspace_eval.scoring.options import ScoreOptions
from srspace_eval.scoring.run import score
from srspace_eval.tracks.reader import load_track
from tests.helpers.evaluation import evaluator_config

ALL = frozenset({"lpips", "lr_psnr", "diversity", "diversity_mse", "diversity_patches", "psnr", "ssim"})


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> LPIPS:
    return LPIPS("alex", weights=write_alexnet(tmp_path_factory.mktemp("w") / "alex.pth"))


def extremes(height: int, width: int) -> dict[str, np.ndarray]:
    plain = np.zeros((height, width, 3), np.uint8)
    board = np.indices((height, width)).sum(0)[..., None] % 2 * np.full(3, 255)
    return {
        "black": plain,
        "white": plain + 255,
        "one colour": plain + np.array([255, 0, 1], np.uint8),
        "noise": pngs.pixels(height, width, seed=1),
        "checkerboard": board.astype(np.uint8),
    }


@pytest.mark.parametrize("size", [(32, 32), (40, 72)])
def test_every_metric_is_defined_on_every_pair(size: tuple[int, int], network: LPIPS) -> None:
    config = evaluator_config(ALL, scale=4, patches=PatchPlan(20, 8, 0))
    pictures = extremes(*size)
    for (name, gt), (first, second) in itertools.product(pictures.items(), [("black", "noise"), ("white", "black")]):
        evaluator = ImageEvaluator(gt, config, network)
        for sample in (pictures[first], pictures[second]):
            values = evaluator.update(evaluator.measure(sample))
            assert all(isinstance(v, float) and not math.isnan(v) for v in values.values()), (name, values)
        found = evaluator.compute()
        same = name in (first, second)
        for metric, value in found.values.items():
            if metric.startswith("diversity"):
                assert (value is None) == same, (name, metric)  # a sample equals the GT: undefined, never 0 or 100
            elif value is None or not math.isfinite(value):
                assert metric in ("psnr", "lr_psnr", "lr_psnr_worst")
                assert value == math.inf
                assert same
        for curve in found.curves.values():
            assert all(v is None or 0 <= v <= 100 for v in curve)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (3, 5), (10, 10), (30, 200)])
def test_small_pictures_give_numbers_or_a_named_error(size: tuple[int, int], network: LPIPS) -> None:
    a, b = (extremes(*size)[name] for name in ("noise", "white"))
    assert 0 < psnr(a, b) < 60
    assert psnr(a, a) == math.inf
    for convention in CONVENTIONS:
        small = imresize(a, 0.25, convention=convention)
        assert small.shape == (math.ceil(size[0] / 4), math.ceil(size[1] / 4), 3)
        assert (imresize(b, 0.25, convention=convention) == 255).all()
    if min(size) < 11:
        with pytest.raises(InputError, match="at least 11×11"):
            ssim(a, b)
    else:
        assert -1 <= ssim(a, b) < 1
    with pytest.raises(InputError, match="at least 31×31"):
        network.map(a, b)
    mse = ImageEvaluator(a, evaluator_config(frozenset({"diversity_mse"}), scale=4), None)
    mse.update(mse.measure(b))
    assert mse.compute().values["diversity_mse"] == 0.0


def test_a_picture_too_small_for_the_trunk_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    for folder in ("gt", "sub"):
        (tmp_path / folder).mkdir()
    write_png(tmp_path / "gt/0801.png", pngs.pixels(24, 64, seed=1))
    write_png(tmp_path / "sub/000000_sample00000.png", pngs.pixels(24, 64, seed=2))
    options = ScoreOptions(metrics=("lpips",), samples=1, lpips_weights=write_alexnet(tmp_path / "alex.pth"))
    with pytest.raises(SrspaceEvalError, match=r"0801.*31×31"):
        score(tmp_path / "sub", tmp_path / "gt", options=options, track=load_track("x4"), board=tmp_path / "b")
    assert not list((tmp_path / "b").rglob("*.*"))


def test_the_number_of_threads_changes_nothing(network: LPIPS) -> None:
    gt, sr = pngs.pixels(96, 104, seed=3), pngs.pixels(96, 104, seed=4)
    config = evaluator_config(ALL, scale=4, patches=PatchPlan(50, 16, 7))
    found = []
    before = torch.get_num_threads()
    try:
        for threads in (1, 2, 5):
            torch.set_num_threads(threads)
            evaluator = ImageEvaluator(gt, config, network)
            evaluator.update(evaluator.measure(sr))
            evaluator.update(evaluator.measure(gt // 2))
            found.append(evaluator.compute())
    finally:
        torch.set_num_threads(before)
    for other in found[1:]:
        for metric, value in found[0].values.items():
            # Convolutions may be split differently; the stated tolerance. Everything else is exact.
            tolerance = 1e-6 if metric.startswith(("lpips", "diversity")) else 0
            assert other.values[metric] == pytest.approx(value, rel=tolerance), metric
