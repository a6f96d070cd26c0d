"""A submission's samples paired with their GT by identity."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from srspace_eval.errors import InputError, SubmissionError
from srspace_eval.submissions.provenance import PROVENANCE_FILE
from srspace_eval.submissions.sources import Source
from srspace_eval.tracks.model import MAX_SAMPLES, Track
from srspace_eval.tracks.names import Template, image_fields


@dataclass(frozen=True)
class Pair:
    """One image: the GT's stem and file, its LR file if given, and the samples as (number, file) in order."""

    image: str
    gt: str
    lr: str | None
    numbered: tuple[tuple[int, str], ...]

    @property
    def samples(self) -> tuple[str, ...]:
        """The samples' file names."""
        return tuple(name for _, name in self.numbered)


@dataclass(frozen=True)
class Pairing:
    """What a submission holds.

    Attributes
    ----------
    pairs:
        The GT's images in order, each with the samples found.
    samples:
        M, how many samples an image should have: 1 where the submission names its files without a sample number.
    template:
        The name template that the submission follows.
    resolved:
        How many files pair with a GT.
    faults:
        Surplus files, files that nothing can be made of.
    missing:
        Missing images and samples.
    notices:
        Files passed over.
    """

    pairs: tuple[Pair, ...]
    samples: int
    template: str
    resolved: int
    faults: tuple[str, ...]
    missing: tuple[str, ...]
    notices: tuple[str, ...]


def pair(source: Source, gt: Source, track: Track, *, samples: int | None = None, lr: Source | None = None) -> Pairing:
    """Pair a submission's files with the GT by identity, never by position in a list.

    Parameters
    ----------
    source, gt, lr:
        The submission, the GT and, if wanted, the LR files.
    track:
        Whose name templates to follow.
    samples:
        M, instead of the track's.

    Raises
    ------
    SubmissionError
        If there is no GT, or the submission's names fit none of the track's templates.
    InputError
        If ``samples`` is no possible number of samples.
    """
    if samples is not None and not 1 <= samples <= MAX_SAMPLES:
        raise InputError(f"samples = {samples}: 1 to {MAX_SAMPLES} may be asked for")
    images = _gt_images(gt, track)
    names = source.names()
    pictures = [name for name in names if name.lower().endswith(".png")]
    others = [name for name in names if not name.lower().endswith(".png") and name != PROVENANCE_FILE]
    template, found = _best_template(source, pictures, images, track)
    single = "sample" not in template.fields
    wanted = 1 if single else track.samples if samples is None else samples

    highest = max(sample for _, sample in found.values())
    more = f", or give --samples {highest + 1}" if highest < MAX_SAMPLES else ""
    faults = []
    per_image: dict[str, dict[int, str]] = defaultdict(dict)
    for name in pictures:
        if name not in found:
            faults.append(f"{source.where(name)}: surplus: no GT belongs to it under the names {template.text}")
            continue
        image, sample = found[name]
        if sample >= wanted:
            faults.append(
                f"{source.where(name)}: surplus: sample {sample}, but {wanted} samples (0 to {wanted - 1}) are asked "
                f"for; remove it{more}"
            )
            continue
        per_image[image][sample] = name
    lrs = {} if lr is None else _lr_names(lr, images, track, faults)

    missing, pairs = [], []
    for image, fields in images.items():
        have = per_image.get(image, {})
        lost = [template.format(**fields, sample=i) for i in range(wanted) if i not in have]
        if len(lost) == wanted:
            files = lost[0] if wanted == 1 else f"{lost[0]} to {lost[-1]}"
            missing.append(f"{image}: all its samples are missing ({files})")
        elif lost:
            names_ = ", ".join(lost[:20]) + (" …" if len(lost) > 20 else "")
            missing.append(f"{image}: {len(lost)} of {wanted} samples are missing ({names_})")
        pairs.append(Pair(image, str(fields["file"]), lrs.get(image), tuple(sorted(have.items()))))
    notices = []
    if others:
        more = " …" if len(others) > 20 else ""
        notices.append(f"{source.path}: passed over, no PNG: {', '.join(others[:20])}{more}")
    return Pairing(tuple(pairs), wanted, template.text, len(found), tuple(faults), tuple(missing), tuple(notices))


def reference_names(gt: Source, track: Track, *, lr: Source | None = None) -> tuple[dict[str, str], dict[str, str]]:
    """Image -> its GT's file name, and image -> its LR's (empty without ``lr``).

    Raises
    ------
    SubmissionError
        If the GT folder holds no GT, or other pictures, or LRs are missing.
    """
    images = _gt_images(gt, track)
    faults: list[str] = []
    lrs = {} if lr is None else _lr_names(lr, images, track, faults)
    if faults:
        raise SubmissionError("--lr must hold the LR of every GT", faults)
    return {image: str(fields["file"]) for image, fields in images.items()}, lrs


def _gt_images(gt: Source, track: Track) -> dict[str, dict[str, int | str]]:
    """Stem -> the fields that name the image, in order of number, then stem."""
    templates = [Template(text) for text in track.gt_names]
    images: dict[str, dict[str, int | str]] = {}
    numbers: dict[int | str, str] = {}
    strangers = []
    for name in gt.names():
        if not name.lower().endswith(".png"):
            continue
        fields = next((f for f in (t.parse(name) for t in templates) if f is not None), None)
        if fields is None:
            strangers.append(f"{gt.where(name)}: not a GT's name in track {track.name}: {' or '.join(track.gt_names)}")
            continue
        stem = name[: -len(".png")]
        images[stem] = {**image_fields(stem, fields, track.first), "file": name}
        if "number" in fields and (other := numbers.setdefault(fields["number"], name)) != name:
            strangers.append(f"{gt.where(name)}: has the number {fields['number']}, as has {other}")
    if strangers:
        raise SubmissionError(f"{gt.path}: the GT folder holds other pictures", strangers)
    if not images:
        raise SubmissionError(f"{gt.path}: holds no GT: no PNG named {' or '.join(track.gt_names)}")
    return dict(sorted(images.items(), key=lambda item: (item[1].get("number", -1), item[0])))


def _best_template(
    source: Source, pictures: list[str], images: Mapping[str, Mapping[str, int | str]], track: Track
) -> tuple[Template, dict[str, tuple[str, int]]]:
    """The template under which most files find a GT, and file -> (image, sample) under it."""
    if not pictures:
        raise SubmissionError(
            f"{source.path}: holds no PNG; samples are named {' or '.join(track.sample_names)}{_inner_folders(source)}"
        )
    best: list[tuple[Template, dict[str, tuple[str, int]]]] = []
    for template in (Template(text) for text in track.sample_names):
        key = next(field for field in template.fields if field != "sample")
        by_key = {fields[key]: image for image, fields in images.items() if key in fields}
        found = {}
        for name in pictures:
            fields = template.parse(name)
            if fields is not None and fields[key] in by_key:
                found[name] = (by_key[fields[key]], int(fields.get("sample", 0)))
        if not best or len(found) > len(best[0][1]):
            best = [(template, found)]
        elif len(found) == len(best[0][1]):
            best.append((template, found))
    template, found = best[0]
    if not found:
        raise SubmissionError(
            f"{source.path}: none of its {len(pictures)} PNGs pairs with a GT of track {track.name}: "
            f"{pictures[0]!r} is not {' or '.join(track.sample_names)} of one of the GTs "
            f"{next(iter(images))} … {list(images)[-1]}"
            + (f" (index 0 is GT {track.first})" if track.first else "")
            + "; rename the files, or give a track file with your names"
        )
    rivals = [t.text for t, other in best[1:] if other != found]
    if rivals:
        raise SubmissionError(
            f"{source.path}: its names fit {template.text} and {' and '.join(rivals)} with different GTs; "
            f"give a track file with one name template"
        )
    return template, found


def _inner_folders(source: Source) -> str:
    """What to say where the pictures seem to lie one folder deeper; sources do not descend."""
    folders = [name for name in source.names() if (source.path / name).is_dir()]
    if not folders:
        return ""
    return f"; it holds folders: give one of {', '.join(folders[:5])}{' …' if len(folders) > 5 else ''}"


def _lr_names(
    lr: Source, images: Mapping[str, Mapping[str, int | str]], track: Track, faults: list[str]
) -> dict[str, str]:
    there = set(lr.names())
    found = {}
    for image, fields in images.items():
        candidates = [f"{image}.png", f"{image}x{track.scale}.png"]
        if "index" in fields:
            candidates.append(f"{fields['index']:06d}.png")
        hits = [name for name in candidates if name in there]
        if len(hits) == 1:
            found[image] = hits[0]
        else:
            what = f"is missing: {' or '.join(candidates)}" if not hits else f"stands there twice: {' and '.join(hits)}"
            faults.append(f"{lr.path}: the LR of {image} {what}")
    return found
