"""The parts of the table model: columns, cells and lines. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from srspace_eval.metrics.base import Direction
from srspace_eval.ranking.model import CLAIM, FINAL, MEASURED, Entry, Row
from srspace_eval.report.emphasis import Emphasis

GIVEN_MARK = "‡"
"""The mark of values in measured rows that no measurement gave (:attr:`srspace_eval.ranking.model.Entry.joined`)."""

ORDER = "order_"
"""The ids of the columns of ``order_by`` keys begin with it."""

Group = Literal["ranked", "unranked", "baseline"]

Source = Literal["measured", "claimed", "given", "published"]
"""Where numbers come from, as charts show it. Those of a result with a :func:`doubt` are ``"claimed"``."""

DOUBTS = {
    "claim": "neither measured nor verified here",
    "on trust": "not all images were measured here",
    "partly verified": "not all images were measured or verified here",
    "numbers only": "from a table of numbers, not measured here",
}
"""What the words of :func:`doubt` mean. A history has ``"numbers only"`` for a row without a result."""


def doubt(evidence: str) -> str:
    """The word that pages show at a result if not all of it was measured or verified here; empty for other results.

    >>> [doubt(text) for text in ("measured here", "verified here", "verified here (2 of 3 images)", "claim", "")]
    ['', '', 'partly verified', 'claim', '']
    """
    if evidence in ("", MEASURED, "verified here"):
        return ""
    if evidence.startswith("verified"):
        return "partly verified"
    return "claim" if evidence == CLAIM else "on trust"


def doubt_beside(evidence: str) -> str:
    """The :func:`doubt` as a text that follows a team's name: ``" (claim)"``, or empty."""
    return f" ({word})" if (word := doubt(evidence)) else ""


def source_of(entry: Entry, metrics: Iterable[str] = ()) -> Source:
    """Where an entry's values of some metrics come from. One value from a table makes all of them ``"given"``."""
    if any(entry.source_of(metric) == "given" for metric in metrics):
        return "given"
    return "claimed" if entry.origin == "measured" and doubt(entry.evidence) else entry.origin


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
    mark
        ``"‡"``: the row was measured, but this value comes from a table; a note says which.
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
    mark: str = ""


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
    def doubt(self) -> str:
        """``"claim"``, ``"on trust"`` or ``"partly verified"``; empty if this machine measured or verified it."""
        return doubt(self.row.entry.evidence)

    @property
    def group(self) -> Group:
        """``"baseline"``, or whether the team has a final rank."""
        if self.row.entry.kind == "baseline":
            return "baseline"
        return "unranked" if self.row.final_rank is None else "ranked"
