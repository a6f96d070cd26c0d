"""How often the notice of evenly growing S_M comes for honest sample sets, and whether it comes for tiled ones.

An honest set has M samples that one method draws independently. A tiled set has samples that are good in one M-th of
the picture and carry strong detail that the downscaling removes elsewhere. The pictures are random crops of those in a
folder, 96×96 pixels each.

    python benchmarks/tiled_samples.py FOLDER --sets 100

prints, as JSON, for each method how many sets have the notice, the mean S_M and LR-PSNR. A set has ``--images`` images.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import srspace_eval as se
from srspace_eval.metrics.evaluator import EvaluatorConfig, ImageEvaluator
from srspace_eval.metrics.registry import bind
from srspace_eval.ranking.suspicions import suspicions
from srspace_eval.results.record import ImageRecord, Result, SampleRecord
from srspace_eval.results.signature import Signature

SCALE, SIZE, SAMPLES = 4, 96, 10
Picture = NDArray[np.uint8]
Floats = NDArray[np.float64]
Method = Callable[[Picture, np.random.Generator], list[Picture]]


def unseen(rng: np.random.Generator, width: int = 1) -> Floats:
    """Noise, smoothed over ``width`` pixels, whose mean over each cell of the LR's pixels is 0."""
    noise = rng.normal(size=(SIZE, SIZE, 3))
    for axis in (0, 1):
        noise = sum(np.roll(noise, shift, axis) for shift in range(width)) / np.sqrt(width)
    cells = noise.reshape(SIZE // SCALE, SCALE, SIZE // SCALE, SCALE, 3)
    return np.asarray((cells - cells.mean(axis=(1, 3), keepdims=True)).reshape(noise.shape))


def to_picture(values: Floats) -> Picture:
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


def bicubic(gt: Picture) -> Floats:
    small = se.imresize(gt, 1 / SCALE)
    return np.asarray(se.imresize(small, SCALE), dtype=np.float64)


def independent(strength: float, width: int) -> Method:
    """The bicubic picture with independent detail."""

    def samples(gt: Picture, rng: np.random.Generator) -> list[Picture]:
        return [to_picture(bicubic(gt) + strength * unseen(rng, width)) for _ in range(SAMPLES)]

    return samples


def sharpened(gt: Picture, rng: np.random.Generator) -> list[Picture]:
    """Each sample lies at random between the bicubic picture and the GT, and has detail of its own."""
    base = bicubic(gt)
    return [to_picture(base + rng.uniform(0.2, 0.8) * (gt - base) + 6 * unseen(rng)) for _ in range(SAMPLES)]


def heats(descending: bool) -> Method:
    """Samples of rising or falling strength: not drawn alike, and still honest."""

    def samples(gt: Picture, rng: np.random.Generator) -> list[Picture]:
        strengths = np.linspace(2, 20, SAMPLES)[:: -1 if descending else 1]
        return [to_picture(bicubic(gt) + strength * unseen(rng)) for strength in strengths]

    return samples


def tiled(strength: float) -> Method:
    """Each sample is near the GT in one band of the picture, and carries strong unseen detail elsewhere."""

    def samples(gt: Picture, rng: np.random.Generator) -> list[Picture]:
        good = bicubic(gt) + 0.7 * (gt - bicubic(gt))
        rows = np.array_split(np.arange(SIZE), SAMPLES)
        found = []
        for own in rows:
            sample = good + strength * unseen(rng)
            sample[own] = good[own]
            found.append(to_picture(sample))
        return found

    return samples


METHODS: dict[str, tuple[bool, Method]] = {
    "independent, fine, weak": (True, independent(4, 1)),
    "independent, fine, strong": (True, independent(20, 1)),
    "independent, coarse": (True, independent(12, 3)),
    "between bicubic and GT": (True, sharpened),
    "rising heat": (True, heats(False)),
    "falling heat": (True, heats(True)),
    "tiled, weak": (False, tiled(10)),
    "tiled, strong": (False, tiled(40)),
}


def measure(gts: list[Picture], method: Method, rng: np.random.Generator) -> Result:
    """One set as a result."""
    images = []
    for number, gt in enumerate(gts):
        evaluator = ImageEvaluator(gt, EvaluatorConfig(bind(["lr_psnr", "diversity_mse"]), SCALE))
        values = [evaluator.update(evaluator.measure(sample)) for sample in method(gt, rng)]
        found = evaluator.compute()
        images.append(
            ImageRecord(
                f"{number:04d}", SIZE, SIZE, "0" * 64, found.values, {k: tuple(v) for k, v in found.curves.items()},
                tuple(SampleRecord(s, f"{number}_{s}.png", "0" * 64, each) for s, each in enumerate(values)),
            )
        )  # fmt: skip
    summary = {key: float(np.mean([image.values[key] for image in images])) for key in images[0].values}
    return Result("team", "x4", Signature({}), tuple(images), summary)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    for name, default in (("sets", 100), ("images", 5), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    pictures = [se.read_rgb(path) for path in sorted(options.folder.rglob("*.png"))]
    pictures = [picture for picture in pictures if min(picture.shape[:2]) >= SIZE]
    rng = np.random.default_rng(options.seed)

    def crop() -> Picture:
        picture = pictures[rng.integers(len(pictures))]
        top, left = (rng.integers(side - SIZE + 1) for side in picture.shape[:2])
        return np.ascontiguousarray(picture[top : top + SIZE, left : left + SIZE])

    table = {}
    for name, (honest, method) in METHODS.items():
        results = [measure([crop() for _ in range(options.images)], method, rng) for _ in range(options.sets)]
        told = [any("grows evenly" in text for text in suspicions(result)) for result in results]
        table[name] = {
            "honest": honest,
            "sets": len(told),
            "notices": sum(told),
            "diversity_mse": round(float(np.mean([r.summary["diversity_mse"] for r in results])), 1),
            "lr_psnr": round(float(np.mean([r.summary["lr_psnr"] for r in results])), 1),
        }
    print(json.dumps(table, indent=1))


if __name__ == "__main__":
    main()
