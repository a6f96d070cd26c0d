"""What is published about each method: numbers, licences, where the checkpoints are. Imports no torch.

The data are in ``catalogue.toml`` beside this module. The numbers are those of the tables in
``leaderboards/published``; the catalogue refers to their rows.
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
class PublishedCheckpoint:
    """Where checkpoints of a method are or were.

    Attributes
    ----------
    files
        Names of the files.
    where
        A link, or a description.
    status
        ``"gone"``: the link is dead; ``"not checked"``: the link has not been verified.
    note
        What else is known.
    """

    files: tuple[str, ...]
    where: str
    status: Status
    note: str = ""


@dataclass(frozen=True)
class PublishedResult:
    """One row of a published table, or the same row of several tables.

    Attributes
    ----------
    scale
        Super-resolution factor.
    data
        The images it was measured on.
    sources
        Id of the table, as for ``rank --published``, such as ``"srflow-da-x4"`` -> the source in words.
    values
        Metric id -> value.
    parameters_millions
        Parameters of the flow alone, or of the whole RRDB network, in millions.
    training_hours, inference_seconds
        Times on one RTX 2080 Ti; inference is of a 1920×1080 output.
    note
        The row's name in the source if it is another, and remarks of the source.
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
    """A published method that the adapters can run.

    Attributes
    ----------
    id
        The family, see :attr:`srspace_eval.models.protocol.ModelConfig.family`. ESRGAN has the network of ``rrdb``.
    title, paper, homepage, licence
        Texts for readers; empty where there is none. The licence is that of the authors' program and weights.
    adapters
        Names of the configurations.
    checkpoints, results
        Where checkpoints are, and the published numbers.
    """

    id: str
    title: str
    paper: str
    homepage: str
    licence: str
    adapters: tuple[str, ...]
    checkpoints: tuple[PublishedCheckpoint, ...]
    results: tuple[PublishedResult, ...]


@cache
def known_methods() -> dict[str, Method]:
    """All methods of the catalogue by id, as ``srspace-eval models`` lists them.

    Returns
    -------
    dict[str, Method]
        Id -> title, paper, licence, checkpoints and published numbers.

    Examples
    --------
    >>> [r.values["diversity"] for r in known_methods()["srflow_da_r"].results]
    [25.5, 24.57]
    """
    data = toml.loads(files("srspace_eval").joinpath("models/catalogue.toml").read_text(encoding="utf-8"))
    methods = {}
    for entry in data["method"]:
        results = tuple(_result(rows, entry["title"]) for rows in entry["results"])
        checkpoints = tuple(
            PublishedCheckpoint(tuple(row["files"]), row["where"], row["status"], row.get("note", ""))
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
    """The result that several tables agree on; ``rows`` is id of a table -> name of the method's row in it."""
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
