"""Scoring on a GPU: parity, agreement with the CPU, repeatability. Skipped without a CUDA device."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.inputs.submissions import small
from srspace_eval._utils.png import read_rgb, write_png
from srspace_eval.kernels.dispatch import forms_used
from srspace_eval.metrics.diversity.function import PatchPlan
from srspace_eval.metrics.evaluator import ImageEvaluator
from srspace_eval.metrics.lpips.network import LPIPS
from srspace_eval.metrics.lpips.trunk_files import parameter_shapes
from srspace_eval.metrics.lpips.trunks import ARCHITECTURES
from srspace_eval.tracks.reader import load_track
from tests.helpers.cases import write_procedural
from tests.helpers.evaluation import MEASURED, evaluator_config
from tests.helpers.scoring import ALL, assert_parity, run

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")]


@pytest.mark.parametrize("name", ["x4", "x8"])
def test_parity_with_the_challenges_programs(name: str, alexnet: Path, tmp_path: Path) -> None:
    case = write_procedural(tmp_path, f"procedural_{name}")
    options: dict[str, Any] = {"metrics": ALL, "samples": 4, "lpips_weights": alexnet, "track": load_track(name)}
    result = run(tmp_path, tmp_path / "board", device="cuda", **options)
    assert_parity(result, case)
    assert forms_used()["resampling"] == forms_used()["distance maps"] == "triton"
    on_cpu = run(tmp_path, tmp_path / "board-cpu", device="cpu", **options)
    for found, expected in zip(result.images, on_cpu.images, strict=True):
        for mine, theirs in zip(found.samples, expected.samples, strict=True):
            assert mine.values["lr_psnr"] == theirs.values["lr_psnr"]
            assert mine.values["mse"] == theirs.values["mse"]
            assert mine.values["lpips"] == pytest.approx(theirs.values["lpips"], rel=5e-5)
            assert mine.values["ssim"] == pytest.approx(theirs.values["ssim"], rel=1e-9)


def test_numbers_do_not_depend_on_threads_or_repetition(alexnet: Path, tmp_path: Path) -> None:
    folder = small(tmp_path / "a", images=5, samples=4, size=(200, 264))
    options: dict[str, Any] = {"metrics": ALL, "samples": 4, "lpips_weights": alexnet, "device": "cuda"}
    alone = run(folder, tmp_path / "b1", workers=1, **options)
    for number in range(3):
        assert run(folder, tmp_path / f"b{number + 2}", workers=16, **options) == alone


def test_a_sample_that_is_the_gt_has_distance_0(alexnet: Path, tmp_path: Path) -> None:
    folder = small(tmp_path / "a", images=1, size=(200, 264))
    write_png(folder / "sub/000000_sample00001.png", read_rgb(folder / "gt/0801.png"))
    result = run(folder, tmp_path / "b", metrics=ALL, lpips_weights=alexnet, device="cuda")
    assert result.images[0].samples[1].values["lpips"] == 0
    assert result.images[0].values["diversity"] is None


@pytest.mark.parametrize("precision", ["float32", "tf32", "bf16"])
@pytest.mark.parametrize("net", sorted(ARCHITECTURES))
def test_every_metric_agrees_with_the_cpu(net: str, precision: str, tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    state = {
        name: torch.randn(shape, generator=generator) * (2 / max(1, int(np.prod(shape[1:])))) ** 0.5
        for name, shape in parameter_shapes(net).items()
    }
    torch.save(state, tmp_path / "trunk.pth")
    gt, *samples = (
        torch.randint(0, 256, (136, 152, 3), generator=generator, dtype=torch.uint8) // (8 if i else 1) + 64
        for i in range(3)
    )
    config = evaluator_config(MEASURED, 4, patches=PatchPlan(20, 16))
    found = {}
    for device in ("cuda", "cpu"):
        network = LPIPS(
            net, weights=tmp_path / "trunk.pth", device=device, precision=precision if device == "cuda" else "float32"
        )
        evaluator = ImageEvaluator(gt, config, network, image="a")
        rows = [evaluator.update(evaluator.measure(sample)) for sample in samples]
        found[device] = [*rows, evaluator.compute().values]
    loose = {"float32": 5e-5, "tf32": 2e-2, "bf16": 1e-1}[precision]
    for mine, theirs in zip(found["cuda"], found["cpu"], strict=True):
        for name, value in theirs.items():
            far = name.startswith(("diversity", "lpips")) and not name.startswith("diversity_mse")
            if far and name.startswith("diversity"):
                assert mine[name] == pytest.approx(value, abs=100 * loose)
            else:
                assert mine[name] == pytest.approx(value, rel=loose if far else 1e-9)


def test_memory_does_not_grow_with_samples(alexnet: Path, tmp_path: Path) -> None:
    peaks = []
    for samples in (2, 20):
        folder = small(tmp_path / str(samples), images=1, samples=samples, size=(640, 800))
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        options: dict[str, Any] = {"metrics": ALL, "samples": samples, "lpips_weights": alexnet, "device": "cuda"}
        run(folder, tmp_path / f"b{samples}", workers=8, **options)
        peaks.append(torch.cuda.max_memory_allocated())
    assert peaks[1] < 1.5 * peaks[0]
