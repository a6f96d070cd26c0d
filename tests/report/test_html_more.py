"""What a track's page offers beside its table: downloads, how to submit, the front, results per image."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.inputs.boards import make_results, write_board
from srspace_eval import rank as rank_board
from srspace_eval._version import __version__
from srspace_eval.ranking import Entry, rank
from srspace_eval.ranking.model import Ranking
from srspace_eval.ranking.published_tables import load_published
from srspace_eval.report.files import write_leaderboards
from srspace_eval.report.html import write_site
from srspace_eval.report.html.charts import scatter
from srspace_eval.report.html.per_image import MOST
from srspace_eval.report.table import make_table
from srspace_eval.results.record import Result
from srspace_eval.tracks.reader import load_track
from tests.helpers.pages import data_of, read

X8 = load_track("x8")


def _ranking(teams: int = 3, images: int = 4) -> Ranking:
    results = make_results(X8, teams, images, 2, seed=0)
    return rank([Entry(r.team, r.kind, r.summary, "measured", r) for r in results], X8)


def test_files_that_were_written_can_be_downloaded(tmp_path: Path) -> None:
    write_leaderboards([_ranking()], tmp_path / "all")
    page = read(tmp_path / "all/x8/index.html")
    links = [a.attributes["href"] for a in page.all("a") if "download" in a.attributes]
    assert {"../x8.csv", "../x8.json", "../x8.tex"} <= set(links)
    assert all((tmp_path / "all/x8" / link).is_file() for link in links)
    write_leaderboards([_ranking()], tmp_path / "html", formats=["html"])
    page = read(tmp_path / "html/x8/index.html")
    assert not [a for a in page.all("a") if "download" in a.attributes]


def test_the_track_says_how_to_submit(tmp_path: Path) -> None:
    write_site(tmp_path, [_ranking()])
    section = read(tmp_path / "x8/index.html").one("section", id="submit")
    text = section.text
    assert "2 samples for each image" in text
    names = ["000000_sample00000.png", "0801_sample00000.png", "000000.png", "0801.png"]
    assert [code.text for code in section.all("code")][:-4] == names, "each name for itself"
    assert f"such as {names[0]} or {names[1]};" in text
    assert f"A method that makes one picture for each image names it such as {names[2]} or {names[3]}." in text
    assert "pip install ." in text
    assert "srspace-eval check SUBMISSION.zip --track x8 --lr LR --samples 2" in text
    assert "--gt" not in text
    write_site(tmp_path / "as asked", [rank([Entry("A", "team", {"lpips": 0.2}, "given")], X8)])
    text = read(tmp_path / "as asked/x8/index.html").one("section", id="submit").text
    assert "10 samples for each image" in text
    assert "--samples" not in text


def test_a_challenge_that_is_over_does_not_ask_for_submissions(tmp_path: Path) -> None:
    write_site(tmp_path, [rank_board(None, "x4", published="ntire2021")])
    page = read(tmp_path / "x4/index.html")
    assert "How to submit" not in page.text


def test_the_front_is_what_no_other_beats_in_both() -> None:
    values = {"A": (0.1, 10.0), "B": (0.2, 20.0), "C": (0.2, 15.0), "D": (0.3, 20.0), "E": (0.05, 1.0)}
    entries = [Entry(n, "team", {"lpips": x, "diversity": y, "lr_psnr": 50.0}, "given") for n, (x, y) in values.items()]
    data = scatter(make_table(rank(entries, X8)), {})
    assert data is not None
    assert {point["name"] for point in data["points"] if point["front"]} == {"A", "B", "E"}
    beaten = {n for n, (x, y) in values.items() for a, b in values.values() if a <= x and b >= y and (a, b) != (x, y)}
    assert {point["name"] for point in data["points"] if not point["front"]} == beaten


def test_published_and_claimed_rows_have_a_front_each() -> None:
    own = make_results(X8, 2, 2, 2, 0)
    data = scatter(make_table(rank(own, X8, with_published="ntire2021")), {})
    alone = scatter(make_table(rank(own, X8)), {})
    published = scatter(make_table(rank(published="ntire2021-x8")), {})
    assert data is not None
    assert alone is not None
    assert published is not None
    fronts = {
        source: {point["name"] for point in data["points"] if point["front"] and point["source"] == source}
        for source in ("claimed", "published")
    }
    assert fronts["claimed"] == {point["name"] for point in alone["points"] if point["front"]}
    assert fronts["published"] == {point["name"] for point in published["points"] if point["front"]}
    assert all(fronts.values())


def test_results_per_image_mark_the_best(tmp_path: Path) -> None:
    ranking = _ranking()
    write_site(tmp_path, [ranking])
    page = read(tmp_path / "x8/images.html")
    section = page.one("section", id="metric-lpips")
    names = [name.text for name in section.one("thead").all("bdi")]
    assert names == [row.entry.team for row in ranking.rows]
    for row, image in zip(section.one("tbody").all("tr"), ranking.rows[0].entry.result.images, strict=True):  # type: ignore[union-attr]
        assert row.one("th").text == image.image
        values = [
            next(i for i in r.entry.result.images if i.image == image.image).values["lpips"]  # type: ignore[union-attr]
            for r in ranking.rows
        ]
        shown = [round(value, 3) for value in values]  # type: ignore[arg-type]
        best = [n for n, span in enumerate(row.all("span", cls="value")) if "best" in span.attributes["class"]]
        assert best == [n for n, value in enumerate(shown) if value == min(shown)]


@pytest.mark.parametrize(
    ("values", "best"),
    [((0.00812, 0.0079, 0.02), {0, 1}), ((0.0081, 0.0079, 0.0084), set()), ((0.01, 0.02, 0.0004), {2})],
)
def test_a_board_and_the_results_per_image_mark_alike(
    tmp_path: Path, values: tuple[float, ...], best: set[int]
) -> None:
    """One image, so that the averages are the image's values: what looks equal is marked alike on both pages."""
    results = [_with_lpips(result, value) for result, value in zip(make_results(X8, 3, 1, 2, 0), values, strict=True)]
    names = {results[n].team for n in best}
    ranking = rank([Entry(r.team, r.kind, r.summary, "measured", r) for r in results], X8)
    write_site(tmp_path, [ranking])
    table = read(tmp_path / "x8/images.html").one("section", id="metric-lpips")
    teams = [name.text for name in table.one("thead").all("bdi")]
    spans = table.one("tbody").one("tr").all("span", cls="value")
    on_images = {team for team, span in zip(teams, spans, strict=True) if "best" in span.attributes["class"]}
    on_board = {line.row.entry.team for line in make_table(ranking).lines if line.cells[0].emphasis == "best"}
    assert on_images == on_board == names


def _with_lpips(result: Result, value: float) -> Result:
    images = tuple(replace(image, values={**image.values, "lpips": value}) for image in result.images)
    return replace(result, images=images, summary={**result.summary, "lpips": value})


@pytest.mark.parametrize(("teams", "there"), [(1, False), (MOST + 2, True)])
def test_results_per_image_need_two_teams_and_are_bounded(tmp_path: Path, teams: int, there: bool) -> None:
    write_site(tmp_path, [_ranking(teams, 2)])
    path = tmp_path / "x8/images.html"
    assert path.exists() == there
    if there:
        assert len(read(path).one("section", id="metric-lpips").one("thead").all("a")) == MOST
        assert "2 more have pages of their own" in path.read_text(encoding="utf-8")
    assert data_of(read(tmp_path / "x8/index.html"))["scatter"]


def test_every_page_has_the_day_of_the_newest_result_and_the_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    results = make_results(X8, 2, 2, 2, seed=0)
    write_board(tmp_path / "board", results)
    for day, path in enumerate(sorted((tmp_path / "board/x8").glob("*.json"))):
        os.utime(path, (86400 * (1 + day), 86400 * (1 + day)))
    ranking = rank_board(tmp_path / "board", X8)
    assert ranking.date == "1970-01-03"
    write_site(tmp_path / "site", [ranking])
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) == 6
    for page in pages:
        footer = read(page).one("footer").text
        assert "Newest result: 1970-01-03." in footer
        assert f"srspace-eval {__version__}" in footer
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    assert rank_board(tmp_path / "board", X8).date == "1970-01-01"


def test_the_index_counts_published_rows_apart_and_says_that_final_ranks_are_missing(tmp_path: Path) -> None:
    own = [Entry(name, "team", {"lpips": 0.2, "lr_psnr": 46.0, "diversity": 10.0}, "given") for name in "AB"]
    own.append(Entry("Mine", "baseline", {"lpips": 0.3}, "given"))
    write_site(tmp_path / "own", [rank(own, X8, with_published="ntire2021")])
    facts = read(tmp_path / "own/index.html").one("p", **{"class": "facts"}).text
    published = len(load_published("ntire2021-x8").rows)
    assert f"2 teams · 1 baseline · {published} published rows · no final rank yet" in facts
    write_site(tmp_path / "published", [rank(published="ntire2021-x8")])
    facts = read(tmp_path / "published/index.html").one("p", **{"class": "facts"}).text
    assert "published numbers, none measured here" in facts
    assert "published rows" not in facts
    assert "no final rank" not in facts
