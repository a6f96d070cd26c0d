"""Boards as pages: short numbers, late entries, and no sentence about what the page does not show."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest

from benchmarks.inputs.boards import make_results
from srspace_eval import rank
from srspace_eval.metrics.base import MetricInfo
from srspace_eval.ranking import Entry
from srspace_eval.ranking.published_tables import load_published
from srspace_eval.report.emphasis import value_emphases
from srspace_eval.report.files import render_leaderboard, write_leaderboards
from srspace_eval.report.html import write_site
from srspace_eval.report.numbers import short_number
from srspace_eval.report.table import make_table
from srspace_eval.tracks.reader import load_track
from tests.helpers.pages import Element, read

X4 = load_track("x4")
SCORE = MetricInfo("score", "Score", "", 4, "lower", "", "")


def _rows(page: Element, board: str = "board") -> dict[str, Element]:
    return {row.attributes["data-name"]: row for row in page.one("table", id=board).one("tbody").all("tr")}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (9999.4, "9999.4000"),
        (9999.9, "10000"),
        (999_999.4, "999999"),
        (999_999.6, "1.000 M"),
        (-2_345_678.0, "-2.346 M"),
        (999_950_000_000.0, "1.000 T"),
        (9.9999e14, "1.000e15"),
        (math.inf, "∞"),
        (None, "–"),
    ],
)
def test_large_numbers_are_short(value: float | None, text: str) -> None:
    assert short_number(SCORE, value) == text


def test_values_that_look_equal_when_short_are_marked_alike() -> None:
    assert value_emphases([1_234_501.0, 1_234_499.0, 2e6], SCORE) == ["second", "best", ""]
    assert value_emphases([1_234_567.0, 1_234_612.0, 2e6], SCORE) == ["best", "best", "second"]
    assert value_emphases([1_234_567.0, 1_234_612.0, 2e6], SCORE, short=False) == ["best", "second", ""]


def test_a_long_score_is_short_in_tables_and_whole_in_title_and_csv(tmp_path: Path) -> None:
    ranking = rank(None, "esr-2026", published="esr-2026")
    write_leaderboards([ranking], tmp_path)
    page = read(tmp_path / "esr-2026/index.html")
    (value,) = (v for v in _rows(page)["12_DWMamba"].all("span", cls="value") if v.text == "713.6 G")
    assert value.attributes["title"] == "713645598476.9425"
    assert "M, G and T after a number mean 10⁶" in page.one("p", id="legend").text
    with (tmp_path / "esr-2026.csv").open(encoding="utf-8") as file:
        scores = {row["team"]: float(row["score"]) for row in csv.DictReader(file)}
    assert scores["12_DWMamba"] == pytest.approx(713645598476.9425)
    assert "713.6 G" in (tmp_path / "esr-2026.tex").read_text(encoding="utf-8")
    # Asked decimals are kept.
    assert "713645598476.94" in render_leaderboard(ranking, "tex", digits=2)
    assert "M, G and T" not in make_table(rank(None, "x4", published="ntire2021")).explain("bold", "underlined")


def test_headings_and_reasons_are_words(tmp_path: Path) -> None:
    write_leaderboards([rank(None, "esr-2026", published="esr-2026")], tmp_path, formats=["html"])
    page = read(tmp_path / "esr-2026/index.html")
    heads = [head.text for head in page.one("table", id="board").one("thead").all("span", cls="label")]
    assert {"PSNR val", "PSNR test"} <= set(heads)
    assert "psnr_val" not in page.one("section", id="table").text
    assert "PSNR val is 26.80" in page.one("section", id="notes").text, "with the digits of the column"
    assert "Computed: exp(2 × Runtime / (Runtime of the baseline))." in page.one("section", id="reading").text
    assert "score_runtime" not in page.one("section", id="reading").text


def test_late_entries_are_called_so(tmp_path: Path) -> None:
    write_leaderboards([rank(None, "imagesr-x4-2025", published="imagesr-x4-2025")], tmp_path, formats=["html"])
    page = read(tmp_path / "imagesr-x4-2025/index.html")
    assert [badge.text for badge in _rows(page)["Aimanga"].all("span", cls="badge")] == ["late entry"]
    groups = page.all("fieldset")[0].text
    assert "Late entries" in groups
    assert "Baselines" not in groups
    assert "24 teams · 2 late entries" in read(tmp_path / "index.html").text
    entries = load_published("ntire2020-track1").entries("as published")
    assert [entry.team for entry in entries if entry.late] == ["AITA-Noah-A", "AITA-Noah-B"]


def test_nothing_is_said_about_what_is_not_there(tmp_path: Path) -> None:
    write_leaderboards([rank(None, "imagesr-x4-2026", published="imagesr-x4-2026")], tmp_path, formats=["html"])
    page = read(tmp_path / "imagesr-x4-2026/index.html")
    assert [box for box in page.all("input") if box.attributes.get("name") == "group"] == [], "all rows are ranked"
    reading = page.one("section", id="reading").text
    assert "∞" not in reading
    assert "Baselines" not in page.text
    endless = [Entry(name, "team", {"lr_psnr": value}, "given") for name, value in (("a", math.inf), ("b", 30.0))]
    write_site(tmp_path / "endless", [rank(endless, X4)])
    reading = read(tmp_path / "endless/x4/index.html").one("section", id="reading").text
    assert "Infinite, as the LR-PSNR of identical pictures." in reading


def test_a_column_in_which_only_baselines_have_values_is_the_last(tmp_path: Path) -> None:
    results = make_results(X4, 3, 4, 2, seed=0)
    entries = [Entry(r.team, r.kind, r.summary, "measured", r) for r in results]
    write_site(tmp_path, [rank(entries, X4, with_published="ntire2021")])
    page = read(tmp_path / "x4/index.html")
    heads = [head.text for head in page.one("table", id="board").one("thead").all("span", cls="label")]
    assert heads == ["Team", "S2", "LPIPS", "LR-PSNR", "MOR"]
    assert "none measured here" not in page.one("footer").text, "three teams were"


def test_rank_columns_mark_their_best_as_all_columns_do() -> None:
    table = make_table(rank(None, "imagesr-x4-2026", published="imagesr-x4-2026"))
    at = [column.label for column in table.columns].index("Best rank")
    assert [line.cells[at].emphasis for line in table.lines[:4]] == ["best", "second", "second", ""]


def test_the_first_rank_stands_out_on_a_teams_page(tmp_path: Path) -> None:
    results = make_results(X4, 3, 4, 2, seed=0)
    write_site(tmp_path, [rank([Entry(r.team, r.kind, r.summary, "measured", r) for r in results], X4)])
    rings = [
        (ring.text.removeprefix("rank "), "first" in ring.attributes["class"])
        for path in sorted((tmp_path / "x4/teams").iterdir())
        for ring in read(path).one("dl", cls="tiles").all("span", cls="rank")
    ]
    assert len(rings) >= 6
    assert all((rank_ == "1") is first for rank_, first in rings)


def test_history_is_no_table_of_images(tmp_path: Path) -> None:
    write_site(tmp_path, [rank(None, "x4", published="ntire2021", date="2021-06-19")])
    text = (tmp_path / "history.html").read_text(encoding="utf-8")
    assert '<body class="history">' in text
    assert "Entry 1, 2021-06-19" in read(tmp_path / "history.html").text


def test_where_all_rows_are_of_one_source_no_row_says_so(tmp_path: Path) -> None:
    given = [Entry(name, "team", {"lpips": value}, "given") for name, value in (("a", 0.1), ("b", 0.2))]
    write_site(tmp_path, [rank(given, X4)])
    page = read(tmp_path / "x4/index.html")
    assert page.one("table", id="board").all("span", cls="badge") == []
    assert "All rows: from a table of numbers, not measured here." in page.one("section", id="notes").text


def test_the_footer_of_a_page_names_the_years_of_its_own_rows(tmp_path: Path) -> None:
    write_site(tmp_path, [rank(None, "x4", published="ntire2021"), rank(None, "esr-2026", published="esr-2026")])
    assert "published in 2021, 2026" in read(tmp_path / "index.html").one("footer").text
    assert "published in 2026, none measured here" in read(tmp_path / "esr-2026/index.html").one("footer").text


def test_long_names_may_be_broken_between_their_parts(tmp_path: Path) -> None:
    write_leaderboards([rank(None, "esr-2026", published="esr-2026")], tmp_path, formats=["html"])
    text = (tmp_path / "esr-2026/index.html").read_text(encoding="utf-8")
    assert ">05_<wbr>SPANMamba_<wbr>single_<wbr>1_<wbr>4T05</bdi>" in text
    assert ">22_SPANV2_ESR_C2</bdi>" in text, "a short name is one line"


@pytest.mark.parametrize(
    ("tracks", "words"),
    [
        ({"x4": "ntire2021"}, "Methods here draw several samples"),
        ({"esr-2026": "esr-2026"}, "Methods here make one high-resolution picture"),
        ({"x4": "ntire2021", "esr-2026": "esr-2026"}, "Each track below says which"),
    ],
)
def test_the_index_says_how_many_samples_its_tracks_ask_for(tracks: dict[str, str], words: str, tmp_path: Path) -> None:
    write_leaderboards(
        [rank(None, track, published=name) for track, name in tracks.items()], tmp_path, formats=["html"]
    )
    assert words in (tmp_path / "index.html").read_text(encoding="utf-8")
