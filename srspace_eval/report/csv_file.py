"""A ranking as CSV: full precision, safe in a spreadsheet, readable by ``rank --table``. Imports no torch."""

from __future__ import annotations

import csv
import io

from srspace_eval.ranking import Ranking, Row
from srspace_eval.ranking.entries import escape_cell
from srspace_eval.ranking.intervals import FINAL
from srspace_eval.report.table import make_table


def to_csv(ranking: Ranking) -> str:
    """The CSV text, lines ending in ``\\n``.

    Columns: place, team, kind, source; for each metric its value and ``_rank`` and, if there are intervals,
    ``_low, _high, _rank_low, _rank_high, _tied_with_next``; ``final_rank``, why_unranked, note. Infinite is ``inf``,
    not measured is empty. A text that a spreadsheet would compute gets a leading apostrophe
    (:func:`srspace_eval.ranking.entries.unescape_cell` takes it off).
    """
    ranked = {c.metric for c in ranking.track.ranking.criteria}
    spread = any(row.intervals for row in ranking.rows)
    header = ["place", "team", "kind", "source"]
    for metric in ranking.columns:
        header += _names(metric, metric in ranked, spread)
    header += _names(FINAL, False, spread)
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*header, "why_unranked", "note"])
    for line in make_table(ranking).lines:
        entry = line.row.entry
        cells = [line.place, escape_cell(entry.team), entry.kind, entry.source]
        for metric in ranking.columns:
            cells += _cells(line.row, metric, entry.values.get(metric), metric in ranked, spread)
        cells += _cells(line.row, FINAL, line.row.final_rank, False, spread)
        writer.writerow([*cells, escape_cell(line.row.why_unranked or ""), escape_cell(entry.note)])
    return file.getvalue()


def _names(column: str, ranked: bool, spread: bool) -> list[str]:
    names = [column]
    if ranked:
        names.append(f"{column}_rank")
    if spread:
        names += [f"{column}_low", f"{column}_high"]
        if ranked:
            names += [f"{column}_rank_low", f"{column}_rank_high"]
        if ranked or column == FINAL:
            names.append(f"{column}_tied_with_next")
    return names


def _cells(row: Row, column: str, value: float | None, ranked: bool, spread: bool) -> list[str]:
    cells = [_number(value)]
    if ranked:
        cells.append(_number(row.ranks.get(column)))
    if spread:
        cells += [_number(end) for end in row.intervals.get(column, (None, None))]
        if ranked:
            cells += [str(end) for end in row.rank_intervals.get(column, ("", ""))]
        if ranked or column == FINAL:
            tied = row.indistinguishable_from_next.get(column)
            cells.append("" if tied is None else "yes" if tied else "no")
    return cells


def _number(value: float | None) -> str:
    return "" if value is None else repr(float(value))
