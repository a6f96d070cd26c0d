"""Writes the site: an index, a page a track, a page a submission, and a viewer where pictures are given.

::

    OUT/index.html
    OUT/history.html, .json       what changed since earlier rankings
    OUT/assets/                   style, scripts, plotly (once), and the list of the pages
    OUT/TRACK/index.html          the track's table and charts
    OUT/TRACK/teams/SLUG.html     one submission
    OUT/TRACK/viewer/SLUG.html    its samples beside GT and LR
    OUT/TRACK/pictures/           copies for the viewers

Pages need no server and load nothing from outside the folder. The same rankings give the same bytes.
The module is long because it lists all values that each page is given.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2

from srspace_eval._utils.documentation import install_lines
from srspace_eval._utils.files import replacing, write_atomic
from srspace_eval._utils.progress import Progress, no_progress
from srspace_eval._utils.unique_names import UniqueNames
from srspace_eval._utils.untrusted_text import visible
from srspace_eval._version import __version__
from srspace_eval.errors import RankingError
from srspace_eval.ranking.columns import cells_of
from srspace_eval.ranking.model import Ranking
from srspace_eval.ranking.notes import is_signature_note, metric_label
from srspace_eval.report.history import (
    HistoryDocument,
    history_file,
    history_text,
    keep_history,
    read_history,
    with_rankings,
)
from srspace_eval.report.html import charts, text
from srspace_eval.report.html.compare import compare_data
from srspace_eval.report.html.history import make_steps
from srspace_eval.report.html.index import summarise
from srspace_eval.report.html.own_files import (
    LIST,
    list_files,
    remove_files,
    require_own_files,
    require_own_folder,
    require_own_texts,
)
from srspace_eval.report.html.page_values import (
    all_columns,
    at_image,
    neighbours,
    other_tables,
    place_tile,
    places_elsewhere,
    published_years,
    signatures,
    study_link,
    viewed_metrics,
)
from srspace_eval.report.html.per_image import per_image
from srspace_eval.report.html.site_data import show_pictures
from srspace_eval.report.html.submission import make_page
from srspace_eval.report.html.track_table import TrackTable, make_track_table
from srspace_eval.report.html.viewer import Pictures, Shown
from srspace_eval.report.letters import check_command
from srspace_eval.report.names import file_name, stems_of
from srspace_eval.report.numbers import plain_label
from srspace_eval.report.staging import staged
from srspace_eval.report.table import make_table
from srspace_eval.report.table_parts import DOUBTS, GIVEN_MARK, doubt_beside
from srspace_eval.results.record import Result
from srspace_eval.tracks.names import example_names

MAX_PAGES = 5000
"""The largest number of results that have a page, in all tracks together. Six tracks of eighty teams have 480."""

MAX_CELLS = 40_000
"""Values of all rankings together: rows times columns. Three rankings of a hundred teams in twelve columns have a
tenth."""

_DOWNLOADS = ("csv", "json", "tex", "md", "bib")
_ASSETS = (
    "style.css",
    "viewer.css",
    "theme.js",
    "scroll.js",
    "tables.js",
    "charts.js",
    "panes.js",
    "viewer.js",
    "compare.js",
    "images.js",
)


def write_site(
    out: Path,
    rankings: Sequence[Ranking],
    *,
    pictures: Mapping[str, Pictures] | None = None,
    texts: Mapping[str, str] | None = None,
    study_report: Path | str | None = None,
    history: Path | str | None = None,
    progress: Progress = no_progress,
) -> Path:
    """Write the leaderboards of several tracks as HTML: all of it, or nothing.

    Parameters
    ----------
    out
        Folder to write into: a new one, an empty one, or one that an earlier call wrote. Files of an earlier call that
        this one does not write (pages of a withdrawn submission, pictures) are deleted. Other files are kept.
        No symbolic link is followed.
    rankings
        One ranking a track, in the order of the index.
    pictures
        Track name -> where its pictures are. The submissions named there get a viewer.
    texts
        More files for the folder: name -> text.
    study_report
        The human study's report, linked from the tracks' pages: a file (the link is relative) or a web address.
    history
        A history file that is read and updated, in addition to the site's own (:mod:`srspace_eval.report.history`).
        If it does not exist, the site's own is continued.
    progress
        Called while pictures are written.

    Returns
    -------
    Path
        The path of ``index.html``.

    Raises
    ------
    RankingError
        If there is nothing to write, there are more than :data:`MAX_PAGES` results or :data:`MAX_CELLS` values, the
        folder holds files that are not a leaderboard's, such files would be replaced, it cannot be written,
        ``study_report`` is neither a file nor a web address, or the history cannot be used.
    SubmissionError
        If a folder or zip of pictures cannot be used.

    Examples
    --------
    >>> import tempfile
    >>> from srspace_eval.ranking import Entry, rank
    >>> from srspace_eval.tracks.reader import load_track
    >>> entries = [Entry("A", "team", {"lpips": 0.2, "lr_psnr": 50.0, "diversity": 20.0}, "given")]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_site(Path(folder), [rank(entries, load_track("x8"))]).name
    'index.html'
    """
    if not rankings:
        raise RankingError(f"{out}: no track to write; score a submission first or give a table")
    require_few_pages(out, rankings)
    texts = texts or {}
    record = history_file(rankings)
    given = None if history is None else Path(history)
    ours = {*texts, record}
    try:
        require_own_folder(out, ours)
        with staged(out, first=LIST) as stage:
            earlier = require_own_folder(out, ours)  # again, now that no other process writes
            known = read_history(given if given is not None and given.exists() else out / record)
            found = with_rankings(known, rankings)
            site = _Site(stage, study_link(study_report, out), frozenset(texts), progress)
            site.write(rankings, pictures or {}, found, record)
            for name, text_ in {**texts, record: history_text(found)}.items():
                write_atomic(stage / name, text_)
            written = {path.relative_to(stage).as_posix() for path in stage.rglob("*") if path.is_file()}
            require_own_files(out, written - ours, earlier)
            require_own_texts(out, texts)
            # Until the earlier files are deleted, the list names them too: a killed call leaves none unlisted.
            _write(stage / LIST, list_files(written | earlier))
            if given is not None:
                keep_history(found, given, [out / name for name in written - {record}], changed=found is not known)
        remove_files(out, earlier - written, present=written)
        _write(out / LIST, list_files(written))
    except OSError as error:
        raise RankingError(f"{out}: the leaderboard cannot be written ({error}); choose another --out") from error
    return out / "index.html"


def require_few_pages(out: Path, rankings: Sequence[Ranking]) -> None:
    """Refuse rankings whose pages would take minutes to write.

    Raises
    ------
    RankingError
        If there are more than :data:`MAX_PAGES` results or :data:`MAX_CELLS` values.
    """
    pages = sum(bool(row.entry.result and row.entry.result.images) for one in rankings for row in one.rows)
    if pages > MAX_PAGES:
        raise RankingError(
            f"{out}: {pages} results would have a page each, and at most {MAX_PAGES} are written; leave html out of "
            "--format (formats), or rank fewer results or tracks"
        )
    cells = sum(cells_of(len(one.rows), one.track, one.columns) for ranking in rankings for one in ranking.all)
    if cells > MAX_CELLS:
        raise RankingError(
            f"{out}: pages would show {cells} values (rows times columns of all rankings), and at most {MAX_CELLS} are "
            "written; leave html out of --format (formats), or rank fewer results, columns or tracks"
        )


class _Site:
    def __init__(self, out: Path, study: str, texts: Collection[str], progress: Progress) -> None:
        self._out, self._study, self._texts, self._progress = out, study, texts, progress
        self._date, self._years = "", ""
        environment = jinja2.Environment(
            loader=jinja2.PackageLoader("srspace_eval.report.html", "templates"),
            autoescape=True,  # select_autoescape does not know .html.j2
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.globals.update(version=__version__, doubts=DOUBTS)
        environment.tests["signature_note"] = is_signature_note
        environment.filters.update(
            shown=visible,
            note=text.label_html,
            plain=plain_label,
            without_folder=text.without_folder,
            breakable=text.breakable,
        )
        self._templates = {
            name: environment.get_template(f"{name}.html.j2")
            for name in ("index", "track", "submission", "viewer", "compare", "images", "history")
        }

    def write(
        self, rankings: Sequence[Ranking], pictures: Mapping[str, Pictures], history: HistoryDocument, document: str
    ) -> None:
        self._date = max((ranking.date for ranking in rankings), default="")
        rows = [row.entry for ranking in rankings for row in ranking.rows]
        self._years = published_years(rankings) if all(entry.origin == "published" for entry in rows) else ""
        names = UniqueNames({"assets"})
        folders = [names.name(ranking.track.name) for ranking in rankings]
        cards = []
        for ranking, folder, stem in zip(rankings, folders, stems_of(rankings), strict=True):
            table = self._track(ranking, folder, stem, pictures.get(ranking.track.name))
            cards.append({"folder": folder, "track": ranking.track, **summarise(table)})
        self._assets()
        self._page("index", "index.html", root="", cards=cards)
        own = {ranking.track.name: folder for ranking, folder in zip(rankings, folders, strict=True)}
        tracks = {ranking.track.name: ranking.track for ranking in rankings}
        self._page(
            "history", "history.html", root="", steps=make_steps(history, own, tracks), document=document,
            total=len(history.entries), given_mark=GIVEN_MARK,
        )  # fmt: skip

    def _track(self, ranking: Ranking, folder: str, stem: str, pictures: Pictures | None) -> TrackTable:
        names = UniqueNames({"compare"})
        results = {
            number: row.entry.result
            for number, row in enumerate(ranking.rows)
            if row.entry.result is not None and row.entry.result.images
        }
        files_ = {number: names.name(result.team) for number, result in results.items()}
        pages = {number: f"teams/{name}.html" for number, name in files_.items()}
        table = make_track_table(make_table(ranking), pages)
        named_results = {files_[number]: result for number, result in results.items()}
        shown = show_pictures(pictures, self._out / folder, table.model, named_results, self._progress)
        all_views = {number: shown[files_[number]].views for number in results}
        with_views = {number: files_[number] for number, views in all_views.items() if views}
        compared = compare_data(
            [
                (f"{table.lines[n].name}{doubt_beside(table.lines[n].model.row.entry.evidence)}", file, all_views[n])
                for n, file in with_views.items()
            ]
        )
        viewer_departures = table.model.departures_of(viewed_metrics(results.values()))
        if compared:
            self._page(
                "compare", f"{folder}/viewer/compare.html", root="../../", track=ranking.track, teams=len(with_views),
                departures=viewer_departures, data={"images": list(compared.values())},
                previews=any("crop" in image for image in compared.values()),
            )  # fmt: skip
        for number, result in results.items():
            views = all_views[number]
            compare = number in with_views and bool(compared)
            self._submission(
                ranking, table, folder, files_, number, result, shown[files_[number]], compare=compare
            )  # fmt: skip
            if views:
                self._page(
                    "viewer", f"{folder}/viewer/{files_[number]}.html", root="../../", track=ranking.track,
                    line=table.lines[number], name=files_[number], data={"images": list(views.values())},
                    total=len(result.images), compare=bool(compared), **neighbours(table, with_views, number),
                    departures=viewer_departures, given_lr=pictures is not None and pictures.lr is not None,
                )  # fmt: skip
        viewers = {
            number: {image: f"viewer/{files_[number]}.html{at_image(image)}" for image in views}
            for number, views in all_views.items()
        }
        images = per_image(
            ranking, pages, viewers, {image: f"viewer/compare.html{at_image(image)}" for image in compared}
        )
        if images is not None:
            self._page(
                "images", f"{folder}/images.html", root="../", track=ranking.track, per_image=images,
                board=table.model,
            )  # fmt: skip
        fewer, plane = ranking.asked_samples not in (0, ranking.track.samples), charts.plane(ranking) or ()
        tables = [(ranking.track.ranking, ranking, table), *other_tables(ranking, pages)]
        self._page(
            "track", f"{folder}/index.html", root="../", track=ranking.track, ranking=ranking, table=table,
            study=self._study, plane_marks=[table.model.column_marks.get(m, "") for m in plane],
            check_command=check_command(ranking.track.name, ranking.track.samples if fewer else None),
            tables=tables, columns=all_columns([one for _, _, one in tables]),
            data={"scatter": charts.scatter(table.model, pages), "curves": charts.curves(table.model)},
            install=install_lines(), years=self._years and published_years([ranking]),
            shows_infinite=any(one.shows("∞") for _, _, one in tables),
            shows_missing=any(one.shows("–") for _, _, one in tables),
            off_chart=charts.off_chart(ranking),
            signatures=signatures(ranking), compare=bool(compared), per_image=images is not None,
            downloads=[name for form in _DOWNLOADS if (name := file_name(stem, form)) in self._texts],
            sample_names=dict.fromkeys(example_names([n], ranking.track.first) for n in ranking.track.sample_names),
            single_names=dict.fromkeys(
                example_names([n], ranking.track.first) for n in ranking.track.sample_names if "{sample" not in n
            ) if ranking.track.samples > 1 else {},
            plane_given=any(m in row.entry.joined for row in ranking.rows for m in plane),
            plane=[
                (ranking.track.columns()[m], text.label_html(metric_label(m, ranking.track)))
                for m in plane
            ],
        )  # fmt: skip
        return table

    def _submission(
        self, ranking: Ranking, table: TrackTable, folder: str, files_: Mapping[int, str], number: int, result: Result,
        shown: Shown, *, compare: bool,
    ) -> None:  # fmt: skip
        name = files_[number]
        links = {image: f"../viewer/{name}.html{at_image(image)}" for image in shown.views}
        track = ranking.track.including(result.signature.settings)
        page, marks = make_page(result, track, links, shown.thumbnails), table.model.column_marks
        data = {
            "strips": charts.distributions(result, track, marks),
            "growth": charts.growth(result, track, marks),
            "samples": page.samples,
        }
        self._page(
            "submission", f"{folder}/teams/{name}.html", root="../../", track=ranking.track, table=table,
            departures=(
                *table.model.departures_of(info.id for info, _ in page.columns),
                *table.model.given_notes([table.lines[number].model]),
            ),
            line=table.lines[number], result=result, page=page, data=data,
            viewer=f"../viewer/{name}.html" if shown.views else "",
            compare=f"../viewer/compare.html#left={name}" if compare else "",
            elsewhere=places_elsewhere(ranking, result), place=place_tile(table, number),
            **neighbours(table, files_, number),
        )  # fmt: skip

    def _page(self, template: str, path: str, **values: Any) -> None:
        target = self._out / path
        target.parent.mkdir(parents=True, exist_ok=True)
        _write(
            target,
            (self._templates[template].render({"date": self._date, "years": self._years, **values}) + "\n").encode(
                "utf-8", "backslashreplace"
            ),
        )

    def _assets(self) -> None:
        folder = self._out / "assets"
        folder.mkdir(parents=True, exist_ok=True)
        own = files("srspace_eval.report.html").joinpath("assets")
        for name in _ASSETS:
            _write(folder / name, own.joinpath(name).read_bytes())
        plotly = files("plotly").joinpath("package_data").joinpath("plotly.min.js")
        _write(folder / "plotly.min.js", plotly.read_bytes())


def _write(path: Path, data: bytes) -> None:
    with replacing(path, sync=False) as file:
        file.write(data)
