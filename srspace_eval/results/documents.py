"""Results on disk: one reviewable JSON file a submission.

The document (``RESULT_FORMAT``)::

    {"format": "srspace-eval/result/1", "team": "Deepest", "kind": "team", "track": "x4",
     "signature": {"id": ..., "text": ..., "settings": {...}, "environment": {...}},
     "incomplete": [],                       # why it cannot be ranked; then every summary value is null
     "notes": ["lr_psnr: 1 image with identical LRs (infinite dB) is left out of the mean: 0801"],
     "summary": {"lpips": 0.117, "lr_psnr": 50.54, "lr_psnr_worst": 50.1, "diversity": 26.041, ...},
     "diversity_curve": [0.0, ..., 26.041],  # mean over images
     "images": [{"image": "0801", "height": 1352, "width": 2040, "gt_sha256": ...,
                 "lpips": ..., "lr_psnr": ..., "lr_psnr_worst": ..., "diversity": ..., "lpips_global_best": ...,
                 "lpips_local_best": ..., "diversity_curve": [...],
                 "samples": [{"sample": 0, "file": "000000_sample00000.png", "sha256": ..., "lpips": ...,
                              "lr_psnr": ...}, ...]}, ...],
     "provenance": {...} or null,            # what ``sample`` wrote beside the samples
     "declared": {"file": "readme.txt", "runtime": 10.43, "platform": "gpu", "extra_data": false}}

``declared`` is there if the submission has a readme that declares something by the challenges' keys.

Images and samples hold, beside their fixed fields, the values of any metrics under the metrics' ids. A metric does not
have to be known here to be read: a plug-in may have measured it. Lists of values are curves. ``gt_sha256`` is
null if there is no GT. Numbers have full precision; an infinite value is the text ``"inf"`` or ``"-inf"``, an undefined
one ``null``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, structs

from srspace_eval._utils import strict_json
from srspace_eval._utils.documents import NO_NUL, Digest, DocumentError, convert
from srspace_eval._utils.untrusted_text import name_key, too_long, visible
from srspace_eval.errors import ResultsError
from srspace_eval.results.record import Declared, ImageRecord, Kind, Result, SampleRecord
from srspace_eval.results.signature import Signature

RESULT_FORMAT = "srspace-eval/result/1"

MAX_RESULT_BYTES = 1 << 27
"""Largest result that is read. A thousand images of a hundred samples take a fifth of it."""

MAX_IMAGES = MAX_SAMPLES = 100_000
"""Images of a result, and samples of all its images together: no submission holds more files."""

MAX_IDS = 500
"""Different ids of values and curves in a result, groups of its settings, and settings of each group."""

_LONGEST_ID = 200
_MOST_TEXT = 5_000_000  # ten thousand samples with names of 30 characters have 300 000; pages take 80 times as much
_LONGEST_SETTINGS, _LONGEST_PROVENANCE = 100_000, 1 << 22  # characters of their JSON texts

Text = Annotated[
    str, Meta(pattern=NO_NUL, max_length=10_000, description="a text without NUL of at most 10 000 characters")
]
Length = Annotated[int, Meta(ge=1, le=1 << 26)]
"""A side of a picture in pixels. A picture of more than 67 million pixels is not read."""
Value = float | Literal["inf", "-inf"] | None
"""A metric's value: null if it is undefined."""
Curve = list[Value]


class SignatureDocument(Struct, frozen=True):
    """What a result was measured with. ``id`` and ``text`` follow from the settings."""

    id: str
    text: str
    settings: dict[Text, dict[str, Any]]
    environment: dict[str, Any]


class SampleDocument(Struct, frozen=True, gc=False):
    """One sample; further keys are metric ids with the sample's values."""

    sample: Annotated[int, Meta(ge=0, le=10**18 - 1)]
    file: Text
    sha256: Digest


class ImageDocument(Struct, frozen=True):
    """One image; further keys are metric ids with the image's values, or curves S_1 .. S_M."""

    image: Text
    height: Length
    width: Length
    gt_sha256: Digest | None
    samples: list[SampleDocument]


class DeclaredDocument(Struct, frozen=True, forbid_unknown_fields=True):
    """What a submission's readme declares: seconds per image, where, and whether extra data was used. Not measured."""

    file: Text
    runtime: Annotated[float, Meta(ge=0, le=1e9)] | None
    platform: Literal["cpu", "gpu"] | None
    extra_data: bool | None


class ResultDocument(Struct, frozen=True):
    """A scored submission; further keys are curves, means over the images."""

    format: Literal["srspace-eval/result/1"]
    team: Text
    kind: Kind
    track: Text
    signature: SignatureDocument
    incomplete: list[Text]
    notes: Annotated[list[Text], Meta(max_length=1000)]
    summary: dict[str, Value]
    images: list[ImageDocument]
    provenance: dict[str, Any] | None
    declared: DeclaredDocument | UnsetType = UNSET


ADDITIONAL: Mapping[type, object] = {SampleDocument: Value, ImageDocument: Value | Curve, ResultDocument: Curve}
"""The type of the values under further keys, for the JSON Schema."""

_FIELDS = {kind: frozenset(kind.__struct_fields__) for kind in (SampleDocument, ImageDocument, ResultDocument)}


def to_document(result: Result) -> dict[str, Any]:
    """The JSON document of a result, as in the module's docstring."""
    return {
        "format": RESULT_FORMAT,
        "team": result.team,
        "kind": result.kind,
        "track": result.track,
        "signature": {
            "id": result.signature.id,
            "text": result.signature.text,
            "settings": result.signature.settings,
            "environment": result.signature.environment,
        },
        "incomplete": list(result.incomplete),
        "notes": list(result.notes),
        "summary": dict(result.summary),
        **{name: list(curve) for name, curve in result.curves.items()},
        "images": [image_document(image) for image in result.images],
        "provenance": result.provenance,
        **({} if result.declared is None else {"declared": asdict(result.declared)}),
    }


def image_document(image: ImageRecord) -> dict[str, Any]:
    """The JSON object of one image."""
    return {
        "image": image.image,
        "height": image.height,
        "width": image.width,
        "gt_sha256": image.gt_sha256,
        **image.values,
        **{name: list(curve) for name, curve in image.curves.items()},
        "samples": [{"sample": s.sample, "file": s.file, "sha256": s.sha256, **s.values} for s in image.samples],
    }


def from_document(data: Any, where: str, *, check_id: bool = True) -> Result:
    """A result from its JSON document.

    Parameters
    ----------
    data
        The document.
    where
        The name of its file, for messages.
    check_id
        Refuse a signature whose id is not the digest of its settings, or whose text states others.

    Raises
    ------
    ResultsError
        If the document is not a result. The message names ``where`` and the field.
    """
    try:
        document = convert(data, ResultDocument)
        _require_size(document)
        signature = document.signature
        free = {"settings": signature.settings, "environment": signature.environment}
        for name, value, longest in (
            ("signature", free, _LONGEST_SETTINGS),
            ("provenance", document.provenance, _LONGEST_PROVENANCE),
        ):
            if (length := len(json.dumps(strict_json.bounded(value)))) > longest:
                raise DocumentError(f"{name} has {length} characters, and at most {longest} are read")
        if check_id and signature.id != Signature(signature.settings).id:
            raise DocumentError(f"signature.id is {visible(signature.id)}, which is not the digest of its settings")
        if check_id and signature.text != Signature(signature.settings).text:
            raise DocumentError("signature.text does not state its settings")
        summary = {key: _number(value, f"summary.{key}") for key, value in document.summary.items()}
        extra, curves = _metrics(data, _FIELDS[ResultDocument], "")
        if extra:
            raise DocumentError(f"unknown key {', '.join(map(visible, extra))}; further keys are curves (lists)")
        result = Result(
            team=_name(document.team),
            track=document.track,
            kind=document.kind,
            signature=Signature(signature.settings, signature.environment),
            incomplete=tuple(document.incomplete),
            notes=tuple(document.notes),
            summary=summary,
            curves=curves,
            images=tuple(
                _image(image, raw, f"images[{number}].")
                for number, (image, raw) in enumerate(zip(document.images, data["images"], strict=True))
            ),
            provenance=document.provenance,
            declared=None if document.declared is UNSET else Declared(**structs.asdict(document.declared)),
        )
        _require_ids(result)
        return result
    except ValueError as error:
        raise ResultsError(f"{where}: not a result of srspace-eval: {error}; score the submission again") from error


def _require_size(document: ResultDocument) -> None:
    """Refuse more images, samples or settings than a measurement has: every check of a result walks through them."""
    settings = document.signature.settings
    samples = sum(len(image.samples) for image in document.images)
    texts = sum(map(len, (*document.notes, *document.incomplete)))
    texts += sum(len(image.image) + sum(len(sample.file) for sample in image.samples) for image in document.images)
    for number, most, what in (
        (len(document.images), MAX_IMAGES, "images"),
        (samples, MAX_SAMPLES, "samples"),
        (len(settings), MAX_IDS, "groups of settings"),
        (max(map(len, settings.values()), default=0), MAX_IDS, "settings in one group"),
        (texts, _MOST_TEXT, "characters in the names of images and files, the notes and what is missing"),
    ):
        if number > most:
            raise DocumentError(f"{number} {what}, and at most {most} are read")


def _require_ids(result: Result) -> None:
    """Refuse more ids of values and curves than a measurement has, and ids of a length that none has."""
    ids = {*result.summary, *result.curves}
    for image in result.images:
        ids.update(image.values, image.curves, *(sample.values for sample in image.samples))
        if len(ids) > MAX_IDS:
            raise DocumentError(f"more than {MAX_IDS} different ids of values and curves")
    if (longest := max(map(len, ids), default=0)) > _LONGEST_ID:
        raise DocumentError(f"an id of values has {longest} characters, and at most {_LONGEST_ID} are read")


def image_from_document(data: Any) -> ImageRecord:
    """The inverse of :func:`image_document`.

    Raises
    ------
    DocumentError
        If the data is not an image's object.
    """
    return _image(convert(data, ImageDocument), data, "")


def _image(document: ImageDocument, data: Mapping[str, Any], place: str) -> ImageRecord:
    """An image's record from its fixed fields and from the object that also holds its metrics."""
    values, curves = _metrics(data, _FIELDS[ImageDocument], place)
    fixed, samples = _FIELDS[SampleDocument], []
    for number, (sample, raw) in enumerate(zip(document.samples, data["samples"], strict=True)):
        inner = f"{place}samples[{number}]."
        numbers = {
            # Most values are finite floats, and a board holds a million of them.
            key: value if type(value) is float and math.isfinite(value) else _number(value, inner + key)
            for key, value in raw.items()
            if key not in fixed
        }
        samples.append(SampleRecord(sample.sample, sample.file, sample.sha256, numbers))
    return ImageRecord(
        image=document.image,
        height=document.height,
        width=document.width,
        gt_sha256=document.gt_sha256,
        values=values,
        curves=curves,
        samples=tuple(samples),
    )


def _metrics(
    data: Mapping[str, Any], fixed: frozenset[str], place: str
) -> tuple[dict[str, float | None], dict[str, tuple[float | None, ...]]]:
    """The values and the curves of an object: all keys but the fixed ones."""
    values, curves = {}, {}
    for key, value in data.items():
        if key in fixed:
            continue
        if isinstance(value, list):
            curves[key] = tuple(
                [v if type(v) is float and math.isfinite(v) else _number(v, place + key) for v in value]
            )
        else:
            values[key] = _number(value, place + key)
    return values, curves


def _number(value: Any, place: str) -> float | None:
    try:
        return strict_json.number(value)
    except ValueError as error:
        raise DocumentError(f"{visible(place)}: {error}") from error


def _name(team: str) -> str:
    if told := too_long(team):
        raise DocumentError(told)
    if not name_key(team):
        raise DocumentError("team is empty or shows nothing; write the team's name")
    if any("\ud800" <= char <= "\udfff" for char in team):
        raise DocumentError(f"team {team!a} has an invalid character (a lone surrogate); type the name again")
    return team
