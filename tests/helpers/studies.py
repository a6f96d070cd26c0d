"""A small study to test with: three methods and the GT, three images, crops of 16 pixels at scale 4."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.inputs.answers import answer_bytes as answer_bytes
from benchmarks.inputs.answers import answer_document as answer_document
from benchmarks.inputs.answers import rated as rated
from srspace_eval.study.create import build_study
from srspace_eval.study.entries import gather_entries, open_submissions
from srspace_eval.study.key import Key
from srspace_eval.study.options import StudyOptions
from srspace_eval.submissions.sources import open_source
from srspace_eval.tracks.model import Track
from srspace_eval.tracks.reader import load_track

SECRET = bytes(range(32))
Build = Callable[..., tuple[Path, Key]]
"""What the fixture ``build`` gives: settings -> the folder of a study and its key."""
METHODS = ("flow", "gan<b>", "blur")
HEIGHT, WIDTH = 96, 136


@dataclass(frozen=True)
class Material:
    """Folders of pictures."""

    root: Path

    @property
    def gt(self) -> Path:
        return self.root / "gt"

    def submission(self, name: str) -> Path:
        return self.root / "methods" / name


def make_material(root: Path) -> Material:
    """Make GT and submissions. Method i is the GT minus 20 (i + 1), so that the pixels of a crop tell its method."""
    rng = np.random.default_rng(3)
    (root / "gt").mkdir()
    for index in range(3):
        base = rng.integers(90, 256, size=(HEIGHT + 3, WIDTH + 5, 3), dtype=np.uint8)
        Image.fromarray(base).save(root / "gt" / f"{801 + index:04d}.png")
        for i, name in enumerate(METHODS):
            folder = root / "methods" / name
            folder.mkdir(parents=True, exist_ok=True)
            for sample in range(2):
                dark = base[:HEIGHT, :WIDTH] - np.uint8(20 * (i + 1))
                dark[..., 2] = sample
                Image.fromarray(dark).save(folder / f"{index:06d}_sample{sample:05d}.png", compress_level=i * 3)
    return Material(root)


def make_study(
    material: Material,
    place: Path,
    methods: tuple[str, ...] = METHODS,
    secret: bytes = SECRET,
    include_gt: bool = False,
    track: Track | None = None,
    **options: Any,
) -> tuple[Path, Key]:
    """Create ``place / "study"`` and ``place / "key.json"``."""
    settings = {"size": 16, "crops": 2, "raters": 2, "seed": 0, **options}
    entries = gather_entries(
        open_submissions([material.submission(name) for name in methods]),
        open_source(material.gt),
        seed=settings["seed"],
        track=track or load_track("x4"),
        include_gt=include_gt,
    )
    key = build_study(entries, place / "study", place / "key.json", StudyOptions(**settings), secret=secret)
    return place / "study", key
