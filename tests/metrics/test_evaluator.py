from __future__ import annotations

import gc
import json
import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.inputs import synth
from srspace_eval._utils.png import read_rgb
from srspace_eval.errors import InputError
from srspace_eval.kernels import distance_maps
from srspace_eval.kernels.error_boxes_reference import box_sums
from srspace_eval.metrics.diversity.function import PatchPlan, diversity_curve, diversity_score_patches
from srspace_eval.metrics.evaluator import EvaluatorConfig, ImageEvaluator
from srspace_eval.metrics.lpips.network import LPIPS
from srspace_eval.metrics.measures import Measure
from srspace_eval.metrics.psnr.floor import largest_psnr
from srspace_eval.metrics.psnr.function import lr_psnr, mse, psnr
from srspace_eval.metrics.registry import bind, metrics
from srspace_eval.metrics.resize import imresize
from srspace_eval.metrics.ssim.function import ssim
from srspace_eval.metrics.steps import ImageValues
from tests.helpers.cases import procedural
from tests.helpers.evaluation import MEASURED, evaluator_config

BOTH_DISTANCES = frozenset({"lpips", "lr_psnr", "diversity", "diversity_mse"})


def pictures(samples: int = 4, size: tuple[int, int] = (72, 96), scale: int = 4) -> tuple[np.ndarray, list[np.ndarray]]:
    gt = synth.picture(*size, 21)
    return gt, synth.sample_set(gt, scale, samples, 22)


def measure(
    gt: np.ndarray, samples: list[np.ndarray], config: EvaluatorConfig, lpips: LPIPS | None, **more: Any
) -> tuple[ImageValues, list[dict[str, float]]]:
    evaluator = ImageEvaluator(gt, config, lpips, **more)
    values = [evaluator.update(evaluator.measure(sr)) for sr in samples]
    return evaluator.compute(), values


def check_against(expected: dict[str, Any], found: ImageValues, values: list[dict[str, float]]) -> None:
    """One row of the parity results, to the tolerances that the protocol's users were promised."""
    assert found.values["lpips"] == pytest.approx(expected["LPIPS_mean"], rel=2e-5)
    assert found.values["lr_psnr"] == pytest.approx(expected["LRPSNR_mean"], abs=1e-9)
    assert found.values["lr_psnr_worst"] == pytest.approx(expected["LRPSNR_worst"], abs=1e-9)
    assert found.values["diversity"] == pytest.approx(expected["score"], abs=0.002)
    curves = expected.get("by_samples")
    if curves is None:
        return
    for n in range(1, len(values) + 1):
        assert np.mean([v["lpips"] for v in values[:n]]) == pytest.approx(curves[f"LPIPS_mean_n{n}"], rel=2e-5)
        assert np.mean([v["mse"] for v in values[:n]]) == pytest.approx(curves[f"MSE_mean_n{n}"], rel=1e-4)
        assert found.curves["diversity_curve"][n - 1] == pytest.approx(curves[f"LPIPS_score_n{n}"], abs=0.002)
        assert found.curves["diversity_mse_curve"][n - 1] == pytest.approx(
            curves[f"MSE_score_n{n}"], rel=1e-4, abs=1e-9
        )
    assert found.values["lpips_local_best"] == pytest.approx(curves[f"LPIPS_best_loc_n{len(values)}"], rel=2e-5)


@pytest.mark.parametrize("name", ["procedural_x4", "procedural_x8"])
def test_equals_the_challenges_own_programs(name: str, alex: LPIPS) -> None:
    case = procedural(name)
    config = evaluator_config(BOTH_DISTANCES, case["scale"])
    for image, expected in zip(case["images"], case["expected"], strict=True):
        gt = synth.picture(image["height"], image["width"], image["picture_seed"])
        samples = synth.sample_set(gt, case["scale"], case["samples"], image["sample_seed"])
        height, width = samples[0].shape[:2]
        check_against(expected, *measure(gt[:height, :width], samples, config, alex))


@pytest.mark.weights
@pytest.mark.parametrize("name", ["x4", "x8"])
@pytest.mark.parametrize("trunk", ["squeeze (shared/weights)", "alex (alexnet_features(seed=1))"])
def test_equals_the_challenges_own_programs_on_photographs(name: str, trunk: str, shared: Path, alex: LPIPS) -> None:
    case = json.loads((shared / "parity" / "measure" / "real.json").read_text())[name]
    squeeze = shared / "weights" / "squeezenet1_1-features.pth"
    lpips = alex if trunk.startswith("alex") else LPIPS("squeeze", weights=squeeze)
    folder = shared / "parity" / "measure" / name
    config = evaluator_config(BOTH_DISTANCES, case["scale"])
    for index, expected in enumerate(case[trunk]):
        gt = read_rgb(folder / "gt" / f"{801 + index:04d}.png")
        height, width = (n // 8 * 8 for n in gt.shape[:2])
        files = [folder / "sr" / f"{index:06d}_sample{k:05d}.png" for k in range(case["samples"])]
        samples = [read_rgb(file)[:height, :width] for file in files]
        check_against(expected, *measure(gt[:height, :width], samples, config, lpips))


def test_every_value_is_the_pure_functions_value(alex: LPIPS) -> None:
    gt, samples = pictures()
    plan = PatchPlan(64, 8, seed=5)
    config = evaluator_config(MEASURED, 4, patches=plan)
    found, values = measure(gt, samples, config, alex, image="0801")
    maps = torch.stack([alex.map(sr, gt) for sr in samples])
    lr = imresize(gt, 1 / 4)
    for sr, distance, value in zip(samples, maps, values, strict=True):
        assert set(value) == {"lpips", "lr_psnr", "mse", "psnr", "ssim"}
        assert value["lpips"] == pytest.approx(float(distance.mean()), rel=1e-6)
        assert value["lr_psnr"] == lr_psnr(sr, lr, 4)
        assert value["psnr"] == psnr(sr, gt)
        assert value["ssim"] == ssim(sr, gt)
    for name in ("lpips", "lr_psnr", "mse", "psnr", "ssim"):
        assert found.values[name] == pytest.approx(np.mean([value[name] for value in values]), rel=1e-12)
    assert found.values["lr_psnr_worst"] == min(value["lr_psnr"] for value in values)
    assert found.values["lpips_global_best"] == min(value["lpips"] for value in values)
    assert found.values["lpips_local_best"] == pytest.approx(float(maps.amin(0).mean()), rel=1e-6)
    assert found.curves["diversity_curve"] == pytest.approx(diversity_curve(maps), abs=1e-4)
    assert found.values["diversity"] == found.curves["diversity_curve"][-1]
    boxes = torch.stack([box_sums(torch.from_numpy(sr), torch.from_numpy(gt)) for sr in samples])
    assert found.curves["diversity_mse_curve"] == pytest.approx(diversity_curve(boxes), abs=1e-9)
    patches = diversity_score_patches(maps, plan, "0801")
    assert found.values["diversity_patches"] == pytest.approx(patches.score, abs=1e-4)
    assert found.values["diversity_patches_se"] == pytest.approx(patches.standard_error, rel=1e-4)
    declared = {info.id for name in MEASURED for info in metrics()[name].columns}
    assert declared <= set(found.values)


@pytest.mark.parametrize("metric", sorted(MEASURED))
def test_joint_equals_separate(metric: str, alex: LPIPS) -> None:
    gt, samples = pictures(3)
    plan = PatchPlan(16, 4)
    joint, _ = measure(gt, samples, evaluator_config(MEASURED, 4, patches=plan), alex)
    patches = plan if metric == "diversity_patches" else None
    lpips = alex if metrics()[metric].needs.network else None
    alone, _ = measure(gt, samples, evaluator_config(frozenset({metric}), 4, patches=patches), lpips)
    assert metric in alone.values
    assert {name: joint.values[name] for name in alone.values} == alone.values
    assert {name: joint.curves[name] for name in alone.curves} == alone.curves


def test_the_metric_mse_replaces_the_value_of_diversity_mse() -> None:
    gt, samples = pictures(3)
    found, values = measure(gt, samples, evaluator_config({"mse", "diversity_mse"}, 4), None)
    assert [value["mse"] for value in values] == [mse(sr, gt) for sr in samples]
    assert found.values["mse"] == pytest.approx(np.mean([mse(sr, gt) for sr in samples]), rel=1e-12)
    alone, boxed = measure(gt, samples, evaluator_config({"diversity_mse"}, 4), None)
    assert boxed[0]["mse"] != values[0]["mse"]
    assert found.values["diversity_mse"] == alone.values["diversity_mse"]


@pytest.mark.parametrize("measure_id", ["lpips", "lpips_plain"])
def test_non_spatial_lpips_is_the_sum_of_the_layers_means(measure_id: str, alex: LPIPS) -> None:
    gt, samples = pictures(3)
    plain = Measure(measure_id, "lpips", {"spatial": False})
    found, values = measure(gt, samples, EvaluatorConfig(bind([plain, "diversity"]), 4), alex)
    reference = alex.prepare(torch.from_numpy(gt))
    expected = [sum(float(layer.double().mean()) for layer in alex.distances(reference, sr)) for sr in samples]
    assert [value[measure_id] for value in values] == pytest.approx(expected, rel=1e-12)
    assert found.values[measure_id] == pytest.approx(np.mean(expected), rel=1e-12)
    assert found.values[f"{measure_id}_global_best"] == pytest.approx(min(expected), rel=1e-12)
    spatial, _ = measure(gt, samples, evaluator_config({"diversity"}, 4), alex)
    assert found.curves == spatial.curves
    assert spatial.values["lpips"] != found.values[measure_id]


def test_threads_and_the_order_of_measuring_do_not_matter(alex: LPIPS) -> None:
    gt, samples = pictures(6)
    config = evaluator_config(BOTH_DISTANCES, 4)
    expected, expected_values = measure(gt, samples, config, alex)
    evaluator = ImageEvaluator(gt, config, alex)
    order = [4, 1, 5, 0, 3, 2]
    with ThreadPoolExecutor(3, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        measured = dict(zip(order, pool.map(lambda i: evaluator.measure(samples[i]), order), strict=True))
    assert [evaluator.update(measured[i]) for i in range(6)] == expected_values
    assert evaluator.compute() == expected


def test_the_order_of_samples_matters_to_the_curve_alone(alex: LPIPS) -> None:
    gt, samples = pictures()
    config = evaluator_config(BOTH_DISTANCES, 4)
    forward, forward_values = measure(gt, samples, config, alex)
    backward, backward_values = measure(gt, samples[::-1], config, alex)
    assert backward_values == forward_values[::-1]
    assert backward.values == pytest.approx(forward.values, rel=1e-6)
    assert backward.curves["diversity_curve"][1] != forward.curves["diversity_curve"][1]


def test_a_deterministic_method_scores_exactly_zero(alex: LPIPS) -> None:
    gt, samples = pictures(1)
    config = evaluator_config(BOTH_DISTANCES | {"diversity_patches"}, 4, patches=PatchPlan(9, 5))
    found, _ = measure(gt, samples * 4, config, alex)
    assert found.curves == {"diversity_curve": [0.0] * 4, "diversity_mse_curve": [0.0] * 4}
    assert found.values["diversity_patches"] == 0


def test_a_sample_equal_to_the_gt_leaves_scores_undefined_and_its_psnr_infinite(alex: LPIPS) -> None:
    gt, samples = pictures(2)
    config = evaluator_config(MEASURED, 4, patches=PatchPlan(9, 5))
    found, values = measure(gt, [samples[0], gt, samples[1]], config, alex)
    assert values[1] == {"lpips": 0.0, "mse": 0.0, "lr_psnr": math.inf, "psnr": math.inf, "ssim": 1.0}
    assert found.curves["diversity_curve"] == [0.0, None, None]
    assert found.curves["diversity_mse_curve"] == [0.0, None, None]
    for name in ("diversity", "diversity_mse", "diversity_patches", "diversity_patches_se"):
        assert found.values[name] is None
    assert found.values["lpips_global_best"] == 0
    one_step = largest_psnr(gt.shape[0] // 4, gt.shape[1] // 4)
    counted = [min(sample["lr_psnr"], one_step) for sample in values]
    assert found.values["lr_psnr"] == pytest.approx(np.mean(counted), rel=1e-12)
    worst = found.values["lr_psnr_worst"]
    assert worst is not None
    assert math.isfinite(worst)


def test_a_given_lr_is_the_reference(alex: LPIPS) -> None:
    gt, samples = pictures(2)
    lr = imresize(gt, 1 / 4, convention="matlab-legacy")
    config = evaluator_config(frozenset({"lr_psnr"}), 4)
    found, values = measure(gt, samples, config, None, lr=lr)
    assert [v["lr_psnr"] for v in values] == [lr_psnr(sr, lr, 4) for sr in samples]
    assert found.values.keys() == {"lr_psnr", "lr_psnr_worst"}
    with pytest.raises(InputError, match="0801: the LR is 18×23, a GT of 72×96 at scale 4 requires 18×24"):
        ImageEvaluator(gt, config, None, lr=lr[:, :-1], image="0801")


def test_memory_does_not_grow_with_samples(alex: LPIPS) -> None:
    gt, samples = pictures(2)
    evaluator = ImageEvaluator(gt, evaluator_config(MEASURED - {"diversity_patches"}, 4), alex)
    held = []
    for count in range(1, 6):
        evaluator.update(evaluator.measure(samples[count % 2]))
        gc.collect()
        held.append(sum(t.numel() * t.element_size() for t in gc.get_objects() if type(t) is torch.Tensor))
    assert held[1:] == held[:-1]


def test_what_is_wrong_is_named(alex: LPIPS) -> None:
    gt, samples = pictures(1)
    with pytest.raises(InputError, match="unknown metric fid: choose from lpips, "):
        bind(["fid"])
    with pytest.raises(InputError, match="none is given"):
        EvaluatorConfig({}, 4)
    with pytest.raises(InputError, match="diversity_patches needs the option patches"):
        evaluator_config({"diversity_patches"}, 4)
    config = evaluator_config({"lpips"}, 4)
    with pytest.raises(InputError, match="0801: these metrics need LPIPS's network or one of their own: lpips"):
        ImageEvaluator(gt, config, None, image="0801")
    evaluator = ImageEvaluator(gt, config, alex, image="0801")
    with pytest.raises(InputError, match="0801: no samples"):
        evaluator.compute()
    with pytest.raises(InputError, match="0801: sizes differ, 72×95 and 72×96"):
        evaluator.measure(samples[0][:, :-1])
    with pytest.raises(InputError, match=r"0801: sr: float64 \(72, 96, 3\) given, uint8"):
        evaluator.measure(samples[0] / 255)


def test_the_fast_reduction_is_the_references(alex: LPIPS) -> None:
    gt, samples = pictures(2)
    reference = alex.prepare(gt)
    layers = [alex.distances(reference, sr) for sr in samples]
    running: dict[str, torch.Tensor | None] = {"fast": None, "reference": None}
    for one in layers:
        results = {}
        for form in running:
            mean, best, running[form] = distance_maps.reduce_into(one, (72, 96), running[form], form)
            results[form] = (mean, best)
        assert results["fast"] == pytest.approx(results["reference"], rel=1e-6)
