"""Built-in pictures and three methods' sample sets, small enough to run the whole pipeline in a minute."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from srspace_eval._utils.files import write_atomic
from srspace_eval._utils.png import Pixels, write_png
from srspace_eval.errors import TrackError
from srspace_eval.metrics.resize import imresize
from srspace_eval.tracks.reader import load_track

Floats = npt.NDArray[np.float64]

NAME = "demo"
SCALE = 4
SAMPLES = 10
HEIGHT, WIDTH = 192, 256

METHODS = {
    "Bicubic": "deterministic: one sample per image",
    "Consistent texture": "stochastic: texture where the picture has detail, projected back onto the LR",
    "Plain noise": "stochastic: white noise everywhere, not consistent with the LR",
}

TRACK = """\
name = "{name}"
title = "Demo on built-in pictures, ×{scale}"
scale = {scale}
samples = {samples}
first = 1
gt_names = ["{{number:04d}}.png"]
sample_names = ["{{index:06d}}_sample{{sample:05d}}.png", "{{index:06d}}.png"]
metrics = [{metrics}]

[ranking]
criteria = [{{ metric = "lr_psnr", plateau = 45.0 }}, {{ metric = "{diversity}" }}]
final = ["lr_psnr", "{diversity}"]  # no human study here: consistency and diversity alone
show = [{show}]
"""


def is_demo(folder: Path) -> bool:
    """Whether :func:`write_demo` made the folder, as its track file shows."""
    try:
        return load_track(folder / "track.toml").name == NAME
    except TrackError:
        return False


def linked_folders(folder: Path) -> list[Path]:
    """The folders of a demo that are symbolic links. A file written there would be written outside the demo."""
    names = ("gt", "lr", "submissions", *(f"submissions/{name}" for name in METHODS), "leaderboards", "site")
    return [folder / name for name in (*names, f"leaderboards/{NAME}") if (folder / name).is_symlink()]


def write_demo(folder: Path, *, images: int = 4, with_lpips: bool) -> Path:
    """Write GT, LR, three submissions and a track file.

    Parameters
    ----------
    folder
        Gets ``gt/``, ``lr/``, ``submissions/METHOD/`` and ``track.toml``.
    images
        Number of pictures.
    with_lpips
        Whether the track asks for the metrics that need a trunk's weights.

    Returns
    -------
    Path
        The track file.

    Raises
    ------
    OSError, ImageError
        If a file cannot be written.
    """
    for sub in ("gt", "lr", *(f"submissions/{name}" for name in METHODS)):
        (folder / sub).mkdir(parents=True, exist_ok=True)
    for index in range(images):
        gt = picture(HEIGHT, WIDTH, seed=index)
        lr = imresize(gt, scale=1 / SCALE)
        write_png(folder / "gt" / f"{index + 1:04d}.png", gt)
        write_png(folder / "lr" / f"{index + 1:04d}.png", lr)
        base = imresize(lr / 255.0, scale=SCALE)
        write_png(folder / "submissions" / "Bicubic" / f"{index:06d}.png", _to_8bit(base))
        for sample in range(SAMPLES):
            name = f"{index:06d}_sample{sample:05d}.png"
            rng = np.random.default_rng([index, sample])
            write_png(folder / "submissions" / "Consistent texture" / name, _to_8bit(_texture(base, lr / 255.0, rng)))
            noisy = base + 0.03 * rng.standard_normal(base.shape)
            write_png(folder / "submissions" / "Plain noise" / name, _to_8bit(noisy))
    diversity = "diversity" if with_lpips else "diversity_mse"
    metrics = (["lpips"] if with_lpips else []) + ["lr_psnr", diversity, "psnr", "ssim"]
    shown = (["lpips"] if with_lpips else []) + ["psnr", "ssim"]
    track = folder / "track.toml"
    write_atomic(
        track,
        TRACK.format(
            name=NAME,
            scale=SCALE,
            samples=SAMPLES,
            diversity=diversity,
            metrics=", ".join(f'"{m}"' for m in metrics),
            show=", ".join(f'"{m}"' for m in shown),
        ),
    )
    return track


def picture(height: int, width: int, seed: int) -> Pixels:
    """A picture of overlapping textured discs (the "dead leaves" model).

    Its edges and textures resemble those of photographs.

    Returns
    -------
    Pixels
        uint8 (height, width, 3), the same for the same seed.

    Examples
    --------
    >>> picture(4, 6, seed=0).shape
    (4, 6, 3)
    """
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    image = np.full((height, width, 3), rng.uniform(0.2, 0.8, 3))
    for _ in range(220):
        # Radii follow a power law, as sizes in natural pictures do.
        radius = 3.0 / (1 - rng.uniform(0, 0.93)) ** 0.9
        cy, cx = rng.uniform(0, height), rng.uniform(0, width)
        inside = (y - cy) ** 2 + (x - cx) ** 2 < radius**2
        angle, period = rng.uniform(0, np.pi), rng.uniform(2.5, 14)
        grain = np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period) * rng.uniform(0, 0.12)
        grain += rng.standard_normal((height, width)) * rng.uniform(0, 0.04)
        image = np.where(inside[..., None], rng.uniform(0.05, 0.95, 3) + grain[..., None], image)
    return _to_8bit(image)


def _texture(base: Floats, lr: Floats, rng: np.random.Generator) -> Floats:
    """Noise proportional to the local contrast, then back-projection: the downscaled sample equals the LR."""
    contrast = np.abs(np.gradient(base, axis=0)) + np.abs(np.gradient(base, axis=1))
    sample = base + 1.2 * contrast * rng.standard_normal(base.shape)
    for _ in range(4):
        sample = np.clip(sample, 0, 1)
        sample = sample + imresize(lr - imresize(sample, scale=1 / SCALE), scale=SCALE)
    return sample


def _to_8bit(image: Floats) -> Pixels:
    return np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
