"""Leaderboards as files: one text file for each track and format, and a folder of pages. Imports no torch."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from srspace_eval._utils import strict_json
from srspace_eval._utils.files import read_bounded, write_atomic
from srspace_eval._utils.progress import Progress, no_progress
from srspace_eval.errors import InputError, RankingError
from srspace_eval.ranking.model import Ranking
from srspace_eval.report.bibtex import merged_bibtex, to_bibtex
from srspace_eval.report.csv_file import to_csv
from srspace_eval.report.history import keep_history, read_history, with_rankings
from srspace_eval.report.html.own_files import require_own_texts
from srspace_eval.report.json_file import to_document
from srspace_eval.report.latex import to_latex
from srspace_eval.report.markdown import to_markdown
from srspace_eval.report.names import REFERENCES, file_name, label_of, stems_of
from srspace_eval.report.staging import staged
from srspace_eval.report.table import Table, make_table
from srspace_eval.results.store import require_no_results

if TYPE_CHECKING:
    if sys.version_info >= (3, 11):
        from typing import Unpack
    else:
        from typing_extensions import Unpack

    from srspace_eval.report.html.viewer import Pictures

_LARGEST_REFERENCES = 4 << 20  # bytes


class TableOptions(TypedDict, total=False):
    """How tables for readers (terminal, Markdown, LaTeX) look; CSV, JSON and HTML have everything.

    ``intervals``: print the intervals too. ``digits``: decimals of all metrics, or metric id -> decimals. ``own``: the
    method that is the last row. ``notes`` and ``signature``: print the notes (default: yes), and what the results were
    measured with (default: no), below a LaTeX table.
    """

    intervals: bool
    digits: int | Mapping[str, int] | None
    own: str | None
    notes: bool
    signature: bool


def reader_table(ranking: Ranking, options: TableOptions) -> Table:
    """The table of a ranking as readers get it."""
    return make_table(ranking, digits=options.get("digits"), own=options.get("own"))


def _csv(ranking: Ranking, _: TableOptions) -> str:
    return to_csv(make_table(ranking, complete=True))


def _json(ranking: Ranking, _: TableOptions) -> str:
    return strict_json.visible_dumps(to_document(make_table(ranking, complete=True))) + "\n"


def _markdown(ranking: Ranking, options: TableOptions) -> str:
    intervals = options.get("intervals", False)
    return "\n".join(to_markdown(reader_table(one, options), intervals=intervals) for one in ranking.all)


def _latex(ranking: Ranking, options: TableOptions, stem: str = "") -> str:
    looks = {
        "intervals": options.get("intervals", False),
        "notes": options.get("notes", True),
        "signature": options.get("signature", False),
    }
    return "\n".join(to_latex(reader_table(one, options), label=label_of(one, stem), **looks) for one in ranking.all)


def _bibtex(ranking: Ranking, _: TableOptions) -> str:
    return to_bibtex(make_table(ranking))


_WRITERS: dict[str, Callable[[Ranking, TableOptions], str]] = {
    "csv": _csv,
    "json": _json,
    "md": _markdown,
    "tex": _latex,
}


TEXT_FORMATS = tuple(_WRITERS)
"""The formats that are one text a track."""

FORMATS = ("html", *TEXT_FORMATS)
"""What :func:`write_leaderboards` writes by default."""

ALL_FORMATS = (*FORMATS, "bib")
"""Everything that :func:`write_leaderboards` can write."""


def render_leaderboard(ranking: Ranking, form: str, **options: Unpack[TableOptions]) -> str:
    """Write a leaderboard as one text.

    Parameters
    ----------
    ranking
        The leaderboard that :func:`rank` made.
    form
        ``"csv"``, ``"json"``, ``"md"`` or ``"tex"``; ``"bib"``: the publications that its rows are from.
    options
        How Markdown and LaTeX look: ``intervals``, ``digits``, ``own``; in LaTeX also ``notes`` and ``signature``
        (:class:`TableOptions`).

    Returns
    -------
    str
        The text, with a line end after the last line.

    Raises
    ------
    RankingError
        If no row is called ``own``.
    InputError
        If there is no such form.

    Examples
    --------
    >>> from srspace_eval.ranking import Entry, rank
    >>> from srspace_eval.tracks.reader import load_track
    >>> ranking = rank([Entry("A", "team", {"lpips": 0.2, "diversity": 20.0}, "given")], load_track("x8"))
    >>> print(render_leaderboard(ranking, "md").split("\\n")[4])
    |  | A (a) | 0.200 | 20.000 ₍₁₎ |
    """
    writers = {**_WRITERS, "bib": _bibtex}
    if form not in writers:
        raise InputError(f"form = {form!r}: choose from {', '.join(writers)}")
    return writers[form](ranking, options)


def _references_there(path: Path) -> str:
    """The bibliography of earlier tables in the folder, which a table of another track needs beside its own."""
    try:
        return read_bounded(path, _LARGEST_REFERENCES).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RankingError(f"{path}: cannot be read as UTF-8 text ({error}); move it away") from error


def write_leaderboards(
    rankings: Sequence[Ranking],
    out: Path | str,
    *,
    formats: Collection[str] = FORMATS,
    pictures: Mapping[str, Pictures] | None = None,
    study_report: Path | str | None = None,
    history: Path | str | None = None,
    progress: Progress = no_progress,
    **options: Unpack[TableOptions],
) -> list[Path]:
    """Write leaderboards into a folder: all of them, or none. ``rank --out`` writes the same bytes.

    Parameters
    ----------
    rankings
        One ranking a track, in the order of the index page.
    out
        The folder; made if missing.
    formats
        Some of :data:`FORMATS`. A text format gives ``TRACK.csv``, ``.json``, ``.md``, ``.tex``; ``html`` gives
        ``index.html`` and the pages it leads to (:mod:`srspace_eval.report.html.site`). If a track has several
        rankings, ``TRACK.csv`` is that of the first one, and ``TRACK.NAME.csv`` that of each further one. Where a
        published table's teams are ranked, its id stands in place of TRACK. If two rankings would have one file,
        also where case is ignored, the later one has ``TRACK-2.csv``. ``tex`` also gives ``references.bib`` if rows are
        from publications; entries of an earlier call stay in it.
    pictures
        Track name -> where its pictures are, for the pages' viewer.
    study_report
        The human study's report, linked from the pages: a file, or a web address.
    history
        A file with the history of the rankings, which gets an entry if a ranking changed. Pages have a history of
        their own in ``history.json``; it is continued if the file does not exist.
    progress
        Called while pictures are written.
    options
        As of :func:`render_leaderboard`.

    Returns
    -------
    list[Path]
        The files to open: the text files, then ``index.html``.

    Raises
    ------
    InputError
        If a format is unknown.
    RankingError
        If there is nothing to write, the folder cannot be written or holds another file of the name of a text, or the
        history cannot be used.
    ResultsError
        If a JSON would be written into a folder that holds results: the board could not be ranked after that.
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
    unknown = [form for form in formats if form not in ALL_FORMATS]
    if unknown:
        raise InputError(f"unknown format {', '.join(map(repr, unknown))}; choose of {', '.join(ALL_FORMATS)}")
    if not rankings:
        raise RankingError(f"{out}: no track to write; score a submission first or give a table")
    if "html" in formats:
        from srspace_eval.report.html.site import require_few_pages  # Jinja is loaded only for pages.

        require_few_pages(out, rankings)
    stems = stems_of(rankings)
    texts = {
        file_name(stem, form): (
            _latex(ranking, options, stem) if form == "tex" else render_leaderboard(ranking, form, **options)
        )
        for stem, ranking in zip(stems, rankings, strict=True)
        for form in formats
        if form not in ("html", "bib")
    }
    if "csv" in formats:
        texts |= {
            f"{stem}.{one.track.ranking.name}.csv": render_leaderboard(one, "csv")
            for stem, ranking in zip(stems, rankings, strict=True)
            for one in ranking.others
        }
    if {"tex", "bib"} & set(formats):
        references = ""
        for ranking in rankings:
            references = merged_bibtex(references, render_leaderboard(ranking, "bib"))
        if references:
            texts[REFERENCES] = references
    written = [out / name for name in texts]
    for path in [path for path in written if path.suffix == ".json"][:1]:
        require_no_results(path)
    if history is not None:
        require_no_results(Path(history))
    merges = {REFERENCES} if "html" not in formats else set()  # it is added to, and not replaced
    require_own_texts(out, set(texts) - merges)
    if "html" in formats:
        from srspace_eval.report.html.site import write_site

        site = write_site(
            out, rankings, pictures=pictures, texts=texts, study_report=study_report, history=history,
            progress=progress,
        )  # fmt: skip
        return [*written, site]
    try:
        with staged(out) as stage:
            if REFERENCES in texts and (out / REFERENCES).is_file():
                texts[REFERENCES] = merged_bibtex(_references_there(out / REFERENCES), texts[REFERENCES])
            for name, text in texts.items():
                write_atomic(stage / name, text)
            if history is not None:
                known = read_history(Path(history))
                found = with_rankings(known, rankings)
                keep_history(found, Path(history), written, changed=found is not known)
    except OSError as error:
        raise RankingError(f"{out}: cannot be written ({error}); choose another --out") from error
    return written
