"""Leaderboards from Python: all sources together, what is said on the way, what is refused."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from benchmarks.inputs.boards import make_results, write_board
from srspace_eval.errors import Notice, RankingError
from srspace_eval.ranking.gather import gather_entries
from srspace_eval.ranking.leaderboard import rank
from srspace_eval.ranking.model import Entry
from srspace_eval.tracks.reader import load_track

X4 = load_track("x4")


@pytest.fixture
def board(tmp_path: Path) -> Path:
    write_board(tmp_path / "board", make_results(X4, 2, 4, 2, 0))
    return tmp_path / "board"


def test_sources_follow_each_other(board: Path, tmp_path: Path) -> None:
    table = tmp_path / "teams.csv"
    table.write_text("team,lpips,diversity\nC,0.2,15\n", encoding="utf-8")
    mor = tmp_path / "mor.csv"
    mor.write_text("team,mor\nTeam 01,1.5\nC,1.0\nGT,2.0\n", encoding="utf-8")
    with pytest.warns(Notice, match="'GT': no entry has this name"):
        entries = gather_entries(X4, board=board, tables=[table], beside=["srflow-da"], mor=mor)
    assert [entry.origin for entry in entries] == ["measured"] * 2 + ["given"] + ["published"] * 8 + ["given"]
    assert {entry.team: entry.values.get("mor") for entry in entries[:3]} == {"Team 01": 1.5, "Team 02": None, "C": 1.0}
    assert (entries[-1].team, entries[-1].kind) == ("GT", "baseline")


@pytest.mark.filterwarnings("ignore:ncsr-ablation-x4 has none of the columns")
def test_a_table_is_shown_once_however_often_it_is_named() -> None:
    entries = gather_entries(X4, published="ntire2021", beside=["all", "ntire2021", "srflow-da", "srflow-da-x4"])
    names = [entry.note.split("\n")[0] for entry in entries if entry.team == "SSS"]
    assert len(names) == 1, "the competing table is not repeated as baselines"
    assert len({(entry.team, entry.note) for entry in entries}) == len(entries)


def test_an_unfinished_submission_is_named(board: Path) -> None:
    (board / "x4" / "Slow.journal.jsonl").write_text("{}\n", encoding="utf-8")
    with pytest.warns(Notice, match=r"left out: Slow\.journal\.jsonl"):
        gather_entries(X4, board=board)


def test_columns_without_values_are_named_only_if_they_were_chosen(board: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rank(board, X4)
    with pytest.warns(Notice, match="no entry has a value of ssim"):
        ranking = rank(board, X4, columns=["lpips", "ssim"])
    assert ranking.columns == ("lpips", "ssim")


def test_nothing_to_rank_and_unknown_columns_are_errors(board: Path) -> None:
    with pytest.raises(RankingError, match="nothing to rank for track x4"):
        rank(None, X4)
    with pytest.raises(RankingError, match="unknown column 'vmaf'; known are lpips"):
        rank(board, X4, columns=["vmaf"])


def test_rows_beside_are_never_ranked_and_say_how_they_were_measured() -> None:
    """Track 2 of NTIRE 2020 ranks baselines. The printed rows were measured by unknown programs."""
    entries = [
        Entry(team, "team", {"niqe": 5.0 + i, "mor": 1.0 + i}, "given") for i, team in enumerate(("mine", "yours"))
    ]
    entries.append(Entry("bicubic here", "baseline", {"niqe": 9.0, "mor": 3.0}, "given"))
    ranking = rank(entries, "ntire2020-rwsr-2", with_published="ntire2020-track2", bootstrap=None)
    places = {row.entry.team: row.place for row in ranking.rows if row.place}
    assert places == {"mine": 1, "yours": 2, "bicubic here": 3}
    beside = [row for row in ranking.rows if row.entry.origin == "published"]
    assert len(beside) == 18
    assert all(not row.ranks and "not measured here" in (row.why_unranked or "") for row in beside)
    assert all("which programs measured NIQE" in row.entry.note for row in beside)
