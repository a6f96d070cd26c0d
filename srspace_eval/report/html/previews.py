"""The files of the viewer's pictures: exact PNGs of small pictures; of large ones a preview and an exact crop.

A site of 2K pictures with ten samples each would take gigabytes as PNGs. A preview is a smaller WebP of the whole
picture. The crop is a PNG of one region, the same of the GT, the LR and all samples of an image; the viewer shows it in
place of the preview where it is zoomed in.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, features

from srspace_eval._utils import png
from srspace_eval._utils.files import replacing
from srspace_eval.errors import RankingError
from srspace_eval.results.record import ImageRecord

EXACT_PIXELS = 512 * 512
"""Pictures of at most this many pixels are stored exactly, without a preview."""

PREVIEW_SIDE = 1280
"""The longer side of a preview, in pixels."""

CROP = 256
"""The side of the exact crop, in pixels."""

THUMBNAIL = 240
"""The longer side of a thumbnail, in pixels."""

QUALITY = 80

_PNG_BYTES = 2.6  # per pixel: a photograph's PNG
_PREVIEW_BYTES = 0.25  # per pixel of the preview

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Crop:
    """The region that is stored exactly: its upper left corner and its side, in GT pixels."""

    x: int
    y: int
    side: int


def exact_crop(gt: Pixels) -> Crop | None:
    """The region of a GT with the most detail; None if the whole picture is stored exactly.

    It depends on the GT alone, so that all teams show the same region.

    Parameters
    ----------
    gt
        uint8 (H, W, 3).
    """
    height, width = gt.shape[:2]
    if not needs_preview(height, width):
        return None
    side = min(CROP, height, width)
    grey = gt.astype(np.float32).mean(axis=2)
    detail = np.zeros((height + 1, width + 1))
    edges = np.zeros((height, width))
    edges[:-1, :-1] = np.abs(np.diff(grey, axis=0))[:, :-1] + np.abs(np.diff(grey, axis=1))[:-1]
    detail[1:, 1:] = edges.cumsum(axis=0).cumsum(axis=1)
    rows, columns = (np.arange(0, length - side + 1, 32) for length in (height, width))
    sums = (
        detail[np.ix_(rows + side, columns + side)] - detail[np.ix_(rows, columns + side)]
        - detail[np.ix_(rows + side, columns)] + detail[np.ix_(rows, columns)]
    )  # fmt: skip
    row, column = np.unravel_index(int(sums.argmax()), sums.shape)
    return Crop(int(columns[column]), int(rows[row]), side)


def needs_preview(height: int, width: int) -> bool:
    """Whether a picture is too large to be stored exactly."""
    return height * width > EXACT_PIXELS


def preview_suffix() -> str:
    """``".webp"``, or ``".jpg"`` where Pillow has no WebP."""
    return ".webp" if features.check("webp") else ".jpg"


def write_picture(folder: Path, name: str, pixels: Pixels, crop: Crop | None) -> tuple[str, str]:
    """Write a picture, unless its files exist.

    Parameters
    ----------
    folder, name
        Where, and the name without suffix; it may have folders. The exact crop lies below ``crops/``,
        so that it is never the file of another picture.
    crop
        The exact region; None: the whole picture is stored exactly.

    Returns
    -------
    tuple[str, str]
        The name of the file that shows the whole picture, and of the exact crop (empty if there is none).
    """
    if crop is None:
        _write_png(folder / f"{name}.png", pixels)
        return f"{name}.png", ""
    preview = f"{name}{preview_suffix()}"
    if not (folder / preview).exists():
        _write_small(folder / preview, pixels, PREVIEW_SIDE)
    inside = pixels[crop.y : crop.y + crop.side, crop.x : crop.x + crop.side]
    _write_png(folder / f"crops/{name}-crop.png", inside)
    return preview, f"crops/{name}-crop.png"


def write_thumbnail(path: Path, pixels: Pixels) -> None:
    """Write a small picture of a picture, unless it exists."""
    if not path.exists():
        _write_small(path, pixels, THUMBNAIL)


def estimated_bytes(images: Sequence[ImageRecord], teams: int) -> int:
    """About how many bytes the pictures of a viewer take: GT and LR of all images, and the samples of each team."""
    total = 0.0
    for image in images:
        pixels = image.height * image.width
        if needs_preview(image.height, image.width):
            shrunk = min(1.0, PREVIEW_SIDE / max(image.height, image.width)) ** 2
            one = pixels * shrunk * _PREVIEW_BYTES + CROP**2 * _PNG_BYTES
        else:
            one = pixels * _PNG_BYTES
        total += one * (1.1 + teams * len(image.samples))
    return int(total)


def require_room(images: Sequence[ImageRecord], teams: int, most: int) -> int:
    """The estimate of :func:`estimated_bytes`.

    Raises
    ------
    RankingError
        If it is more than ``most``. The message says how many images fit.
    """
    total = estimated_bytes(images, teams)
    if total > most:
        fitting = max((n for n in range(len(images)) if estimated_bytes(images[:n], teams) <= most), default=0)
        fewer = f"give --viewer-images {fitting}, or " if fitting else ""
        raise RankingError(
            f"the viewer's pictures would take about {size_text(total)} ({len(images)} images of {teams} submissions), "
            f"and at most {size_text(most)} may be written; {fewer}give a larger --viewer-size"
        )
    return total


def size_text(count: int) -> str:
    """A number of bytes as people read it.

    >>> size_text(133_000_000), size_text(2_100_000_000)
    ('133 MB', '2.1 GB')
    """
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{max(1, round(count / 1e6))} MB"


def _write_png(path: Path, pixels: Pixels) -> None:
    if not path.exists():  # another team's viewer may have this GT
        path.parent.mkdir(parents=True, exist_ok=True)
        png.write_png(path, np.ascontiguousarray(pixels))


def _write_small(path: Path, pixels: Pixels, side: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    small = Image.fromarray(pixels)
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    data = io.BytesIO()
    small.save(data, "WEBP" if path.suffix == ".webp" else "JPEG", quality=QUALITY)
    with replacing(path, sync=False) as file:
        file.write(data.getvalue())
