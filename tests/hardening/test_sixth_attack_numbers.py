"""The sixth attack, numbers and API: names of LRs, metrics that change their tensors, arguments out of range."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import srspace_eval as se
from benchmarks.inputs import pngs
from srspace_eval import ImageInputs, Metric, MetricInfo, SampleMean, write_png
from srspace_eval.errors import InputError, MetricError
from srspace_eval.metrics.evaluator import EvaluatorConfig, ImageEvaluator
from srspace_eval.metrics.measures import with_options
from srspace_eval.metrics.registry import bind
from srspace_eval.metrics.steps import AnyPrepared
from srspace_eval.models.folders.lr_folder import find_lrs
from srspace_eval.models.sampling.settings import SamplingSettings
from srspace_eval.scoring.options import ScoreOptions
from srspace_eval.submissions.image_names import images_of_gt, images_of_lr, lr_names
from srspace_eval.submissions.sources import open_source
from srspace_eval.tracks.model import Track
from srspace_eval.tracks.reader import builtin_tracks

X4 = builtin_tracks()["x4"]
SIX = replace(X4, gt_names=("{number:06d}.png",), sample_names=("{number:06d}.png",), first=1)


def folder(path: Path, names: list[str]) -> Path:
    path.mkdir(parents=True)
    for name in names:
        write_png(path / name, pngs.pixels(16, 16))
    return path


def found(tmp_path: Path, track: Track, gts: list[str], lrs: list[str]) -> tuple[dict[str, str], list[str]]:
    gt, lr = (folder(tmp_path / what, names) for what, names in (("gt", gts), ("lr", lrs)))
    faults: list[str] = []
    return lr_names(open_source(lr), images_of_gt(open_source(gt), track), track, faults), faults


# --- names of LRs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("ending", ["", "x4"])
def test_lrs_with_their_gts_names_of_six_digits(tmp_path: Path, first: int, ending: str) -> None:
    stems = [f"{first + i:06d}" for i in range(3)]
    gts, lrs = [f"{s}.png" for s in stems], [f"{s}{ending}.png" for s in stems]
    assert found(tmp_path, replace(SIX, first=first), gts, lrs) == (dict(zip(stems, lrs, strict=True)), [])


@pytest.mark.parametrize("name", ["esr-2022", "ntire2020-rwsr-1", "pirm-2018"])
def test_lrs_of_bsd100(tmp_path: Path, name: str) -> None:
    assert found(tmp_path, builtin_tracks()[name], ["101085.png"], ["101085.png"]) == ({"101085": "101085.png"}, [])


def test_no_image_gets_the_lr_of_another(tmp_path: Path) -> None:
    lrs, faults = found(tmp_path, SIX, ["000002.png", "000004.png"], ["000001.png", "000003.png", "000005.png"])
    assert lrs == {}
    assert len(faults) == 2
    assert all("is missing" in fault for fault in faults)


def test_names_by_index_count_for_images_without_an_lr_of_their_name(tmp_path: Path) -> None:
    gts = ["0801.png", "0802.png", "0803.png"]
    lrs, faults = found(tmp_path, X4, gts, ["0801.png", "000000.png", "000001.png", "0803.png", "0803x4.png"])
    assert lrs == {"0801": "0801.png", "0802": "000001.png"}
    assert len(faults) == 1
    assert "0803 is ambiguous: 0803.png and 0803x4.png" in faults[0]


# --- metrics that change their tensors ---------------------------------------------------------------------


def changing(function: Callable[[ImageInputs, Tensor], object]) -> Metric:
    @dataclass(frozen=True)
    class Changing(Metric):
        name = "changing"
        columns = (MetricInfo("changing", "changing", "", 3, "lower", "changing", "d."),)

        def prepare(self, image: ImageInputs) -> AnyPrepared:
            def measure(sr: Tensor) -> dict[str, float]:
                mean = float(sr.double().mean())
                function(image, sr)
                return {"changing": mean}

            return SampleMean(measure)

    return Changing()


def measured(metrics: dict[str, Metric]) -> dict[str, float]:
    gt, sr = (torch.from_numpy(pngs.pixels(24, 24, seed=seed)) for seed in (1, 2))
    evaluator = ImageEvaluator(gt, EvaluatorConfig(metrics, 4), lr=gt[::4, ::4].contiguous())
    values = evaluator.update(evaluator.measure(sr))
    evaluator.compute()
    return values


def test_a_metric_of_another_package_may_change_its_sample() -> None:
    own = bind(["psnr", "lr_psnr"])
    alone = measured(own)
    for change in (lambda _, sr: sr.zero_(), lambda _, sr: sr.numpy().fill(0)):
        bad = {"changing": changing(change)}
        for metrics in ({**bad, **own}, {**own, **bad}):
            values = measured(metrics)
            assert {key: values[key] for key in alone} == alone


@pytest.mark.parametrize("what", ["gt", "lr"])
def test_a_metric_that_changes_the_gt_is_an_error(what: str) -> None:
    bad = changing(lambda image, _: getattr(image, what).numpy().fill(0))
    # The LR is handed over only if a metric needs it.
    with pytest.raises(MetricError, match=rf"'changing'.* changed image\.{what} in place"):
        measured({**bind(["psnr", "lr_psnr"]), "changing": bad})


# --- the ending x4 of LRs' names ---------------------------------------------------------------------------


@pytest.mark.parametrize("stems", [["baby", "bird"], ["0801", "0802"], ["a b", "img_1"]])
@pytest.mark.parametrize("track", ["x4", "esr-2024", "ntire2020-rwsr-2"])
def test_sample_and_score_agree_about_x4(tmp_path: Path, stems: list[str], track: str) -> None:
    lr = folder(tmp_path / "lr", [f"{stem}x4.png" for stem in stems])
    expected = {stem: f"{stem}x4.png" for stem in stems}
    assert {x.image: x.path.name for x in find_lrs(lr, 4)} == expected
    images = images_of_lr(open_source(lr), builtin_tracks()[track])
    assert {image: fields["file"] for image, fields in images.items()} == expected
    gts = [f"{stem}.png" for stem in stems]
    assert found(tmp_path / "with_gt", builtin_tracks()[track], gts, sorted(expected.values())) == (expected, [])


def test_a_name_that_ends_with_x4_by_chance_is_kept(tmp_path: Path) -> None:
    lr = folder(tmp_path / "lr", ["linux4.png", "baby.png", "0801x4.png"])
    assert {x.image for x in find_lrs(lr, 4)} == {"linux4", "baby", "0801"}
    assert set(images_of_lr(open_source(lr), X4)) == {"linux4", "baby", "0801"}


# --- arguments ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [-1, 0, 1.5, "2", True])
def test_workers_below_one_are_refused(tmp_path: Path, workers: Any) -> None:
    """``score`` and ``verify`` did not return."""
    source, out = folder(tmp_path / "in", ["0801.png"]), tmp_path / "out"
    calls: list[Callable[[], object]] = [
        lambda: se.score(source, source, track="x4", workers=workers, board=out),
        lambda: se.check(source, source, track="esr-2024", workers=workers),
        lambda: se.verify(out / "x.json", source, source, workers=workers),
        lambda: se.downscale_folder(source, out, 4, workers=workers),
        lambda: se.degrade_folder(source, out, se.DegradeOptions(noises=("none",)), workers=workers),
    ]
    for call in calls:
        with pytest.raises(InputError, match="workers = "):
            call()


def test_arguments_of_a_wrong_kind_are_refused_before_anything_is_measured(tmp_path: Path) -> None:
    source = folder(tmp_path / "in", ["0801.png"])
    wrong: list[tuple[Callable[[], object], str]] = [
        (lambda: ScoreOptions(samples="3"), "samples = '3'"),  # type: ignore[arg-type]
        (lambda: ScoreOptions(measures=("psnr",)), "'psnr' is not a Measure"),  # type: ignore[arg-type]
        (lambda: se.score(source, source, track="x4", kind="Baseline"), "kind = 'Baseline'"),  # type: ignore[arg-type]
        (lambda: se.verify(source / "x.json", source, images=True), "images = True"),
        (lambda: se.verify(source / "x.json", source, images="2"), "images = '2'"),  # type: ignore[arg-type]
        (lambda: se.BootstrapPlan(replicates=500.5), "replicates = 500.5"),  # type: ignore[arg-type]
        (lambda: se.SampleOptions(quantize="Round"), "quantize = 'Round'"),  # type: ignore[arg-type]
        (lambda: SamplingSettings(quantize="floor"), "quantize = 'floor'"),  # type: ignore[arg-type]
        (lambda: with_options(type(weighted()), {"weight": "nan"}, "x"), "weight = nan: a finite number"),
    ]
    for call, message in wrong:
        with pytest.raises(InputError, match=message):
            call()
    assert type(ScoreOptions(samples=np.int64(3)).samples) is int


def weighted() -> Metric:
    @dataclass(frozen=True)
    class Weighted(Metric):
        name = "weighted"
        columns = (MetricInfo("weighted", "weighted", "", 3, "lower", "weighted", "d."),)
        weight: float = 1.0

        def prepare(self, image: ImageInputs) -> AnyPrepared:
            return SampleMean(lambda sr: {"weighted": self.weight})

    return Weighted()


def test_tools_write_suffixes_that_score_knows(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    write_png(source / "0801.PNG", pngs.pixels(32, 32))
    assert [path.name for path in se.downscale_folder(source, tmp_path / "lr", 4)] == ["0801.png"]
    report = se.degrade_folder(source, tmp_path / "noisy", se.DegradeOptions(noises=("none",)))
    assert [image.lr for image in report.images] == ["0801.png"]
    assert (tmp_path / "noisy/0801.png").is_file()
