"""A study's outcome on disk: the MORs and their draws for ``rank --mor``, the numbers as JSON, a page with plots."""

from __future__ import annotations

import csv
import io
import os
import shutil
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from srspace_eval._utils import strict_json
from srspace_eval._utils.text import visible
from srspace_eval.errors import StudyError
from srspace_eval.ranking.draws import DRAWS_FILE, MOR_FILE, draws_csv
from srspace_eval.study.collecting import Outcome
from srspace_eval.study.figures import mor_figure, shares_figure

COLLECT_FORMAT = "srspace-eval/study-result/1"
JSON_FILE, PAGE_FILE, PLOTLY_FILE = "study.json", "report.html", "plotly.min.js"


def write_outcome(outcome: Outcome, out: Path) -> None:
    """Write MOR.csv, MOR-draws.csv, study.json and report.html with its script into a folder, over an earlier call's.

    Each file appears whole or not at all.

    Raises
    ------
    StudyError
        If the folder cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        _write(out / MOR_FILE, mor_csv(outcome))
        _write(out / DRAWS_FILE, draws_csv(outcome.rankings.methods, outcome.intervals.draws.tolist()))
        _write(out / JSON_FILE, strict_json.dumps(outcome_document(outcome)) + "\n")
        plotly = files("plotly").joinpath("package_data").joinpath(PLOTLY_FILE)
        _write(out / PLOTLY_FILE, plotly.read_text(encoding="utf-8"))
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
    environment.filters["visible"] = visible
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
        figures={"mor": mor_figure(document["methods"]), "shares": shares_figure(document["methods"])},
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
