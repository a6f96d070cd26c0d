"""A rating study's outcome as files: MOS for ``rank --values``, all numbers as JSON, a page with plots."""

from __future__ import annotations

from pathlib import Path

from srspace_eval.ranking.draws import MOS_FILE
from srspace_eval.study.figures import grades_figure, mos_figure, strengths
from srspace_eval.study.intervals import coverage_told
from srspace_eval.study.rating_outcome import RatingOutcome
from srspace_eval.study.report_files import render_report, write_report


def write_ratings(outcome: RatingOutcome, out: Path) -> None:
    """Write MOS.csv, study.json, report.html and its script into a folder.

    See :func:`srspace_eval.study.report_files.write_report`.

    Raises
    ------
    StudyError
        If the folder cannot be written, lies in a raters' folder, or holds other files of these names.
    """
    write_report({MOS_FILE: outcome.scores.to_csv()}, outcome.to_dict(), rating_page(outcome), out)


def rating_page(outcome: RatingOutcome) -> str:
    """The report as HTML. It needs ``plotly.min.js`` beside it, and nothing else."""
    document, scale = outcome.to_dict(), outcome.key.rating_scale
    labels = [scale.label(grade) for grade in scale.grades]
    best_first = labels[::-1] if scale.better == "higher" else labels
    return render_report(
        "rating_report.html.j2",
        doc=document,
        settings=outcome.key.settings,
        ends=(labels[0], labels[-1]),
        grade_names=labels,
        coverage=coverage_told(
            "rate",
            len(document["raters"]),
            document["pictures"]["count"],
            document["pictures"]["kind"],
            document["level"],
        ),
        legend=list(zip(best_first, strengths(len(labels)), strict=True)),
        arrow="↑" if scale.better == "higher" else "↓",
        figures={
            "mos": mos_figure(document["methods"], document["scale"]),
            "shares": grades_figure(document["methods"], labels, scale.better),
        },
    )
