"""The TOML file of a track as types: its keys, their ranges and defaults.

A further table of the file is one more field of :class:`TrackTable` and one more type here. An unknown key is an
error, so that a typing mistake never becomes a default.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from srspace_eval._utils.documents import NO_NUL
from srspace_eval.metrics.base import Direction
from srspace_eval.tracks.model import MAX_SAMPLES, Mismatch, Of, Reference, Track
from srspace_eval.tracks.opinion_scale import MOST_GRADES

Name = Annotated[str, Meta(min_length=1, max_length=1000, pattern=NO_NUL)]
Names = Annotated[tuple[Name, ...], Meta(min_length=1)]


Text = Annotated[str, Meta(max_length=200, pattern=NO_NUL)]
Label = Annotated[str, Meta(min_length=1, max_length=200, pattern=NO_NUL)]
LongText = Annotated[str, Meta(min_length=1, max_length=2000, pattern=NO_NUL)]
Formulas = Annotated[str, Meta(max_length=1000, description="a formula")]
Digits = Annotated[int, Meta(ge=0, le=9)]
Tolerance = Annotated[float, Meta(ge=0, le=1e300, description="a number that is not negative")]


class ColumnTable(Struct, frozen=True, forbid_unknown_fields=True):
    """One row of ``[columns]``: values that come from elsewhere, such as runtimes or opinions.

    ``better`` is required unless the id is well known; what is left out of a well-known id is as everywhere.
    """

    better: Direction | UnsetType = UNSET
    label: Label | UnsetType = UNSET
    unit: Text | UnsetType = UNSET
    digits: Digits | UnsetType = UNSET
    description: Text = ""


class DerivedTable(Struct, frozen=True, forbid_unknown_fields=True):
    """One row of ``[derived]``: values that a formula gives."""

    formula: Formulas
    better: Direction
    label: Label | UnsetType = UNSET
    unit: Text = ""
    digits: Digits = 3
    description: Text = ""
    of: Of = "means"


class OrderTable(Struct, frozen=True, forbid_unknown_fields=True):
    """One key of ``order_by``, written in full."""

    by: Formulas
    tolerance: Tolerance = 0.0
    better: Direction = "lower"


class CriterionTable(Struct, frozen=True, forbid_unknown_fields=True):
    """One row of ``criteria``: a metric that gets ranks."""

    metric: Name
    among: Name = "teams"
    plateau: Annotated[float, Meta(ge=-1e300, le=1e300, description="a finite number")] | UnsetType = UNSET
    tolerance: Tolerance = 0.0


class RankingTable(Struct, frozen=True, forbid_unknown_fields=True):
    """The table ``[ranking]``: how teams are ranked."""

    criteria: tuple[CriterionTable, ...] = ()
    final: tuple[Name, ...] = ()
    show: tuple[Name, ...] = ()
    eligible: tuple[Formulas, ...] = ()
    order_by: tuple[OrderTable | Formulas, ...] = ()
    baselines_ranked: bool = False
    title: Text = ""


Grade = Annotated[int, Meta(ge=0, le=MOST_GRADES - 1)]


class ScaleTable(Struct, frozen=True, forbid_unknown_fields=True):
    """The table ``[study.scale]``: the scale on which people rate pictures."""

    low: Grade
    high: Grade
    better: Direction
    words: tuple[Annotated[str, Meta(min_length=1, max_length=40)], ...] = ()


class StudyTable(Struct, frozen=True, forbid_unknown_fields=True):
    """The table ``[study]``: what the human study of the challenge prescribes."""

    scale: ScaleTable | UnsetType = UNSET


class TrackTable(Struct, frozen=True, forbid_unknown_fields=True):
    """A track file."""

    name: Name
    title: Name
    scale: Annotated[int, Meta(ge=1, le=64)]
    samples: Annotated[int, Meta(ge=1, le=MAX_SAMPLES)] = Track.samples
    gt_names: Names = Track.gt_names
    sample_names: Names = Track.sample_names
    first: Annotated[int, Meta(ge=0, le=10**18)] = Track.first
    crop: Annotated[int, Meta(ge=1, le=4096)] | UnsetType = UNSET
    metrics: Names | UnsetType = UNSET
    baseline: Text = ""
    reference: Reference = "gt"
    mismatch: Mismatch = Track.mismatch
    source: LongText | UnsetType = UNSET
    uncertain: tuple[LongText, ...] = ()
    ranking: RankingTable | UnsetType = UNSET
    rankings: dict[Name, RankingTable] = {}
    measure: dict[Name, dict[Name, str | bool | int | float]] = {}
    columns: dict[Name, ColumnTable] = {}
    derived: dict[Name, DerivedTable] = {}
    study: StudyTable = StudyTable()
