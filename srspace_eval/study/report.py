"""A study's outcome on disk: the MOR file for ``rank --mor``, the numbers as JSON, and a page with plots."""

from __future__ import annotations

import csv
import io
import os
import shutil
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from jinja2 import Environment, PackageLoader, StrictUndefined
from plotly.offline import get_plotlyjs

from srspace_eval import _json
from srspace_eval.errors import StudyError
from srspace_eval.study.collecting import Outcome

COLLECT_FORMAT = "srspace-eval/study-result/1"
MOR_FILE, JSON_FILE, PAGE_FILE, PLOTLY_FILE = "MOR.csv", "study.json", "report.html", "plotly.min.js"


def write_outcome(outcome: Outcome, out: Path) -> None:
    """Write MOR.csv, study.json and report.html with its script into a folder, over what an earlier call wrote.

    Each file appears whole or not at all.

    Raises
    ------
    StudyError
        If the folder cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        _write(out / MOR_FILE, mor_csv(outcome))
        _write(out / JSON_FILE, _json.dumps(outcome_document(outcome)) + "\n")
        _write(out / PLOTLY_FILE, get_plotlyjs())
        _write(out / PAGE_FILE, report_page(outcome))
    except OSError as error:
        raise StudyError(f"{out}: the study's result cannot be written ({error.strerror or error})") from error


def _write(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        Path(name).chmod(0o644)
        shutil.move(name, path)
    finally:
        Path(name).unlink(missing_ok=True)


def mor_csv(outcome: Outcome) -> str:
    """Columns ``team,mor,mor_low,mor_high,n``, best first; n is the number of rankings."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["team", "mor", "mor_low", "mor_high", "n"])
    for i in outcome.order:
        numbers = (outcome.mor[i], outcome.intervals.low[i], outcome.intervals.high[i])
        writer.writerow(
            [outcome.rankings.methods[i], *(f"{float(value):.6f}" for value in numbers), len(outcome.rankings.ranks)]
        )
    return text.getvalue()


def outcome_document(outcome: Outcome) -> dict[str, Any]:
    """Everything that was found, as one JSON document."""
    names, intervals = outcome.rankings.methods, outcome.intervals
    return {
        "format": COLLECT_FORMAT,
        "study": outcome.key.study,
        "title": outcome.key.title,
        "rankings": len(outcome.rankings.ranks),
        "raters": outcome.rankings.raters,
        "units": {"kind": "image" if outcome.rules.by_image else "crop", "count": outcome.rankings.units},
        "level": outcome.rules.level,
        "methods": [
            {
                "team": names[i],
                "mor": float(outcome.mor[i]),
                "mor_interval": [float(intervals.low[i]), float(intervals.high[i])],
                "rank": float(intervals.rank[i]),
                "rank_interval": [float(intervals.rank_low[i]), float(intervals.rank_high[i])],
                "rank_shares": [float(share) for share in outcome.shares[i]],
            }
            for i in outcome.order
        ],
        "kendall_w": {"raters": outcome.agreement.overall, "crops": outcome.agreement.crops},
        "friedman": {
            "chi2": outcome.friedman.chi2,
            "df": outcome.friedman.df,
            "p": outcome.friedman.p,
            "blocks": outcome.friedman.blocks,
        },
        "pairs": [
            {
                "first": names[pair.first],
                "second": names[pair.second],
                "difference": pair.difference,
                "interval": [pair.low, pair.high],
                "p": pair.p,
                "p_holm": pair.p_holm,
            }
            for pair in outcome.pairs
        ],
        "seconds_per_task": outcome.seconds,
        "accepted": [
            {
                "file": a.file,
                "rater": a.answer.rater,
                "tasks": len(a.answer.rankings),
                "of": len(outcome.key.raters[a.answer.rater].tasks),
                "agreement_with_itself": a.agreement,
            }
            for a in outcome.accepted
        ],
        "rejected": [{"file": r.file, "reason": r.reason} for r in outcome.rejected],
    }


def report_page(outcome: Outcome) -> str:
    """The report as HTML; it needs ``plotly.min.js`` beside it and nothing else."""
    # The template's name ends in .j2, which select_autoescape would not know: escaping is always on.
    environment = Environment(
        loader=PackageLoader("srspace_eval.study"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    document = outcome_document(outcome)
    assets = files("srspace_eval.study").joinpath("assets")
    difference = {(p["first"], p["second"]): p for p in document["pairs"]}
    template = environment.get_template("report.html.j2")
    return template.render(
        doc=document,
        settings=outcome.key.settings,
        matrix=_matrix(document, difference),
        plotly=PLOTLY_FILE,
        style=assets.joinpath("report.css").read_text(encoding="utf-8"),
        script=assets.joinpath("report.js").read_text(encoding="utf-8"),
        figures={"mor": _mor_figure(document), "shares": _shares_figure(document)},
    )


def _matrix(document: dict[str, Any], pairs: dict[tuple[str, str], dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of the table of pairs: by how much the row's MOR is better than the column's."""
    names = [m["team"] for m in document["methods"]]
    rows = []
    for row in names:
        cells: list[dict[str, Any] | None] = []
        for column in names:
            pair = pairs.get((row, column)) or pairs.get((column, row))
            if pair is None:
                cells.append(None)
            else:
                sign = 1 if pair["first"] == row else -1
                cells.append({"by": sign * pair["difference"], "p": pair["p_holm"], "sure": pair["p_holm"] < 0.05})
        rows.append({"team": row, "cells": cells})
    return rows


def plot_text(name: str) -> str:
    """A name for plotly, which reads a small HTML of its own."""
    short = name if len(name) <= 32 else name[:31] + "…"
    return short.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _mor_figure(document: dict[str, Any]) -> dict[str, Any]:
    methods = document["methods"]
    y = list(range(len(methods)))
    figure = go.Figure(
        go.Scatter(
            x=[m["mor"] for m in methods],
            y=y,
            mode="markers",
            marker={"size": 11},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [m["mor_interval"][1] - m["mor"] for m in methods],
                "arrayminus": [m["mor"] - m["mor_interval"][0] for m in methods],
                "thickness": 2,
                "width": 5,
            },
            customdata=[[plot_text(m["team"]), *m["mor_interval"]] for m in methods],
            hovertemplate="%{customdata[0]}<br>MOR %{x:.3f} "
            "(%{customdata[1]:.2f} – %{customdata[2]:.2f})<extra></extra>",
        )
    )
    figure.update_xaxes(title_text="mean opinion rank (lower is better)", range=[0.8, len(methods) + 0.2])
    return _finish(figure, methods)


def _shares_figure(document: dict[str, Any]) -> dict[str, Any]:
    methods = document["methods"]
    k = len(methods)
    figure = go.Figure()
    for rank in range(k):
        # One hue from strong (best) to faint (worst): readable without telling colours apart.
        strength = 1 - 0.88 * rank / max(k - 1, 1)
        figure.add_bar(
            orientation="h",
            y=list(range(k)),
            x=[m["rank_shares"][rank] for m in methods],
            name=f"rank {rank + 1}",
            marker={
                "color": f"rgba(47, 107, 179, {strength:.3f})",
                "line": {"width": 0.5, "color": "rgba(128, 128, 128, 0.6)"},
            },
            customdata=[[plot_text(m["team"])] for m in methods],
            hovertemplate=f"%{{customdata[0]}}<br>rank {rank + 1}: %{{x:.1%}}<extra></extra>",
        )
    figure.update_layout(barmode="stack")
    figure.update_xaxes(title_text="share of rankings", tickformat=".0%", range=[0, 1])
    return _finish(figure, methods)


def _finish(figure: go.Figure, methods: list[dict[str, Any]]) -> dict[str, Any]:
    figure.update_yaxes(
        tickvals=list(range(len(methods))), ticktext=[plot_text(m["team"]) for m in methods], autorange="reversed"
    )
    figure.update_layout(
        height=130 + 34 * len(methods), showlegend=False, margin={"l": 10, "r": 20, "t": 10, "b": 50}, template="none"
    )
    figure.update_yaxes(automargin=True)
    document = figure.to_plotly_json()
    layout = {key: value for key, value in document["layout"].items() if key != "template"}
    return {"data": document["data"], "layout": layout}
