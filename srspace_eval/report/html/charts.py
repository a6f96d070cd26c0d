"""What the charts draw, as data for the page's script. Colours, symbols and sizes are the script's work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from markupsafe import Markup

from srspace_eval._utils.untrusted_text import visible
from srspace_eval.metrics.base import Aspect, MetricInfo
from srspace_eval.ranking.model import Ranking, Row
from srspace_eval.report.escaping import escape_plotly
from srspace_eval.report.html import text
from srspace_eval.report.table import Line, Table
from srspace_eval.report.table_parts import DOUBTS, doubt_beside, source_of
from srspace_eval.results.record import Result
from srspace_eval.tracks.model import Track


def of_aspect(columns: Mapping[str, MetricInfo], aspect: Aspect) -> list[str]:
    """The columns of an aspect, in the order of all tables."""
    return [column for column, info in columns.items() if info.aspect == aspect]


def plane(ranking: Ranking) -> tuple[str, str] | None:
    """The two metrics of the scatter: photo-realism (else consistency) and diversity.

    Of all pairs, the first one that most of the board's own rows have; published rows decide where all rows are
    published. None if no row that decides has both.
    """
    columns = ranking.track.columns()
    across = [*of_aspect(columns, "photo-realism"), *of_aspect(columns, "consistency")]
    own = [row for row in ranking.rows if row.entry.origin != "published"] or ranking.rows
    pairs = list(product(across, of_aspect(columns, "diversity")))
    counts = [sum(_has(row, pair) for row in own) for pair in pairs]
    return pairs[counts.index(max(counts))] if any(counts) else None


def off_chart(ranking: Ranking) -> list[str]:
    """The names of the teams that the scatter cannot show, because a value is missing."""
    metrics = plane(ranking)
    teams = [row for row in ranking.rows if row.entry.kind == "team" and not row.entry.incomplete]
    return [] if metrics is None else [visible(row.entry.team) for row in teams if not _has(row, metrics)]


def _has(row: Row, metrics: Sequence[str]) -> bool:
    return all(text.finite(row.entry.values.get(metric)) is not None for metric in metrics)


def scatter(table: Table, pages: Mapping[int, str]) -> dict[str, Any] | None:
    """One metric of the :func:`plane` against the other; None if there is none."""
    metrics = plane(table.ranking)
    if metrics is None:
        return None
    columns = table.ranking.track.columns()
    points: list[dict[str, Any]] = []
    for number, line in enumerate(table.lines):
        entry = line.row.entry
        x, y = (text.finite(entry.values.get(metric)) for metric in metrics)
        if x is None or y is None:
            continue
        points.append(
            {
                "name": escape_plotly(entry.team),
                "kind": entry.kind,
                "source": source_of(entry, metrics),
                "x": _round(x),
                "y": _round(y),
                "hover": _hover(table, line),
                "page": pages.get(number, ""),
            }
        )
    _mark_front(points, *(columns[metric].direction == "lower" for metric in metrics))
    marks, samples = table.column_marks, table.ranking.track.samples
    x_label, y_label = (text.chart_label(columns[metric], samples, marks.get(metric, "")) for metric in metrics)
    return {"x": x_label, "y": y_label, "points": points}


def _mark_front(points: list[dict[str, Any]], x_lower: bool, y_lower: bool) -> None:
    """Mark the points that no other point of the same source beats in both numbers (the Pareto front).

    Numbers that were measured here, claimed, given, and published have fronts of their own.
    """
    signed = [(p["source"], p["x"] if x_lower else -p["x"], p["y"] if y_lower else -p["y"]) for p in points]
    for point, (source, x, y) in zip(points, signed, strict=True):
        others = [(a, b) for other, a, b in signed if other == source]
        point["front"] = not any(a <= x and b <= y and (a, b) != (x, y) for a, b in others)


def curves(table: Table) -> list[dict[str, Any]]:
    """S_1..S_M of every row that has them, best rows first: one chart for each distance."""
    charts = []
    ranking, marks = table.ranking, table.column_marks
    for key, info in curves_of(ranking.track):
        lines: list[dict[str, Any]] = [
            {
                "name": escape_plotly(row.entry.team) + doubt_beside(row.entry.evidence),
                "title": visible(row.entry.team) + doubt_beside(row.entry.evidence),
                "kind": row.entry.kind,
                "y": values,
            }
            for row in ranking.rows
            if row.entry.result is not None
            and not row.entry.incomplete
            and (values := _rounded(row.entry.result.curves.get(key, ())))
        ]
        count = max((len(line["y"]) for line in lines), default=0)
        for line in lines:
            line["y"] += [None] * (count - len(line["y"]))
        if lines:
            charts.append(
                {
                    "id": key.replace("_", "-"),
                    "metric": info.id,
                    "caption": curve_caption(info, ranking.track),
                    "mark": marks.get(info.id, ""),
                    "y": text.chart_label(info, "n", marks.get(info.id, "")),
                    "lines": lines,
                }
            )
    return charts


def distributions(result: Result, track: Track, marks: Mapping[str, str]) -> list[dict[str, Any]]:
    """Per-image values of each metric: one strip per metric. ``marks``: those of the table's columns."""
    strips = []
    for metric, info in track.columns().items():
        pairs = [
            (escape_plotly(image.image), value)
            for image in result.images
            if (value := text.finite(image.values.get(metric))) is not None
        ]
        if pairs:
            strips.append(
                {
                    "metric": metric,
                    "label": text.chart_label(info, track.samples, marks.get(metric, "")),
                    "digits": info.digits,
                    "images": [name for name, _ in pairs],
                    "values": [_round(value) for _, value in pairs],
                }
            )
    return strips


def curves_of(track: Track) -> list[tuple[str, MetricInfo]]:
    """Each curve's id, with the column in which it ends."""
    return [(info.curve, info) for info in track.columns().values() if info.curve]


def curve_caption(info: MetricInfo, track: Track) -> Markup:
    """What a curve shows: ``S_1 to S_10 (MSE)`` as markup."""
    return text.label_html(info.label.replace("S_M", f"S_1 to S_{track.samples}"))


def growth(result: Result, track: Track, marks: Mapping[str, str]) -> list[dict[str, Any]]:
    """S_1..S_M of one submission: mean over images, and the quartiles over images. ``marks`` as for distributions."""
    charts = []
    for key, info in curves_of(track):
        rows = [image.curves[key] for image in result.images if image.curves.get(key)]
        if not rows or len({len(row) for row in rows}) != 1:
            continue
        values = np.array([[np.nan if v is None else v for v in row] for row in rows], dtype=np.float64)
        values = values[np.isfinite(values).all(axis=1)]
        if not len(values):
            continue
        low, middle, high = np.percentile(values, (25, 50, 75), axis=0)
        charts.append(
            {
                "id": key.replace("_", "-"),
                "metric": info.id,
                "caption": curve_caption(info, track),
                "y": text.chart_label(info, "n", marks.get(info.id, "")),
                "mean": _rounded(tuple(values.mean(axis=0))),
                "low": _rounded(tuple(low)),
                "median": _rounded(tuple(middle)),
                "high": _rounded(tuple(high)),
            }
        )
    return charts


def _hover(table: Table, line: Line) -> str:
    entry = line.row.entry
    lines = [f"<b>{escape_plotly(entry.team, 60)}</b>"]
    if line.place:
        lines.append(f"place {line.place}")
    if entry.origin == "published":
        lines.append("published, not measured here")
    if line.doubt:
        lines.append(f"{line.doubt}: {DOUBTS[line.doubt]}")
    for column, cell in zip(table.columns, line.cells, strict=True):
        if cell.value is None:
            continue
        unit = f" {column.unit}" if column.unit else ""
        interval = f" [{cell.interval}]" if cell.interval else ""
        mark = "" if entry.origin == "published" else column.mark
        lines.append(f"{text.label_html(column.label)}{mark} {cell.text}{cell.mark}{unit}{interval}")
    return "<br>".join(lines)


def _round(value: float) -> float:
    """Six significant digits: more than a chart can show, and small pages."""
    return float(f"{value:.6g}")


def _rounded(values: tuple[float | None, ...]) -> list[float | None]:
    return [None if (v := text.finite(value)) is None else _round(v) for value in values]
