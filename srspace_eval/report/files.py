"""Leaderboards as files, one for each format. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from srspace_eval._utils import strict_json
from srspace_eval._utils.files import write_atomic
from srspace_eval._utils.text import slug
from srspace_eval.errors import RankingError
from srspace_eval.ranking import Ranking
from srspace_eval.report.csv_file import to_csv
from srspace_eval.report.json_file import to_document
from srspace_eval.report.latex import to_latex
from srspace_eval.report.markdown import to_markdown
from srspace_eval.report.staging import staged
from srspace_eval.report.table import make_table

_WRITERS: dict[str, Callable[[Ranking, bool], str]] = {
    "csv": lambda ranking, _: to_csv(ranking),
    "json": lambda ranking, _: strict_json.dumps(to_document(ranking)) + "\n",
    "md": lambda ranking, intervals: to_markdown(make_table(ranking), intervals=intervals),
    "tex": lambda ranking, intervals: to_latex(
        make_table(ranking), label=slug(ranking.track.name), intervals=intervals
    ),
}

TEXT_FORMATS = tuple(_WRITERS)


def render(ranking: Ranking, form: str, *, intervals: bool = False) -> str:
    """A ranking in one of :data:`TEXT_FORMATS`. ``intervals``: also in Markdown and LaTeX (CSV and JSON have them)."""
    return _WRITERS[form](ranking, intervals)


def text_files(rankings: Sequence[Ranking], forms: Collection[str], *, intervals: bool = False) -> dict[str, str]:
    """File name (``TRACK.csv``, ``.json``, ``.md``, ``.tex``) -> its text, for each ranking in each form."""
    return {
        f"{slug(ranking.track.name)}.{form}": render(ranking, form, intervals=intervals)
        for ranking in rankings
        for form in forms
    }


def write_files(out: Path, texts: Mapping[str, str]) -> None:
    """Write files that :func:`text_files` made into a folder: all of them, or none.

    Raises
    ------
    RankingError
        If the folder cannot be written.
    """
    try:
        with staged(out) as stage:
            for name, text in texts.items():
                write_atomic(stage / name, text)
    except OSError as error:
        raise RankingError(f"{out}: cannot be written ({error}); choose another --out") from error
