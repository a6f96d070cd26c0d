"""Pairing of a submission's samples with their GT, by the names of the files."""

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
    """The files of one image.

    Attributes
    ----------
    image:
        The GT's file name without its suffix.
    gt, lr:
        The GT's file, and the LR's if there is one.
    numbered:
        The samples as (number, file), in order of their numbers.
    """

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
    """Which files of a submission belong to which image.

    Attributes
    ----------
    pairs:
        All images of the GT in order, each with the samples found.
    samples:
        M, the number of samples that an image should have; 1 if the submission's names have no sample number.
    template:
        The name template of the submission's files.
    resolved:
        How many files pair with a GT.
    faults:
        Surplus files, and LR files that are missing or ambiguous.
    missing:
        Missing images and samples.
    notices:
        Ignored files.
    """

    pairs: tuple[Pair, ...]
    samples: int
    template: str
    resolved: int
    faults: tuple[str, ...]
    missing: tuple[str, ...]
    notices: tuple[str, ...]


def pair(
    submission: Source, gt: Source, track: Track, *, samples: int | None = None, lr: Source | None = None
) -> Pairing:
    """Pair a submission's files with the GT by their names, never by their position in a list.

    Parameters
    ----------
    submission, gt, lr:
        The samples, the GT, and the LR files if there are any.
    track:
        The track, for its name templates.
    samples:
        M, the number of samples of an image, instead of the track's.

    Raises
    ------
    SubmissionError
        If there is no GT, or the submission's names fit none of the track's templates.
    InputError
        If ``samples`` is out of range.
    """
    if samples is not None and not 1 <= samples <= MAX_SAMPLES:
        raise InputError(f"samples = {samples}: must be between 1 and {MAX_SAMPLES}")
    images = _gt_images(gt, track)
    names = submission.names()
    pictures = [name for name in names if name.lower().endswith(".png")]
    others = [name for name in names if not name.lower().endswith(".png") and name != PROVENANCE_FILE]
    template, found = _best_template(submission, pictures, images, track)
    single = "sample" not in template.fields
    wanted = 1 if single else track.samples if samples is None else samples

    highest = max(sample for _, sample in found.values())
    more = f", or give --samples {highest + 1}" if highest < MAX_SAMPLES else ""
    faults = []
    per_image: dict[str, dict[int, str]] = defaultdict(dict)
    for name in pictures:
        if name not in found:
            faults.append(
                f"{submission.where(name)}: surplus: with the names {template.text} it matches no GT; "
                f"remove or rename it"
            )
            continue
        image, sample = found[name]
        if sample >= wanted:
            faults.append(
                f"{submission.where(name)}: surplus: sample {sample}, but an image has {wanted} samples (0 to "
                f"{wanted - 1}); remove it{more}"
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
        notices.append(f"{submission.path}: ignored, not PNGs: {', '.join(others[:20])}{more}")
    return Pairing(tuple(pairs), wanted, template.text, len(found), tuple(faults), tuple(missing), tuple(notices))


def reference_names(gt: Source, track: Track, *, lr: Source | None = None) -> tuple[dict[str, str], dict[str, str]]:
    """The files of the GT and of the LR.

    Returns
    -------
    Image -> its GT's file name, and image -> its LR's file name (empty without ``lr``).

    Raises
    ------
    SubmissionError
        If the GT folder contains no GT or other pictures, or LRs are missing.
    """
    images = _gt_images(gt, track)
    faults: list[str] = []
    lrs = {} if lr is None else _lr_names(lr, images, track, faults)
    if faults:
        raise SubmissionError("--lr must contain the LR of every GT", faults)
    return {image: str(fields["file"]) for image, fields in images.items()}, lrs


def _gt_images(gt: Source, track: Track) -> dict[str, dict[str, int | str]]:
    """Stem -> the fields that name the image, in order of number, then stem."""
    templates = [Template(text) for text in track.gt_names]
    images: dict[str, dict[str, int | str]] = {}
    numbers: dict[int | str, str] = {}
    problems = []
    for name in gt.names():
        if not name.lower().endswith(".png"):
            continue
        fields = next((f for f in (t.parse(name) for t in templates) if f is not None), None)
        if fields is None:
            problems.append(f"{gt.where(name)}: not a GT's name in track {track.name}: {' or '.join(track.gt_names)}")
            continue
        stem = name[: -len(".png")]
        images[stem] = {**image_fields(stem, fields, track.first), "file": name}
        if "number" in fields and (other := numbers.setdefault(fields["number"], name)) != name:
            problems.append(
                f"{gt.where(name)}: the number {fields['number']} is also used by {other}; keep one of them"
            )
    if problems:
        raise SubmissionError(
            f"{gt.path}: some PNGs of the GT folder have no valid GT name; "
            f"remove them, or use a track file with their names",
            problems,
        )
    if not images:
        raise SubmissionError(f"{gt.path}: contains no GT: no PNG is named {' or '.join(track.gt_names)}")
    return dict(sorted(images.items(), key=lambda item: (item[1].get("number", -1), item[0])))


def _best_template(
    submission: Source, pictures: list[str], images: Mapping[str, Mapping[str, int | str]], track: Track
) -> tuple[Template, dict[str, tuple[str, int]]]:
    """The template by which most files belong to a GT, and file -> (image, sample) by that template."""
    if not pictures:
        raise SubmissionError(
            f"{submission.path}: contains no PNG; samples are named {' or '.join(track.sample_names)}"
            f"{_inner_folders(submission)}"
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
            f"{submission.path}: none of its {len(pictures)} PNGs pairs with a GT of track {track.name}: "
            f"{pictures[0]!r} is not {' or '.join(track.sample_names)} of one of the GTs "
            f"{next(iter(images))} … {list(images)[-1]}"
            + (f" (index 0 is GT {track.first})" if track.first else "")
            + "; rename the files, or give a track file with your names"
        )
    rivals = [t.text for t, other in best[1:] if other != found]
    if rivals:
        raise SubmissionError(
            f"{submission.path}: its names fit {template.text} and {' and '.join(rivals)} with different GTs; "
            f"give a track file with one name template"
        )
    return template, found


def _inner_folders(submission: Source) -> str:
    """A hint if the pictures may be one folder deeper: inner folders are not searched."""
    folders = [name for name in submission.names() if (submission.path / name).is_dir()]
    if not folders:
        return ""
    return f"; it contains folders: give one of {', '.join(folders[:5])}{' …' if len(folders) > 5 else ''}"


def _lr_names(
    lr: Source, images: Mapping[str, Mapping[str, int | str]], track: Track, faults: list[str]
) -> dict[str, str]:
    existing = set(lr.names())
    found = {}
    for image, fields in images.items():
        candidates = [f"{image}.png", f"{image}x{track.scale}.png"]
        if "index" in fields:
            candidates.append(f"{fields['index']:06d}.png")
        hits = [name for name in candidates if name in existing]
        if len(hits) == 1:
            found[image] = hits[0]
        else:
            what = f"is missing: {' or '.join(candidates)}" if not hits else f"is ambiguous: {' and '.join(hits)}"
            faults.append(f"{lr.path}: the LR of {image} {what}")
    return found
