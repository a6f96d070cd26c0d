"""A study's outcome as files: MORs and their draws for ``rank --mor``, all numbers as JSON, a page with plots."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from typing import Any

from srspace_eval._utils.untrusted_text import escape_cell
from srspace_eval.ranking.draws import DRAWS_FILE, MOR_FILE, draws_csv
from srspace_eval.study.figures import mor_figure, shares_figure, strengths
from srspace_eval.study.intervals import coverage_told
from srspace_eval.study.outcome import StudyOutcome
from srspace_eval.study.report_files import render_report, write_report


def write_outcome(outcome: StudyOutcome, out: Path) -> None:
    """Write MOR.csv, MOR-draws.csv, study.json, report.html and its script into a folder.

    See :func:`srspace_eval.study.report_files.write_report`.

    Raises
    ------
    StudyError
        If the folder cannot be written, lies in a raters' folder, or holds other files of these names.
    """
    texts = {
        MOR_FILE: mor_csv(outcome),
        DRAWS_FILE: draws_csv(outcome.rankings.methods, outcome.intervals.draws.tolist()),
    }
    write_report(texts, outcome.to_dict(), report_page(outcome), out)


def mor_csv(outcome: StudyOutcome) -> str:
    """Columns ``team,mor,mor_low,mor_high,n``, best first. ``n``: the number of rankings. No interval: empty cells."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["team", "mor", "mor_low", "mor_high", "n"])
    for i in outcome.order:
        numbers = (outcome.mor[i], outcome.intervals.low[i], outcome.intervals.high[i])
        name = escape_cell(outcome.rankings.methods[i])
        cells = ["" if math.isnan(value) else f"{float(value):.6f}" for value in numbers]
        writer.writerow([name, *cells, len(outcome.rankings.ranks)])
    return text.getvalue()


def report_page(outcome: StudyOutcome) -> str:
    """The report as HTML. It needs ``plotly.min.js`` beside it, and nothing else."""
    document = outcome.to_dict()
    ranks = [f"rank {rank + 1}" for rank in range(len(document["methods"]))]
    difference = {(p["first"], p["second"]): p for p in document["pairs"]}
    return render_report(
        "report.html.j2",
        doc=document,
        settings=outcome.key.settings,
        rank_names=ranks,
        coverage=coverage_told(
            "rank", document["raters"], document["units"]["count"], document["units"]["kind"], document["level"]
        ),
        legend=list(zip(ranks, strengths(len(ranks)), strict=True)),
        matrix=_matrix(document, difference),
        figures={"mor": mor_figure(document["methods"]), "shares": shares_figure(document["methods"])},
    )


def _matrix(document: dict[str, Any], pairs: dict[tuple[str, str], dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of the table of pairs: by how much the MOR of the row is better than that of the column."""
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
                cells.append(
                    {"by": sign * pair["difference"] + 0.0, "p": pair["p_holm"], "sure": pair["p_holm"] < 0.05}
                )
        rows.append({"team": row, "cells": cells})
    return rows
