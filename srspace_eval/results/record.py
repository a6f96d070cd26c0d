"""Records on disk: one reviewable JSON a submission, in a board's folder.

A board is a folder; ``BOARD/TRACK/SLUG.json`` is one scored submission (SLUG: see :func:`slug`). Copying two boards'
folders together gives one board. While ``score`` runs, the images measured so far stand in
``BOARD/TRACK/SLUG.journal.jsonl`` (:mod:`srspace_eval.scoring.journal`), those of shard 1 of 4 in
``SLUG.shard-1-of-4.journal.jsonl`` (:mod:`srspace_eval.scoring.shards`). Imports no torch.

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
     "provenance": {...} or null}            # what ``sample`` wrote beside the samples

Numbers are in full precision; an infinite LR-PSNR is the text ``"inf"``, an undefined value ``null``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from srspace_eval._utils import strict_json
from srspace_eval._utils.frames import Kind as ColumnKind
from srspace_eval._utils.frames import data_frame, value_columns
from srspace_eval.errors import InputError, ResultsError
from srspace_eval.metrics.base import METRICS

if TYPE_CHECKING:
    import pandas as pd

RESULT_FORMAT = "srspace-eval/result/1"
MAX_RESULT_BYTES = 1 << 27
"""Largest result that is read: a thousand images of hundred samples have a fifth of it."""
CURVES = ("diversity_curve", "diversity_mse_curve")

Kind = Literal["team", "baseline"]


@dataclass(frozen=True)
class Signature:
    """What a result was measured with.

    Attributes
    ----------
    settings:
        Group -> settings. ``"common"`` (track, scale, samples, crop, digest of the GT) binds all numbers; a metric's
        group (``"lpips"``, ``"lr_psnr"``, ...) binds that metric's. Two results may stand in one ranking only if all
        groups that both have are equal.
    environment:
        Versions and device: no bar to standing in one ranking; but a run is resumed, and a result taken as already
        there, only in the same environment.
    """

    settings: Mapping[str, Mapping[str, Any]]
    environment: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """First 12 hexadecimal digits of the SHA-256 of the settings."""
        canonical = json.dumps(self.settings, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(canonical.encode("ascii")).hexdigest()[:12]

    @property
    def text(self) -> str:
        """One line that a paper can print.

        >>> Signature({"common": {"scale": 4}, "lpips": {"net": "alex"}}).text
        'common:scale=4|lpips:net=alex'
        """
        return "|".join(
            f"{group}:" + ",".join(f"{key}={_short(value)}" for key, value in settings.items())
            for group, settings in self.settings.items()
        )

    def conflicts(self, other: Signature) -> list[str]:
        """The settings in which two results differ, one line each; empty if they may be ranked together."""
        found = []
        for group in self.settings:
            if group not in other.settings:
                continue
            mine, theirs = self.settings[group], other.settings[group]
            for key in dict.fromkeys([*mine, *theirs]):
                if mine.get(key) != theirs.get(key):
                    found.append(f"{group}.{key}: {_short(mine.get(key))} / {_short(theirs.get(key))}")
        return found


@dataclass(frozen=True)
class SampleRecord:
    """One sample's numbers (:attr:`values`: metric id -> value, None if undefined)."""

    sample: int
    file: str
    sha256: str
    values: Mapping[str, float | None]


@dataclass(frozen=True)
class ImageRecord:
    """One image's numbers: its values, its curves S_1..S_M, its samples. Sizes are those measured, after the crop."""

    image: str
    height: int
    width: int
    gt_sha256: str
    values: Mapping[str, float | None]
    curves: Mapping[str, tuple[float | None, ...]]
    samples: tuple[SampleRecord, ...]


@dataclass(frozen=True)
class Result:
    """One scored submission. Fields as in the module's docstring."""

    team: str
    track: str
    signature: Signature
    images: tuple[ImageRecord, ...]
    summary: Mapping[str, float | None]
    curves: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    kind: Kind = "team"
    incomplete: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    provenance: Mapping[str, Any] | None = None

    def to_frame(self, level: Literal["images", "samples"] = "images") -> pd.DataFrame:
        """The numbers as a pandas DataFrame.

        Parameters
        ----------
        level:
            ``"images"``: a row an image. Columns: ``team``, ``track``, ``image`` (text), ``height``, ``width``,
            ``samples`` (int64; pixels, number of samples), and each metric id (float64).
            ``"samples"``: a row a sample. Columns: ``team``, ``track``, ``image``, ``sample`` (int64, from 0),
            ``file``, and each metric id that a sample has (float64).

        Returns
        -------
        Rows in the result's order. An infinite value is ``inf``, an undefined one NaN.

        Raises
        ------
        InputError
            If the level is another.

        Examples
        --------
        >>> image = ImageRecord("0801", 32, 48, "", {"lpips": 0.25}, {}, ())
        >>> result = Result("A", "x4", Signature({}), (image,), {"lpips": 0.25})
        >>> result.to_frame()[["image", "height", "width", "lpips"]]
          image  height  width  lpips
        0  0801      32     48   0.25
        """
        if level == "images":
            rows = [image.values for image in self.images]
            about: dict[str, tuple[ColumnKind, Sequence[object]]] = {
                "image": ("string", [image.image for image in self.images]),
                "height": ("int64", [image.height for image in self.images]),
                "width": ("int64", [image.width for image in self.images]),
                "samples": ("int64", [len(image.samples) for image in self.images]),
            }
        elif level == "samples":
            pairs = [(image, sample) for image in self.images for sample in image.samples]
            rows = [sample.values for _, sample in pairs]
            about = {
                "image": ("string", [image.image for image, _ in pairs]),
                "sample": ("int64", [sample.sample for _, sample in pairs]),
                "file": ("string", [sample.file for _, sample in pairs]),
            }
        else:
            raise InputError(f"level {level!r}: 'images' or 'samples'")
        return data_frame(
            {
                "team": ("string", [self.team] * len(rows)),
                "track": ("string", [self.track] * len(rows)),
                **about,
                **value_columns(rows),
            }
        )


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


def from_document(data: Any, where: str) -> Result:
    """A result from its JSON document.

    Raises
    ------
    ResultsError
        If the document is not one of ours; the message names ``where`` and the field.
    """
    try:
        if data["format"] != RESULT_FORMAT:
            raise ValueError(f"format is {data['format']!r}, not {RESULT_FORMAT!r}")
        kind = data["kind"]
        if kind not in ("team", "baseline"):
            raise ValueError(f"kind is {kind!r}, not 'team' or 'baseline'")
        signature = data["signature"]
        for free in (signature, data["provenance"]):
            strict_json.bounded(free)
        return Result(
            team=_name(data["team"], "team"),
            track=_text(data["track"], "track"),
            kind=kind,
            signature=Signature(
                {_text(k, "signature"): dict(v) for k, v in signature["settings"].items()},
                dict(signature["environment"]),
            ),
            incomplete=tuple(_text(x, "incomplete") for x in data["incomplete"]),
            notes=tuple(_text(x, "notes") for x in data["notes"]),
            summary=_values(data["summary"]),
            curves=_curves(data),
            images=tuple(image_from_document(image) for image in data["images"]),
            provenance=None if data["provenance"] is None else dict(data["provenance"]),
        )
    except KeyError as error:
        raise ResultsError(f"{where}: not a result of srspace-eval: {error.args[0]!r} is missing") from error
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ResultsError(f"{where}: not a result of srspace-eval: {error}") from error


def image_from_document(data: Mapping[str, Any]) -> ImageRecord:
    """The inverse of :func:`image_document`; KeyError, TypeError, ValueError or OverflowError on anything else."""
    return ImageRecord(
        image=_text(data["image"], "image"),
        height=int(data["height"]),
        width=int(data["width"]),
        gt_sha256=_text(data["gt_sha256"], "gt_sha256"),
        values=_values(data),
        curves=_curves(data),
        samples=tuple(
            SampleRecord(int(s["sample"]), _text(s["file"], "file"), _text(s["sha256"], "sha256"), _values(s))
            for s in data["samples"]
        ),
    )


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} is not a text")
    if "\0" in value:  # in no file name, and most of these become one
        raise ValueError(f"{name} holds a NUL")
    return value


def _name(value: Any, name: str) -> str:
    text = _text(value, name)
    if not text.strip():
        raise ValueError(f"its {name} is empty; write the {name}'s name")
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise ValueError(f"its {name} {text!r} holds half a character (a lone surrogate); write it anew")
    return text


def _values(data: Mapping[str, Any]) -> dict[str, float | None]:
    return {key: strict_json.number(data[key]) for key in data if key in METRICS or key in _EXTRA_VALUES}


def _curves(data: Mapping[str, Any]) -> dict[str, tuple[float | None, ...]]:
    return {name: tuple(strict_json.number(v) for v in data[name]) for name in CURVES if name in data}


# Values that records carry beside the metrics of tables.
_EXTRA_VALUES = {"mse", "mse_global_best", "mse_local_best", "diversity_patches_se"}


def _short(value: Any) -> str:
    text = str(value)
    return text[:8] if re.fullmatch(r"[0-9a-f]{64}", text) else text
