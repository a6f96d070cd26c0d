"""The parts of the table model: columns, cells, lines, and the table. :mod:`srspace_eval.report.table` makes it.

Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from srspace_eval.metrics.base import Direction
from srspace_eval.ranking.model import FINAL, Ranking, Row, is_ground_truth
from srspace_eval.ranking.notes import is_interval_note
from srspace_eval.report.emphasis import Emphasis
from srspace_eval.report.numbers import PREFIXES_EXPLAINED, has_prefix

ORDER = "order_"
"""The ids of the columns of ``order_by`` keys begin with it."""

Group = Literal["ranked", "unranked", "baseline"]


@dataclass(frozen=True)
class Column:
    """A column of numbers.

    Attributes
    ----------
    id
        Metric id, or ``"final_rank"``.
    label, unit
        For the heading; ``"S_10"`` and ``"%"``.
    direction
        Which values are better.
    tex
        The label in LaTeX.
    description
        One sentence for legends and tooltips.
    ranked
        Whether the track's rule ranks this column.
    plateau
        The value from which on all are equal; None: there is no such value.
    decisive
        Whether the final rank is made of this column's ranks, or it is the mean rank itself.
    mark
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
    def is_of_rule(self) -> bool:
        """Whether it is a value by which the rule gives the places: the mean rank, or a key of ``order_by``."""
        return self.is_final or self.id.startswith(ORDER)

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
    value
        The number; ``math.inf`` is possible, None: not measured.
    text
        The rounded number; ``"–"``: none, ``"∞"``: infinite.
    full
        The number with all decimals of the column, where :attr:`text` is shorter; else empty.
    rank
        ``"1"``; empty if the value has none, and in the final column, whose value is a rank.
    emphasis
        Best or second best of the rows with the same kind of numbers (:mod:`srspace_eval.report.emphasis`).
    tied_with_next
        Whether the data cannot tell it from the next one in this column; None: they were not compared.
    next_row
        Number of that next row, where the data cannot tell the two apart.
    ends, interval
        The interval of the value: its ends, and ``"25.1–26.9"``; None and empty if there is none.
    rank_ends, rank_interval
        The interval of the rank: its ends, and ``"1–3"``.
    reaches
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
    full: str = ""


@dataclass(frozen=True)
class Line:
    """One row.

    Attributes
    ----------
    place
        Its place as text (``"2"``), empty if it is not finally ranked.
    row
        The row of the ranking.
    marks
        The marks of its footnotes.
    cells
        A cell for each column.
    place_cell
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
    ranking
        What is shown.
    columns
        The metrics, then the mean rank where it is not the place itself. The place is not among them: it is the first
        column of every format.
    lines
        In the ranking's order.
    footnotes
        (mark, text), in the order of the marks.
    own_line
        The last line, if it is the method that was asked to be last.
    common
        What holds for every row, and therefore has no mark.
    """

    ranking: Ranking
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    footnotes: tuple[tuple[str, str], ...]
    own_line: Line | None = None
    common: tuple[str, ...] = ()

    @property
    def caption(self) -> str:
        """The track's title, and which ranking it is where there are several."""
        return self.ranking.title

    def notes(self, *, intervals: bool = False) -> tuple[str, ...]:
        """The ranking's notes, those of marked columns, those of all rows, then the footnotes (``"a: given, ..."``).

        Parameters
        ----------
        intervals
            Whether the intervals are printed. Without them and without ``≈``, nothing is said about the bootstrap.
        """
        footnotes = (f"{mark}: {text}" for mark, text in self.footnotes)
        return (*self.shown_notes(intervals), *self.departures, *self.common_notes, *footnotes)

    def shown_notes(self, intervals: bool) -> tuple[str, ...]:
        """The ranking's notes without those about intervals and ``≈`` that the reader does not see."""
        cells = [cell for line in self.lines for cell in (*line.cells, line.place_cell)]
        seen = any(cell.tied_with_next or (intervals and cell.interval) for cell in cells)
        return tuple(note for note in self.ranking.notes if seen or not is_interval_note(note))

    @property
    def common_notes(self) -> tuple[str, ...]:
        """What holds for every row, as sentences."""
        return tuple(f"All rows: {text}." for text in self.common)

    @property
    def all_published(self) -> bool:
        """Whether no row was measured here or given by the user."""
        return bool(self.lines) and all(line.row.entry.origin == "published" for line in self.lines)

    @property
    def column_marks(self) -> dict[str, str]:
        """Id -> mark of the columns that carry one, for charts and pages that show these values."""
        return {column.id: column.mark for column in self.columns if column.mark}

    @property
    def one_origin(self) -> bool:
        """Whether the numbers of all rows come from the same kind of source, so that no row need say so."""
        return len({line.row.entry.origin for line in self.lines}) == 1

    @property
    def departures(self) -> tuple[str, ...]:
        """A note for each mark of columns: ``"† LPIPS: ..."``."""
        return self.departures_of(column.id for column in self.columns)

    def departures_of(self, ids: Iterable[str]) -> tuple[str, ...]:
        """The notes of :attr:`departures` that are about any of these columns."""
        wanted = set(ids)
        marks = list(dict.fromkeys(column.mark for column in self.columns if column.mark and column.id in wanted))
        found = []
        for mark in marks:
            columns = [column for column in self.columns if column.mark == mark]
            text = next(d.text for d in self.ranking.departures if columns[0].id in d.columns)
            named = ", ".join(column.label for column in columns)
            found.append(f"{mark} {named}: not comparable with the published numbers: {text}.")
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
        baselines = ", baselines included" if any(row.entry.kind == "baseline" for row in rows) else ""
        return f"Best and second best of {among}{baselines}{f', without {without}' if without else ''}"

    def explain(self, best: str, second: str) -> str:
        """The sentences about best and second best, for captions.

        Parameters
        ----------
        best, second
            How the format shows them: ``"bold"``, ``"underlined"``.
        """
        return " ".join([f"{self.legend}: {best} and {second}.", *self._plateaus(best, second), *self._prefixes()])

    def _prefixes(self) -> list[str]:
        used = any(has_prefix(cell.text) for line in self.lines for cell in line.cells)
        return [PREFIXES_EXPLAINED] if used else []

    def _plateaus(self, best: str, second: str) -> Iterator[str]:
        for i, column in enumerate(self.columns):
            if any(line.cells[i].reaches and line.cells[i].emphasis == "best" for line in self.lines):
                side = "above" if column.direction == "higher" else "below"
                value = f"{column.plateau:g} {column.unit}".rstrip()
                same = f"rank alike, so all are {best} and none is {second}"
                yield f"{column.label}: all values at or {side} {value} {same}."

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
