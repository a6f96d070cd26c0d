"""The files of a report, for rankings and for ratings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from srspace_eval._utils import strict_json
from srspace_eval._utils.files import write_atomic
from srspace_eval._utils.untrusted_text import visible
from srspace_eval.errors import StudyError

_OUTCOME = re.compile(rb'\s*\{\s*"format"\s*:\s*"srspace-eval/(?:study|rating)-result/')
_OUTCOME_BYTES = 200

JSON_FILE, PAGE_FILE, PLOTLY_FILE = "study.json", "report.html", "plotly.min.js"


def write_report(tables: Mapping[str, str], document: Mapping[str, Any], page: str, out: Path) -> None:
    """Write tables, study.json, report.html and its script into a folder.

    The folder is made if it does not exist. Files of an earlier call are replaced, each one at once.

    Parameters
    ----------
    tables
        File name -> text.
    document, page
        Content of study.json and of report.html.

    Raises
    ------
    StudyError
        If the folder cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in tables.items():
            write_atomic(out / name, text)
        write_atomic(out / JSON_FILE, strict_json.dumps(document) + "\n")
        plotly = files("plotly").joinpath("package_data").joinpath(PLOTLY_FILE)
        write_atomic(out / PLOTLY_FILE, plotly.read_text(encoding="utf-8"))
        write_atomic(out / PAGE_FILE, page)
    except OSError as error:
        raise StudyError(f"{out}: the study's result cannot be written ({error.strerror or error})") from error


def render_report(template: str, **values: Any) -> str:
    """A report as HTML, from a template that extends ``report_base.html.j2``."""
    # select_autoescape does not know the suffix .j2, so escaping is always on.
    environment = Environment(
        loader=PackageLoader("srspace_eval.study"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["visible"] = visible
    assets = files("srspace_eval.study").joinpath("assets")
    # The report has the leaderboard's design, and its style sheet in itself.
    board = files("srspace_eval.report.html").joinpath("assets").joinpath("style.css")
    return environment.get_template(template).render(
        plotly=PLOTLY_FILE,
        style="\n".join(sheet.read_text(encoding="utf-8") for sheet in (board, assets.joinpath("report.css"))),
        script=assets.joinpath("report.js").read_text(encoding="utf-8"),
        **values,
    )


def is_outcome(path: Path) -> bool:
    """Whether a file is the study.json of an earlier :func:`write_report`. Only its beginning is read."""
    if path.name != JSON_FILE:
        return False
    try:
        with path.open("rb") as file:
            return _OUTCOME.match(file.read(_OUTCOME_BYTES)) is not None
    except OSError:
        return False
