"""The table model: a ranking as headers and cells, once, for every format. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from srspace_eval.metrics.base import METRICS, MetricInfo
from srspace_eval.ranking import Ranking, Row
from srspace_eval.ranking.intervals import FINAL
from srspace_eval.ranking.notes import metric_label
from srspace_eval.ranking.ranks import competition_ranks, sort_keys
from srspace_eval.tracks.model import RankedMetric

Emphasis = Literal["", "best", "second"]


@dataclass(frozen=True)
class Column:
    """A column of numbers.

    Attributes
    ----------
    id:
        Metric id, or ``"final_rank"``.
    label, unit, arrow:
        For the heading; the arrow says which way is better.
    tex:
        The label in LaTeX.
    """

    id: str
    label: str
    unit: str
    arrow: str
    tex: str

    @property
    def heading(self) -> str:
        """Label, unit and direction: ``"LR-PSNR [dB] ↑"``."""
        unit = f" [{self.unit}]" if self.unit else ""
        return f"{self.label}{unit} {self.arrow}"


@dataclass(frozen=True)
class Cell:
    """A number as tables show it.

    Attributes
    ----------
    text:
        Rounded value; ``"–"``: none.
    rank:
        ``"1"``; empty if the value has none, and in the final column, whose value is a rank.
    emphasis:
        Best or second best among the ranked teams.
    tied_with_next:
        The data cannot tell it from the next one in this column.
    interval, rank_interval:
        ``"25.1–26.9"`` and ``"1–3"``; empty if there are none.
    """

    text: str
    rank: str = ""
    emphasis: Emphasis = ""
    tied_with_next: bool = False
    interval: str = ""
    rank_interval: str = ""


@dataclass(frozen=True)
class Line:
    """One row: its place (empty if not finally ranked), the letters of its footnotes, its cells."""

    place: str
    row: Row
    mark: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """A ranking ready to be written.

    Attributes
    ----------
    caption:
        The track's title.
    columns:
        Columns in which there are numbers, the final rank last.
    lines:
        In the ranking's order.
    notes:
        The ranking's notes, then the footnotes (``"a: published, ..."``). Untrusted text, as names are.
    """

    caption: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    notes: tuple[str, ...]


def make_table(ranking: Ranking) -> Table:
    """The table of a ranking.

    Examples
    --------
    >>> from srspace_eval.ranking.published_tables import load_published
    >>> from srspace_eval.ranking import rank
    >>> from srspace_eval.tracks.model import load_track
    >>> entries = load_published("ntire2021-x4").entries("as published")
    >>> line = make_table(rank(entries, load_track("x4"))).lines[0]
    >>> line.place, line.row.entry.team, [cell.text for cell in line.cells]
    ('1', 'Deepest', ['0.117', '50.54', '26.041', '4.372', '1.5'])
    """
    finals = [row.final_rank for row in ranking.rows]
    ranked = [final for final in finals if final is not None]
    places = dict(zip(ranked, competition_ranks(ranked), strict=True))
    # A column in which nobody has a number (the MOR before the study) says nothing.
    metrics = [m for m in ranking.columns if any(row.entry.values.get(m) is not None for row in ranking.rows)]
    columns = [_column(ranking, m) for m in metrics]
    cells = [_emphasise([_metric_cell(METRICS[m], row) for row in ranking.rows], _keys(ranking, m)) for m in metrics]
    if ranked:
        columns.append(Column(FINAL, "Final rank", "", "↓", "Final rank"))
        cells.append(_emphasise([_final_cell(row) for row in ranking.rows], finals))
    marks, footnotes = _marks(ranking.rows, finals_known=bool(ranked))
    lines = [
        Line(
            place="" if row.final_rank is None else f"{places[row.final_rank]:g}",
            row=row,
            mark=marks[i],
            cells=tuple(column[i] for column in cells),
        )
        for i, row in enumerate(ranking.rows)
    ]
    return Table(ranking.track.title, tuple(columns), tuple(lines), (*ranking.notes, *footnotes))


def format_final(value: float | None) -> str:
    """A final rank as tables show it: ``"1.5"``, ``"–"``; more decimals only if it has them.

    >>> format_final(3.0), format_final(7 / 3)
    ('3.0', '2.33')
    """
    if value is None:
        return "–"
    return f"{value:.1f}" if abs(value * 10 - round(value * 10)) < 1e-9 else f"{value:.2f}"


def _column(ranking: Ranking, metric: str) -> Column:
    info = METRICS[metric]
    tex = info.tex.replace("S_{M}", f"S_{{{ranking.track.samples}}}")
    return Column(metric, metric_label(metric, ranking.track), info.unit, info.arrow, tex)


def _metric_cell(info: MetricInfo, row: Row) -> Cell:
    place = row.ranks.get(info.id)
    value_range, rank_range = row.intervals.get(info.id), row.rank_intervals.get(info.id)
    return Cell(
        text=info.format(row.entry.values.get(info.id)),
        rank="" if place is None else f"{place:g}",
        tied_with_next=row.indistinguishable_from_next.get(info.id, False),
        interval="" if value_range is None else _range(*(info.format(end) for end in value_range)),
        rank_interval="" if rank_range is None else _range(*(str(end) for end in rank_range)),
    )


def _final_cell(row: Row) -> Cell:
    ends = row.intervals.get(FINAL)
    return Cell(
        text=format_final(row.final_rank),
        tied_with_next=row.indistinguishable_from_next.get(FINAL, False),
        interval="" if ends is None else _range(*(format_final(end) for end in ends)),
    )


def _range(low: str, high: str) -> str:
    return low if low == high else f"{low}–{high}"


def _keys(ranking: Ranking, metric: str) -> list[float | None]:
    """What decides best and second best in a column: lower is better; None: does not compete."""
    criterion = next((c for c in ranking.track.ranking.criteria if c.metric == metric), None)
    keys: list[float | None] = []
    for row in ranking.rows:
        value = row.entry.values.get(metric)
        competes = metric in row.ranks if criterion else bool(row.ranks)
        if value is None or not competes:
            keys.append(None)
        else:
            keys.append(float(sort_keys(value, criterion or RankedMetric(metric))))
    return keys


def _emphasise(cells: Sequence[Cell], keys: Sequence[float | None]) -> list[Cell]:
    steps = sorted({key for key in keys if key is not None})[:2]
    # One competitor, or all equal: nothing stands out.
    if len(steps) < 2:
        return list(cells)
    words: dict[float, Emphasis] = {steps[0]: "best", steps[1]: "second"}
    return [
        cell if key is None or key not in words else replace(cell, emphasis=words[key])
        for cell, key in zip(cells, keys, strict=True)
    ]


def _marks(rows: Sequence[Row], *, finals_known: bool) -> tuple[list[str], list[str]]:
    """The footnote marks of each row (``"a"``, ``"a, b"``), and the footnotes."""
    letters: dict[str, str] = {}
    marks = []
    for row in rows:
        footnotes = list(_footnotes(row, finals_known))
        for text in footnotes:
            letters.setdefault(text, _letters(len(letters)))
        marks.append(", ".join(letters[text] for text in footnotes))
    return marks, [f"{letter}: {text}" for text, letter in letters.items()]


def _footnotes(row: Row, finals_known: bool) -> Iterator[str]:
    note = row.entry.note.replace("\n", "; ")
    if row.entry.source == "published":
        yield f"published, not measured here: {note}"
    elif note:
        yield note
    # Where nobody has a final rank, the notes say so once.
    if row.entry.kind == "team" and row.why_unranked and (finals_known or not row.ranks):
        yield f"no final rank: {row.why_unranked}"


def _letters(number: int) -> str:
    """a, b, ..., z, aa, ab, ..."""
    text = ""
    number += 1
    while number:
        number, digit = divmod(number - 1, 26)
        text = chr(ord("a") + digit) + text
    return text


def subscript(rank: str) -> str:
    """A rank as the challenges' reports print it.

    >>> subscript("11"), subscript("1–3")
    ('₍₁₁₎', '₍₁₋₃₎')
    """
    return f"₍{rank.translate(_SUBSCRIPTS)}₎"


_SUBSCRIPTS = str.maketrans("0123456789–.", "₀₁₂₃₄₅₆₇₈₉₋.")
