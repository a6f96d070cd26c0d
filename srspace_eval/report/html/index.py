"""What the index says of a track: its size, its first rows, and a thumbnail of its scatter."""

from __future__ import annotations

from typing import Any

from srspace_eval.ranking.model import Ranking
from srspace_eval.report.html import charts, text
from srspace_eval.report.html.track_table import TrackTable
from srspace_eval.report.table_parts import source_of

LEADERS, COLUMNS = 5, 6
WIDTH, HEIGHT, EDGE = 260.0, 150.0, 10.0


def summarise(table: TrackTable) -> dict[str, Any]:
    """Counts, leaders and thumbnail points of one track's card."""
    ranking = table.model.ranking
    results = [row.entry.result for row in ranking.rows if row.entry.result is not None]
    late = sum(row.entry.late for row in ranking.rows) if table.model.all_published else 0
    baselines = [row.entry.origin for row in ranking.rows if row.entry.kind == "baseline"]
    # Published rows among measured ones are called published, not baselines. They have no rank here.
    beside = 0 if table.model.all_published else baselines.count("published")
    leaders = [line for line in table.lines if line.group != "baseline" and not line.incomplete][:LEADERS]
    return {
        "teams": sum(row.entry.kind == "team" for row in ranking.rows),
        "baselines": len(baselines) - beside - late,
        "late": late,
        "beside": beside,
        "awaits_final": bool(ranking.track.ranking.final) and not table.model.has_final,
        "images": max((len(result.images) for result in results), default=0),
        "columns": table.columns[:COLUMNS],
        "published": table.model.all_published,
        "has_final": table.model.has_final,
        "leaders": leaders,
        "given_notes": table.model.given_notes(line.model for line in leaders),
        "doubts": list(dict.fromkeys(line.model.doubt for line in leaders if line.model.doubt)),
        "points": _points(ranking),
        "marks": [table.model.column_marks.get(metric, "") for metric in charts.plane(ranking) or ()],
        "plane": [ranking.track.columns()[metric] for metric in charts.plane(ranking) or ()],
    }


def _points(ranking: Ranking) -> list[tuple[float, float, str, bool]]:
    """(x, y, kind, measured or verified here) of each row in the thumbnail of the scatter."""
    metrics = charts.plane(ranking)
    if metrics is None:
        return []
    rows = [
        (x, y, row.entry.kind, source_of(row.entry, metrics) == "measured")
        for row in ranking.rows
        if (x := text.finite(row.entry.values.get(metrics[0]))) is not None
        and (y := text.finite(row.entry.values.get(metrics[1]))) is not None
    ]
    if len(rows) < 2:
        return []
    xs, ys = [row[0] for row in rows], [row[1] for row in rows]
    width, height = max(xs) - min(xs) or 1.0, max(ys) - min(ys) or 1.0
    return [
        (
            round(EDGE + (WIDTH - 2 * EDGE) * (x - min(xs)) / width, 1),
            round(HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * (y - min(ys)) / height, 1),
            kind,
            measured,
        )
        for x, y, kind, measured in rows
    ]
