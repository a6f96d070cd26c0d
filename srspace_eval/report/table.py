"""The table model: a ranking as columns, rows and cells. Every format renders this and computes nothing itself.

Imports no torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise

from srspace_eval._utils.untrusted_text import did_you_mean, spelled
from srspace_eval.errors import RankingError
from srspace_eval.metrics.base import MetricInfo
from srspace_eval.ranking.model import FINAL, Ranking, Row
from srspace_eval.ranking.notes import metric_label
from srspace_eval.report.emphasis import emphases, metric_emphases
from srspace_eval.report.escaping import escape_latex
from srspace_eval.report.footnotes import make_footnotes
from srspace_eval.report.numbers import format_range, format_rank, short_number
from srspace_eval.report.table_model import Table
from srspace_eval.report.table_parts import GIVEN_MARK, ORDER, Cell, Column, Group, Line
from srspace_eval.tracks.formula_words import formula_label, formula_words
from srspace_eval.tracks.model import OrderKey, RankedMetric, RankingRule

__all__ = ["Cell", "Column", "Group", "Line", "Table", "make_table"]


_NAMED = 12  # rows named in a message


def make_table(
    ranking: Ranking,
    *,
    complete: bool = False,
    digits: int | Mapping[str, int] | None = None,
    own: str | None = None,
) -> Table:
    """The table of a ranking.

    Parameters
    ----------
    complete
        Keep columns without any number, as files for programs do. Tables for readers leave them out, unless all
        metrics would be left out.
    digits
        Decimals of all metrics, or metric id -> decimals. If none are given, they are those of the metrics, and large
        values are shown short (:func:`srspace_eval.report.numbers.short_number`).
    own
        The method that is to be the last row; None: the ranking's order.

    Raises
    ------
    RankingError
        If no row is called ``own``.

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
    rows, rule = _with_own_last(ranking, own), ranking.track.ranking
    ranked = any(row.final_rank is not None for row in rows)
    # The MOR has no numbers before the study.
    filled = [m for m in ranking.columns if any(row.entry.values.get(m) is not None for row in rows)]
    columns, cells = [], []
    for metric in ranking.columns if complete or not filled else filled:
        criterion = next((c for c in ranking.track.ranking.criteria if c.metric == metric), None)
        columns.append(_column(ranking, metric, criterion))
        info = ranking.track.columns()[metric]
        asked = digits if isinstance(digits, int) else (digits or {}).get(metric)
        shown = info if asked is None else replace(info, digits=asked)
        cells.append(_metric_cells(rows, shown, criterion, short=asked is None))
    finals = _final_cells(rows)
    # The value of a rule such as rank(runtime) is the place itself, and needs no column.
    final_is_place = bool(rule.order_by) and all(row.final_rank == row.place for row in rows)
    if complete or (ranked and not final_is_place):
        label = "Combined rank" if rule.order_by else "Mean rank"
        columns.append(Column(FINAL, label, "", "lower", label, _about_final(ranking), decisive=True))
        cells.append(finals)
    if not complete:
        for number, key in _shown_keys(ranking, columns):
            columns.append(_key_column(ranking, number, key))
            cells.append(_key_cells(rows, number, key))
    marks, footnotes, common = make_footnotes(rows)
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
    return Table(ranking, tuple(columns), lines, footnotes, lines[-1] if own is not None else None, common)


def _with_own_last(ranking: Ranking, own: str | None) -> Sequence[Row]:
    rows = ranking.rows
    if own is None:
        return rows
    last = [row for row in rows if row.entry.team == own]
    if not last:
        names = [row.entry.team for row in rows]
        listed = ", ".join(map(spelled, names[:_NAMED])) + (" …" if len(names) > _NAMED else "")
        guess = did_you_mean(own, names)
        raise RankingError(
            f"no row is called {own!r}; {f'{guess} The' if guess else 'the'} rows of track {ranking.track.name} are "
            f"{listed}. `rank --board FOLDER` reads the results of a board"
        )
    # A published row may have the same name: the measured one is the own method.
    last.sort(key=lambda row: row.entry.origin == "published")
    return [*(row for row in rows if row is not last[0]), last[0]]


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
        decisive=_decides(metric, ranking.track.ranking),
        mark=_mark(ranking, metric),
    )


def _decides(metric: str, rule: RankingRule) -> bool:
    return metric in rule.final or bool(rule.order_by and metric in rule.order_by[0].formula.reads)


def _shown_keys(ranking: Ranking, columns: Sequence[Column]) -> list[tuple[int, OrderKey]]:
    """The keys of the rule whose values no other column shows."""
    rule = ranking.track.ranking
    if rule.by_ranks_alone or not any(row.keys for row in ranking.rows):
        return []
    shown = {column.id for column in columns}
    seen = {*shown, *(f"rank({column})" for column in shown)}
    return [(number, key) for number, key in enumerate(rule.order_by) if key.formula.text not in seen]


def _key_column(ranking: Ranking, number: int, key: OrderKey) -> Column:
    label = formula_label(key.formula, ranking.track.label)
    words = formula_words(key.formula, ranking.track.label)
    what = "It decides the places." if not number else "It decides between entries that are equal so far."
    about = f"{words[:1].upper()}{words[1:]}. {what}"
    return Column(f"{ORDER}{number + 1}", label, "", key.better, escape_latex(label), about, decisive=True)


def _key_cells(rows: Sequence[Row], number: int, key: OrderKey) -> list[Cell]:
    values = [row.keys[number] if row.keys else None for row in rows]
    sign = 1.0 if key.better == "lower" else -1.0
    words = emphases([None if value is None else sign * value for value in values])
    ranks = key.formula.reads == key.formula.ranked
    return [
        Cell()
        if value is None
        else Cell(value=value, text=format_rank(value) if ranks else f"{value:.4g}", emphasis=word)
        for value, word in zip(values, words, strict=True)
    ]


def _about_final(ranking: Ranking) -> str:
    rule = ranking.track.ranking
    if rule.order_by:
        words = formula_words(rule.order_by[0].formula, ranking.track.label)
        return f"{words[:1].upper()}{words[1:]}. It decides the places."
    named = " and ".join(metric_label(metric, ranking.track) for metric in rule.final)
    return f"Mean of the ranks in {named}. It decides the places."


def _mark(ranking: Ranking, metric: str) -> str:
    numbers = [number for number, departure in enumerate(ranking.departures) if metric in departure.columns]
    return "†" * (numbers[0] + 1) if numbers else ""


def _place_cell(row: Row, final: Cell) -> Cell:
    place = None if row.place is None else float(row.place)
    return replace(final, value=place, text=format_rank(place), emphasis="")


def _metric_cells(rows: Sequence[Row], info: MetricInfo, criterion: RankedMetric | None, *, short: bool) -> list[Cell]:
    words = metric_emphases(rows, info, criterion, short=short)
    format_ = partial(short_number, info) if short else info.format
    following = _next_rows(rows, info.id, [row.ranks.get(info.id) for row in rows])
    plateau = None if criterion is None else criterion.plateau
    cells = []
    for number, row in enumerate(rows):
        value, place = row.entry.values.get(info.id), row.ranks.get(info.id)
        ends, rank_ends = row.intervals.get(info.id), row.rank_intervals.get(info.id)
        cells.append(
            Cell(
                value=value,
                text=format_(value),
                mark=GIVEN_MARK if info.id in row.entry.joined and value is not None else "",
                full="" if format_(value) == info.format(value) else info.format(value),
                rank="" if place is None else format_rank(place),
                emphasis=words[number],
                tied_with_next=row.indistinguishable_from_next.get(info.id),
                next_row=following.get(number),
                ends=ends,
                interval="" if ends is None else format_range(*map(format_, ends)),
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
