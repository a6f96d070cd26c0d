"""A table as CSV: full precision, safe in a spreadsheet, readable by ``rank --table``. Imports no torch."""

from __future__ import annotations

import csv
import io

from srspace_eval._utils.untrusted_text import escape_cell
from srspace_eval.ranking.model import FINAL, Ranking
from srspace_eval.ranking.told_columns import told_columns
from srspace_eval.report.table import Cell, Column, Table


def to_csv(table: Table) -> str:
    """The CSV text, lines ending in ``\\n``.

    Columns: place, team, kind, source; for each metric its value and ``_rank`` and, if there are intervals,
    ``_low, _high, _rank_low, _rank_high, _tied_with_next``; ``final_rank``, ``place_NAME`` of each
    further ranking, why_unranked, note; ``evidence`` if results come from a board; ``not_measured`` (ids) if values of
    measured rows come from tables; and the fields of a table of teams that are not all empty (``about_FIELD`` where a
    metric has the field's name). Infinite is ``inf``, not measured is empty. A text that a spreadsheet would compute
    gets a leading apostrophe (:func:`srspace_eval._utils.untrusted_text.unescape_cell` removes it).

    Parameters
    ----------
    table
        A complete one: ``make_table(ranking, complete=True)``.
    """
    intervals = table.has_intervals  # reads all rows
    header = [name for column in table.columns for name in _names(column, intervals)]
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    others = {f"place_{one.track.ranking.name}": _places(one) for one in table.ranking.others}
    names = ["place", "team", "kind", "source", *header, *others, "why_unranked", "note"]
    entries = [line.row.entry for line in table.lines]
    told = told_columns(
        [entry.evidence for entry in entries],
        [entry.joined for entry in entries],
        [entry.about for entry in entries],
        names,
    )
    writer.writerow([*names, *told])
    for number, line in enumerate(table.lines):
        entry = line.row.entry
        numbers = [
            text
            for column, cell in zip(table.columns, line.cells, strict=True)
            for text in _cells(column, cell, intervals)
        ]
        about = [line.place, escape_cell(entry.team), entry.kind, entry.origin]
        further = [places[entry.team, entry.note] for places in others.values()]
        texts = [line.row.why_unranked or "", entry.note, *(column[number] for column in told.values())]
        writer.writerow([*about, *numbers, *further, *map(escape_cell, texts)])
    return file.getvalue()


def _places(ranking: Ranking) -> dict[tuple[str, str], str]:
    """Name and note of each row -> its place; two publications may have the same method."""
    return {(row.entry.team, row.entry.note): "" if row.place is None else str(row.place) for row in ranking.rows}


def _names(column: Column, intervals: bool) -> list[str]:
    names = [column.id]
    if column.ranked:
        names.append(f"{column.id}_rank")
    if intervals:
        names += [f"{column.id}_low", f"{column.id}_high"]
        if column.ranked:
            names += [f"{column.id}_rank_low", f"{column.id}_rank_high"]
        if column.ranked or column.id == FINAL:
            names.append(f"{column.id}_tied_with_next")
    return names


def _cells(column: Column, cell: Cell, intervals: bool) -> list[str]:
    number = _rank if column.id == FINAL else _number
    cells = [number(cell.value)]
    if column.ranked:
        cells.append(cell.rank)
    if intervals:
        cells += [number(end) for end in cell.ends or (None, None)]
        if column.ranked:
            cells += [_rank(end) for end in cell.rank_ends or (None, None)]
        if column.ranked or column.id == FINAL:
            cells.append("" if cell.tied_with_next is None else "yes" if cell.tied_with_next else "no")
    return cells


def _number(value: float | None) -> str:
    return "" if value is None else repr(float(value))


def _rank(value: float | None) -> str:
    """A rank with all its digits: ``2``, ``1.5``, ``2.3333333333333335``."""
    return _number(value).removesuffix(".0")
