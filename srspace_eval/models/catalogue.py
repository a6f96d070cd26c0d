"""What is published of each method: numbers, licences, where the checkpoints are. Imports no torch.

The data are ``published.toml`` beside this module; the numbers are those of the tables in ``leaderboards/published``,
which it names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from srspace_eval._utils import toml
from srspace_eval.metrics.registry import columns

Status = Literal["gone", "not checked"]


@dataclass(frozen=True)
class Checkpoint:
    """Where a method's checkpoints are or were.

    Attributes
    ----------
    files:
        Their names.
    where:
        A link, or words.
    status:
        ``"gone"``: the link is dead; ``"not checked"``: nobody has verified it.
    note:
        What else is known.
    """

    files: tuple[str, ...]
    where: str
    status: Status
    note: str = ""


@dataclass(frozen=True)
class PublishedResult:
    """One row of a published table, or the same row of several.

    Attributes
    ----------
    scale:
        Super-resolution factor.
    data:
        On which images.
    sources:
        Who printed it: the table's id, as for ``rank --published``, such as ``"srflow-da-x4"`` -> the source in words.
    values:
        Metric id (:func:`srspace_eval.metrics.registry.columns`) -> value.
    parameters_millions:
        Of the flow alone, or of the whole RRDB network.
    training_hours, inference_seconds:
        On one RTX 2080 Ti; inference of a 1920×1080 output.
    note:
        Under which other name the row stands there, and what the source says of it.
    """

    scale: int
    data: str
    sources: Mapping[str, str]
    values: Mapping[str, float]
    parameters_millions: float | None = None
    training_hours: float | None = None
    inference_seconds: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Method:
    """A method that the adapters run.

    Attributes
    ----------
    id:
        Its family, as :attr:`srspace_eval.models.base.ModelConfig.family`; ESRGAN has the network of ``rrdb``.
    title, paper, homepage, licence:
        For people; empty where there is none. The licence is that of the authors' program and weights.
    adapters:
        Names of the configurations.
    checkpoints, results:
        What is known of them.
    """

    id: str
    title: str
    paper: str
    homepage: str
    licence: str
    adapters: tuple[str, ...]
    checkpoints: tuple[Checkpoint, ...]
    results: tuple[PublishedResult, ...]


@cache
def published_methods() -> dict[str, Method]:
    """All methods by id.

    Example
    -------
    >>> [r.values["diversity"] for r in published_methods()["srflow_da_r"].results]
    [25.5, 24.57]
    """
    data = toml.loads(files("srspace_eval").joinpath("models/catalogue.toml").read_text(encoding="utf-8"))
    methods = {}
    for entry in data["method"]:
        results = tuple(_result(rows, entry["title"]) for rows in entry["results"])
        checkpoints = tuple(
            Checkpoint(tuple(row["files"]), row["where"], row["status"], row.get("note", ""))
            for row in entry.get("checkpoint", ())
        )
        methods[entry["id"]] = Method(
            entry["id"],
            entry["title"],
            entry.get("paper", ""),
            entry.get("homepage", ""),
            entry["licence"],
            tuple(entry["adapters"]),
            checkpoints,
            results,
        )
    return methods


def _result(rows: Mapping[str, str], title: str) -> PublishedResult:
    """What tables say of a method, as table's id -> name of its row; all are of one scale and agree."""
    tables = {table: _table(table) for table in rows}
    found = [next(row for row in tables[table]["rows"] if row["team"] == name) for table, name in rows.items()]
    cells: dict[str, float] = {}
    for row in found:
        cells |= {key: float(value) for key, value in row.items() if isinstance(value, (int, float))}
    table, name = next(iter(rows.items()))
    notes = ["" if title.startswith(name) else f"as {name}", *(row.get("note", "") for row in found)]
    return PublishedResult(
        scale=int(table.rpartition("-x")[2]),
        data=tables[table]["data"],
        sources={key: f"{data['paper']}, {data['table']}; {data['data']}" for key, data in tables.items()},
        values={key: cells[key] for key in columns() if key in cells},
        parameters_millions=cells.get("params_m"),
        training_hours=cells.get("training_hours"),
        inference_seconds=cells.get("inference_seconds"),
        note="; ".join(dict.fromkeys(note for note in notes if note)),
    )


@cache
def _table(name: str) -> Mapping[str, Any]:
    text = files("srspace_eval.leaderboards").joinpath(f"published/{name}.toml").read_text(encoding="utf-8")
    return toml.loads(text)
