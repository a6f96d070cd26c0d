"""A study's outcome as files: MORs and their draws for ``rank --mor``, all numbers as JSON, a page with plots."""

from __future__ import annotations

import csv
import io
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from srspace_eval._utils import strict_json
from srspace_eval._utils.files import write_atomic
from srspace_eval._utils.untrusted_text import visible
from srspace_eval.errors import StudyError
from srspace_eval.ranking.draws import DRAWS_FILE, MOR_FILE, draws_csv
from srspace_eval.study.figures import mor_figure, shares_figure
from srspace_eval.study.outcome import StudyOutcome

JSON_FILE, PAGE_FILE, PLOTLY_FILE = "study.json", "report.html", "plotly.min.js"


def write_outcome(outcome: StudyOutcome, out: Path) -> None:
    """Write MOR.csv, MOR-draws.csv, study.json, report.html and its script into a folder.

    The folder is made if it does not exist. Files of an earlier call are replaced, each one at once.

    Raises
    ------
    StudyError
        If the folder cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_atomic(out / MOR_FILE, mor_csv(outcome))
        write_atomic(out / DRAWS_FILE, draws_csv(outcome.rankings.methods, outcome.intervals.draws.tolist()))
        write_atomic(out / JSON_FILE, strict_json.dumps(outcome.to_dict()) + "\n")
        plotly = files("plotly").joinpath("package_data").joinpath(PLOTLY_FILE)
        write_atomic(out / PLOTLY_FILE, plotly.read_text(encoding="utf-8"))
        write_atomic(out / PAGE_FILE, report_page(outcome))
    except OSError as error:
        raise StudyError(f"{out}: the study's result cannot be written ({error.strerror or error})") from error


def mor_csv(outcome: StudyOutcome) -> str:
    """Columns ``team,mor,mor_low,mor_high,n``, best first. ``n``: the number of rankings."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["team", "mor", "mor_low", "mor_high", "n"])
    for i in outcome.order:
        numbers = (outcome.mor[i], outcome.intervals.low[i], outcome.intervals.high[i])
        writer.writerow(
            [outcome.rankings.methods[i], *(f"{float(value):.6f}" for value in numbers), len(outcome.rankings.ranks)]
        )
    return text.getvalue()


def report_page(outcome: StudyOutcome) -> str:
    """The report as HTML. It needs ``plotly.min.js`` beside it, and nothing else."""
    # select_autoescape does not know the suffix .j2, so escaping is always on.
    environment = Environment(
        loader=PackageLoader("srspace_eval.study"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["visible"] = visible
    document = outcome.to_dict()
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
