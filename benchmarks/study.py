"""How long ``study create`` takes: 40 methods, 100 images, 3 crops an image.

    python benchmarks/study.py [--picture PHOTO.png ...] [--entries 40] [--images 100]

Without ``--picture``, pictures are noise with the spectrum of a photograph, 2040 × 1356 pixels. The files of the
methods are links to a few pictures, because most of the work is decoding. Prints JSON: seconds of the command's work
(wall time, and CPU time, which other programs disturb less), and the CPU time of decoding every picture whole,
extrapolated from a few pictures.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from srspace_eval._utils.png import read_rgb
from srspace_eval.study.create import create_study
from srspace_eval.study.options import StudyOptions

_PLAIN_READS = 12


def photograph(seed: int, height: int = 1356, width: int = 2040) -> np.ndarray:
    """Noise with the spectrum of a photograph. It compresses about as well."""
    rng = np.random.default_rng(seed)
    fy, fx = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    amplitude = 1 / np.maximum(np.hypot(fy, fx), 1 / height) ** 1.2
    luma = np.fft.irfft2(np.fft.rfft2(rng.normal(size=(height, width))) * amplitude, s=(height, width))
    grey = 128 + 45 * luma / luma.std()
    return np.clip(grey[..., None] + rng.normal(0, 2, size=(1, 1, 3)) * 6, 0, 255).astype(np.uint8)


def material(root: Path, pictures: list[Path], entries: int, images: int) -> None:
    """A GT folder and submissions. All files are links to a few pictures."""
    for folder in ("gt", *(f"m{i:02d}" for i in range(entries))):
        (root / folder).mkdir()
    for index in range(images):
        picture = pictures[index % len(pictures)]
        os.link(picture, root / "gt" / f"{801 + index:04d}.png")
        for i in range(entries):
            os.link(picture, root / f"m{i:02d}" / f"{index:06d}.png")


def main() -> None:
    parser = argparse.ArgumentParser(description="How long study create takes.")
    parser.add_argument("--picture", type=Path, action="append", default=[])
    parser.add_argument("--entries", type=int, default=40)
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--crops", type=int, default=3)
    parser.add_argument("--height", type=int, default=1356)
    parser.add_argument("--width", type=int, default=2040)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        originals = [np.asarray(Image.open(p).convert("RGB")) for p in options.picture]
        originals = originals or [photograph(i, options.height, options.width) for i in range(4)]
        pictures = [root / f"picture{i}.png" for i in range(len(originals))]
        for path, pixels in zip(pictures, originals, strict=True):
            Image.fromarray(pixels).save(path)
        material(root, pictures, options.entries, options.images)
        start, cpu = time.perf_counter(), time.process_time()
        create_study(
            [root / f"m{i:02d}" for i in range(options.entries)],
            root / "gt",
            root / "study",
            track="x8",
            options=StudyOptions(crops=options.crops),
            secret=bytes(32),
            workers=options.workers,
        )
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        start = time.process_time()
        for i in range(_PLAIN_READS):
            read_rgb(pictures[i % len(pictures)])
        plain = (time.process_time() - start) / _PLAIN_READS * options.entries * options.images
        report = {
            "entries": options.entries,
            "images": options.images,
            "crops": options.crops,
            "picture_bytes": [path.stat().st_size for path in pictures],
            "picture_size": [list(pixels.shape[:2]) for pixels in originals],
            "workers": options.workers,
            "seconds": round(seconds, 1),
            "cpu_seconds": round(cpu, 1),
            "plain_reading_cpu_seconds": round(plain, 1),
            "folder_bytes": sum(p.stat().st_size for p in (root / "study").rglob("*") if p.is_file()),
        }
    sys.stdout.write(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
