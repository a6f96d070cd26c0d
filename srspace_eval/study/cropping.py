"""Crops and LR contexts of a study's images: each file of the methods and of the GT is read once."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from srspace_eval._utils.notices import notify
from srspace_eval._utils.png import Pixels, decode_png
from srspace_eval._utils.png_structure import inspect_png
from srspace_eval._utils.progress import Advance
from srspace_eval._utils.untrusted_text import visible
from srspace_eval.errors import ImageError, StudyError
from srspace_eval.study.design import Crop, Task
from srspace_eval.study.entries import StudyEntries
from srspace_eval.study.obvious import obvious_piece, obvious_squares
from srspace_eval.study.options import StudyOptions
from srspace_eval.study.pictures import read_squares, shrunk
from srspace_eval.submissions.reading import open_picture
from srspace_eval.submissions.sources import Source
from srspace_eval.tracks.model import Track

_ZEROS = 1 << 20  # bytes that are written at once


@dataclass(frozen=True)
class LrContext:
    """The LR around a crop, and the crop's left upper corner and side in it, in LR pixels."""

    pixels: Pixels
    x: int
    y: int
    side: int


def picture_sizes(entries: StudyEntries, images: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Image -> (height, width) of its GT, cropped as the track says. Without a GT: of the methods' pictures.

    Raises
    ------
    StudyError
        If files are not 8-bit RGB PNGs, or the methods' pictures of an image differ in size and there is no GT. It
        lists all of them.
    """
    sizes: dict[str, tuple[int, int]] = {}
    problems: list[str] = []
    crop = entries.track.crop

    def size(source: Source, name: str) -> tuple[int, int] | None:
        try:
            info = inspect_png(source.read(name), source.where(name))
        except ImageError as error:
            problems.append(str(error))
            return None
        return info.height // crop * crop, info.width // crop * crop

    for image in images:
        if entries.gt is not None:
            named = {"": size(entries.gt, entries.gt_files[image])}
        else:
            named = {entry.name: size(entry.source, entry.files[image]) for entry in entries.entries}
        found = {name: one for name, one in named.items() if one is not None}
        if len(set(found.values())) > 1:
            told = ", ".join(f"{visible(name)} {width}×{height}" for name, (height, width) in found.items())
            problems.append(f"{image}: the methods' pictures differ in size: {told}")
        elif found:
            sizes[image] = next(iter(found.values()))
    if problems:
        raise StudyError(f"{'the pictures' if entries.gt is None else 'the GT'} cannot be used", problems)
    return sizes


def read_pictures(
    entries: StudyEntries,
    tasks: Sequence[Task],
    sizes: dict[str, tuple[int, int]],
    options: StudyOptions,
    scratch: Path,
    workers: int,
    advance: Advance,
    secret: bytes,
) -> tuple[dict[str, Pixels], dict[str, LrContext]]:
    """Every crop and every LR context, by id. A GT crop that is shown as the reference is one of the crops.

    ``secret`` draws the methods of an obvious task without a GT.

    The crops lie in a memory-mapped file in the folder ``scratch``, because all crops of a large study may not fit in
    memory.

    Raises
    ------
    StudyError
        If pictures are damaged or too small. It lists all of them.

    Warns
    -----
    Notice
        For each method with pictures that are larger than the GT, and if LR images are larger than the scale explains.
    """
    size = options.size
    rating = options.task == "rate"
    references = {task.reference for task in tasks if rating and task.reference is not None}
    ids = sorted({*(item for task in tasks for item in task.items), *references})
    shape = len(ids), size, size, 3
    _reserve(scratch / "crops", math.prod(shape))
    store = np.memmap(scratch / "crops", dtype=np.uint8, mode="r+", shape=shape)
    row = {item: i for i, item in enumerate(ids)}
    by_image: dict[str, list[Task]] = defaultdict(list)
    for task in tasks:
        by_image[task.crop.image].append(task)
    contexts: dict[str, LrContext] = {}
    others: dict[str, list[str]] = defaultdict(list)
    larger: list[str] = []  # a text for each LR image that is too large

    def read_method(image: str, index: int) -> None:
        entry = entries.entries[index]
        shown = [task for task in by_image[image] if task.kind != "obvious" and index in task.holds]
        name = entry.files[image]
        where = entry.source.where(name)
        corners = [(task.crop.x, task.crop.y) for task in shown]
        with open_picture(entry.source, name, *sizes[image]) as data:
            if told := _other_size(data, where, sizes[image], entries.track):
                others[entry.name].append(told)
            for task, square in zip(shown, read_squares(data, where, corners, size), strict=True):
                store[row[task.items[task.holds.index(index)]]] = square

    def read_reference(image: str) -> None:
        height, width = sizes[image]
        gt: Pixels | None = None
        if entries.gt is not None:
            name = entries.gt_files[image]
            gt = decode_png(entries.gt.read(name), entries.gt.where(name))[:height, :width]
        lr = None if rating else _low_resolution(entries, image, gt, sizes[image], larger)
        for task in by_image[image]:
            if task.kind == "obvious":
                [square] = obvious_squares(entries, task.crop, [(task.crop.x, task.crop.y)], options.size, secret)
                for number, (item, level) in enumerate(zip(task.items, task.holds, strict=True)):
                    store[row[item]] = obvious_piece(square, level, task.holds[:number].count(level))
            if task.reference is not None and lr is not None:
                contexts[task.reference] = _context(lr, task.crop, entries.track.scale, options)
            elif task.reference is not None and gt is not None:
                store[row[task.reference]] = _square(gt, task.crop, size)

    problems: list[str] = []
    with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
        jobs = [pool.submit(read_reference, image) for image in by_image]
        jobs += [pool.submit(read_method, image, i) for image in by_image for i in range(len(entries.entries))]
        try:
            for job in jobs:
                try:
                    job.result()
                except ImageError as error:
                    problems.append(str(error))
                advance(1)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    if problems:
        raise StudyError("pictures cannot be used", problems)
    for method in sorted(others):
        told = sorted(others[method])
        notify(
            f"{visible(method)}: {len(told)} of its {len(by_image)} pictures are larger than the GT; the crops are "
            f"from their top left parts, and may show other places than those of other methods: {told[0]}"
        )
    if larger:
        notify(
            f"{len(larger)} of {len(by_image)} LR images are larger than the GT or the methods' pictures at scale "
            f"{entries.track.scale}; raters see their top left parts, which may show other places: {min(larger)}"
        )
    return {item: store[i] for item, i in row.items()}, contexts


def _reserve(path: Path, size: int) -> None:
    """Make a file of zeros whose bytes the disk has. Writing to a memory map on a full disk would end the process.

    Raises
    ------
    StudyError
        If the disk is full.
    """
    try:
        with path.open("wb") as file:
            for start in range(0, size, _ZEROS):
                file.write(bytes(min(_ZEROS, size - start)))
    except OSError as error:
        raise StudyError(
            f"{path.parent.parent}: the crops cannot be stored there for now ({error.strerror or error}); "
            f"they need {size / 1e6:.0f} MB. Free this space, or name another folder in the variable TMPDIR"
        ) from error


def _other_size(data: bytes, where: str, size: tuple[int, int], track: Track) -> str:
    """Compare a picture's size with that of its GT, both after the track's cropping.

    Returns
    -------
    str
        A text that says that the picture is larger. It is empty if both have the same size.

    Raises
    ------
    ImageError
        If the file is no PNG or smaller than its GT, or the track accepts no larger pictures.
    """
    info = inspect_png(data, where)
    cropped = info.height // track.crop * track.crop, info.width // track.crop * track.crop
    if cropped == size:
        return ""
    told = f"{where}: {info.width}×{info.height} pixels"
    if cropped[0] < size[0] or cropped[1] < size[1]:
        raise ImageError(f"{told}, smaller than its GT ({size[1]}×{size[0]})")
    told += f", but its GT has {size[1]}×{size[0]}"
    if track.mismatch == "error":
        raise ImageError(f'{told}; track {track.name} crops no larger samples (mismatch = "error")')
    return told


def _square(picture: Pixels, crop: Crop, size: int) -> Pixels:
    return picture[crop.y : crop.y + size, crop.x : crop.x + size]


def _low_resolution(
    entries: StudyEntries, image: str, gt: Pixels | None, size: tuple[int, int], larger: list[str]
) -> Pixels:
    """The LR that raters see. If it is larger than the track's cropping and rounding explain, ``larger`` names it."""
    scale = entries.track.scale
    if entries.lr is None:
        assert gt is not None  # StudyEntries without both are refused
        return shrunk(gt, scale)
    name = entries.lr_files[image]
    where = entries.lr.where(name)
    lr = decode_png(entries.lr.read(name), where)
    height, width = (side // scale for side in size)
    if lr.shape[0] < height or lr.shape[1] < width:
        raise ImageError(
            f"{where}: {lr.shape[1]}×{lr.shape[0]} pixels, smaller than the {width}×{height} of "
            f"the downscaled {'GT' if gt is not None else 'pictures'}"
        )
    most = [-(-(side + entries.track.crop - 1) // scale) for side in size]
    if lr.shape[0] > most[0] or lr.shape[1] > most[1]:
        larger.append(f"{where}: {lr.shape[1]}×{lr.shape[0]} pixels, not {width}×{height}")
    return lr[:height, :width]


def _context(lr: Pixels, crop: Crop, scale: int, options: StudyOptions) -> LrContext:
    """The LR around a crop: centred on the crop, but inside the image."""
    side = options.size // scale
    wanted = options.context_size // scale
    x, y = crop.x // scale, crop.y // scale
    left, top = (
        min(max(0, corner - (wanted - side) // 2), max(0, extent - wanted))
        for corner, extent in ((x, lr.shape[1]), (y, lr.shape[0]))
    )
    return LrContext(lr[top : top + wanted, left : left + wanted], x - left, y - top, side)
