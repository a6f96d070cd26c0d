"""Building a study: the folder for the raters, and the key that stays with the organiser."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import numpy as np

from srspace_eval._utils.hashing import sha256
from srspace_eval._utils.png import Pixels, decode_png
from srspace_eval._utils.png_structure import inspect_png
from srspace_eval._version import __version__
from srspace_eval.errors import ImageError, StudyError
from srspace_eval.study.crops import coarsened, read_squares, shrunk, stored_png
from srspace_eval.study.design import Crop, Task
from srspace_eval.study.entries import Field
from srspace_eval.study.key import Key
from srspace_eval.study.page import Reference, page_data, page_files, study_digest
from srspace_eval.study.tasks import Options, choose_images, make_lists, make_tasks, place_crops

# All files carry this time: 2000-01-01. When a file was written would tell in which order methods were read.
_TIME = 946_684_800


def build_study(
    field: Field,
    out: Path,
    key_path: Path,
    options: Options,
    *,
    secret: bytes,
    workers: int = 2,
    advance: Callable[[int], None] = lambda n: None,
) -> Key:
    """Write a study's folder and its key; either both are there afterwards, or neither.

    Parameters
    ----------
    field:
        Who takes part: :func:`srspace_eval.study.entries.gather`.
    out, key_path:
        The raters' folder (must not hold anything yet) and the key's file (must not exist, nor lie in the folder).
    secret:
        What names, positions and tokens follow from; the same secret gives the same bytes.
    workers:
        Threads that decode pictures.
    advance:
        Called with the number of pictures read, out of ``images × (methods + 1)``.

    Raises
    ------
    StudyError
        If the choices do not fit the images, or the places are taken.
    ImageError
        If a picture is not an 8-bit RGB PNG, damaged or too small.
    """
    options.check(field.track.scale)
    check_places(out, key_path)
    images = choose_images(list(field.gt_files), options)
    sizes = _gt_sizes(field, images)
    crops, obvious = place_crops(sizes, field.track.scale, options)
    names = [entry.name for entry in field.entries]
    tasks = make_tasks(crops, obvious, names, secret)
    repeats, raters = make_lists(tasks, len(names), secret, options)
    try:
        work = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    except OSError as error:
        raise StudyError(
            f"{out}: the study cannot be written ({error.strerror or error}); choose another --out"
        ) from error
    try:
        with tempfile.TemporaryDirectory(prefix="srspace-eval-study-") as scratch:
            items, references = _read_pictures(field, tasks, sizes, options, Path(scratch), workers, advance)
            folder = work / "images"
            folder.mkdir()
            digests = {}
            # In the order of the random ids: on many systems a folder remembers in which order it was filled.
            for name in sorted([*items, *references]):
                png = stored_png(items[name] if name in items else references[name].pixels)
                digests[name] = sha256(png)
                (folder / f"{name}.png").write_bytes(png)
            del items
        all_tasks = [*tasks, *repeats]
        data = page_data(all_tasks, raters, references, options, len(names))
        study = study_digest(data, digests)
        for name, text in page_files(study, data, options.title).items():
            target = work / name
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(text.encode("utf-8"))
        settings = {
            "created_with": f"srspace-eval {__version__}",
            "track": field.track.name,
            "scale": field.track.scale,
            "lr": "downscaled from the GT for the eye" if field.lr is None else "given",
            **asdict(options),
            "shown": {entry.name: {image: entry.files[image] for image in images} for entry in field.entries},
        }
        key = Key(
            study=study,
            secret=secret.hex(),
            title=options.title,
            ties=options.ties,
            entries=tuple(names),
            tasks={task.id: task for task in all_tasks},
            raters={rater.id: rater for rater in raters},
            settings=settings,
        )
        _settle_times(work)
        key.write(key_path)
        try:
            _put_in_place(work, out)
        except BaseException:
            key_path.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StudyError(f"{out}: the study cannot be written ({error.strerror or error})") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return key


def check_places(out: Path, key_path: Path) -> None:
    """Raise StudyError if the folder or the key's file is taken, or the key would lie in the raters' folder."""
    problems = []
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        problems.append(f"{out}: is there already and not empty; choose another --out, or move it away")
    if key_path.exists():
        problems.append(f"{key_path}: there is a key already; move it away, or name another with --key")
    if key_path.resolve().is_relative_to(out.resolve()):
        problems.append(f"{key_path}: the key must not lie in the folder that raters get; name another with --key")
    for folder in {out.absolute().parent, key_path.absolute().parent}:
        if not folder.is_dir():
            problems.append(f"{folder}: there is no such folder; make it first")
    if problems:
        raise StudyError("the study has no place", problems)


def _gt_sizes(field: Field, images: Sequence[str]) -> dict[str, tuple[int, int]]:
    sizes, problems = {}, []
    for image in images:
        name = field.gt_files[image]
        try:
            info = inspect_png(field.gt.read(name), field.gt.where(name))
        except ImageError as error:
            problems.append(str(error))
            continue
        crop = field.track.crop
        sizes[image] = (info.height // crop * crop, info.width // crop * crop)
    if problems:
        raise StudyError("the GT cannot be used", problems)
    return sizes


def _read_pictures(
    field: Field,
    tasks: Sequence[Task],
    sizes: dict[str, tuple[int, int]],
    options: Options,
    scratch: Path,
    workers: int,
    advance: Callable[[int], None],
) -> tuple[dict[str, Pixels], dict[str, Reference]]:
    """Every crop and every LR, each file read once; crops wait in a file on disk, not in memory."""
    size = options.size
    ids = sorted(item for task in tasks for item in task.items)
    store = np.memmap(scratch / "crops", dtype=np.uint8, mode="w+", shape=(len(ids), size, size, 3))
    row = {item: i for i, item in enumerate(ids)}
    by_image: dict[str, list[Task]] = defaultdict(list)
    for task in tasks:
        by_image[task.crop.image].append(task)
    references: dict[str, Reference] = {}

    def read_method(image: str, index: int) -> None:
        entry = field.entries[index]
        ranked = [task for task in by_image[image] if task.kind == "rank"]
        name = entry.files[image]
        where = entry.source.where(name)
        corners = [(task.crop.x, task.crop.y) for task in ranked]
        for task, square in zip(ranked, read_squares(entry.source.read(name), where, corners, size), strict=True):
            store[row[task.items[task.holds.index(index)]]] = square

    def read_gt(image: str) -> None:
        name = field.gt_files[image]
        height, width = sizes[image]
        pixels = decode_png(field.gt.read(name), field.gt.where(name))[:height, :width]
        lr = _low_resolution(field, image, pixels)
        for task in by_image[image]:
            references[task.reference] = _reference(lr, task.crop, field.track.scale, options)
            if task.kind == "obvious":
                x, y = task.crop.x, task.crop.y
                square = pixels[y : y + size, x : x + size]
                for level, cell in enumerate((1, max(2, size // 10), max(3, size // 3))):
                    store[row[task.items[task.holds.index(level)]]] = coarsened(square, cell)

    problems: list[str] = []
    with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
        jobs = [pool.submit(read_gt, image) for image in by_image]
        jobs += [pool.submit(read_method, image, i) for image in by_image for i in range(len(field.entries))]
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
    return {item: store[i] for item, i in row.items()}, references


def _low_resolution(field: Field, image: str, gt: Pixels) -> Pixels:
    scale = field.track.scale
    if field.lr is None:
        return shrunk(gt, scale)
    name = field.lr_files[image]
    where = field.lr.where(name)
    lr = decode_png(field.lr.read(name), where)
    height, width = gt.shape[0] // scale, gt.shape[1] // scale
    if lr.shape[0] < height or lr.shape[1] < width:
        raise ImageError(
            f"{where}: {lr.shape[1]}×{lr.shape[0]} pixels, smaller than the {width}×{height} of an LR of its GT"
        )
    return lr[:height, :width]


def _reference(lr: Pixels, crop: Crop, scale: int, options: Options) -> Reference:
    """The LR around a crop: centred on it as far as the image reaches."""
    side = options.size // scale
    wanted = (options.context or 6 * options.size) // scale
    x, y = crop.x // scale, crop.y // scale
    left, top = (
        min(max(0, corner - (wanted - side) // 2), max(0, extent - wanted))
        for corner, extent in ((x, lr.shape[1]), (y, lr.shape[0]))
    )
    return Reference(lr[top : top + wanted, left : left + wanted], x - left, y - top, side)


def _settle_times(folder: Path) -> None:
    for path in [*folder.rglob("*"), folder]:
        os.utime(path, (_TIME, _TIME))


def _put_in_place(work: Path, out: Path) -> None:
    work.chmod(0o755)
    if out.exists():
        out.rmdir()
    work.rename(out)
