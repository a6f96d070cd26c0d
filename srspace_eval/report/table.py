"""The table model: a ranking as columns, rows and cells. Every format renders this and computes nothing itself.

Imports no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from srspace_eval.metrics.base import Direction, MetricInfo
from srspace_eval.ranking.model import FINAL, Ranking, Row, is_ground_truth
from srspace_eval.ranking.notes import metric_label
from srspace_eval.report.emphasis import Emphasis, emphases, metric_emphases
from srspace_eval.report.escaping import escape_latex
from srspace_eval.report.footnotes import make_footnotes
from srspace_eval.report.numbers import format_range, format_rank
from srspace_eval.tracks.model import RankedMetric

Group = Literal["ranked", "unranked", "baseline"]


@dataclass(frozen=True)
class Column:
    """A column of numbers.

    Attributes
    ----------
    id:
        Metric id, or ``"final_rank"``.
    label, unit:
        For the heading; ``"S_10"`` and ``"%"``.
    direction:
        Which values are better.
    tex:
        The label in LaTeX.
    description:
        One sentence for legends and tooltips.
    ranked:
        Whether the track's rule ranks this column.
    plateau:
        The value from which on all are equal; None: there is no such value.
    decisive:
        Whether the final rank is made of this column's ranks, or it is the mean rank itself.
    mark:
        ``"†"``: numbers measured here do not compare with the published ones in this column; a note says why.
    """

    id: str
    label: str
    unit: str
    direction: Direction
    tex: str
    description: str = ""
    ranked: bool = False
    plateau: float | None = None
    decisive: bool = False
    mark: str = ""

    @property
    def arrow(self) -> str:
        """``"↓"`` where lower is better, ``"↑"`` where higher is."""
        return "↓" if self.direction == "lower" else "↑"

    @property
    def is_final(self) -> bool:
        """Whether it is the mean rank."""
        return self.id == FINAL

    @property
    def heading(self) -> str:
        """Label, unit and direction: ``"LR-PSNR [dB] ↑"``."""
        unit = f" [{self.unit}]" if self.unit else ""
        return f"{self.label}{self.mark}{unit} {self.arrow}"


@dataclass(frozen=True)
class Cell:
    """One number of one row, raw and as tables show it.

    Attributes
    ----------
    value:
        The number; ``math.inf`` is possible, None: not measured.
    text:
        The rounded number; ``"–"``: none, ``"∞"``: infinite.
    rank:
        ``"1"``; empty if the value has none, and in the final column, whose value is a rank.
    emphasis:
        Best or second best of the rows with the same kind of numbers (:mod:`srspace_eval.report.emphasis`).
    tied_with_next:
        Whether the data cannot tell it from the next one in this column; None: they were not compared.
    next_row:
        Number of that next row, where the data cannot tell the two apart.
    ends, interval:
        The interval of the value: its ends, and ``"25.1–26.9"``; None and empty if there is none.
    rank_ends, rank_interval:
        The interval of the rank: its ends, and ``"1–3"``.
    reaches:
        Whether the value is at or beyond the column's plateau; None: no plateau or no value.
    """

    value: float | None = None
    text: str = "–"
    rank: str = ""
    emphasis: Emphasis = ""
    tied_with_next: bool | None = None
    next_row: int | None = None
    ends: tuple[float, float] | None = None
    interval: str = ""
    rank_ends: tuple[int, int] | None = None
    rank_interval: str = ""
    reaches: bool | None = None


@dataclass(frozen=True)
class Line:
    """One row.

    Attributes
    ----------
    place:
        Its place as text (``"2"``), empty if it is not finally ranked.
    row:
        The row of the ranking.
    marks:
        The marks of its footnotes.
    cells:
        A cell for each column.
    place_cell:
        The place as a cell. It has the interval of the final rank where that is the place itself.
    """

    place: str
    row: Row
    marks: tuple[str, ...]
    cells: tuple[Cell, ...]
    place_cell: Cell = Cell()

    @property
    def mark(self) -> str:
        """All marks as one text: ``"a, b"``."""
        return ", ".join(self.marks)

    @property
    def group(self) -> Group:
        """``"baseline"``, or whether the team has a final rank."""
        if self.row.entry.kind == "baseline":
            return "baseline"
        return "unranked" if self.row.final_rank is None else "ranked"


@dataclass(frozen=True)
class Table:
    """A ranking ready to be written. All texts of entries in it are untrusted.

    Attributes
    ----------
    ranking:
        What is shown.
    columns:
        The metrics, then the mean rank where it is not the place itself. The place is not among them: it is the first
        column of every format.
    lines:
        In the ranking's order.
    footnotes:
        (mark, text), in the order of the marks.
    """

    ranking: Ranking
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    footnotes: tuple[tuple[str, str], ...]

    @property
    def caption(self) -> str:
        """The track's title, and which ranking it is where there are several."""
        return self.ranking.title

    @property
    def notes(self) -> tuple[str, ...]:
        """The ranking's notes, those of marked columns, then the footnotes (``"a: published, ..."``)."""
        return (*self.ranking.notes, *self.departures, *(f"{mark}: {text}" for mark, text in self.footnotes))

    @property
    def departures(self) -> tuple[str, ...]:
        """A note for each mark of columns: ``"† LPIPS: ..."``."""
        marks = list(dict.fromkeys(column.mark for column in self.columns if column.mark))
        found = []
        for mark in marks:
            columns = [column for column in self.columns if column.mark == mark]
            text = next(d.text for d in self.ranking.departures if columns[0].id in d.columns)
            named = ", ".join(column.label for column in columns)
            found.append(f"{mark} {named}: measured here with {text}; does not compare with the published numbers.")
        return tuple(found)

    @property
    def legend(self) -> str:
        """What best and second best are about; for captions."""
        rows = [line.row for line in self.lines]
        kinds = list(dict.fromkeys(row.entry.origin for row in rows))
        among = "all rows" if len(kinds) < 2 else f"the rows of the same kind ({', '.join(kinds)})"
        others = [
            "the GT" if any(is_ground_truth(row.entry) for row in rows) else "",
            "rows measured with other settings" if any(row.other_settings for row in rows) else "",
        ]
        without = " and ".join(filter(None, others))
        return f"Best and second best of {among}, baselines included{f', without {without}' if without else ''}"

    @property
    def has_final(self) -> bool:
        """Whether any row has a final rank."""
        return any(line.row.final_rank is not None for line in self.lines)

    @property
    def has_intervals(self) -> bool:
        """Whether any number has an interval."""
        return any(line.row.intervals for line in self.lines)

    @property
    def level(self) -> str:
        """Coverage of the intervals: ``"95%"``."""
        plan = self.ranking.bootstrap
        return f"{95.0 if plan is None else 100 * plan.level:g}%"


def make_table(ranking: Ranking, *, complete: bool = False) -> Table:
    """The table of a ranking.

    Parameters
    ----------
    complete:
        Keep columns without any number, as files for programs do. Tables for readers leave them out, unless all
        metrics would be left out.

    Examples
    --------
    >>> from srspace_eval.ranking.published_tables import load_published
    >>> from srspace_eval.ranking import rank
    >>> from srspace_eval.tracks.reader import load_track
    >>> entries = load_published("ntire2021-x4").entries("as published")
    >>> line = make_table(rank(entries, load_track("x4"))).lines[0]
    >>> line.place, line.row.entry.team, [cell.text for cell in line.cells]
    ('1', 'Deepest', ['0.117', '50.54', '26.041', '4.372', '1.5'])
    """
    rows, rule = ranking.rows, ranking.track.ranking
    ranked = any(row.final_rank is not None for row in rows)
    # The MOR has no numbers before the study.
    filled = [m for m in ranking.columns if any(row.entry.values.get(m) is not None for row in rows)]
    columns, cells = [], []
    for metric in ranking.columns if complete or not filled else filled:
        criterion = next((c for c in ranking.track.ranking.criteria if c.metric == metric), None)
        columns.append(_column(ranking, metric, criterion))
        cells.append(_metric_cells(rows, ranking.track.columns()[metric], criterion))
    finals = _final_cells(rows)
    final_is_place = bool(rule.order_by) and not rule.by_ranks_alone
    if complete or (ranked and not final_is_place):
        label = "Combined rank" if rule.order_by else "Mean rank"
        columns.append(Column(FINAL, label, "", "lower", label, decisive=True))
        cells.append(finals)
    marks, footnotes = make_footnotes(rows)
    lines = tuple(
        Line(
            place="" if row.place is None else format_rank(row.place),
            row=row,
            marks=marks[i],
            cells=tuple(column[i] for column in cells),
            place_cell=_place_cell(row, finals[i] if final_is_place else Cell()),
        )
        for i, row in enumerate(rows)
    )
    return Table(ranking, tuple(columns), lines, footnotes)


def _column(ranking: Ranking, metric: str, criterion: RankedMetric | None) -> Column:
    info = ranking.track.columns()[metric]
    return Column(
        id=metric,
        label=metric_label(metric, ranking.track),
        unit=info.unit,
        direction=info.direction,
        tex=info.tex.replace("S_{M}", f"S_{{{ranking.track.samples}}}") or escape_latex(info.label),
        description=info.description,
        ranked=criterion is not None,
        plateau=None if criterion is None else criterion.plateau,
        decisive=metric in ranking.track.ranking.final,
        mark=_mark(ranking, metric),
    )


def _mark(ranking: Ranking, metric: str) -> str:
    numbers = [number for number, departure in enumerate(ranking.departures) if metric in departure.columns]
    return "†" * (numbers[0] + 1) if numbers else ""


def _place_cell(row: Row, final: Cell) -> Cell:
    place = None if row.place is None else float(row.place)
    return replace(final, value=place, text=format_rank(place), emphasis="")


def _metric_cells(rows: Sequence[Row], info: MetricInfo, criterion: RankedMetric | None) -> list[Cell]:
    words = metric_emphases(rows, info, criterion)
    following = _next_rows(rows, info.id, [row.ranks.get(info.id) for row in rows])
    plateau = None if criterion is None else criterion.plateau
    cells = []
    for number, row in enumerate(rows):
        value, place = row.entry.values.get(info.id), row.ranks.get(info.id)
        ends, rank_ends = row.intervals.get(info.id), row.rank_intervals.get(info.id)
        cells.append(
            Cell(
                value=value,
                text=info.format(value),
                rank="" if place is None else format_rank(place),
                emphasis=words[number],
                tied_with_next=row.indistinguishable_from_next.get(info.id),
                next_row=following.get(number),
                ends=ends,
                interval="" if ends is None else format_range(*(info.format(end) for end in ends)),
                rank_ends=rank_ends,
                rank_interval="" if rank_ends is None else format_range(*(format_rank(end) for end in rank_ends)),
                reaches=None if plateau is None or value is None else not info.better(plateau, value),
            )
        )
    return cells


def _final_cells(rows: Sequence[Row]) -> list[Cell]:
    finals = [row.final_rank for row in rows]
    words = emphases(finals)
    following = _next_rows(rows, FINAL, finals)
    cells = []
    for number, row in enumerate(rows):
        ends = row.intervals.get(FINAL)
        cells.append(
            Cell(
                value=row.final_rank,
                text=format_rank(row.final_rank),
                emphasis=words[number],
                tied_with_next=row.indistinguishable_from_next.get(FINAL),
                next_row=following.get(number),
                ends=ends,
                interval="" if ends is None else format_range(*(format_rank(end) for end in ends)),
            )
        )
    return cells


def _next_rows(rows: Sequence[Row], column: str, ranks: Sequence[float | None]) -> dict[int, int]:
    """Number of a row -> number of the next row in the column, where the data cannot tell the two apart.

    Next is next by the column's ranks; equal ranks go by the rows' order.
    """
    order = sorted((rank, number) for number, rank in enumerate(ranks) if rank is not None)
    return {
        number: after
        for (_, number), (_, after) in pairwise(order)
        if rows[number].indistinguishable_from_next.get(column)
    }
