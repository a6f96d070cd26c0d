"""What is published of each method: numbers, licences, where the checkpoints are. Imports no torch.

The data are ``published.toml`` beside this module.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from srspace_eval.metrics.info import METRICS

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover - the same parser under its older name
    import tomli as tomllib

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
    """One row of a published table.

    Attributes
    ----------
    scale:
        Super-resolution factor.
    data:
        On which images.
    sources:
        Who printed it: key, such as ``"jo2021"`` -> the source in words.
    values:
        Metric id (:data:`srspace_eval.metrics.info.METRICS`) -> value.
    parameters_millions:
        Of the flow alone, or of the whole RRDB network.
    training_hours, inference_seconds:
        On one RTX 2080 Ti; inference of a 1920×1080 output.
    note:
        What else the source says of the row.
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
        Its family, as :attr:`srspace_eval.models.protocol.ModelConfig.family`; ESRGAN has the network of ``rrdb``.
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
    data = tomllib.loads(files("srspace_eval").joinpath("models/published.toml").read_text(encoding="utf-8"))
    methods = {}
    for entry in data["method"]:
        results = tuple(
            PublishedResult(
                scale=row["scale"],
                data=data["data"][row["data"]],
                sources={key: data["source"][key] for key in row["sources"]},
                values={key: float(row[key]) for key in METRICS if key in row},
                parameters_millions=row.get("parameters_millions"),
                training_hours=row.get("training_hours"),
                inference_seconds=row.get("inference_seconds"),
                note=row.get("note", ""),
            )
            for row in entry.get("result", ())
        )
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
