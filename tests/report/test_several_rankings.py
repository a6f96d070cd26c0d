"""Several rankings of one board: a table each, in every format, on one page."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.inputs.boards import make_results
from srspace_eval.ranking import Entry, Ranking, rank
from srspace_eval.report.files import render_leaderboard, write_leaderboards
from srspace_eval.report.table import make_table
from srspace_eval.report.terminal import to_text
from srspace_eval.tracks.reader import load_track

TRACK = """
name = "two"
title = "Two"
scale = 4
[columns]
a = { better = "lower", label = "A_<i>&" }
b = { better = "higher" }
[rankings.first]
title = "by <b>A</b>"
eligible = ["a < 9"]
criteria = [{ metric = "a" }]
order_by = ["rank(a)"]
show = ["b"]
[rankings.second]
criteria = [{ metric = "b" }]
order_by = ["rank(b)"]
"""


@pytest.fixture
def ranking(tmp_path: Path) -> Ranking:
    path = tmp_path / "track.toml"
    path.write_text(TRACK, encoding="utf-8")
    values = {"x": (1.0, 1.0), "y": (2.0, 2.0), "z": (10.0, 3.0)}
    entries = [Entry(team, "team", {"a": a, "b": b}, "given") for team, (a, b) in values.items()]
    return rank(entries, load_track(path))


def test_json_holds_the_rows_of_all(ranking: Ranking) -> None:
    document = json.loads(render_leaderboard(ranking, "json"))
    places = {name: [(r["team"], r["place"]) for r in rows] for name, rows in document["rankings"].items()}
    assert places == {"first": [("x", 1), ("y", 2), ("z", None)], "second": [("z", 1), ("y", 2), ("x", 3)]}
    assert document["rankings"]["first"] == document["rows"]
    assert document["rows"][2]["why_unranked"] == "not eligible: A_<i>& < 9 (A_<i>& is 10.000)"
    assert document["rows"][2]["values"] == {"a": 10.0, "b": 3.0}
    about = document["about_rankings"]
    assert {name: (one["title"], one["columns"]) for name, one in about.items()} == {
        "first": ("by <b>A</b>", ["a", "b"]),
        "second": ("", ["b"]),
    }
    assert about["first"]["notes"] == document["notes"] != about["second"]["notes"]


def test_csv_has_a_column_of_places_and_can_be_ranked_again(ranking: Ranking, tmp_path: Path) -> None:
    text = render_leaderboard(ranking, "csv")
    rows = {row["team"]: row for row in csv.DictReader(io.StringIO(text))}
    assert [(rows[t]["place"], rows[t]["place_second"]) for t in "xyz"] == [("1", "3"), ("2", "2"), ("", "1")]
    (tmp_path / "again.csv").write_text(text, encoding="utf-8")
    again = rank(None, ranking.track, table=tmp_path / "again.csv")
    assert [row.place for row in again.rows] == [1, 2, None]


def test_each_further_ranking_has_a_csv_of_its_own(ranking: Ranking, tmp_path: Path) -> None:
    paths = write_leaderboards([ranking], tmp_path / "out", formats=["csv"])
    assert [path.name for path in paths] == ["two.csv", "two.second.csv"]
    with paths[1].open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["team"], row["place"], row["b_rank"]) for row in rows] == [
        ("z", "1", "1"), ("y", "2", "2"), ("x", "3", "3"),
    ]  # fmt: skip
    assert "a_rank" not in rows[0]
    # Without a further ranking, there is one file, as before.
    one = replace(ranking, others=(), track=replace(ranking.track, more_rankings=()))
    assert [path.name for path in write_leaderboards([one], tmp_path / "one", formats=["csv"])] == ["two.csv"]


@pytest.mark.parametrize(("form", "count"), [("md", "\\| team \\|"), ("tex", "begin\\{tabular\\}")])
def test_texts_have_a_table_each(ranking: Ranking, form: str, count: str) -> None:
    assert len(re.findall(count, render_leaderboard(ranking, form))) == 2


def test_terminal_names_the_ranking(ranking: Ranking) -> None:
    assert [to_text(make_table(one)).split("\n")[0] for one in ranking.all] == ["Two: by <b>A</b>", "Two: second"]


def test_the_page_has_both_tables_and_no_id_twice(ranking: Ranking, tmp_path: Path) -> None:
    write_leaderboards([ranking], tmp_path / "out", formats=["html"])
    page = (tmp_path / "out" / "two" / "index.html").read_text(encoding="utf-8")
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert {"board", "board-second", "filter-second"} <= set(ids)
    assert re.findall(r'class="filters" data-for="([^"]+)"', page) == ["board", "board-second"]
    assert "<b>A</b>" not in page
    reading = page[page.index('id="reading"') :]
    assert [reading.count(f"<dt>{label}</dt>") for label in ("A_&lt;i&gt;&amp;", "b")] == [1, 1]
    assert "Each table ranks the same entries by a rule of its own." in reading
    assert "2 rankings of the same entries" in page
    assert "by &lt;b&gt;A&lt;/b&gt;" in page
    for target in re.findall(r'href="#([^"]+)"', page):
        assert target in ids


def test_how_to_read_a_rank_that_is_a_formulas_value(tmp_path: Path) -> None:
    """The sums of ranks of ESR 2022; columns that only a further ranking shows are explained, too."""
    write_leaderboards([rank(None, "esr-2022", published="esr-2022")], tmp_path, formats=["html"])
    page = (tmp_path / "esr-2022" / "index.html").read_text(encoding="utf-8")
    reading = page[page.index('id="reading"') :]
    assert (
        "</bdi>: The sum of the ranks in Parameters and FLOPs. It decides the places. The lowest is first." in reading
    )
    # A place by one rank has no column of its own, and needs no explanation.
    assert "rank in Runtime" not in reading
    assert "params_m" not in page[: page.index('id="data"')]
    tables = page[: page.index('id="reading"')].split("<table ")[1:]
    assert ["Combined rank" in table for table in tables] == [False, True, True]
    assert "∞" not in reading, "nothing on the page is infinite"
    assert "<dt>–</dt>" in reading, "some teams have no place"


def test_pages_of_submissions_and_the_index_name_the_rankings(tmp_path: Path) -> None:
    path = tmp_path / "track.toml"
    path.write_text(TRACK.replace("scale = 4", 'scale = 4\nsamples = 1\nmetrics = ["lpips"]'), encoding="utf-8")
    track = load_track(path)
    results = make_results(track, 2, 3, 1, seed=0, names=["x", "z"])
    entries = [
        Entry(result.team, "team", {**result.summary, "a": a, "b": b}, "measured", result)
        for result, a, b in zip(results, (1.0, 10.0), (1.0, 3.0), strict=True)
    ]
    entries = [replace(e, values={k: v for k, v in e.values.items() if k in track.columns()}) for e in entries]
    write_leaderboards([rank(entries, track, bootstrap=None)], tmp_path / "out", formats=["html"])
    pages = {page.stem: page.read_text(encoding="utf-8") for page in (tmp_path / "out/two/teams").iterdir()}
    assert "Place, <bdi>second</bdi></dt><dd>2</dd>" in pages["x"]
    assert "by &lt;b&gt;A&lt;/b&gt;</bdi></span></dt>" in pages["x"]
    assert "no final rank: not eligible: A_&lt;i&gt;&amp; &lt; 9" in pages["z"]
    assert "Place, <bdi>second</bdi></dt><dd>1</dd>" in pages["z"]
    index = (tmp_path / "out/index.html").read_text(encoding="utf-8")
    assert "one high-resolution picture of each low-resolution image" in index
    assert "2 rankings, here <bdi>by &lt;b&gt;A&lt;/b&gt;</bdi>" in index
