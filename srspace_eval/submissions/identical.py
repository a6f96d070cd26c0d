"""Pictures of one image that are identical: samples to each other, or to the GT."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from srspace_eval._utils.hashing import sha256
from srspace_eval._utils.png import decode_png
from srspace_eval.errors import ImageError
from srspace_eval.submissions.pairing import Pair
from srspace_eval.submissions.sources import Source


@dataclass(frozen=True)
class FileInfo:
    """An inspected PNG: its size in pixels, and the SHA-256 of its bytes."""

    height: int
    width: int
    sha256: str


@dataclass(frozen=True)
class Inspected:
    """A readable PNG.

    Attributes
    ----------
    info
        Its size and hash.
    pixels_sha256
        The hash of its pixels after the crop: of all if ``whole``, otherwise of the first rows.
    """

    info: FileInfo
    pixels_sha256: str
    whole: bool


def identical_pictures(
    p: Pair,
    gt_file: Inspected | None,
    good: list[tuple[str, Inspected]],
    submission: Source,
    gt: Source | None,
    size: tuple[int, int],
) -> list[tuple[str, str]]:
    """File and remark for each group of samples that are identical to each other, and for each that is its GT."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name, file in good:
        groups[file.pixels_sha256].append(name)
    whole = all(file.whole for _, file in good)
    found = []
    for top, names in groups.items():
        with_gt = gt_file is not None and top == gt_file.pixels_sha256
        if len(names) == 1 and not with_gt:
            continue
        # All pixels are compared only if the first rows are the same.
        pixels: dict[str, list[str]] = defaultdict(list)
        for name in names:
            pixels[top if whole else _pixel_digest(submission, name, size)].append(name)
        if with_gt and gt is not None and p.gt is not None:
            same = pixels.get(top if whole else _pixel_digest(gt, p.gt, size), [])
            found += [(name, f"identical to its GT {p.gt}") for name in same]
        found += [(same[0], f"identical to {', '.join(same[1:])}") for same in pixels.values() if len(same) > 1]
    return found


def _pixel_digest(source: Source, name: str, size: tuple[int, int]) -> str:
    try:
        return sha256(decode_png(source.read(name), source.where(name))[: size[0], : size[1]].tobytes())
    except ImageError:
        # A damaged file equals no other. It is reported when it is measured.
        return name
