"""The files of a report, for rankings and for ratings."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from srspace_eval._utils import strict_json
from srspace_eval._utils.files import write_together
from srspace_eval._utils.untrusted_text import visible
from srspace_eval.errors import StudyError
from srspace_eval.ranking.draws import OUTCOME_FILE as JSON_FILE
from srspace_eval.ranking.draws import text_digest
from srspace_eval.study.places import refuse_raters_folder

_OUTCOME = re.compile(
    rb'\s*\{\s*"format"\s*:\s*"(srspace-eval/(?:study|rating)-result/[0-9]+)"(?:\s*,\s*"study"\s*:\s*"([^"\\]*)")?'
)
_OUTCOME_BYTES = 200

PAGE_FILE, PLOTLY_FILE = "report.html", "plotly.min.js"


def write_report(tables: Mapping[str, str], document: Mapping[str, Any], page: str, out: Path) -> None:
    """Write tables, study.json, report.html and its script into a folder: all of them, or after an error none.

    The folder is made if it does not exist. Files of an earlier call for the same study are replaced. Other files are
    not.

    Parameters
    ----------
    tables
        File name -> text.
    document, page
        Content of study.json and of report.html. ``files`` is added to study.json: table -> its SHA-256.

    Raises
    ------
    StudyError
        If the folder cannot be written, lies in a raters' folder, or holds other files of these names or the result of
        another study.
    """
    refuse_raters_folder(out)
    plotly = files("plotly").joinpath("package_data").joinpath(PLOTLY_FILE)
    digests = {name: text_digest(text.encode("utf-8", "backslashreplace")) for name, text in tables.items()}
    texts = {
        # First: it marks the folder as a study's result, and says which tables belong to it. After a crash, `rank`
        # refuses tables of two results, and the next call can replace all files.
        JSON_FILE: strict_json.dumps({**document, "files": digests}) + "\n",
        **tables,
        PLOTLY_FILE: plotly.read_text(encoding="utf-8"),
        PAGE_FILE: page,
    }
    try:
        _require_own_files(out, texts, document["format"], document["study"])
        write_together({out / name: text for name, text in texts.items()})
    except OSError as error:
        raise StudyError(f"{out}: the study's result cannot be written ({error.strerror or error})") from error


def _require_own_files(out: Path, names: Iterable[str], form: str, study: str) -> None:
    """Check that nothing is replaced but the files of an earlier result, which its study.json marks.

    Raises
    ------
    StudyError
        If there are other files, or the result of another study.
    """
    earlier, earlier_study = _earlier_outcome(out / JSON_FILE)
    if earlier == form:
        foreign = [name for name in names if (out / name).is_dir()]
    else:
        foreign = [name for name in names if os.path.lexists(out / name)]
    if earlier not in (None, form):
        raise StudyError(
            f"{out}: nothing was written, because the folder holds the result of a study of another kind, ratings or "
            "rankings. Give another --out, or move it away"
        )
    if earlier_study not in (None, study):
        raise StudyError(
            f"{out}: nothing was written, because the folder holds the result of another study. Give another --out, or "
            "move it away"
        )
    if foreign:
        raise StudyError(
            f"{out}: nothing was written, because these files would be replaced, and they are not a study's result. "
            "Move them away, or give another --out",
            sorted(foreign),
        )


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
    return path.name == JSON_FILE and _earlier_outcome(path)[0] is not None


def _earlier_outcome(path: Path) -> tuple[str | None, str | None]:
    """The format of a study's result and the study's id; None for every other file."""
    # Opening a pipe or a device could block.
    if not path.is_file():
        return None, None
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(handle, "rb") as file:
            found = _OUTCOME.match(file.read(_OUTCOME_BYTES))
    except OSError:
        return None, None
    if found is None:
        return None, None
    form, study = found.groups()
    return form.decode("ascii"), None if study is None else study.decode("utf-8", "replace")
