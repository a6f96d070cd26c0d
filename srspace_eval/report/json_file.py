"""A ranking as one JSON document. Imports no torch."""

from __future__ import annotations

from typing import Any

from srspace_eval.metrics.base import METRICS
from srspace_eval.ranking import Ranking, Row
from srspace_eval.ranking.notes import metric_label


def to_document(ranking: Ranking) -> dict[str, Any]:
    """The document of ``rank --json``: ``track``, ``columns``, ``rows`` (best first), ``notes``, ``bootstrap``.

    A row holds its metric values under their ids (null: not measured; ``"inf"``: infinite), ``ranks``,
    ``final_rank``, ``why_unranked``, ``incomplete``, ``source``, ``note``, the id of its ``signature``, and from the
    bootstrap ``intervals``, ``rank_intervals``, ``indistinguishable_from_next``.
    """
    plan = ranking.bootstrap
    return {
        "track": ranking.track.name,
        "title": ranking.track.title,
        "columns": [_column(ranking, metric) for metric in ranking.columns],
        "rows": [_row(ranking, row) for row in ranking.rows],
        "notes": list(ranking.notes),
        "bootstrap": None if plan is None else {"replicates": plan.replicates, "seed": plan.seed, "level": plan.level},
    }


def _column(ranking: Ranking, metric: str) -> dict[str, str]:
    info = METRICS[metric]
    label = metric_label(metric, ranking.track)
    return {"id": metric, "label": label, "unit": info.unit, "better": info.direction}


def _row(ranking: Ranking, row: Row) -> dict[str, Any]:
    entry = row.entry
    return {
        "team": entry.team,
        "kind": entry.kind,
        "source": entry.source,
        **dict.fromkeys(ranking.columns),
        **entry.values,
        "ranks": dict(row.ranks),
        "final_rank": row.final_rank,
        "why_unranked": row.why_unranked,
        "incomplete": list(entry.incomplete),
        "intervals": {key: list(ends) for key, ends in row.intervals.items()},
        "rank_intervals": {key: list(ends) for key, ends in row.rank_intervals.items()},
        "indistinguishable_from_next": dict(row.indistinguishable_from_next),
        "signature": None if entry.result is None else entry.result.signature.id,
        "note": entry.note,
    }
