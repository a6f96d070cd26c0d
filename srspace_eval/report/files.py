"""Leaderboards as files: one text file for each track and format, and a folder of pages. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from srspace_eval._utils import strict_json
from srspace_eval._utils.files import write_atomic
from srspace_eval._utils.untrusted_text import slug
from srspace_eval.errors import RankingError
from srspace_eval.ranking.model import Ranking
from srspace_eval.report.csv_file import to_csv
from srspace_eval.report.json_file import to_document
from srspace_eval.report.latex import to_latex
from srspace_eval.report.markdown import to_markdown
from srspace_eval.report.staging import staged
from srspace_eval.report.table import make_table

if TYPE_CHECKING:
    from srspace_eval.report.html.viewer import Pictures

_WRITERS: dict[str, Callable[[Ranking, bool], str]] = {
    "csv": lambda ranking, _: to_csv(make_table(ranking, complete=True)),
    "json": lambda ranking, _: strict_json.dumps(to_document(make_table(ranking, complete=True))) + "\n",
    "md": lambda ranking, intervals: "\n".join(
        to_markdown(make_table(one), intervals=intervals) for one in ranking.all
    ),
    "tex": lambda ranking, intervals: "\n".join(
        to_latex(make_table(one), label=_label(one), intervals=intervals) for one in ranking.all
    ),
}


def _label(ranking: Ranking) -> str:
    name = ranking.track.ranking.name
    return slug(ranking.track.name) + (f"-{slug(name)}" if name else "")


TEXT_FORMATS = tuple(_WRITERS)
"""The formats that are one text a track."""

FORMATS = ("html", *TEXT_FORMATS)
"""Everything that :func:`write_leaderboards` writes."""


def render_leaderboard(ranking: Ranking, form: str, *, intervals: bool = False) -> str:
    """A ranking in one of :data:`TEXT_FORMATS`.

    Parameters
    ----------
    intervals:
        Print the intervals in Markdown and LaTeX too. CSV and JSON always have them.

    Examples
    --------
    >>> from srspace_eval.ranking import Entry, rank
    >>> from srspace_eval.tracks.reader import load_track
    >>> ranking = rank([Entry("A", "team", {"lpips": 0.2, "diversity": 20.0}, "given")], load_track("x8"))
    >>> print(render_leaderboard(ranking, "md").split("\\n")[4])
    |  | A (a) | 0.200 | 20.000 ₍₁₎ |
    """
    return _WRITERS[form](ranking, intervals)


def write_leaderboards(
    rankings: Sequence[Ranking],
    out: Path | str,
    *,
    formats: Collection[str] = FORMATS,
    intervals: bool = False,
    pictures: Mapping[str, Pictures] | None = None,
) -> list[Path]:
    """Write leaderboards into a folder: all of them, or none. ``rank --out`` writes the same bytes.

    Parameters
    ----------
    rankings:
        One ranking a track, in the order of the index page.
    out:
        The folder; made if missing.
    formats:
        Some of :data:`FORMATS`. A text format gives ``TRACK.csv``, ``.json``, ``.md``, ``.tex``; ``html`` gives
        ``index.html`` and the pages it leads to (:mod:`srspace_eval.report.html.site`). If a track has several
        rankings, ``TRACK.csv`` is that of the first one, and ``TRACK.NAME.csv`` that of each further one.
    intervals:
        Print the intervals in Markdown and LaTeX too.
    pictures:
        Track name -> where its pictures are, for the pages' viewer.

    Returns
    -------
    The files to open: the text files, then ``index.html``.

    Raises
    ------
    RankingError
        If a format is unknown, there is nothing to write, or the folder cannot be written.
    SubmissionError
        If a folder or zip of pictures cannot be used.

    Examples
    --------
    >>> import tempfile
    >>> from srspace_eval.ranking import Entry, rank
    >>> from srspace_eval.tracks.reader import load_track
    >>> ranking = rank([Entry("A", "team", {"lpips": 0.2, "diversity": 20.0}, "given")], load_track("x8"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in write_leaderboards([ranking], Path(folder), formats=["csv", "html"])]
    ['x8.csv', 'index.html']
    """
    out = Path(out)
    unknown = [form for form in formats if form not in FORMATS]
    if unknown:
        raise RankingError(f"unknown format {', '.join(map(repr, unknown))}; choose of {', '.join(FORMATS)}")
    if not rankings:
        raise RankingError(f"{out}: no track to write; score a submission first or give a table")
    texts = {
        f"{slug(ranking.track.name)}.{form}": render_leaderboard(ranking, form, intervals=intervals)
        for ranking in rankings
        for form in formats
        if form != "html"
    }
    if "csv" in formats:
        texts |= {
            f"{slug(one.track.name)}.{one.track.ranking.name}.csv": render_leaderboard(one, "csv")
            for ranking in rankings
            for one in ranking.others
        }
    written = [out / name for name in texts]
    if "html" in formats:
        # Jinja is loaded only for pages.
        from srspace_eval.report.html.site import write_site

        return [*written, write_site(out, rankings, pictures=pictures, texts=texts)]
    try:
        with staged(out) as stage:
            for name, text in texts.items():
                write_atomic(stage / name, text)
    except OSError as error:
        raise RankingError(f"{out}: cannot be written ({error}); choose another --out") from error
    return written
