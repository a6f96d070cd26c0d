"""A ranking as the pages show it: columns, rows and cells with every text already made. Templates only place it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from srspace_eval.metrics.info import METRICS, MetricInfo
from srspace_eval.ranking import Ranking, Row
from srspace_eval.report.html import text

FINAL = "final_rank"


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
    """One row. ``group`` is what the filter calls it, ``page`` its own page's address or empty."""

    name: str
    group: str
    source: str
    final: Cell
    cells: tuple[Cell, ...]
    why_unranked: str
    incomplete: tuple[str, ...]
    note: str
    page: str
    position: int


@dataclass(frozen=True)
class Board:
    """A track's table."""

    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    level: str
    alike: tuple[tuple[Markup, tuple[tuple[str, str], ...]], ...]


GROUPS = {
    "ranked": "Ranked teams",
    "unranked": "Teams without a final rank",
    "baseline": "Baselines",
}
SOURCES = {"measured": "", "given": "given", "published": "published"}


def make_board(ranking: Ranking, pages: Mapping[int, str]) -> Board:
    """Everything that a track's table shows.

    Parameters
    ----------
    pages:
        Row number -> address of the submission's page, for rows that have one.
    """
    neighbours = {key: _next_in(ranking, key) for key in (*ranking.columns, FINAL)}
    scales = {metric: _Scale(ranking, metric) for metric in ranking.columns}
    columns = tuple(_column(ranking, metric, scales[metric]) for metric in ranking.columns)
    lines = tuple(
        Line(
            name=text.shown(row.entry.team),
            group=_group(row),
            source=SOURCES[row.entry.source],
            final=_final_cell(row, neighbours[FINAL].get(number, "")),
            cells=tuple(
                _cell(row, metric, scales[metric], neighbours[metric].get(number, "")) for metric in ranking.columns
            ),
            why_unranked=text.shown(row.why_unranked or ""),
            incomplete=tuple(map(text.shown, row.entry.incomplete)),
            note=text.shown(row.entry.note),
            page=pages.get(number, ""),
            position=number,
        )
        for number, row in enumerate(ranking.rows)
    )
    level = 95.0 if ranking.bootstrap is None else 100 * ranking.bootstrap.level
    alike = tuple(
        (Markup("Final rank") if key == FINAL else text.label_html(key), pairs)
        for key in (FINAL, *ranking.columns)
        if (pairs := tuple((text.shown(ranking.rows[n].entry.team), other) for n, other in neighbours[key].items()))
    )
    return Board(columns, lines, f"{level:g}%", alike)


def plateaus(ranking: Ranking) -> dict[str, float]:
    """Metric id -> the value from which on all are equal."""
    return {c.metric: c.plateau for c in ranking.track.ranking.criteria if c.plateau is not None}


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
        for n, following in zip(order, order[1:], strict=False)
        if ranking.rows[n].indistinguishable_from_next.get(key)
    }


def _place(row: Row, key: str) -> float | None:
    if key == FINAL:
        return row.final_rank
    if key in row.ranks:
        return row.ranks[key]
    value = row.entry.values.get(key)
    if value is None or key not in row.intervals:
        return None
    return value if METRICS[key].direction == "lower" else -value


class _Scale:
    """Places a column's finite values and intervals on 0..100, worse to better from left to right as numbers grow."""

    def __init__(self, ranking: Ranking, metric: str) -> None:
        self.plateau = plateaus(ranking).get(metric)
        ends = [
            bound
            for row in ranking.rows
            for bound in row.intervals.get(metric, ())
            if math.isfinite(bound)
        ]
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
        label=text.label_html(metric),
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
