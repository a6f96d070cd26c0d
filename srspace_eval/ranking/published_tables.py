"""Tables from papers as data, to be shown beside measured results. Imports no torch.

Each table is a file ``leaderboards/published/*.toml`` (installed in ``srspace_eval.leaderboards``): where it was
published, which images it is about, its rows as printed. Nothing in them was measured here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal

from srspace_eval._utils import toml
from srspace_eval.errors import RankingError
from srspace_eval.metrics.base import Direction
from srspace_eval.metrics.registry import columns as metric_columns
from srspace_eval.ranking.model import Entry
from srspace_eval.results.record import Kind

# Cells that are the table's own conclusions, not measurements of a method.
_CONCLUSIONS = ("final_rank",)


@dataclass(frozen=True)
class PublishedColumn:
    """A column that is not a metric of this package: parameters, times, others. Direction None: not comparable."""

    label: str
    unit: str = ""
    direction: Direction | None = None


@dataclass(frozen=True)
class PublishedRow:
    """One printed row.

    Attributes
    ----------
    team:
        The method's name.
    kind:
        ``"team"`` if it competed, else ``"baseline"``.
    values:
        Metric id or key of :attr:`PublishedTable.columns` -> value; a cell printed as "-" is absent.
    ranks:
        Metric id -> printed rank.
    final_rank:
        The printed final rank; None if none was printed.
    note:
        What the table or its source says about the row.
    """

    team: str
    kind: Kind
    values: Mapping[str, float]
    ranks: Mapping[str, int] = field(default_factory=dict)
    final_rank: float | None = None
    note: str = ""


@dataclass(frozen=True)
class PublishedTable:
    """One table of a paper.

    Attributes
    ----------
    id:
        Name for ``rank --with`` (``"ntire2021-x4"``).
    title:
        What it compares.
    tracks:
        The tracks beside which it is shown without a notice; empty: another task.
    paper, table, read_from:
        The publication, the table in it, and the document the numbers were read from.
    data:
        The images it is about.
    columns:
        Columns that are not metrics of this package.
    rows:
        As printed.
    """

    id: str
    title: str
    tracks: tuple[str, ...]
    paper: str
    table: str
    read_from: str
    data: str
    columns: Mapping[str, PublishedColumn]
    rows: tuple[PublishedRow, ...]

    @property
    def citation(self) -> str:
        """One line that says where the numbers are from."""
        return f"{self.paper}, {self.table}; {self.data}"

    def entries(self, kind: Literal["baseline", "as published"] = "baseline") -> list[Entry]:
        """The rows as entries of a leaderboard, marked as published.

        Parameters
        ----------
        kind:
            ``"baseline"``: all shown, none ranked; ``"as published"``: those that competed compete again.

        Examples
        --------
        >>> load_published("ntire2021-x4").entries()[0].values["lpips"]
        0.355
        """
        return [
            Entry(
                team=row.team,
                kind="baseline" if kind == "baseline" else row.kind,
                values={key: value for key, value in row.values.items() if key in metric_columns()},
                origin="published",
                note=f"{self.citation}\n{row.note}" if row.note else self.citation,
            )
            for row in self.rows
        ]


@lru_cache(maxsize=1)
def published_tables() -> Mapping[str, PublishedTable]:
    """All published tables, by id."""
    folder = files("srspace_eval.leaderboards").joinpath("published")
    tables = [
        _parse(toml.loads(entry.read_text(encoding="utf-8")))
        for entry in sorted(folder.iterdir(), key=lambda e: e.name)
        if entry.name.endswith(".toml")
    ]
    return {table.id: table for table in tables}


def load_published(name: str, track: str | None = None) -> PublishedTable:
    """One published table, by its id or, for a track, by the id without its scale.

    Parameters
    ----------
    name:
        ``"ntire2021-x4"``; with ``track="x4"`` also ``"ntire2021"``.
    track:
        The track beside which it is shown.

    Raises
    ------
    RankingError
        If there is no such table; the message lists them.

    Examples
    --------
    >>> load_published("ntire2021", track="x8").table
    'Table 3'
    """
    tables = published_tables()
    if name in tables:
        return tables[name]
    fitting = [t for t in tables.values() if track in t.tracks and t.id.rpartition("-x")[0] == name]
    if len(fitting) == 1:
        return fitting[0]
    known = "; ".join(f"{t.id} ({', '.join(t.tracks) or 'other tasks'})" for t in tables.values())
    where = f" for track {track}" if track else ""
    raise RankingError(f"there is no published table {name!r}{where}; there are {known}")


def _parse(data: dict[str, Any]) -> PublishedTable:
    columns = {key: PublishedColumn(**column) for key, column in data.get("columns", {}).items()}
    return PublishedTable(
        id=data["id"],
        title=data["title"],
        tracks=tuple(data["tracks"]),
        paper=data["paper"],
        table=data["table"],
        read_from=data["read_from"],
        data=data["data"],
        columns=columns,
        rows=tuple(_parse_row(row, {*metric_columns(), *columns}) for row in data["rows"]),
    )


def _parse_row(row: dict[str, Any], known: set[str]) -> PublishedRow:
    about = {"team", "kind", "ranks", "note", *_CONCLUSIONS}
    unknown = row.keys() - about - known
    if unknown:
        raise ValueError(f"published row {row['team']!r}: unknown column {', '.join(sorted(unknown))}")
    return PublishedRow(
        team=row["team"],
        kind=row["kind"],
        values={key: float(value) for key, value in row.items() if key not in about},
        ranks=row.get("ranks", {}),
        final_rank=row.get("final_rank"),
        note=row.get("note", ""),
    )
