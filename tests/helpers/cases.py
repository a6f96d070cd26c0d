"""The parity cases as files: pictures, samples and trunk weights that the expected numbers were computed on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.inputs import synth
from srspace_eval._utils.png import write_png

GOLDEN = Path(__file__).parents[1] / "golden"


def procedural(name: str) -> dict[str, Any]:
    """One case of ``measure_procedural.json``."""
    case: dict[str, Any] = json.loads((GOLDEN / "measure_procedural.json").read_text())[name]
    return case


def write_procedural(folder: Path, name: str) -> dict[str, Any]:
    """Write a case as ``gt/0801.png …`` and ``sub/000000_sample00000.png …``; returns the case."""
    case = procedural(name)
    (folder / "gt").mkdir(parents=True)
    (folder / "sub").mkdir()
    for index, image in enumerate(case["images"]):
        gt = synth.picture(image["height"], image["width"], image["picture_seed"])
        write_png(folder / "gt" / f"{801 + index:04d}.png", gt)
        samples = synth.sample_set(gt, case["scale"], case["samples"], image["sample_seed"])
        for number, sr in enumerate(samples):
            write_png(folder / "sub" / f"{index:06d}_sample{number:05d}.png", sr)
    return case
