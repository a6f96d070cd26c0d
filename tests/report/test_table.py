"""The table model, and that every format shows what it holds."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.inputs.boards import make_results
from srspace_eval.ranking import BootstrapPlan, Entry, Ranking, rank
from srspace_eval.ranking.published_tables import load_published
from srspace_eval.report.files import render_leaderboard
from srspace_eval.report.html import write_site
from srspace_eval.report.table import Table, make_table
from srspace_eval.report.terminal import to_text
from srspace_eval.tracks.model import RankedMetric
from srspace_eval.tracks.reader import load_track
from tests.helpers.golden_tables import RANKINGS
from tests.helpers.pages import rank_of, read, table, value

X4 = load_track("x4")


def mixed() -> Ranking:
    """Measured teams with intervals, one incomplete; a given team; published baselines; whole and half final ranks."""
    results = make_results(X4, 5, 12, 2, 0, incomplete=1)
    entries = [
        Entry(r.team, "team", {**r.summary, "mor": None if i == 3 else 1.0 + i}, "measured", r, r.incomplete)
        for i, r in enumerate(results)
    ]
    entries.append(
        Entry("typed", "team", {"lr_psnr": math.inf, "diversity": 15.0, "mor": 2.5}, "given", note="by hand")
    )
    entries += load_published("ntire2021-x4").entries()[:3]
    return rank(entries, X4, bootstrap=BootstrapPlan(replicates=200))


@pytest.fixture(scope="module")
def model() -> Table:
    return make_table(mixed())


def test_the_page_shows_the_cells_of_the_model(model: Table, tmp_path: Path) -> None:
    write_site(tmp_path, [model.ranking])
    page = read(tmp_path / "x4/index.html")
    rows = table(page)
    labels = {"diversity": "S2"}
    seen = set()
    for line in model.lines:
        cells = rows[line.row.entry.team]
        assert tuple(mark.text.removeprefix("note ") for mark in cells["Team"].all("a", cls="mark")) == line.marks
        for column, cell in zip(model.columns, line.cells, strict=True):
            shown = cells[labels.get(column.id, column.label)]
            assert value(shown) == cell.text
            assert rank_of(shown) == cell.rank
            interval = " ".join(part.text for part in shown.all("span", cls="interval"))
            assert cell.interval in interval
            assert (f"rank {cell.rank_interval}" in interval) == bool(cell.rank_interval)
            classes = shown.one("span", cls="value").attributes["class"].split()
            assert [name for name in classes if name != "value"] == ([cell.emphasis] if cell.emphasis else [])
            assert bool(shown.all("span", cls="tie")) == (cell.next_row is not None)
            seen |= {cell.emphasis, cell.text, bool(cell.interval), cell.next_row is None}
    assert {"best", "second", "∞", "–", True, False} <= seen, "the ranking shows every case"
    for mark, text in model.footnotes:
        assert page.one("li", id=f"note-{mark}").text.split() == [mark, *text.replace("S_2", "S2").split()]


@pytest.mark.parametrize("form", ["md", "tex", "txt"])
def test_texts_show_the_cells_of_the_model(model: Table, form: str) -> None:
    text = to_text(model, intervals=True) if form == "txt" else render_leaderboard(model.ranking, form, intervals=True)
    for line in model.lines:
        for cell in line.cells:
            assert cell.text.replace("–", "--").replace("∞", r"$\infty$") in text or cell.text in text
    for _, note in model.footnotes:
        assert note.split(":")[0] in text


def test_files_for_programs_hold_the_numbers_of_the_model(model: Table) -> None:
    rows = json.loads(render_leaderboard(model.ranking, "json"))["rows"]
    for line, row in zip(model.lines, rows, strict=True):
        for column, cell in zip(model.columns, line.cells, strict=True):
            number = row[column.id]
            assert (math.inf if number == "inf" else number) == cell.value
            assert tuple(row["intervals"].get(column.id, ())) == (cell.ends or ())


def test_a_complete_table_keeps_empty_columns() -> None:
    ranking = rank([Entry("a", "team", {"diversity": 5.0}, "given")], X4)
    assert [column.id for column in make_table(ranking).columns] == ["diversity"]
    assert [column.id for column in make_table(ranking, complete=True).columns] == [*ranking.columns, "final_rank"]


def test_a_table_without_numbers_keeps_its_columns() -> None:
    ranking = rank([Entry("a", "team", {}, "given", incomplete=("no image",))], X4)
    assert tuple(column.id for column in make_table(ranking).columns) == ranking.columns


def test_a_plateau_of_a_lower_is_better_metric_is_reached_from_above(tmp_path: Path) -> None:
    rule = replace(X4.ranking, criteria=(RankedMetric("lpips", plateau=0.2),), final=("lpips",))
    entries = [Entry(name, "team", {"lpips": lpips}, "given") for name, lpips in (("a", 0.1), ("b", 0.2), ("c", 0.3))]
    ranking = rank(entries, replace(X4, ranking=rule))
    cells = [line.cells[0] for line in make_table(ranking).lines]
    assert [(cell.reaches, cell.rank) for cell in cells] == [(True, "1"), (True, "1"), (False, "3")]
    write_site(tmp_path, [ranking])
    rows = table(read(tmp_path / "x4/index.html"))
    assert [rows[name]["LPIPS"].all("span", cls="reach")[0].text for name in "abc"] == ["✓ ≤ 0.2", "✓ ≤ 0.2", "▾ > 0.2"]


def test_equal_footnotes_share_a_mark_and_given_numbers_have_one() -> None:
    found = make_table(RANKINGS["hostile"]())
    notes = dict(found.footnotes)
    assert list(notes) == ["a", "b", "c", "d"]
    assert notes["a"] == "from a table of numbers, not measured here"
    assert all("a" in line.marks for line in found.lines if line.row.entry.origin == "given")
    assert sum("d" in line.marks for line in found.lines) == 1
