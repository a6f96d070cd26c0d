"""Pictures, figures and tables for the pages with cells."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown

import srspace_eval as se
from srspace_eval.demo.pictures import SCALE, picture

plt.rcParams.update({"figure.dpi": 110, "font.size": 9, "savefig.facecolor": "white"})


def make_pictures(height: int = 96, width: int = 128, count: int = 10, seed: int = 0) -> tuple[Any, ...]:
    """GT, LR, the bicubic picture, textured samples that agree with the LR, noisy samples: all uint8."""
    gt = picture(height, width, seed)
    lr = se.imresize(gt, scale=1 / SCALE)
    base = se.imresize(lr / 255.0, scale=SCALE)
    contrast = np.abs(np.gradient(base, axis=0)) + np.abs(np.gradient(base, axis=1))
    samples, noise = [], []
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        sample = base + 1.2 * contrast * rng.standard_normal(base.shape)
        for _ in range(4):
            sample = np.clip(sample, 0, 1)
            sample = sample + se.imresize(lr / 255.0 - se.imresize(sample, scale=1 / SCALE), scale=SCALE)
        samples.append(sample)
        noise.append(base + 0.03 * rng.standard_normal(base.shape))
    return gt, lr, _to_8bit(base), _to_8bit(np.stack(samples)), _to_8bit(np.stack(noise))


def _to_8bit(values: Any) -> Any:
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)


def untrained_flow() -> se.Flow:
    """A small SRFlow network ×4 with random weights: trained ones are not part of this repository."""
    sys.path.append(str(Path(__file__).parents[2]))  # last, so that the installed package stays the one in use
    from benchmarks.inputs.weights import write_small_checkpoint

    with tempfile.TemporaryDirectory() as folder:
        model = se.load_model(write_small_checkpoint(Path(folder, "srflow.pth"), "srflow"), "cpu")
    assert isinstance(model, se.Flow)
    return model


def error_maps(samples: Any, gt: Any) -> Any:
    """Squared error, mean over RGB and over a box of 16×16 pixels: the distance maps of S_M (MSE)."""
    squared = ((samples.astype(np.float64) - gt) ** 2).mean(axis=-1)
    padded = np.pad(squared, ((0, 0), (15, 15), (15, 15)))
    return np.lib.stride_tricks.sliding_window_view(padded, (16, 16), axis=(1, 2)).mean(axis=(-1, -2))


def show(pictures: Mapping[str, Any], cmap: str = "magma", columns: int = 5, **settings: Any) -> None:
    """Pictures beside each other, with their names; an array with one value a pixel gets a colour map."""
    rows = -(-len(pictures) // columns)
    columns = min(columns, len(pictures))
    _, axes = plt.subplots(rows, columns, figsize=(2.0 * columns, 1.75 * rows), squeeze=False, layout="constrained")
    for axis in axes.flat:
        axis.axis("off")
    for axis, (name, image) in zip(axes.flat, pictures.items(), strict=False):
        axis.imshow(image, cmap=cmap, interpolation="nearest", **settings)
        axis.set_title(name)
    plt.show()


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> Markdown:
    """A table; all columns but the first are aligned to the right."""
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return Markdown("\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines))
