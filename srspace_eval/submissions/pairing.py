"""Pairing of a submission's samples with their GT, by the names of the files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from srspace_eval._utils.untrusted_text import visible
from srspace_eval._utils.whole_numbers import is_whole
from srspace_eval.errors import InputError, SubmissionError
from srspace_eval.submissions.image_names import (
    Found,
    Images,
    images_of_gt,
    images_of_lr,
    images_of_submission,
    lr_names,
)
from srspace_eval.submissions.provenance import PROVENANCE_FILE
from srspace_eval.submissions.readme import Readme, read_declared, readme_notices
from srspace_eval.submissions.sources import Source
from srspace_eval.tracks.model import MAX_SAMPLES, Track
from srspace_eval.tracks.names import Template, example_names


@dataclass(frozen=True)
class Pair:
    """The files of one image.

    Attributes
    ----------
    image
        The GT's file name without its suffix; without a GT, the name that the LR or the submission gives it.
    gt, lr
        The files of the GT and of the LR; None: there is none.
    numbered
        The samples as (number, file), in order of their numbers.
    """

    image: str
    gt: str | None
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
    pairs
        All images in order, each with the samples found.
    samples
        M, the number of samples that an image should have; 1 if the submission's names have no sample number.
    template
        The name template of the submission's files.
    resolved
        How many files pair with an image.
    faults
        Surplus files, and LR files that are missing or ambiguous.
    missing
        Missing images and samples.
    notices
        Ignored files, and what the readme declares.
    readme
        The name of the submission's readme, and what it declares; None: nothing.
    """

    pairs: tuple[Pair, ...]
    samples: int
    template: str
    resolved: int
    faults: tuple[str, ...]
    missing: tuple[str, ...]
    notices: tuple[str, ...]
    readme: tuple[str, Readme] | None = None


def pair(
    submission: Source, gt: Source | None, track: Track, *, samples: int | None = None, lr: Source | None = None
) -> Pairing:
    """Pair a submission's files with the images by their names, never by their position in a list.

    Parameters
    ----------
    submission, gt, lr
        The samples, the GT, and the LR files if there are any. Without a GT the LRs name the images. Without both the
        submission names them itself; whether images are missing is then not known.
    track
        The track, for its name templates.
    samples
        M, the number of samples of an image, instead of the track's.

    Raises
    ------
    SubmissionError
        If the GT or LR folder has none, or the submission's names fit none of the track's templates.
    InputError
        If ``samples`` is out of range.
    """
    if samples is not None and not is_whole(samples, 1, MAX_SAMPLES):
        raise InputError(f"samples = {samples!r}: must be between 1 and {MAX_SAMPLES}")
    names = submission.names()
    pictures = [name for name in names if name.lower().endswith(".png")]
    others = [name for name in names if not name.lower().endswith(".png") and name != PROVENANCE_FILE]
    template, images, found = _images(submission, gt, lr, pictures, track)
    single = "sample" not in template.fields
    wanted = 1 if single else track.samples if samples is None else int(samples)

    example = example_names([template.text], track.first, *next(iter(images.items()), ("", {})))
    surplus = f"matches no {'GT' if gt is not None else 'LR'}" if gt or lr else "is not a sample"
    highest = max(sample for _, sample in found.values())
    more = f", or give --samples {highest + 1}" if highest < MAX_SAMPLES else ""
    faults = []
    per_image: dict[str, dict[int, str]] = defaultdict(dict)
    for name in pictures:
        if name not in found:
            faults.append(
                f"{submission.where(name)}: surplus: with names such as {example} it {surplus}; remove or rename it"
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
    lrs = {}
    if lr is not None and gt is not None:
        lrs = lr_names(lr, images, track, faults)
    elif lr is not None:
        lrs = {image: str(fields["file"]) for image, fields in images.items()}

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
        pairs.append(
            Pair(image, None if gt is None else str(fields["file"]), lrs.get(image), tuple(sorted(have.items())))
        )
    missing = _missing_everywhere(pairs, wanted) or missing
    notices: list[str] = []
    readme = read_declared(submission)
    declared = readme_notices(submission, readme)
    others = [name for name in others if name not in declared]
    notices += declared.values()
    if others:
        more = " …" if len(others) > 20 else ""
        notices.append(f"{submission.path}: ignored, not PNGs: {', '.join(map(visible, others[:20]))}{more}")
    return Pairing(
        tuple(pairs), wanted, template.text, len(found), tuple(faults), tuple(missing), tuple(notices), readme
    )


def refuse_gt(track: Track) -> None:
    """Refuse a GT for a track that has none.

    Raises
    ------
    InputError
        If the track says ``reference = "none"``.
    """
    if track.reference == "none":
        raise InputError(f'track {track.name}: reference = "none" says that there is no GT; leave out --gt')


def _missing_everywhere(pairs: Sequence[Pair], wanted: int) -> list[str]:
    """One line if all images lack the same last samples; empty otherwise."""
    numbers = {tuple(number for number, _ in p.numbered) for p in pairs}
    there = len(next(iter(numbers), ()))
    if len(pairs) < 2 or numbers != {tuple(range(there))} or not 0 < there < wanted:
        return []
    last = f"samples {there} to {wanted - 1} are" if there < wanted - 1 else f"sample {there} is"
    return [
        f"all {len(pairs)} images: {last} missing ({there} of {wanted} are there); add what is missing, or give "
        f"--samples {there} if that is the challenge's number"
    ]


def reference_names(gt: Source, track: Track, *, lr: Source | None = None) -> tuple[dict[str, str], dict[str, str]]:
    """The files of the GT and of the LR.

    Returns
    -------
    tuple[dict[str, str], dict[str, str]]
        Image -> its GT's file name, and image -> its LR's file name (empty without ``lr``).

    Raises
    ------
    SubmissionError
        If the GT folder contains no GT or other pictures, or LRs are missing.
    """
    images = images_of_gt(gt, track)
    faults: list[str] = []
    lrs = {} if lr is None else lr_names(lr, images, track, faults)
    if faults:
        raise SubmissionError("--lr must contain the LR of every GT", faults)
    return {image: str(fields["file"]) for image, fields in images.items()}, lrs


def _images(
    submission: Source, gt: Source | None, lr: Source | None, pictures: list[str], track: Track
) -> tuple[Template, Images, Found]:
    """The template of the submission's files, all images, and which file is which sample."""
    images: Images = {}
    if gt is not None:
        images = images_of_gt(gt, track)
    elif lr is not None:
        images = images_of_lr(lr, track)
    if not pictures:
        raise SubmissionError(
            f"{submission.path}: contains no PNG; samples are named such as "
            f"{example_names(track.sample_names, track.first)}{_inner_folders(submission)}"
        )
    if not images:
        return images_of_submission(submission, pictures, track)
    what = "LR" if gt is None else "GT"
    template, found = _best_template(submission, pictures, images, track, what)
    unnamed = [
        f"{fields['file']}: its name gives no {' and no '.join(lost)}"
        for fields in images.values()
        if (lost := sorted({*template.fields} - {*fields, "sample"}))
    ]
    if unnamed:
        reference = gt or lr
        assert reference is not None
        raise SubmissionError(
            f"{reference.path}: samples are named {template.text}, which some {what}s cannot be part of; rename or "
            f"remove these {what}s, or give a track file with other name templates",
            unnamed,
        )
    return template, images, found


def _best_template(
    submission: Source, pictures: list[str], images: Images, track: Track, what: str
) -> tuple[Template, Found]:
    """The template by which most files belong to an image, and file -> (image, sample) by that template."""
    best: list[tuple[Template, Found]] = []
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
            f"{submission.path}: none of its {len(pictures)} PNGs pairs with any {what} of track "
            f"{track.name}: "
            f"{pictures[0]!r} is not a name such as "
            f"{example_names(track.sample_names, track.first, *next(iter(images.items())))} of one of the {what}s "
            f"{next(iter(images))} … {list(images)[-1]}"
            + (f" (index 0 is {what} {track.first})" if track.first else "")
            + "; rename the files, or give a track file with your names"
        )
    rivals = [t.text for t, other in best[1:] if other != found]
    if rivals:
        raise SubmissionError(
            f"{submission.path}: its names fit {template.text} and {' and '.join(rivals)} with different {what}s; "
            f"give a track file with one name template"
        )
    return template, found


def _inner_folders(submission: Source) -> str:
    """A hint if the pictures may be deeper than folders are searched."""
    folders = [name for name in submission.names() if (submission.path / name).is_dir()]
    if not folders:
        return ""
    return f"; it contains folders: give one of {', '.join(folders[:5])}{' …' if len(folders) > 5 else ''}"
