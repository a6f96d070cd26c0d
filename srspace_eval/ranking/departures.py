"""Where numbers measured here do not compare with published ones. Imports no torch."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

from srspace_eval.errors import InputError
from srspace_eval.metrics.base import STANDARD_NETWORK, Metric, MetricInfo, RunInputs
from srspace_eval.metrics.registry import bind, metrics
from srspace_eval.ranking.model import Departure, Entry
from srspace_eval.ranking.published_tables import PublishedTable, table_of
from srspace_eval.results.record import Result
from srspace_eval.tracks.model import Track

_NOT_COMPARED = {"version", "reference", "lr"}  # the LR files are the challenge's own, or the GT is downscaled as there


def find_departures(
    entries: Sequence[Entry], comparable: Sequence[Result], columns: Sequence[str], track: Track
) -> tuple[Departure, ...]:
    """The columns of numbers that were not measured as published ones were.

    Published numbers are of the track's measurement with the metrics' defaults (the challenge's own) on the images of
    their table. The images are the same only if the table declares the digest of its GT and the result has the same.
    A setting is compared where the result states it, also if no published numbers are shown: readers know those of the
    challenge. Columns with the same departures share one.

    Parameters
    ----------
    entries
        All rows.
    comparable
        The results that are ranked together.
    columns
        Ids of the columns that are shown.
    """
    standard = standard_metrics(track)
    found: dict[str, list[str]] = {}
    for column in columns:
        cited = [
            table_of(entry.note)
            for entry in entries
            if entry.origin == "published" and entry.values.get(column) is not None
        ]
        tables = {"" if table is None else table.id: table for table in cited}
        own = [result for result in comparable if result.summary.get(column) is not None]
        if not own or column not in standard:
            continue
        name, metric, info = standard[column]
        settings = [
            reason for result in own for reason in _other_settings(result.signature.settings, name, metric, info, track)
        ]
        if reasons := [*_other_images(own, tables.values()), *dict.fromkeys(settings)]:
            found.setdefault(", ".join(reasons), []).append(column)
    return tuple(Departure(tuple(ids), text) for text, ids in found.items())


def standard_metrics(track: Track) -> dict[str, tuple[str, Metric, MetricInfo]]:
    """Column -> the id that its metric is measured under, the metric as the track measures it, and the column."""
    found: dict[str, tuple[str, Metric, MetricInfo]] = {}
    for wanted in dict.fromkeys([*track.measured, *metrics()]):
        with suppress(InputError):  # a metric without an option that it needs
            for name, metric in bind([wanted], track.measures).items():
                for info in metric.columns_as(name):
                    found.setdefault(info.id, (name, metric, info))
    return found


def _other_images(results: Sequence[Result], tables: Collection[PublishedTable | None]) -> list[str]:
    """How the images differ. A table that does not declare its GT may be of any images."""
    mine = {result.signature.settings.get("common", {}).get("gt") for result in results}
    others = [table for table in tables if table is None or mine != {table.gt_sha256}]
    if not others:
        return []
    known = None not in mine and all(table is not None and table.gt_sha256 for table in others)
    numbers = sorted({len(result.images) for result in results})
    here = f"here {' or '.join(map(str, numbers))}"
    data = sorted({"images that are not stated" if table is None else table.data for table in others})
    return [f"{'other' if known else 'other or unknown'} images ({here}; published on {' and on '.join(data)})"]


def _other_settings(
    settings: Mapping[str, Mapping[str, Any]], name: str, metric: Metric, info: MetricInfo, track: Track
) -> list[str]:
    options = {key: value for key, value in metric.signature(RunInputs()).items() if key not in _NOT_COMPARED}
    compared: list[tuple[str, Mapping[str, Any]]] = [(name, options)]
    if metric.needs.network:
        compared.insert(0, ("lpips", STANDARD_NETWORK))
    if info.per == "image":
        compared.insert(0, ("common", {"samples": track.samples}))
    return [
        f"{mine} samples instead of {wanted}"
        if key == "samples"
        else f"{key} {mine}"
        if isinstance(mine, str)
        else f"{key} {mine} instead of {wanted}"
        for group, standard in compared
        for key, wanted in standard.items()
        if (mine := settings.get(group, {}).get(key, wanted)) != wanted
    ]
