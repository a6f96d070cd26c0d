"""Which images a challenge has: those of the GT, else of the LR, else those that the submission names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from srspace_eval.errors import SubmissionError
from srspace_eval.submissions.sources import Source
from srspace_eval.tracks.model import Track
from srspace_eval.tracks.names import Template, example_names, image_fields, images_of_lr_names

Images: TypeAlias = "dict[str, dict[str, int | str]]"
"""Image -> the fields that name it, in order of number, then name; ``file`` is the name of its GT or LR."""

Found: TypeAlias = "dict[str, tuple[str, int]]"
"""File of a submission -> (image, sample)."""


def images_of_gt(gt: Source, track: Track) -> Images:
    """The images whose GT is there.

    Raises
    ------
    SubmissionError
        If there is no GT, a PNG is not named as a GT, or a number is used twice.
    """
    return _named_images(gt, track, "GT", {})


def images_of_lr(lr: Source, track: Track) -> Images:
    """The images whose LR is there. An LR has its GT's name, or that name with ``x4`` before the suffix.

    See :func:`srspace_eval.tracks.names.images_of_lr_names`.

    Raises
    ------
    SubmissionError
        If there is no LR, a PNG is not named as an LR, or two LRs are of one image.
    """
    stems = [name[: -len(".png")] for name in lr.names() if name.lower().endswith(".png")]
    return _named_images(lr, track, "LR", images_of_lr_names(stems, track.scale))


def _named_images(source: Source, track: Track, what: str, shorter: Mapping[str, str]) -> Images:
    templates = [Template(text) for text in track.gt_names]
    images: Images = {}
    numbers: dict[int | str, str] = {}
    problems = []
    for name in source.names():
        if not name.lower().endswith(".png"):
            continue
        stem = name[: -len(".png")]
        possible = dict.fromkeys([shorter.get(stem, stem), stem])
        parsed = ((f, s) for t in templates for s in possible if (f := t.parse(f"{s}{name[len(stem) :]}")) is not None)
        fields, image = next(parsed, (None, ""))
        if fields is None:
            problems.append(
                f"{source.where(name)}: not a {what}'s name in track {track.name}, such as {_gt_names(track)}"
            )
            continue
        number = fields.get("number", image)
        if (other := numbers.setdefault(number, name)) != name:
            same = f"the number {number}" if "number" in fields else f"the name {image}"
            problems.append(f"{source.where(name)}: {same} is also used by {other}; keep one of them")
            continue
        images[image] = {**image_fields(image, fields, track.first), "file": name}
    if problems:
        raise SubmissionError(
            f"{source.path}: some PNGs of the {what} folder have no valid {what} name; "
            f"remove them, or use a track file with their names",
            problems,
        )
    if not images:
        raise SubmissionError(f"{source.path}: contains no {what}: no PNG is named such as {_gt_names(track)}")
    return _ordered(images)


def images_of_submission(submission: Source, pictures: list[str], track: Track) -> tuple[Template, Images, Found]:
    """The images that a submission names itself, where there is neither a GT nor an LR.

    The first of the track's name templates that fits more than half of the pictures counts.

    Returns
    -------
    tuple[Template, Images, Found]
        The template, the images, and which picture is which sample.

    Raises
    ------
    SubmissionError
        If no template fits a picture.
    """
    templates = [Template(text) for text in track.sample_names]
    fitting = [{name: f for name in pictures if (f := template.parse(name)) is not None} for template in templates]
    most = max(len(found) for found in fitting)
    if not most:
        raise SubmissionError(
            f"{submission.path}: none of its {len(pictures)} PNGs is named as track {track.name} names samples: "
            f"{pictures[0]!r} is not a name such as {example_names(track.sample_names, track.first)}; "
            "rename the files, or give a track file with "
            "your names"
        )
    enough = min(most, len(pictures) // 2 + 1)
    template, parsed = next((t, f) for t, f in zip(templates, fitting, strict=True) if len(f) >= enough)
    images: Images = {}
    found: Found = {}
    for name, fields in parsed.items():
        image = _image_name(fields, track)
        number = _number(fields, track)
        images[image] = image_fields(image, {} if number is None else {"number": number}, track.first)
        images[image] |= {key: value for key, value in fields.items() if key != "sample"}
        found[name] = (image, int(fields.get("sample", 0)))
    return template, _ordered(images), found


def _gt_names(track: Track) -> str:
    return example_names(track.gt_names, track.first)


def _number(fields: Mapping[str, int | str], track: Track) -> int | None:
    number, index = fields.get("number"), fields.get("index")
    return int(number) if number is not None else None if index is None else int(index) + track.first


def _image_name(fields: Mapping[str, int | str], track: Track) -> str:
    """The name that the image's GT would have."""
    number = _number(fields, track)
    if number is None:
        return str(fields["stem"])
    for template in (Template(text) for text in track.gt_names):
        if set(template.fields) == {"number"}:
            return template.format(number=number)[: -len(".png")]
    return f"{number:04d}"


def _ordered(images: Images) -> Images:
    return dict(sorted(images.items(), key=lambda item: (item[1].get("number", -1), item[0])))


def lr_names(
    lr: Source, images: Mapping[str, Mapping[str, int | str]], track: Track, faults: list[str]
) -> dict[str, str]:
    """Image -> its LR's file name; LRs that are missing or ambiguous are added to ``faults``.

    An LR has its GT's name, with or without ``x4``. The name by index, such as ``000000.png``, counts only for images
    without such an LR, and only if it is not the name of another GT.
    """
    existing = set(lr.names())
    numbered = [t for t in map(Template, track.gt_names) if "number" in t.fields]
    found = {}
    for image, fields in images.items():
        own = [f"{image}.png"]
        if f"{image}x{track.scale}" not in images:
            own.append(f"{image}x{track.scale}.png")
        by_index = [f"{fields['index']:06d}.png"] if "index" in fields else []
        by_index = [
            name for name in by_index
            if name[: -len(".png")] not in images and not any(t.parse(name) for t in numbered)
        ]  # fmt: skip
        hits = [name for name in own if name in existing] or [name for name in by_index if name in existing]
        if len(hits) == 1:
            found[image] = hits[0]
        else:
            names = " or ".join([*own, *by_index])
            what = f"is missing: {names}" if not hits else f"is ambiguous: {' and '.join(hits)}"
            faults.append(f"{lr.path}: the LR of {image} {what}")
    return found
