"""Leaderboards as files, one for each format. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from srspace_eval import _json
from srspace_eval.errors import RankingError
from srspace_eval.ranking import Ranking
from srspace_eval.report.csv_file import to_csv
from srspace_eval.report.json_file import to_document
from srspace_eval.report.latex import to_latex
from srspace_eval.report.markdown import to_markdown
from srspace_eval.report.table import make_table
from srspace_eval.results import slug, write_atomic

_WRITERS: dict[str, Callable[[Ranking, bool], str]] = {
    "csv": lambda ranking, _: to_csv(ranking),
    "json": lambda ranking, _: _json.dumps(to_document(ranking)) + "\n",
    "md": lambda ranking, intervals: to_markdown(make_table(ranking), intervals=intervals),
    "tex": lambda ranking, intervals: to_latex(
        make_table(ranking), label=slug(ranking.track.name), intervals=intervals
    ),
}

TEXT_FORMATS = tuple(_WRITERS)


def render(ranking: Ranking, form: str, *, intervals: bool = False) -> str:
    """A ranking in one of :data:`TEXT_FORMATS`. ``intervals``: also in Markdown and LaTeX (CSV and JSON have them)."""
    return _WRITERS[form](ranking, intervals)


def write_files(
    out: Path, rankings: Sequence[Ranking], forms: Collection[str], *, intervals: bool = False
) -> list[Path]:
    """Write ``OUT/TRACK.csv``, ``.json``, ``.md``, ``.tex`` and return their paths.

    Raises
    ------
    RankingError
        If the folder cannot be written.
    """
    written = []
    for ranking in rankings:
        for form in forms:
            path = out / f"{slug(ranking.track.name)}.{form}"
            try:
                write_atomic(path, render(ranking, form, intervals=intervals))
            except OSError as error:
                raise RankingError(f"{path}: cannot be written ({error}); choose another --out") from error
            written.append(path)
    return written
