"""Small submissions with their ground truth, as folders of PNGs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from srspace_eval._utils.png import write_png

from . import pngs


def small(folder: Path, images: int = 2, samples: int = 3, size: tuple[int, int] = (40, 48)) -> Path:
    """Write random pictures as ``gt/0801.png …`` and noisy copies as ``sub/000000_sample00000.png …``.

    Returns ``folder``.
    """
    (folder / "gt").mkdir(parents=True)
    (folder / "sub").mkdir()
    for i in range(images):
        gt = pngs.pixels(*size, seed=100 + i)
        write_png(folder / "gt" / f"{801 + i:04d}.png", gt)
        for s in range(samples):
            noise = np.random.default_rng([i, s]).integers(-9, 10, gt.shape)
            write_png(folder / "sub" / f"{i:06d}_sample{s:05d}.png", np.clip(gt + noise, 0, 255).astype(np.uint8))
    return folder
