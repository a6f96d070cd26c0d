"""``rank``: one call for a board, results in memory, entries, tables and published tables."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.inputs.boards import make_results, write_board
from srspace_eval.errors import RankingError, TrackError
from srspace_eval.ranking import Entry, rank
from srspace_eval.report.files import render_leaderboard
from srspace_eval.results.board import load_board
from srspace_eval.tracks.reader import load_track

X4 = load_track("x4")


def test_a_board_and_its_results_give_the_same_leaderboard(tmp_path: Path) -> None:
    results = make_results(X4, 3, 4, 2, 0)
    write_board(tmp_path, results)
    expected = render_leaderboard(rank(tmp_path, X4), "json")
    assert '"rank_intervals": {}' not in expected, "the bootstrap is on unless it is turned off, as in the command"
    assert render_leaderboard(rank(str(tmp_path), "x4"), "json") == expected
    assert render_leaderboard(rank(load_board(tmp_path), X4), "json") == expected
    assert render_leaderboard(rank(tmp_path / "x4", X4), "json") == expected
    # Results in memory are marked as those of a board: nobody measured these here.
    assert {row["evidence"] for row in json.loads(expected)["rows"]} == {"claim"}
    assert render_leaderboard(rank(results, X4), "json") == expected
    assert rank(results, X4, bootstrap=None).bootstrap is None


def test_results_entries_and_a_published_table_stand_together() -> None:
    results = make_results(X4, 2, 4, 2, 0)
    mine = Entry("Mine", "team", {"lpips": 0.2, "diversity": 20.0}, "given")
    ranking = rank([*results, mine], X4, with_published="srflow-da", bootstrap=None)
    assert {row.entry.origin for row in ranking.rows} == {"measured", "given", "published"}
    assert {row.entry.team for row in ranking.rows} >= {"Mine", *(result.team for result in results)}


def test_results_that_cannot_be_ranked_are_named() -> None:
    first, second = make_results(X4, 2, 4, 2, 0)
    with pytest.raises(RankingError, match=f"{first.team}: is a result of track x4"):
        rank([first], "x8")
    changed = replace(second, summary={**second.summary, "lpips": 0.001})
    with pytest.raises(RankingError, match=f"{second.team}: .*lpips"):
        rank([first, changed], X4)
    with pytest.raises(TrackError, match="x5"):
        rank([first], "x5")
