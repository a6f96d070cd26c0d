"""A ranking as the pages show it: columns, rows and cells with every text already made. Templates only place it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from srspace_eval.metrics.base import METRICS, MetricInfo
from srspace_eval.ranking import Ranking, Row
from srspace_eval.ranking.intervals import FINAL
from srspace_eval.report.html import text


@dataclass(frozen=True)
class Column:
    """One metric's column.

    Attributes
    ----------
    info, label:
        The metric, and its name as markup.
    threshold:
        The plateau's value as text (``"45"``); empty if there is none.
    mark:
        Where the threshold lies on the column's scale, 0..100; None if there is none.
    ranked:
        Whether the track's rule gives ranks in this column.
    """

    info: MetricInfo
    label: Markup
    threshold: str
    mark: float | None
    ranked: bool


@dataclass(frozen=True)
class Cell:
    """One value of one row.

    Attributes
    ----------
    sort:
        What the column is sorted by, as text that JavaScript's ``Number`` reads; empty sorts last.
    whisker:
        (low, value, high) of the interval on the column's scale, 0..100.
    reaches:
        Whether the value is at or beyond the column's threshold; None if there is no threshold or no value.
    like_next:
        The name of the next row in this column's order, if the data cannot tell the two apart.
    """

    value: str
    sort: str
    rank: str = ""
    interval: str = ""
    rank_interval: str = ""
    whisker: tuple[float, float, float] | None = None
    reaches: bool | None = None
    like_next: str = ""


@dataclass(frozen=True)
class Line:
    """One row. ``group`` is what the filter calls it, ``page`` its own page's address or empty, ``notes`` are the marks
    of its notes below the table."""

    name: str
    group: str
    source: str
    final: Cell
    cells: tuple[Cell, ...]
    incomplete: tuple[str, ...]
    notes: tuple[str, ...]
    page: str


@dataclass(frozen=True)
class Board:
    """A track's table.

    Attributes
    ----------
    has_final, has_intervals:
        Whether any row has a final rank, and any value an interval.
    notes:
        (mark, text) of the rows' notes.
    level:
        The intervals' coverage.
    alike:
        Column by column, the pairs of neighbours that the data cannot tell apart.
    """

    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    has_final: bool
    has_intervals: bool
    notes: tuple[tuple[str, str], ...]
    level: str
    alike: tuple[tuple[Markup, tuple[tuple[str, str], ...]], ...]


def make_board(ranking: Ranking, pages: Mapping[int, str]) -> Board:
    """Everything that a track's table shows.

    Parameters
    ----------
    pages:
        Row number -> address of the submission's page, for rows that have one.
    """
    marks: dict[str, str] = {}
    metrics = _filled(ranking)
    has_final = any(row.final_rank is not None for row in ranking.rows)
    neighbours = {key: _next_in(ranking, key) for key in (*metrics, FINAL)}
    scales = {metric: _Scale(ranking, metric) for metric in metrics}
    columns = tuple(_column(ranking, metric, scales[metric]) for metric in metrics)
    lines = tuple(
        Line(
            name=text.shown(row.entry.team),
            group=_group(row),
            source=row.entry.source,
            final=_final_cell(row, neighbours[FINAL].get(number, "")),
            cells=tuple(_cell(row, metric, scales[metric], neighbours[metric].get(number, "")) for metric in metrics),
            incomplete=tuple(map(text.shown, row.entry.incomplete)),
            notes=tuple(_mark(note, marks) for note in _notes(row, has_final)),
            page=pages.get(number, ""),
        )
        for number, row in enumerate(ranking.rows)
    )
    level = 95.0 if ranking.bootstrap is None else 100 * ranking.bootstrap.level
    alike = tuple(
        (Markup("Final rank") if key == FINAL else text.label_html(key, ranking.track), pairs)
        for key in (FINAL, *metrics)
        if (pairs := tuple((text.shown(ranking.rows[n].entry.team), other) for n, other in neighbours[key].items()))
    )
    notes = tuple((mark, note) for note, mark in marks.items())
    has_intervals = any(row.intervals for row in ranking.rows)
    return Board(columns, lines, has_final, has_intervals, notes, f"{level:g}%", alike)


def plateaus(ranking: Ranking) -> dict[str, float]:
    """Metric id -> the value from which on all are equal."""
    return {c.metric: c.plateau for c in ranking.track.ranking.criteria if c.plateau is not None}


def _filled(ranking: Ranking) -> tuple[str, ...]:
    """The columns that hold a value in any row; all of them if none does."""
    filled = tuple(m for m in ranking.columns if any(row.entry.values.get(m) is not None for row in ranking.rows))
    return filled or ranking.columns


def _notes(row: Row, has_final: bool) -> list[str]:
    """A row's notes, one a line: where its numbers come from; why a complete team lacks the final rank others have."""
    lines = _said(row)
    if has_final and _group(row) == "unranked" and row.why_unranked and not row.entry.incomplete:
        lines.append(f"No final rank: {text.shown(row.why_unranked)}")
    return lines


def _said(row: Row) -> list[str]:
    lines = [text.shown(line) for line in row.entry.note.split("\n") if line]
    if row.entry.source == "published":
        return ["Published, not measured here: " + "; ".join(lines)]
    if row.entry.source == "given":
        return ["From a table of numbers, not measured here", *lines]
    return lines


def _mark(note: str, marks: dict[str, str]) -> str:
    """The note's mark: a, b, ..., z, aa, ab, ... in order of appearance; equal notes share it."""
    if note not in marks:
        number, letters = len(marks) + 1, ""
        while number:
            number, letter = divmod(number - 1, 26)
            letters = chr(ord("a") + letter) + letters
        marks[note] = letters
    return marks[note]


def _group(row: Row) -> str:
    if row.entry.kind == "baseline":
        return "baseline"
    return "unranked" if row.final_rank is None else "ranked"


def _next_in(ranking: Ranking, key: str) -> dict[int, str]:
    """Row number -> the name of the next row in the column's order, for rows that cannot be told from it."""
    numbers = [n for n, row in enumerate(ranking.rows) if _place(row, key) is not None]
    order = sorted(numbers, key=lambda n: (_place(ranking.rows[n], key), n))
    return {
        n: text.shown(ranking.rows[following].entry.team)
        for n, following in pairwise(order)
        if ranking.rows[n].indistinguishable_from_next.get(key)
    }


def _place(row: Row, key: str) -> float | None:
    if key == FINAL:
        return row.final_rank
    if key not in row.ranks:
        return None
    # Below a plateau ranks follow values; on it they are equal, and the rows' order decides.
    return row.ranks[key]


class _Scale:
    """Places a column's finite values and intervals on 0..100, worse to better from left to right as numbers grow."""

    def __init__(self, ranking: Ranking, metric: str) -> None:
        self.plateau = plateaus(ranking).get(metric)
        ends = [bound for row in ranking.rows for bound in row.intervals.get(metric, ()) if math.isfinite(bound)]
        if ends and self.plateau is not None:
            ends.append(self.plateau)
        self.low, self.high = (min(ends), max(ends)) if ends else (0.0, 0.0)

    def place(self, value: float) -> float | None:
        if not self.high > self.low or not math.isfinite(value):
            return None
        return round(min(max((value - self.low) / (self.high - self.low), 0.0), 1.0) * 100, 2)


def _column(ranking: Ranking, metric: str, scale: _Scale) -> Column:
    threshold = "" if scale.plateau is None else f"{scale.plateau:g}"
    return Column(
        info=METRICS[metric],
        label=text.label_html(metric, ranking.track),
        threshold=threshold,
        mark=None if scale.plateau is None else scale.place(scale.plateau),
        ranked=any(c.metric == metric for c in ranking.track.ranking.criteria),
    )


def _cell(row: Row, metric: str, scale: _Scale, like_next: str) -> Cell:
    info = METRICS[metric]
    value = row.entry.values.get(metric)
    if value is None or math.isnan(value):
        return Cell(value=info.format(None), sort="")
    bounds = row.intervals.get(metric)
    reaches = None
    if scale.plateau is not None:
        reaches = not info.better(scale.plateau, value)
    return Cell(
        value=info.format(value),
        sort=_number(value),
        rank=text.rank(row.ranks[metric]) if metric in row.ranks else "",
        interval="" if bounds is None else text.interval(info, bounds),
        rank_interval=text.rank_interval(row.rank_intervals[metric]) if metric in row.rank_intervals else "",
        whisker=None if bounds is None else _whisker(scale, bounds, value),
        reaches=reaches,
        like_next=like_next,
    )


def _whisker(scale: _Scale, bounds: Sequence[float], value: float) -> tuple[float, float, float] | None:
    low, middle, high = (scale.place(v) for v in (bounds[0], value, bounds[1]))
    return None if low is None or middle is None or high is None else (low, middle, high)


def _final_cell(row: Row, like_next: str) -> Cell:
    if row.final_rank is None:
        return Cell(value="–", sort="")
    bounds = row.rank_intervals.get(FINAL) or row.intervals.get(FINAL)
    return Cell(
        value=text.rank(row.final_rank),
        sort=_number(row.final_rank),
        interval="" if bounds is None else text.rank_interval(bounds),
        like_next=like_next,
    )


def _number(value: float) -> str:
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(float(value))
