"""Every file of a submission looked at before anything is measured: structure, sizes, digests, identical pictures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from srspace_eval._utils.hashing import sha256
from srspace_eval._utils.png import decode_png, decode_top
from srspace_eval._utils.png_structure import inspect_png
from srspace_eval.errors import ImageError
from srspace_eval.submissions.pairing import Pair, Pairing
from srspace_eval.submissions.sources import Source
from srspace_eval.tracks.model import Track

Item = TypeVar("Item")
Out = TypeVar("Out")


@dataclass(frozen=True)
class FileInfo:
    """A PNG that has been looked at: its size, and the SHA-256 of its bytes."""

    height: int
    width: int
    sha256: str


@dataclass(frozen=True)
class Inspection:
    """The files of a pairing, looked at.

    Attributes
    ----------
    gt, samples, lr:
        File name -> what it is; a file with a fault is absent.
    faults:
        Unreadable or wrong pictures, wrong sizes.
    warnings:
        Samples identical to each other or to the GT: measurable, but hardly meant.
    notices:
        Crops that will be made.
    """

    gt: Mapping[str, FileInfo]
    samples: Mapping[str, FileInfo]
    lr: Mapping[str, FileInfo]
    faults: tuple[str, ...]
    warnings: tuple[str, ...]
    notices: tuple[str, ...]


def cropped(size: int, crop: int) -> int:
    """The largest multiple of ``crop`` that is not above ``size``."""
    return size // crop * crop


@dataclass(frozen=True)
class _Look:
    info: FileInfo
    top: str  # digest of the first rows' pixels, or of all where the file was decoded whole, after the crop
    whole: bool


def inspect(
    pairing: Pairing,
    source: Source,
    gt: Source,
    track: Track,
    *,
    lr: Source | None = None,
    whole: bool = False,
    workers: int = 2,
    advance: Callable[[int], None] = lambda n: None,
) -> Inspection:
    """Look at every file of a pairing: structure, CRCs, sizes, digests, identical pictures.

    Parameters
    ----------
    whole:
        Decode every picture completely. If False only the first rows are decoded, which finds all but damage deep
        inside the compressed stream; such a file is an error when its turn to be measured comes.
    advance:
        Called with the number of files done.
    """

    def look_with(
        where_from: Source, size_of: Callable[[str, int, int], tuple[int, int]]
    ) -> Callable[[str], _Look | str]:
        def look(name: str) -> _Look | str:
            where = where_from.where(name)
            try:
                data = where_from.read(name)
                info = inspect_png(data, where)
                height, width = size_of(name, info.height, info.width)
                pixels = (decode_png(data, where) if whole else decode_top(data, where))[:height, :width]
            except ImageError as error:
                return str(error)
            finally:
                advance(1)
            return _Look(FileInfo(info.height, info.width, sha256(data)), sha256(pixels.tobytes()), whole)

        return look

    def own_crop(name: str, height: int, width: int) -> tuple[int, int]:
        return cropped(height, track.crop), cropped(width, track.crop)

    def gts_crop(name: str, height: int, width: int) -> tuple[int, int]:
        return crops.get(name, (height, width))

    def no_crop(name: str, height: int, width: int) -> tuple[int, int]:
        return height, width

    gts = _in_threads(look_with(gt, own_crop), [p.gt for p in pairing.pairs], workers)
    # A sample is cropped to its GT's size: only then can it be seen whether the two are the same picture.
    crops = {
        name: own_crop(p.gt, look.info.height, look.info.width)
        for p in pairing.pairs
        if isinstance(look := gts[p.gt], _Look)
        for name in p.samples
    }
    sample_names = [name for p in pairing.pairs for name in p.samples]
    samples = _in_threads(look_with(source, gts_crop), sample_names, workers)
    lr_names = [p.lr for p in pairing.pairs if p.lr is not None]
    lrs = {} if lr is None else _in_threads(look_with(lr, no_crop), lr_names, workers)

    faults = [look for looks in (gts, samples, lrs) for look in looks.values() if isinstance(look, str)]
    warnings: list[str] = []
    cropped_files: list[str] = []
    cropped_lrs: list[str] = []
    for p in pairing.pairs:
        gt_look = gts[p.gt]
        if isinstance(gt_look, str):
            continue
        height, width = own_crop(p.gt, gt_look.info.height, gt_look.info.width)
        if height == 0 or width == 0:
            faults.append(f"{gt.where(p.gt)}: smaller than the crop of {track.crop}×{track.crop} pixels")
            continue
        good = []
        for name in p.samples:
            look = samples[name]
            if isinstance(look, str):
                continue
            good.append((name, look))
            size = f"{look.info.width}×{look.info.height}"
            if look.info.height < height or look.info.width < width:
                faults.append(
                    f"{source.where(name)}: {size} pixels, smaller than its GT's {width}×{height} "
                    f"(cropped to a multiple of {track.crop}); nothing is resized in silence"
                )
            elif _is_upscaled(look.info, gt_look.info, track):
                faults.append(
                    f"{source.where(name)}: {size} pixels, {track.scale} times those of {gt.where(p.gt)}, which seems "
                    f"to be an LR; give the GT"
                )
            elif (look.info.height, look.info.width) != (height, width):
                cropped_files.append(f"{name} ({size} to {width}×{height})")
        if lr is not None and p.lr is not None and isinstance(lr_look := lrs[p.lr], _Look):
            wanted = height // track.scale, width // track.scale
            size = f"{lr_look.info.width}×{lr_look.info.height}"
            if not _fits_lr(lr_look.info, wanted, gt_look.info, track.scale):
                faults.append(
                    f"{lr.where(p.lr)}: {size} pixels, but the LR of this GT has {wanted[1]}×{wanted[0]} at scale "
                    f"{track.scale}; give the LRs of these GTs"
                )
            elif (lr_look.info.height, lr_look.info.width) != wanted:
                cropped_lrs.append(f"{p.lr} ({size} to {wanted[1]}×{wanted[0]})")
        warnings += _identical(p, gt_look, good, source, gt, (height, width))
    notices = []
    if cropped_files:
        notices.append(
            f"{source.path}: larger than the cropped GT, and cropped, top left kept, as the challenge's program does: "
            f"{_listed(cropped_files, 'sample')}"
        )
    if lr is not None and cropped_lrs:
        notices.append(
            f"{lr.path}: LRs of the uncropped GT, and cropped, top left kept; near the cut they hold traces of pixels "
            f"that samples have no more, which lowers LR-PSNR: {_listed(cropped_lrs, 'LR')}"
        )
    return Inspection(_infos(gts), _infos(samples), _infos(lrs), tuple(faults), tuple(warnings), tuple(notices))


def _infos(looks: Mapping[str, _Look | str]) -> dict[str, FileInfo]:
    return {name: look.info for name, look in looks.items() if isinstance(look, _Look)}


def _listed(files: list[str], what: str) -> str:
    count = f"{len(files)} {what}{'s' if len(files) > 1 else ''}"
    return f"{count}: {', '.join(files[:3])}{' …' if len(files) > 3 else ''}"


def _fits_lr(lr: FileInfo, wanted: tuple[int, int], gt: FileInfo, scale: int) -> bool:
    """Whether an LR's size lies between those of the cropped and of the whole GT; anything else is another scale."""
    return wanted[0] <= lr.height <= -(-gt.height // scale) and wanted[1] <= lr.width <= -(-gt.width // scale)


def _is_upscaled(sample: FileInfo, gt: FileInfo, track: Track) -> bool:
    """Whether a sample is as large as if its GT were the LR, whatever either was cropped to."""
    slack = track.crop + track.scale
    return track.scale > 1 and all(
        mine > theirs + slack and abs(mine - track.scale * theirs) < slack
        for mine, theirs in ((sample.height, gt.height), (sample.width, gt.width))
    )


def _identical(
    p: Pair, gt_look: _Look, good: list[tuple[str, _Look]], source: Source, gt: Source, size: tuple[int, int]
) -> list[str]:
    groups: dict[str, list[str]] = defaultdict(list)
    for name, look in good:
        groups[look.top].append(name)
    found = []
    for top, names in groups.items():
        with_gt = top == gt_look.top
        if len(names) == 1 and not with_gt:
            continue
        # The same first rows: only now compare all pixels.
        pixels: dict[str, list[str]] = defaultdict(list)
        for name in names:
            pixels[top if gt_look.whole else _pixel_digest(source, name, size)].append(name)
        if with_gt:
            same = pixels.get(top if gt_look.whole else _pixel_digest(gt, p.gt, size), [])
            found += [f"{source.where(name)}: identical to its GT {p.gt}" for name in same]
        found += [
            f"{source.where(same[0])}: identical to {', '.join(same[1:])}" for same in pixels.values() if len(same) > 1
        ]
    return found


def _pixel_digest(source: Source, name: str, size: tuple[int, int]) -> str:
    try:
        return sha256(decode_png(source.read(name), source.where(name))[: size[0], : size[1]].tobytes())
    except ImageError:
        # Damaged: it equals nothing, and is reported when it is measured.
        return name


def _in_threads(function: Callable[[Item], Out], items: Iterable[Item], workers: int) -> dict[Item, Out]:
    items = list(items)
    with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
        try:
            return dict(zip(items, pool.map(function, items), strict=True))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
