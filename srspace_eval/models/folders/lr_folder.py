"""The LRs of a folder, and the file names of their samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from srspace_eval._utils.hashing import sha256
from srspace_eval._utils.notices import notify
from srspace_eval._utils.png import read_bytes
from srspace_eval._utils.png_structure import inspect_png
from srspace_eval._utils.unique_names import file_key
from srspace_eval.errors import ImageError, SamplingError
from srspace_eval.submissions.provenance import DEGRADATION_FILE
from srspace_eval.tracks.model import Track
from srspace_eval.tracks.names import Template, image_fields, images_of_lr_names, is_file_name
from srspace_eval.tracks.reader import guessed_tracks


@dataclass(frozen=True)
class LrImage:
    """One LR.

    Attributes
    ----------
    image
        The image's name: the file name of its GT without suffix. DIV2K's LR ``0801x4.png`` is of image ``0801``.
    path, height, width, sha256
        The LR's file, its size in pixels and its SHA-256.
    fields
        Values for name templates: ``stem``, and ``number`` and ``index`` if the image has them.
    """

    image: str
    path: Path
    height: int
    width: int
    sha256: str
    fields: Mapping[str, int | str] = field(default_factory=dict)


def find_lrs(place: Path, scale: int) -> list[LrImage]:
    """Find the LRs of a folder, in the order of their names.

    Parameters
    ----------
    place
        A folder whose PNGs are the LRs, or one PNG.
    scale
        The model's scale. At scale 4, a final ``x4`` of a file's name is not part of the image's name; see
        :func:`srspace_eval.tracks.names.images_of_lr_names`. A single PNG gets the name that it has with its folder.

    Raises
    ------
    SamplingError
        If the place does not exist or holds no PNG, if some PNGs are not 8-bit RGB, or if two belong to the same image.
        All unusable files are listed.
    """
    try:
        if not place.exists():
            raise SamplingError(f"{place}: there is no such file or folder")
        paths = sorted(p for p in place.iterdir() if not p.name.startswith(".")) if place.is_dir() else [place]
    except OSError as error:
        raise SamplingError(f"{place}: cannot be listed ({error.strerror or error})") from error
    pngs = [path for path in paths if path.suffix.lower() == ".png"]
    if not pngs:
        fault = "holds no PNG" if place.is_dir() else "is not a PNG"
        raise SamplingError(f"{place}: {fault}; name a folder of 8-bit RGB PNGs, the LRs, or one of them")
    others = [path.name for path in paths if path not in pngs and path.name != DEGRADATION_FILE]
    if others:
        notify(f"{place}: ignored, not a PNG: {', '.join(others)}")
    images = images_of_lr_names(_stems(place) if place in pngs else [path.stem for path in pngs], scale)
    found: dict[str, LrImage] = {}
    problems = []
    for path in pngs:
        image = images[path.stem]
        try:
            data = read_bytes(path)
            info = inspect_png(data, str(path))
        except ImageError as error:
            problems.append(str(error))
            continue
        twin = found.get(file_key(image))
        if twin:
            problems.append(f"{path}: the same image as {twin.path.name}; keep one of them")
            continue
        found[file_key(image)] = LrImage(image, path, info.height, info.width, sha256(data))
    if problems:
        raise SamplingError(f"{place}: some LRs cannot be used", problems)
    return list(found.values())


def _stems(lr: Path) -> list[str]:
    """The names, without suffix, of an LR and of all LRs in its folder. Only its own if the folder cannot be listed."""
    others = []
    with suppress(OSError):
        others = [path.stem for path in lr.parent.iterdir() if path.suffix.lower() == ".png" and path.name[0] != "."]
    return [lr.stem, *others]


def name_samples(
    lrs: Sequence[LrImage], *, scale: int, samples: int, track: Track | None = None, names: str | None = None
) -> tuple[Template, list[LrImage]]:
    """Choose the template that names the samples.

    Parameters
    ----------
    lrs
        From :func:`find_lrs`.
    scale, samples
        The model's scale, and the number of samples. More than one sample needs a template with ``{sample}``.
    track
        The challenge that defines the names; None: the built-in track of this scale that has all images' numbers.
    names
        A template of the user, such as ``"{stem}_sample{sample:05d}.png"``, instead of the track's.

    Returns
    -------
    tuple[Template, list[LrImage]]
        The template, and the LRs with the fields that fill it.

    Raises
    ------
    SamplingError
        If the track has another scale, or no template can name all images.
    TrackError
        If ``names`` is malformed.
    """
    if track is not None and track.scale != scale:
        raise SamplingError(f"track {track.name} is ×{track.scale}, the model is ×{scale}")
    track = track or _track_of(lrs, scale)
    named = [_with_fields(lr, track) for lr in lrs]
    if names is not None:
        templates = [Template(names)]
    elif track is not None:
        templates = [Template(text) for text in track.sample_names]
    else:
        templates = [Template("{stem}.png"), Template("{stem}_sample{sample:05d}.png")]
    if samples > 1:
        templates = [template for template in templates if "sample" in template.fields]
        if not templates:
            given = names or (track and track.sample_names)
            raise SamplingError(f"the names {given} lack {{sample}}, which several samples need")
    elif names is None:
        # One sample: prefer a name without the sample's number.
        templates.sort(key=lambda template: "sample" in template.fields)
    for template in templates:
        if all(_fills(template, lr) for lr in named):
            return template, named
    lost = [lr for lr in named if not any(_fills(template, lr) for template in templates)] or named
    raise SamplingError(
        f"the LRs' names do not give the samples' names {' or '.join(template.text for template in templates)}; "
        "use --names '{stem}_sample{sample:05d}.png' or another track",
        [f"{lr.path.name}: image {lr.image!r} has no {_lacking(templates[0], lr)}" for lr in lost],
    )


def sample_files(template: Template, lrs: Sequence[LrImage], samples: int) -> dict[str, list[str]]:
    """The samples' file names: image -> one name for each sample.

    Raises
    ------
    SamplingError
        If a name is not that of a PNG in the folder itself, or two samples would get the same name.
    """
    names = {x.image: [template.format(**x.fields, sample=i) for i in range(samples)] for x in lrs}
    problems: list[str] = []
    # Names are compared as the file systems of macOS and Windows do.
    owners: dict[str, str] = {}
    for image, files in names.items():
        for sample, name in enumerate(files):
            if not is_file_name(name) or not name.lower().endswith(".png"):
                problems.append(f"{name!r} is not the name of a PNG in the folder itself")
                break
            owner = f"image {image}, sample {sample}"
            other = owners.setdefault(file_key(name), owner)
            if other != owner:
                problems.append(f"{name}: {other}, and {owner}")
                break
    if problems:
        raise SamplingError(f"the names {template.text} cannot be used; use other --names", problems)
    return names


def _track_of(lrs: Sequence[LrImage], scale: int) -> Track | None:
    """The built-in track in which all images have an index; of several, the one with the largest first number."""
    fitting = [
        track
        for track in guessed_tracks()
        if track.scale == scale and all("index" in _with_fields(lr, track).fields for lr in lrs)
    ]
    return max(fitting, key=lambda track: track.first, default=None)


def _with_fields(lr: LrImage, track: Track | None) -> LrImage:
    fields: Mapping[str, int | str] = {"stem": lr.image}
    for text in track.gt_names if track else ():
        read = Template(text).parse(f"{lr.image}.png")
        if read is not None and track is not None:
            fields = image_fields(lr.image, read, track.first)
            break
    return LrImage(lr.image, lr.path, lr.height, lr.width, lr.sha256, fields)


def _fills(template: Template, lr: LrImage) -> bool:
    return not _lacking(template, lr)


def _lacking(template: Template, lr: LrImage) -> str:
    return ", ".join(name for name in template.fields if name != "sample" and name not in lr.fields)
