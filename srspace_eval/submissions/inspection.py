"""The inspection of all files before anything is measured: structure, sizes, hashes, identical pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from srspace_eval._utils.hashing import sha256
from srspace_eval._utils.png import decode_png, decode_top
from srspace_eval._utils.png_structure import inspect_png
from srspace_eval.errors import ImageError
from srspace_eval.submissions.identical import FileInfo, Inspected, identical_pictures
from srspace_eval.submissions.pairing import Pair, Pairing
from srspace_eval.submissions.plausibility import size_ratio
from srspace_eval.submissions.sources import Source, alone_if_large
from srspace_eval.tracks.model import Track

Item = TypeVar("Item")
Out = TypeVar("Out")


@dataclass(frozen=True)
class Inspection:
    """What the inspection of a pairing's files found.

    Attributes
    ----------
    gt, samples, lr
        File name -> the file's size and hash; unreadable files are absent.
    sizes
        Image -> the (height, width) at which it is measured: its GT's after the crop. Without a GT, the LR's times the
        scale, else the first sample's, each after the crop. Unreadable images are absent.
    faults
        Unreadable or wrong pictures, wrong sizes.
    warnings
        Samples identical to each other or to the GT. They can be measured, but are probably a mistake.
    notes
        The warnings as they are published: with names of files, and without the folders of this machine.
    notices
        Crops that scoring will make.
    """

    gt: Mapping[str, FileInfo]
    samples: Mapping[str, FileInfo]
    lr: Mapping[str, FileInfo]
    sizes: Mapping[str, tuple[int, int]]
    faults: tuple[str, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    notices: tuple[str, ...]


def cropped(size: int, crop: int) -> int:
    """The largest multiple of ``crop`` that is at most ``size``.

    >>> cropped(27, 8)
    24
    """
    return size // crop * crop


def inspect(
    pairing: Pairing,
    submission: Source,
    gt: Source | None,
    track: Track,
    *,
    lr: Source | None = None,
    whole: bool = False,
    workers: int = 2,
    advance: Callable[[int], None] = lambda n: None,
) -> Inspection:
    """Inspect every file of a pairing: structure, CRCs, sizes, hashes, identical pictures.

    Faults are collected, not raised.

    Parameters
    ----------
    pairing
        The files.
    submission, gt, lr
        Where they are read from.
    track
        The track, for its scale and crop.
    whole
        Decode every picture completely. If False, only the first rows are decoded. Damage further inside the
        compressed stream is then found when the picture is measured.
    workers
        Threads.
    advance
        Called with the number of files done.
    """

    def inspector(
        source: Source, size_of: Callable[[str, int, int], tuple[int, int]]
    ) -> Callable[[str], Inspected | str]:
        def inspect_file(name: str) -> Inspected | str:
            where = source.where(name)
            try:
                with alone_if_large(source.size(name)):
                    data = source.read(name)
                    info = inspect_png(data, where)
                    height, width = size_of(name, info.height, info.width)
                    with alone_if_large(3 * info.height * info.width if whole or info.interlaced else 0):
                        pixels = (decode_png(data, where) if whole else decode_top(data, where))[:height, :width]
                        digest = sha256(pixels.tobytes())
                        del pixels
                    return Inspected(FileInfo(info.height, info.width, sha256(data)), digest, whole)
            except ImageError as error:
                return str(error)
            finally:
                advance(1)

        return inspect_file

    def own_crop(name: str, height: int, width: int) -> tuple[int, int]:
        return cropped(height, track.crop), cropped(width, track.crop)

    def crop_of_image(name: str, height: int, width: int) -> tuple[int, int]:
        unknown = own_crop(name, height, width) if gt is None and lr is None else (height, width)
        return crops.get(name, unknown)

    def no_crop(name: str, height: int, width: int) -> tuple[int, int]:
        return height, width

    gt_names = [p.gt for p in pairing.pairs if p.gt is not None]
    gts = {} if gt is None else _in_threads(inspector(gt, own_crop), gt_names, workers)
    lr_names = [p.lr for p in pairing.pairs if p.lr is not None]
    lrs = {} if lr is None else _in_threads(inspector(lr, no_crop), lr_names, workers)
    sizes: dict[str, tuple[int, int]] = {}
    for p in pairing.pairs:
        if p.gt is not None and isinstance(found := gts[p.gt], Inspected):
            sizes[p.image] = own_crop(p.gt, found.info.height, found.info.width)
        elif p.gt is None and p.lr is not None and isinstance(found := lrs[p.lr], Inspected):
            sizes[p.image] = own_crop(p.lr, found.info.height * track.scale, found.info.width * track.scale)
    # Samples are cropped to their GT's size. Otherwise an uncropped copy of the GT would not be recognised.
    crops = {name: sizes[p.image] for p in pairing.pairs if p.image in sizes for name in p.samples}
    sample_names = [name for p in pairing.pairs for name in p.samples]
    samples = _in_threads(inspector(submission, crop_of_image), sample_names, workers)

    faults = [found for files in (gts, samples, lrs) for found in files.values() if isinstance(found, str)]
    same: list[tuple[str, str]] = []
    cropped_files: list[str] = []
    cropped_lrs: list[str] = []
    for p in pairing.pairs:
        good = [(name, file) for name in p.samples if isinstance(file := samples[name], Inspected)]
        if gt is None or p.gt is None:
            if p.lr is None and good:
                name, first = good[0]
                sizes[p.image] = own_crop(name, first.info.height, first.info.width)
            if p.image in sizes:
                lr_file = lrs.get(p.lr) if p.lr is not None else None
                faults += _faults_without_gt(p, sizes[p.image], good, lr_file, submission, track)
                same += identical_pictures(p, None, good, submission, None, sizes[p.image])
            continue
        gt_file = gts[p.gt]
        if isinstance(gt_file, str):
            continue
        height, width = sizes[p.image]
        if height == 0 or width == 0:
            faults.append(f"{gt.where(p.gt)}: smaller than the crop of {track.crop}×{track.crop} pixels")
            continue
        for name, file in good:
            size = f"{file.info.width}×{file.info.height}"
            if file.info.height < height or file.info.width < width:
                faults.append(
                    f"{submission.where(name)}: {size} pixels, smaller than its GT's {width}×{height} "
                    f"(cropped to a multiple of {track.crop}); pictures are never resized"
                    f"{size_ratio((file.info.height, file.info.width), (height, width), track.scale)}"
                )
            elif _is_upscaled(file.info, gt_file.info, track):
                faults.append(
                    f"{submission.where(name)}: {size} pixels, {track.scale} times the size of {gt.where(p.gt)}. "
                    f"That file seems to be an LR; give the GT folder"
                )
            elif track.mismatch == "error" and (file.info.height, file.info.width) not in (
                (height, width), (gt_file.info.height, gt_file.info.width),
            ):  # fmt: skip
                faults.append(
                    f"{submission.where(name)}: {size} pixels, but its GT has {gt_file.info.width}×"
                    f'{gt_file.info.height}; track {track.name} crops no larger samples (mismatch = "error")'
                )
            elif (file.info.height, file.info.width) != (height, width):
                cropped_files.append(f"{name} ({size} to {width}×{height})")
        if lr is not None and p.lr is not None and isinstance(lr_file := lrs[p.lr], Inspected):
            wanted = height // track.scale, width // track.scale
            size = f"{lr_file.info.width}×{lr_file.info.height}"
            if not _fits_lr(lr_file.info, wanted, gt_file.info, track.scale):
                faults.append(
                    f"{lr.where(p.lr)}: {size} pixels, but the LR of this GT has {wanted[1]}×{wanted[0]} at scale "
                    f"{track.scale}; give the LRs of these GTs"
                )
            elif (lr_file.info.height, lr_file.info.width) != wanted:
                cropped_lrs.append(f"{p.lr} ({size} to {wanted[1]}×{wanted[0]})")
        same += identical_pictures(p, gt_file, good, submission, gt, (height, width))
    notices = []
    if cropped_files:
        notices.append(
            f"{submission.path}: larger than the cropped GT; cropped as the challenge's program does, top left kept: "
            f"{_listed(cropped_files, 'sample')}"
        )
    if lr is not None and cropped_lrs:
        notices.append(
            f"{lr.path}: LRs of the uncropped GT; cropped, top left kept; near the cut they depend on pixels that "
            f"samples do not have, which lowers LR-PSNR: {_listed(cropped_lrs, 'LR')}"
        )
    return Inspection(
        _infos(gts),
        _infos(samples),
        _infos(lrs),
        sizes,
        tuple(faults),
        tuple(f"{submission.where(name)}: {remark}" for name, remark in same),
        tuple(f"{name}: {remark}" for name, remark in same),
        tuple(notices),
    )


def _faults_without_gt(
    p: Pair,
    size: tuple[int, int],
    good: list[tuple[str, Inspected]],
    lr: Inspected | str | None,
    submission: Source,
    track: Track,
) -> Iterator[str]:
    """Wrong sizes of an image's samples: all must have the LR's size times the scale, else the first sample's."""
    if isinstance(lr, Inspected):
        wanted = lr.info.height * track.scale, lr.info.width * track.scale
        reason = f"its LR {p.lr} of {lr.info.width}×{lr.info.height} pixels at scale {track.scale} requires"
    elif good:
        wanted, reason = (good[0][1].info.height, good[0][1].info.width), f"{good[0][0]} of the same image has"
    for name, file in good:
        if (file.info.height, file.info.width) != wanted:
            yield (
                f"{submission.where(name)}: {file.info.width}×{file.info.height} pixels, but {reason} "
                f"{wanted[1]}×{wanted[0]}; pictures are never resized"
            )
    if 0 in size and good:
        yield f"{submission.where(good[0][0])}: smaller than the crop of {track.crop}×{track.crop} pixels"


def _infos(files: Mapping[str, Inspected | str]) -> dict[str, FileInfo]:
    return {name: file.info for name, file in files.items() if isinstance(file, Inspected)}


def _listed(files: list[str], what: str) -> str:
    count = f"{len(files)} {what}{'s' if len(files) > 1 else ''}"
    return f"{count}: {', '.join(files[:3])}{' …' if len(files) > 3 else ''}"


def _fits_lr(lr: FileInfo, wanted: tuple[int, int], gt: FileInfo, scale: int) -> bool:
    """Whether an LR's size is between those of the cropped and the whole GT's LR. Others are of another scale."""
    return wanted[0] <= lr.height <= -(-gt.height // scale) and wanted[1] <= lr.width <= -(-gt.width // scale)


def _is_upscaled(sample: FileInfo, gt: FileInfo, track: Track) -> bool:
    """Whether a sample has the size that it would have if its GT were the LR, up to crops."""
    slack = track.crop + track.scale
    return track.scale > 1 and all(
        large > small + slack and abs(large - track.scale * small) < slack
        for large, small in ((sample.height, gt.height), (sample.width, gt.width))
    )


def _in_threads(function: Callable[[Item], Out], items: Iterable[Item], workers: int) -> dict[Item, Out]:
    items = list(items)
    with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
        try:
            return dict(zip(items, pool.map(function, items), strict=True))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
