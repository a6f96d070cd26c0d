"""The pieces of obvious checks, and the places where raters can see that they differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from srspace_eval._utils.png import Pixels
from srspace_eval.errors import ImageError, StudyError
from srspace_eval.study.design import LARGE_CELLS, SMALL_CELLS, UNTOUCHED, Crop
from srspace_eval.study.entries import StudyEntries
from srspace_eval.study.options import StudyOptions
from srspace_eval.study.pictures import coarsened, read_squares
from srspace_eval.study.randomization import secret_generator, seeded
from srspace_eval.submissions.reading import open_picture

VISIBLE = 9
"""Difference of two pixels, of 255, that counts as visible in a check."""
VISIBLE_SHARE = 0.1
"""Share of a crop's pixels that must differ by this between two pieces of a check."""

_PLACES = 50
_MOST_METHODS = 9


def obvious_piece(square: Pixels, level: int, variant: int) -> Pixels:
    """A piece of an obvious check: the crop itself, or the crop in small or large cells."""
    size = len(square)
    cell = {UNTOUCHED: 1, SMALL_CELLS: max(2, size // 10), LARGE_CELLS: max(3, size // 3)}[level]
    return coarsened(square, cell, variant)


def obvious_squares(
    entries: StudyEntries, crop: Crop, corners: Sequence[tuple[int, int]], size: int, secret: bytes
) -> list[Pixels]:
    """Untouched squares for an obvious check: of the GT, or without a GT the pixels' medians over methods.

    One method's pictures may be as bad as a destroyed one. The median has the pixels of the majority. Of more than
    nine methods, the secret draws nine.

    Raises
    ------
    ImageError
        If the picture is damaged or too small.
    """
    if entries.gt is not None:
        name = entries.gt_files[crop.image]
        return read_squares(entries.gt.read(name), entries.gt.where(name), corners, size)
    drawn = secret_generator(secret, "obvious methods", crop.image).permutation(len(entries.entries))[:_MOST_METHODS]
    squares = []
    for source, name in ((entry.source, entry.files[crop.image]) for entry in (entries.entries[int(i)] for i in drawn)):
        with open_picture(source, name, size, size) as data:
            squares.append(read_squares(data, source.where(name), corners, size))
    return [np.rint(np.median(same, axis=0)).astype(np.uint8) for same in zip(*squares, strict=True)]


def is_visible(square: Pixels, levels: Sequence[int]) -> bool:
    """Whether an attentive rater sees the order of the pieces that a check makes of a crop."""
    pieces = [obvious_piece(square, level, 0).astype(np.int16) for level in levels]
    differences = [np.abs(one - other).max(axis=2) for one, other in pairwise(pieces)]
    return all(float((difference >= VISIBLE).mean()) >= VISIBLE_SHARE for difference in differences)


def visible_checks(
    entries: StudyEntries,
    crops: Sequence[Crop],
    obvious: Sequence[Crop],
    sizes: Mapping[str, tuple[int, int]],
    options: StudyOptions,
    secret: bytes,
) -> list[Crop]:
    """The crops of the obvious checks. A crop where nothing is to be seen is drawn again: sky, fog, a white wall.

    Parameters
    ----------
    crops, obvious, sizes
        The crops of the study and those of its checks, and image -> (height, width).

    Raises
    ------
    StudyError
        If no image has a place for a check, or pictures cannot be used.
    """
    pairs_of_levels = options.task == "rate" or len(entries.entries) == 2
    levels = (UNTOUCHED, LARGE_CELLS) if pairs_of_levels else (UNTOUCHED, SMALL_CELLS, LARGE_CELLS)
    found: list[Crop] = []
    for number, crop in enumerate(obvious):
        others = [*crops, *found, *obvious[number + 1 :]]
        try:
            place = next(_visible_places(entries, crop, others, sizes, options, secret, levels), None)
        except ImageError as error:
            raise StudyError("pictures cannot be used", [str(error)]) from error
        if place is None:
            raise StudyError(
                f"--obvious is {options.obvious}: the images have no place for check {number + 1} where raters could "
                "see the difference of its pieces; give images with more texture, larger crops (--size), or "
                "fewer checks"
            )
        found.append(place)
    return found


def _visible_places(
    entries: StudyEntries,
    crop: Crop,
    others: Sequence[Crop],
    sizes: Mapping[str, tuple[int, int]],
    options: StudyOptions,
    secret: bytes,
    levels: Sequence[int],
) -> Iterator[Crop]:
    """First the crop itself, then other places of its image, then those of the other images."""
    [square] = obvious_squares(entries, crop, [(crop.x, crop.y)], options.size, secret)
    if is_visible(square, levels):
        yield crop
    rng = seeded(options.fixed_seed, "visible", crop.image, str(crop.number))
    names = list(sizes)
    rest = [names[int(i)] for i in rng.permutation(len(names)) if names[int(i)] != crop.image]
    for image in [crop.image, *rest]:
        taken = [(other.x, other.y) for other in others if other.image == image]
        corners = _free_corners(rng, sizes[image], taken, options.size, entries.track.scale)
        # Numbers name the crops of an image.
        number = max((other.number for other in others if other.image == image), default=-1) + 1
        new = replace(crop, image=image, number=crop.number if image == crop.image else number)
        if not corners:
            continue
        for (x, y), square in zip(corners, obvious_squares(entries, new, corners, options.size, secret), strict=True):
            if is_visible(square, levels):
                yield replace(new, x=x, y=y)


def _free_corners(
    rng: np.random.Generator, extent: tuple[int, int], taken: Sequence[tuple[int, int]], size: int, step: int
) -> list[tuple[int, int]]:
    """Corners of drawn squares that overlap none of those that are taken."""
    rows, columns = ((side - size) // step + 1 for side in extent)
    drawn = [(int(rng.integers(columns)) * step, int(rng.integers(rows)) * step) for _ in range(_PLACES)]
    return [(x, y) for x, y in drawn if all(abs(x - left) >= size or abs(y - top) >= size for left, top in taken)]
