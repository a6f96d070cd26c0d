"""A table as one JSON document. Imports no torch."""

from __future__ import annotations

from typing import Any

from srspace_eval.ranking.model import FINAL, Ranking
from srspace_eval.ranking.suspicions import suspicions
from srspace_eval.report.table import Column, Line, Table, make_table


def to_document(table: Table) -> dict[str, Any]:
    """The document of ``rank --json``: ``track``, ``columns``, ``rows`` (best first), ``notes``, ``bootstrap``.

    If the track has several rankings, the document is the first one's. ``rankings`` then holds the rows of all by name,
    and ``about_rankings`` the ``title``, ``columns`` and ``notes`` of each.

    A row holds its metric values under their ids (null: not measured; ``"inf"``: infinite), ``ranks``,
    ``place``, ``final_rank``, ``why_unranked``, ``incomplete``, ``source``, ``note``, the id of its ``signature``, and
    from the bootstrap ``intervals``, ``rank_intervals``, ``indistinguishable_from_next``. A row that a table of teams
    describes has its fields under ``about``. ``not_measured`` names the table of each value of a measured row that a
    table gave.

    Parameters
    ----------
    table
        A complete one: ``make_table(ranking, complete=True)``.
    """
    ranking = table.ranking
    plan = ranking.bootstrap
    return {
        "track": ranking.track.name,
        "title": ranking.track.title,
        "columns": [_column(column) for column in table.columns if column.id != FINAL],
        "rows": [_row(table, line) for line in table.lines],
        "notes": _notes(table),
        "bootstrap": None if plan is None else {"replicates": plan.replicates, "seed": plan.seed, "level": plan.level},
        **(_rankings(ranking) if ranking.track.more_rankings else {}),
    }


def _notes(table: Table) -> list[str]:
    return [*table.ranking.notes, *table.departures, *table.common_notes]


def _rankings(ranking: Ranking) -> dict[str, Any]:
    """All rankings of the board, by name."""
    tables = {one.track.ranking.name: make_table(one, complete=True) for one in ranking.all}
    return {
        "rankings": {name: [_row(table, line) for line in table.lines] for name, table in tables.items()},
        "about_rankings": {
            name: {
                "title": table.ranking.track.ranking.title,
                "columns": [column.id for column in table.columns if column.id != FINAL],
                "notes": _notes(table),
            }
            for name, table in tables.items()
        },
    }


def _column(column: Column) -> dict[str, str]:
    return {"id": column.id, "label": column.label, "unit": column.unit, "better": column.direction}


def _row(table: Table, line: Line) -> dict[str, Any]:
    row, entry = line.row, line.row.entry
    findings = [] if entry.result is None else suspicions(entry.result)
    return {
        "place": row.place,
        "team": entry.team,
        "kind": entry.kind,
        "source": entry.origin,
        **dict.fromkeys(column.id for column in table.columns if column.id != FINAL),
        **entry.values,
        "values": dict(entry.values),
        "ranks": dict(row.ranks),
        "final_rank": row.final_rank,
        "why_unranked": row.why_unranked,
        "incomplete": list(entry.incomplete),
        "intervals": {key: list(ends) for key, ends in row.intervals.items()},
        "rank_intervals": {key: list(ends) for key, ends in row.rank_intervals.items()},
        "indistinguishable_from_next": dict(row.indistinguishable_from_next),
        "signature": None if entry.result is None else entry.result.signature.id,
        "note": entry.note,
        **({"evidence": entry.evidence} if entry.evidence else {}),
        **({"findings": findings} if findings else {}),
        **({"not_measured": dict(entry.joined)} if entry.joined else {}),
        **({"about": dict(entry.about)} if entry.about else {}),
    }
