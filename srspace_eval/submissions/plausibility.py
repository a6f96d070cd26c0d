"""Whether samples look like their GT: one sample of each image is compared with it at a low resolution.

The comparison recognises mistakes that no check of names and sizes can find: images in another order, exchanged colour
channels, a shift, another scale. Every finding says "seems": it is a warning, and nothing is changed by it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from srspace_eval._utils.png import cropped_copy, decode_png
from srspace_eval.errors import ImageError
from srspace_eval.submissions.reading import open_picture
from srspace_eval.submissions.sources import Source

GRID = 24
"""Side of the thumbnails by which pictures are recognised."""

REACH = 2
"""Largest shift that is searched, in pixels."""

CENTRE = 512
"""Side of the central crop in which scales and shifts are compared."""

_SEARCHED = 200  # each of so many strange samples is compared with all GTs
_ALIKE, _UNLIKE = 0.9, 0.6
"""Correlations of thumbnails of the same picture, and of different ones."""

_SAME_LACK = 0.6
"""Correlation from which on two errors are of the same missing details."""

_NAMED = 3

Pixels = NDArray[np.uint8]
Plane = NDArray[np.float64]


@dataclass(frozen=True)
class Look:
    """What is kept of one image.

    Attributes
    ----------
    gt, sample
        Thumbnails, float64 (GRID, GRID, 3), of the GT and of one sample.
    psnr, simple
        PSNR in dB between the GT and the sample, both downscaled by the scale; and the same of the GT downscaled and
        enlarged again, which simple samples reach. NaN if the picture is too small.
    lacks
        Correlation, -1..1, between the downscaled sample's error and that of a picture that knows only the LR of twice
        the scale. A sample of twice the scale lacks the same details.
    shifts
        (rows, columns) -> ``psnr`` of the sample moved by as much.
    """

    gt: Plane
    sample: Plane
    psnr: float = math.nan
    simple: float = math.nan
    lacks: float = 0.0
    shifts: Mapping[tuple[int, int], float] = field(default_factory=dict)


def look(gt: Pixels, sample: Pixels, scale: int) -> Look:
    """Compare one sample with its GT.

    Parameters
    ----------
    gt, sample
        uint8 (H, W, 3), of one size.
    scale
        The track's scale.
    """
    thumbnails = _thumbnail(gt), _thumbnail(sample)
    inner = [min(side - 2 * REACH, CENTRE) // (2 * scale) * 2 * scale for side in gt.shape[:2]]
    if scale < 2 or min(inner) < 8 * scale:
        return Look(*thumbnails)
    top, left = ((side - length) // 2 for side, length in zip(gt.shape[:2], inner, strict=True))

    def centre(pixels: Pixels, rows: int = 0, columns: int = 0) -> Pixels:
        return pixels[top + rows : top + rows + inner[0], left + columns : left + columns + inner[1]]

    true, ours = centre(gt), centre(sample)
    lr = _resized(true, scale)
    simple, coarse = (_resized(_enlarged(_resized(true, n * scale), inner), scale) for n in (1, 2))
    reach = range(-REACH, REACH + 1)
    shifts = {(r, c): _psnr(_resized(centre(sample, r, c), scale), lr) for r in reach for c in reach}
    errors = [small.astype(np.float64) - lr for small in (_resized(ours, scale), coarse)]
    return Look(*thumbnails, shifts[0, 0], _psnr(simple, lr), _correlation(errors[0], errors[1], 0.0), shifts)


def findings(looks: Mapping[str, Look], scale: int) -> list[str]:
    """What the samples of a submission seem to be, if they do not look like their GT.

    Parameters
    ----------
    looks
        Image -> the comparison of one of its samples.
    scale
        The track's scale.

    Returns
    -------
    list[str]
        One sentence for each finding; none if the samples are plausible.
    """
    if not looks:
        return []
    # The first finding explains what the later ones would find.
    searches = (_exchanged(looks), _permuted(looks), _shifted(looks), _other_scale(looks, scale))
    return next((found for search in searches if (found := list(search))), [])


def look_at_all(
    files: Mapping[str, tuple[str, str, tuple[int, int]]], submission: Source, gt: Source, scale: int, workers: int
) -> dict[str, Look]:
    """Compare one sample of each image with its GT. Unreadable files are left out; the inspection reports them.

    Parameters
    ----------
    files
        Image -> GT's file, sample's file, (height, width) of the crop.
    """

    def one(names: tuple[str, str, tuple[int, int]]) -> Look | None:
        gt_file, sample_file, (height, width) = names
        try:
            large = decode_png(gt.read(gt_file), gt.where(gt_file))[:height, :width]
            with open_picture(submission, sample_file, height, width) as data:
                sample = cropped_copy(decode_png(data, submission.where(sample_file)), height, width)
        except ImageError:
            return None
        return look(large, sample, scale) if large.shape == sample.shape and large.size else None

    with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
        found = zip(files, pool.map(one, files.values()), strict=True)
        return {image: seen for image, seen in found if seen is not None}


def size_ratio(sample: tuple[int, int], gt: tuple[int, int], scale: int) -> str:
    """What a sample of another size than its GT seems to be; empty if nothing is known.

    >>> size_ratio((64, 96), (256, 384), 4)
    '; it has the size of the LR'
    >>> size_ratio((128, 192), (256, 384), 8)
    '; it has the size of a sample of scale ×4'
    """
    for ratio in (2, 4, 8, 16):
        if all(abs(small * ratio - large) < 2 * ratio for small, large in zip(sample, gt, strict=True)):
            if ratio == scale:
                return "; it has the size of the LR"
            return f"; it has the size of a sample of scale ×{scale // ratio}" if ratio < scale else ""
        if all(abs(small - large * ratio) < 2 * ratio for small, large in zip(sample, gt, strict=True)):
            return f"; it has the size of a sample of scale ×{scale * ratio}"
    return ""


def _thumbnail(pixels: Pixels) -> Plane:
    small = Image.fromarray(pixels).resize((GRID, GRID), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float64)


def _resized(pixels: Pixels, divisor: int) -> Pixels:
    height, width = pixels.shape[:2]
    return np.asarray(Image.fromarray(pixels).resize((width // divisor, height // divisor), Image.Resampling.BICUBIC))


def _enlarged(pixels: Pixels, size: Sequence[int]) -> Pixels:
    return np.asarray(Image.fromarray(pixels).resize((size[1], size[0]), Image.Resampling.BICUBIC))


def _psnr(one: Pixels, other: Pixels) -> float:
    """At most 99: of equal pictures too."""
    error = float(np.mean((one.astype(np.float64) - other) ** 2))
    return min(99.0, 10 * math.log10(255**2 / error)) if error else 99.0


def _correlation(one: Plane, other: Plane, flat: float = 1.0) -> float:
    """The correlation of two arrays; ``flat`` if one of them is nearly constant."""
    a, b = one - one.mean(), other - other.mean()
    norm = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum()) / norm if norm > one.size / 8 else flat


def _permuted(looks: Mapping[str, Look]) -> Iterator[str]:
    """Samples that look like another image's GT, or like none."""
    own = {image: _correlation(seen.gt, seen.sample) for image, seen in looks.items()}
    strange = [image for image, value in own.items() if value < _UNLIKE]
    if 2 * len(strange) < len(looks):
        return
    like: dict[str, str] = {}
    searched = strange[:_SEARCHED]
    for image in searched:
        others = {other: _correlation(seen.gt, looks[image].sample) for other, seen in looks.items() if other != image}
        best = max(others, key=others.__getitem__, default="")
        if best and others[best] > _ALIKE:
            like[image] = best
    count = f"{len(strange)} of {len(looks)} images"
    if 2 * len(like) >= len(searched) and like:
        yield (
            f"the images seem to be in another order ({count}): "
            + _listed([f"the sample of {image} looks like the GT {other}" for image, other in like.items()])
        )
    else:
        yield (
            f"the samples do not look like their GT ({count}: {_listed(strange)}); they seem to belong to other images "
            "or another GT folder"
        )


def _exchanged(looks: Mapping[str, Look]) -> Iterator[str]:
    """Samples that fit their GT only with red and blue exchanged."""
    own = sum(float(((seen.gt - seen.sample) ** 2).mean()) for seen in looks.values())
    exchanged = sum(float(((seen.gt - seen.sample[..., ::-1]) ** 2).mean()) for seen in looks.values())
    if own > len(looks) and exchanged < own / 4:
        yield "red and blue seem to be exchanged: the samples fit their GT as BGR, not as RGB"


def _other_scale(looks: Mapping[str, Look], scale: int) -> Iterator[str]:
    """Samples that lack what the LR of twice the scale lacks."""
    known = [seen for seen in looks.values() if not math.isnan(seen.psnr)]
    like = [seen for seen in known if seen.lacks > _SAME_LACK and seen.psnr < seen.simple - 3]
    if known and 2 * len(like) > len(known):
        psnr, simple = (float(np.median([getattr(seen, name) for seen in like])) for name in ("psnr", "simple"))
        yield (
            f"the samples seem to be of scale ×{2 * scale}, not ×{scale}, or blurred ({len(like)} of {len(looks)} "
            f"images): they lack the details that the LR of scale ×{scale} has (downscaled, their PSNR to the GT is "
            f"{psnr:.1f} dB, that of the enlarged LR {simple:.1f} dB)"
        )


def _shifted(looks: Mapping[str, Look]) -> Iterator[str]:
    """Samples that agree with their GT better when they are moved, all by as much."""
    measured = [seen.shifts for seen in looks.values() if seen.shifts]
    if not measured:
        return
    best = [max(one, key=one.__getitem__) for one in measured]
    common = max(set(best), key=lambda shift: (best.count(shift), -abs(shift[0]) - abs(shift[1])))
    gain = float(np.median([one[common] - one[0, 0] for one in measured]))
    if common != (0, 0) and gain > 1.5 and 3 * best.count(common) > 2 * len(measured):
        directions = [
            f"{abs(length)} pixel{'s' if abs(length) > 1 else ''} {names[length > 0]}"
            for length, names in zip(common, (("up", "down"), ("to the left", "to the right")), strict=True)
            if length
        ]
        yield (
            f"the samples seem to be shifted by {' and '.join(directions)} ({best.count(common)} of {len(measured)} "
            f"images): moved back, they agree with the GT better by {gain:.1f} dB"
        )


def _listed(texts: Sequence[str]) -> str:
    return ", ".join(texts[:_NAMED]) + (f" and {len(texts) - _NAMED} more" if len(texts) > _NAMED else "")
