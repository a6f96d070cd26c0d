"""The TOML file of a track as types: its keys, their ranges and defaults.

A further table of the file is one more field of :class:`TrackTable` and one more type here. An unknown key is an
error, so that a typing mistake never becomes a default.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from srspace_eval.tracks.model import MAX_SAMPLES, Among, Track

Name = Annotated[str, Meta(min_length=1)]
Names = Annotated[tuple[Name, ...], Meta(min_length=1)]


class CriterionTable(Struct, frozen=True, forbid_unknown_fields=True):
    """One row of ``criteria``: a metric that gets ranks."""

    metric: Name
    among: Among = "teams"
    plateau: Annotated[float, Meta(ge=-1e300, le=1e300, description="a finite number")] | UnsetType = UNSET


class RankingTable(Struct, frozen=True, forbid_unknown_fields=True):
    """The table ``[ranking]``: how teams are ranked."""

    criteria: tuple[CriterionTable, ...] = ()
    final: tuple[Name, ...] = ()
    show: tuple[Name, ...] = ()


class TrackTable(Struct, frozen=True, forbid_unknown_fields=True):
    """A track file."""

    name: Name
    title: Name
    scale: Annotated[int, Meta(ge=1, le=64)]
    samples: Annotated[int, Meta(ge=1, le=MAX_SAMPLES)] = Track.samples
    gt_names: Names = Track.gt_names
    sample_names: Names = Track.sample_names
    first: Annotated[int, Meta(ge=0, le=10**18)] = Track.first
    crop: Annotated[int, Meta(ge=1, le=4096)] = Track.crop
    metrics: Names = Track.metrics
    ranking: RankingTable | UnsetType = UNSET
    measure: dict[Name, dict[Name, str | bool | int | float]] = {}
