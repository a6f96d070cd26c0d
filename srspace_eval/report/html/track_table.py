"""What a track's page adds to the table model: markup of labels, sort keys, addresses, and drawn intervals.

Everything else on the page is the text of :mod:`srspace_eval.report.table`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from srspace_eval._utils.untrusted_text import visible
from srspace_eval.metrics.base import MetricInfo
from srspace_eval.ranking.model import FINAL
from srspace_eval.ranking.reasons import what_is_missing
from srspace_eval.report.html.text import label_html, sort_key
from srspace_eval.report.numbers import short_number
from srspace_eval.report.table import Cell, Column, Group, Line, Table
from srspace_eval.tracks.teams import LABELS, about_fields, web_address


@dataclass(frozen=True)
class PageColumn:
    """One metric's column.

    Attributes
    ----------
    model
        The table's column.
    label
        Its label as markup.
    reached, missed
        The plateau as the marks of cells say it: ``"≥ 45"`` and ``"< 45"``; empty if there is none.
    mark
        Where the plateau lies on the column's scale, 0..100; None if there is none.
    scale
        The numbers at the ends of that scale, as text; empty if no interval is drawn.
    ties
        Whether the data cannot tell some neighbours in the column apart.
    """

    model: Column
    label: Markup
    reached: str
    missed: str
    mark: float | None
    scale: tuple[str, ...] = ()
    ties: bool = False


@dataclass(frozen=True)
class PageCell:
    """One number of one row.

    Attributes
    ----------
    model
        The table's cell.
    sort
        What the column is sorted by, as text that JavaScript's ``Number`` reads; empty sorts last.
    whisker
        (low, value, high) of the interval on the column's scale, 0..100.
    like_next
        The name of the next row in this column's order, if the data cannot tell the two apart.
    """

    model: Cell
    sort: str
    whisker: tuple[float, float, float] | None = None
    like_next: str = ""


@dataclass(frozen=True)
class AboutCell:
    """What a table of teams says in one field: its heading, its text, and the address that it links to, or None."""

    label: str
    text: str
    address: str | None


@dataclass(frozen=True)
class AboutHead:
    """The heading of such a field. ``number``: it is right-aligned, as numbers are."""

    label: str
    number: bool = False


@dataclass(frozen=True)
class PageLine:
    """One row: its place, a cell for each column, and what the team declared.

    Attributes
    ----------
    page
        The address of the submission's own page, or empty.
    about
        The track's fields.
    """

    model: Line
    name: str
    place: PageCell
    cells: tuple[PageCell, ...]
    incomplete: tuple[str, ...]
    page: str
    about: tuple[AboutCell, ...] = ()

    @property
    def group(self) -> Group:
        """What the page's filter calls the row."""
        return self.model.group


@dataclass(frozen=True)
class TrackTable:
    """A track's table.

    Attributes
    ----------
    model
        The table model.
    columns
        The mean rank, then the metrics whose ranks it is the mean of, then the other metrics. Columns in which only
        baselines have values are the last.
    footnotes
        (mark, text), safe to show.
    about
        The headings of the fields that the table of teams fills.
    alike
        Column by column, the pairs of neighbours that the data cannot tell apart.
    """

    model: Table
    columns: tuple[PageColumn, ...]
    lines: tuple[PageLine, ...]
    footnotes: tuple[tuple[str, str], ...]
    about: tuple[AboutHead, ...]
    alike: tuple[tuple[Markup, tuple[tuple[str, str], ...]], ...]

    @property
    def baselines_called(self) -> str:
        """What the page calls the rows of the group ``"baseline"``."""
        late = [line.model.row.entry.late for line in self.lines if line.group == "baseline"]
        return "Late entries" if late and all(late) else "Baselines, late entries" if any(late) else "Baselines"

    def shows(self, text: str) -> bool:
        """Whether any number of the table is shown as this text."""
        return any(cell.model.text == text for line in self.lines for cell in (line.place, *line.cells))

    @property
    def place_ties(self) -> bool:
        """Whether the data cannot tell some neighbours' places apart."""
        return any(line.place.model.next_row is not None for line in self.lines)


def make_track_table(table: Table, pages: Mapping[int, str]) -> TrackTable:
    """Everything that a track's table shows.

    Parameters
    ----------
    pages
        Row number -> address of the submission's page, for rows that have one.
    """
    names = [visible(line.row.entry.team) for line in table.lines]
    scales = [_Scale(column, [line.cells[i] for line in table.lines]) for i, column in enumerate(table.columns)]
    fields = about_fields([line.row.entry.about for line in table.lines])
    unit = next((column.unit for column in table.columns if column.id == "runtime"), "s per image")
    lines = []
    order = sorted(range(len(scales)), key=lambda i: _place_of_column(table, i))
    for number, line in enumerate(table.lines):
        cells = tuple(_page_cell(line.cells[i], scales[i], names) for i in order)
        place = PageCell(line.place_cell, sort_key(line.place_cell.value))
        incomplete = what_is_missing(line.row.entry)
        told = tuple(_about_cell(name, line.row.entry.about.get(name, ""), unit) for name in fields)
        lines.append(PageLine(line, names[number], place, cells, incomplete, pages.get(number, ""), told))
    return TrackTable(
        model=table,
        columns=tuple(
            _page_column(table.columns[i], scales[i], [line.cells[i] for line in table.lines]) for i in order
        ),
        lines=tuple(lines),
        footnotes=tuple((mark, visible(text)) for mark, text in table.footnotes),
        about=tuple(_about_head(name) for name in fields),
        alike=_alike(table, names),
    )


def _place_of_column(table: Table, number: int) -> tuple[bool, bool, bool]:
    """A sort key: columns that decide the rank are first, columns in which only baselines have values are last."""
    column = table.columns[number]
    empty = all(line.cells[number].value is None for line in table.lines if line.group != "baseline")
    return empty, not column.is_of_rule, not column.decisive


def _about_head(field: str) -> AboutHead:
    return AboutHead(LABELS[field], number=field == "runtime")


def _about_cell(field: str, text: str, unit: str) -> AboutCell:
    shown = f"{visible(text)} {unit}" if field == "runtime" and re.fullmatch(r"\d+(\.\d+)?", text) else visible(text)
    return AboutCell(LABELS[field], shown.strip(), web_address(text) if field in ("paper", "code") else None)


def _alike(table: Table, names: Sequence[str]) -> tuple[tuple[Markup, tuple[tuple[str, str], ...]], ...]:
    """The final rank first, then the metrics; in each column, pairs go by rank."""
    found = []
    for i, column in sorted(enumerate(table.columns), key=lambda pair: pair[1].id != FINAL):
        places = [line.row.final_rank if column.id == FINAL else line.row.ranks.get(column.id) for line in table.lines]
        following = [
            (place or 0.0, number, line.cells[i].next_row)
            for number, (place, line) in enumerate(zip(places, table.lines, strict=True))
        ]
        pairs = tuple(
            (names[number], names[other])
            for _, number, other in sorted(following, key=lambda f: f[:2])
            if other is not None
        )
        if pairs:
            found.append((label_html(column.label), pairs))
    return tuple(found)


class _Scale:
    """Places a column's finite values and intervals on 0..100, from the smallest number to the largest."""

    def __init__(self, column: Column, cells: Sequence[Cell]) -> None:
        ends = [end for cell in cells for end in cell.ends or () if math.isfinite(end)]
        if ends and column.plateau is not None:
            ends.append(column.plateau)
        self.low, self.high = (min(ends), max(ends)) if ends else (0.0, 0.0)
        shown = (re.fullmatch(r"[-−]?\d+\.(\d+)", cell.text) for cell in cells)
        digits = max((len(match[1]) for match in shown if match), default=0)
        self._info = MetricInfo(column.id, column.label, column.unit, digits, column.direction, "", "")

    def texts(self) -> tuple[str, ...]:
        """The numbers at its ends; empty if it has no length."""
        return tuple(short_number(self._info, end) for end in (self.low, self.high)) if self.high > self.low else ()

    def place(self, value: float) -> float | None:
        if not self.high > self.low or not math.isfinite(value):
            return None
        return round(min(max((value - self.low) / (self.high - self.low), 0.0), 1.0) * 100, 2)


def _page_column(column: Column, scale: _Scale, cells: Sequence[Cell]) -> PageColumn:
    signs = ("≤", ">") if column.direction == "lower" else ("≥", "<")
    reached, missed = ("", "") if column.plateau is None else (f"{sign} {column.plateau:g}" for sign in signs)
    mark = None if column.plateau is None else scale.place(column.plateau)
    ties = any(cell.next_row is not None for cell in cells)
    return PageColumn(column, label_html(column.label), reached, missed, mark, scale.texts(), ties)


def _page_cell(cell: Cell, scale: _Scale, names: Sequence[str]) -> PageCell:
    whisker = None
    if cell.ends is not None and cell.value is not None:
        low, middle, high = (scale.place(value) for value in (cell.ends[0], cell.value, cell.ends[1]))
        if low is not None and middle is not None and high is not None:
            whisker = (low, middle, high)
    like_next = "" if cell.next_row is None else names[cell.next_row]
    return PageCell(cell, sort_key(cell.value), whisker, like_next)
