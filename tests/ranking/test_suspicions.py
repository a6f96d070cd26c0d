"""Findings that are shown beside the numbers: exact samples, other images, samples that are good in parts."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from srspace_eval.ranking import rank
from srspace_eval.ranking.suspicions import stops_suddenly, suspicions
from srspace_eval.report.files import TEXT_FORMATS, render_leaderboard
from srspace_eval.results.record import ImageRecord, Result, SampleRecord
from srspace_eval.results.signature import Signature
from srspace_eval.scoring.summary import summarise
from srspace_eval.tracks.reader import load_track

SETTINGS: dict[str, dict[str, object]] = {
    "common": {"scale": 4},
    "lr_psnr": {"reference": "downscaled GT", "floor": "one step"},
}


def result(maps: np.ndarray, lr_psnr: float = 50.0) -> Result:
    """A result from distance maps (images, M, H, W)."""
    images = []
    for number, each in enumerate(maps):
        means = each.mean(axis=(1, 2))
        best = np.minimum.accumulate(each, axis=0).mean(axis=(1, 2))
        g = np.minimum.accumulate(means)
        curve = tuple((100 * (g - best) / g).tolist())
        values = {
            "lpips": float(means.mean()), "lpips_global_best": float(g[-1]), "lpips_local_best": float(best[-1]),
            "diversity": curve[-1], "lr_psnr": lr_psnr,
        }  # fmt: skip
        samples = tuple(
            SampleRecord(s, f"{number}_{s}.png", "b" * 64, {"lpips": float(mean), "lr_psnr": lr_psnr})
            for s, mean in enumerate(means)
        )
        images.append(ImageRecord(f"{number:04d}", 64, 64, "a" * 64, values, {"diversity_curve": curve}, samples))
    summary, curves, _ = summarise(images, {})
    return Result("t", "x4", Signature(SETTINGS), tuple(images), summary, curves)


def independent(rng: np.random.Generator, samples: int = 10) -> np.ndarray:
    """Distances around a mean of the picture's own, drawn alike for all samples."""
    hard = rng.uniform(0.05, 0.3, (3, 1, 32, 32))
    return hard * rng.gamma(rng.uniform(2, 40), size=(3, samples, 32, 32))


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("samples", [6, 10, 16])
def test_even_growth_is_found_where_samples_are_good_in_parts_alone(seed: int, samples: int) -> None:
    rng = np.random.default_rng(seed)
    assert suspicions(result(independent(rng, samples))) == []
    # Where honest samples differ much, the parts no longer stand out; here they differ little.
    maps = np.repeat(rng.uniform(0.3, 0.6, (3, 1, 32, 32)), samples, axis=1)
    for sample, rows in enumerate(np.array_split(np.arange(32), samples)):
        maps[:, sample, rows] /= 4
    (told,) = suspicions(result(maps))
    assert "grows evenly" in told


@pytest.mark.parametrize("parts", [3, 4, 5, 7, 9])
def test_even_growth_that_stops_is_found(parts: int) -> None:
    rng = np.random.default_rng(parts)
    maps = np.repeat(rng.uniform(0.3, 0.6, (3, 1, 32, 32)), 10, axis=1)
    for sample, rows in enumerate(np.array_split(np.arange(32), parts)):
        maps[:, sample, rows] /= 4
    for copy in range(parts, 10):
        maps[:, copy] = maps[:, copy % parts] * rng.uniform(0.999, 1.001, (3, 32, 32))
    (told,) = suspicions(result(maps))
    assert "grows evenly with the number of samples, and then stops, in 3 of 3 images" in told or parts == 9


def test_independent_samples_do_not_stop_suddenly() -> None:
    for seed in range(50):
        found = result(independent(np.random.default_rng(seed)))
        assert not any(stops_suddenly(image, "diversity_curve", "lpips") for image in found.images)


@pytest.mark.parametrize(
    ("column", "group", "value"),
    [
        ("psnr_y", {"psnr_y": {"metric": "psnr", "channels": "Y"}}, math.inf),
        ("ssim", {"ssim": {"channels": "RGB"}}, 1.0),
        ("mine", {"mine": {"metric": "mse"}}, 0.0),
        ("dists", {"dists": {}}, 0.0),
    ],
)
def test_a_sample_equal_to_its_gt_is_told_of_each_measure(
    column: str, group: dict[str, dict[str, object]], value: float
) -> None:
    found = result(independent(np.random.default_rng(0)))
    first, *others = found.images
    told = "a sample equals its GT in 1 of 3 images (0000)"
    for stated, expected in (({**SETTINGS, **group}, True), (SETTINGS, False)):
        samples = (replace(first.samples[0], values={column: value}), *first.samples[1:])
        changed = replace(found, images=(replace(first, samples=samples), *others), signature=Signature(stated))
        assert (told in suspicions(changed)) is expected


def test_an_equal_lr_is_no_equal_gt() -> None:
    found = result(independent(np.random.default_rng(0)), lr_psnr=math.inf)
    assert not any("equals its GT" in finding for finding in suspicions(found))


def test_few_samples_little_diversity_and_undefined_curves_tell_nothing() -> None:
    rng = np.random.default_rng(0)
    assert suspicions(result(np.repeat(np.full((2, 1, 8, 8), 0.3), 10, axis=1))) == []
    assert suspicions(result(independent(rng, 4))) == []
    found = result(independent(rng))
    undefined = tuple(replace(i, curves={"diversity_curve": (0.0, *[None] * 9)}) for i in found.images)
    assert suspicions(replace(found, images=undefined)) == []


def test_a_sample_equal_to_its_gt_is_told() -> None:
    found = result(independent(np.random.default_rng(0)))
    first, *others = found.images
    exact = replace(first.samples[0], values={"psnr": math.inf})
    images = (replace(first, samples=(exact, *first.samples[1:])), *others)
    assert "a sample equals its GT in 1 of 3 images (0000)" in suspicions(replace(found, images=images))


@pytest.mark.parametrize(("reference", "files"), [("downscaled GT", False), ("LR files", True)])
def test_pictures_of_other_images_are_told(reference: str, files: bool) -> None:
    found = result(independent(np.random.default_rng(0)), lr_psnr=11.0)
    settings: dict[str, dict[str, object]] = {**SETTINGS, "lr_psnr": {"reference": reference, "floor": "one step"}}
    (told,) = suspicions(replace(found, signature=Signature(settings)))
    assert told.startswith("LR-PSNR is below 22 dB in 3 of 3 images: the samples may belong to other images")
    assert ("--lr" in told) == files


@pytest.mark.parametrize("form", [form for form in TEXT_FORMATS if form != "csv"])
def test_findings_are_shown_with_the_numbers_in_every_format_for_readers(form: str) -> None:
    ranking = rank([result(independent(np.random.default_rng(0)), lr_psnr=11.0)], load_track("x4"))
    text = render_leaderboard(ranking, form)
    shown = "LR-PSNR is below 22 dB" in text or "LR-PSNR is below 22" in text.replace("\\,", " ")
    assert shown, text
