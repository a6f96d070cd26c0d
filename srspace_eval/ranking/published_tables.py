"""Tables from papers as data, to be shown beside measured results. Imports no torch.

Each table is a file ``leaderboards/published/*.toml`` (installed in ``srspace_eval.leaderboards``): where it was
published, which images it is about, its rows as printed. Nothing in them was measured here.
The module is long because much of it is documentation.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from srspace_eval._utils import toml
from srspace_eval._utils.documents import DocumentError, convert
from srspace_eval._utils.untrusted_text import did_you_mean, line_key
from srspace_eval.errors import RankingError
from srspace_eval.metrics.base import Direction
from srspace_eval.metrics.registry import columns as metric_columns
from srspace_eval.ranking.model import Entry
from srspace_eval.results.record import Kind


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
    team
        The method's name.
    kind
        ``"team"`` if it competed, else ``"baseline"``.
    values
        Metric id or key of :attr:`PublishedTable.columns` -> value; a cell printed as "-" is absent.
    ranks
        Metric id -> printed rank.
    final_rank
        The printed final rank; None if none was printed.
    note
        What the table or its source says about the row.
    places
        Name of one of the track's rankings -> printed place.
    late
        Whether it was submitted after the deadline. It is then shown and not ranked, as a baseline is.
    """

    team: str
    kind: Kind
    values: Mapping[str, float]
    ranks: Mapping[str, int] = field(default_factory=dict)
    final_rank: float | None = None
    note: str = ""
    places: Mapping[str, int] = field(default_factory=dict)
    late: bool = False


@dataclass(frozen=True)
class PublishedTable:
    """One table of a paper.

    Attributes
    ----------
    id
        Name for ``rank --with`` (``"ntire2021-x4"``).
    title
        What it compares.
    tracks
        The tracks beside which it is shown without a notice; empty: another task.
    paper, table, read_from
        The publication, the table in it, and the document the numbers were read from.
    authors
        Family name, then given names: ``"Danelljan, Martin"``; empty if only what ``paper`` says is known.
    data
        The images it is about.
    images
        How many they are; None if the publication does not say.
    columns
        Columns that are not metrics of this package.
    rows
        As printed.
    uncertain
        What the source leaves open about the whole table, one sentence each.
    measured_with
        How the numbers were measured, as far as it is known. The notes of the rows say it. If it is empty, they were
        measured as the track measures.
    year
        The year of the publication.
    gt_sha256
        The digest of its GT images, as a result's signature states it under ``common.gt``; empty: not known.

    Examples
    --------
    >>> from srspace_eval import load_published
    >>> table = load_published("ntire2021-x4")
    >>> len(table.rows), table.rows[0].team
    (14, 'svnit_ntnu')
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
    images: int | None = None
    uncertain: tuple[str, ...] = ()
    measured_with: str = ""
    gt_sha256: str = ""
    authors: tuple[str, ...] = ()
    year: int | None = None

    @property
    def citation(self) -> str:
        """One line that says where the numbers are from."""
        return f"{self.paper}, {self.table}; {self.data}"

    def entries(
        self, kind: Literal["baseline", "as published"] = "baseline", known: Collection[str] | None = None
    ) -> list[Entry]:
        """The rows as entries of a leaderboard, marked as published.

        Parameters
        ----------
        kind
            ``"baseline"``: all are shown and none is ranked, also where the track ranks baselines; ``"as published"``:
            those that competed compete again.
        known
            Ids of a track's columns (:meth:`Track.columns`); values under other ids are left out. None: the metrics'.

        Returns
        -------
        list[Entry]
            One entry for each row, in the printed order.

        Examples
        --------
        >>> load_published("ntire2021-x4").entries()[0].values["lpips"]
        0.355
        """
        ids = metric_columns() if known is None else known
        return [
            Entry(
                team=row.team,
                kind="baseline" if kind == "baseline" else row.kind,
                values={key: value for key, value in row.values.items() if key in ids},
                origin="published",
                note="\n".join(filter(None, [self.citation, self.measured_with, row.note])),
                competes=kind == "as published",
                late=row.late,
            )
            for row in self.rows
        ]


@lru_cache(maxsize=1)
def published_tables() -> Mapping[str, PublishedTable]:
    """All published tables, by id.

    Returns
    -------
    Mapping[str, PublishedTable]
        Id -> table.

    Examples
    --------
    >>> from srspace_eval import published_tables
    >>> [name for name in published_tables() if name.startswith("ntire2021")]
    ['ntire2021-x4', 'ntire2021-x8']
    """
    folder = files("srspace_eval.leaderboards").joinpath("published")
    tables = [
        parse_table(toml.loads(entry.read_text(encoding="utf-8")), entry.name)
        for entry in sorted(folder.iterdir(), key=lambda e: e.name)
        if entry.name.endswith(".toml")
    ]
    return {table.id: table for table in tables}


def table_of(note: str) -> PublishedTable | None:
    """The published table that a row's note cites in its first line with a letter; None if it cites none.

    Citations that read the same are the same (:func:`srspace_eval._utils.untrusted_text.line_key`).

    Examples
    --------
    >>> table_of(load_published("ntire2021-x4").entries()[0].note).id
    'ntire2021-x4'
    """
    return _by_citation().get(line_key(note))


@lru_cache(maxsize=1)
def _by_citation() -> dict[str, PublishedTable]:
    return {line_key(table.citation): table for table in published_tables().values()}


def load_published(name: str, track: str | None = None) -> PublishedTable:
    """One published table, by its id or, for a track, by the id without its scale.

    Parameters
    ----------
    name
        ``"ntire2021-x4"``; with ``track="x4"`` also ``"ntire2021"``.
    track
        The track beside which it is shown.

    Returns
    -------
    PublishedTable
        The table.

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
    family = [table for table in tables.values() if table.id.rpartition("-x")[0] == name]
    fitting = [table for table in family if track in table.tracks]
    if len(fitting) == 1:
        return fitting[0]
    where = f" for track {track}" if track else ""
    guess = " or ".join(repr(table.id) for table in family)
    question = f"did you mean {guess}?" if guess else did_you_mean(name, tables)
    known = "; ".join(f"{t.id} ({', '.join(t.tracks) or 'other tasks'})" for t in tables.values())
    listed = f"{question} There are {known}" if question else f"there are {known}"
    raise RankingError(f"there is no published table {name!r}{where}; {listed}")


def tables_called(name: str) -> list[PublishedTable]:
    """The table of an id, or all tables of an id without its scale.

    Raises
    ------
    RankingError
        If there is no such table; the message lists them.

    Examples
    --------
    >>> [table.id for table in tables_called("ntire2021")]
    ['ntire2021-x4', 'ntire2021-x8']
    """
    tables = published_tables()
    family = [table for table in tables.values() if table.id.rpartition("-x")[0] == name]
    return family if family and name not in tables else [load_published(name)]


def published_tracks(name: str) -> list[str]:
    """The track in which a published table's teams competed; with a name without its scale, one for each table.

    Raises
    ------
    RankingError
        If there is no such table, or it is not about a track.

    Examples
    --------
    >>> published_tracks("ntire2021-x8"), published_tracks("ntire2021")
    (['x8'], ['x4', 'x8'])
    """
    found = tables_called(name)
    if other := [table for table in found if not table.tracks]:
        raise RankingError(f"{other[0].id} is not about a track ({other[0].title}); show it with --with {other[0].id}")
    return [table.tracks[0] for table in found]


class ColumnTable(Struct, frozen=True, forbid_unknown_fields=True):
    """A column that is not a metric of this package."""

    label: str
    unit: str = ""
    direction: Direction | UnsetType = UNSET


class RowTable(Struct, frozen=True):
    """A printed row; further keys are metric ids or columns of the table with the printed numbers."""

    team: str
    kind: Kind
    ranks: dict[str, Annotated[int, Meta(ge=1)]] = {}
    final_rank: Annotated[float, Meta(ge=1)] | UnsetType = UNSET
    note: str = ""
    places: dict[str, Annotated[int, Meta(ge=1)]] = {}
    late: bool = False


class PublishedFile(Struct, frozen=True, forbid_unknown_fields=True):
    """A published table: where it was published, and its rows as printed."""

    id: str
    title: str
    tracks: tuple[str, ...]
    paper: str
    table: str
    read_from: str
    data: str
    rows: tuple[RowTable, ...]
    columns: dict[str, ColumnTable] = {}
    images: Annotated[int, Meta(ge=1)] | UnsetType = UNSET
    uncertain: tuple[str, ...] = ()
    measured_with: str = ""
    gt_sha256: Annotated[str, Meta(pattern="^([0-9a-f]{64})?$", max_length=64)] = ""
    authors: tuple[str, ...] = ()
    year: Annotated[int, Meta(ge=1900, le=9999)] | UnsetType = UNSET


def parse_table(data: dict[str, Any], where: str) -> PublishedTable:
    """A published table from the data of its TOML file.

    Raises
    ------
    RankingError
        If the data is not a published table. The message names ``where`` and the field.
    """
    try:
        table = convert(data, PublishedFile)
        known = {*metric_columns(), *table.columns}
        rows = tuple(_row(row, raw, known) for row, raw in zip(table.rows, data["rows"], strict=True))
    except DocumentError as error:
        raise RankingError(f"{where}: not a published table: {error}") from error
    return PublishedTable(
        id=table.id,
        title=table.title,
        tracks=table.tracks,
        paper=table.paper,
        table=table.table,
        read_from=table.read_from,
        data=table.data,
        images=None if table.images is UNSET else table.images,
        columns={
            key: PublishedColumn(column.label, column.unit, None if column.direction is UNSET else column.direction)
            for key, column in table.columns.items()
        },
        rows=rows,
        uncertain=table.uncertain,
        measured_with=table.measured_with,
        gt_sha256=table.gt_sha256,
        authors=table.authors,
        year=None if table.year is UNSET else table.year,
    )


def _row(row: RowTable, data: dict[str, Any], known: set[str]) -> PublishedRow:
    numbers = {key: value for key, value in data.items() if key not in RowTable.__struct_fields__}
    if unknown := sorted(numbers.keys() - known):
        raise DocumentError(f"row {row.team!r}: unknown column {', '.join(unknown)}; declare it in [columns]")
    try:
        values = convert(numbers, dict[str, float])
    except DocumentError as error:
        raise DocumentError(f"row {row.team!r}: {error}") from error
    final_rank = None if row.final_rank is UNSET else row.final_rank
    return PublishedRow(row.team, row.kind, values, row.ranks, final_rank, row.note, row.places, row.late)
