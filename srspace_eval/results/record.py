"""The types of a result: one scored submission, its images and their samples.

:mod:`srspace_eval.results.documents` has their form on disk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from srspace_eval.results.signature import Signature

Kind = Literal["team", "baseline"]

CURVES = ("diversity_curve", "diversity_mse_curve")
"""Names of the curves S_1 .. S_M, in the order of a result's file."""


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
