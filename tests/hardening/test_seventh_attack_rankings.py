"""The seventh attack, results and rankings: boards of many tracks, a study's outcome, tables that are ranked again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from benchmarks.inputs.boards import make_results
from benchmarks.inputs.submissions import small
from srspace_eval._utils.hashing import sha256
from srspace_eval.codabench.downloads import import_downloads
from srspace_eval.errors import RankingError, ResultsError
from srspace_eval.ranking import draws, rule
from srspace_eval.ranking.draws import refuse_other_level
from srspace_eval.ranking.entries import table_entries
from srspace_eval.ranking.leaderboard import rank
from srspace_eval.ranking.published_tables import load_published, published_tables
from srspace_eval.report.files import render_leaderboard
from srspace_eval.report.html import site
from srspace_eval.results import board_tracks
from srspace_eval.results.store import result_path, write_result
from srspace_eval.tracks.reader import load_track
from srspace_eval.tracks.teams import Team
from tests.helpers.commands import run


@pytest.fixture
def board(tmp_path: Path) -> Path:
    """A board of two tracks with three results each."""
    for name in ("x4", "x8"):
        for result in make_results(load_track(name), 3, 3, 2, 0):
            write_result(result_path(tmp_path / "board", name, result.team), result)
    return tmp_path / "board"


def test_rows_of_all_tracks_of_a_board_are_bounded(
    board: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("rank", "--board", board) == 0
    monkeypatch.setattr(rule, "MAX_ROWS", 5)
    capsys.readouterr()
    assert run("rank", "--board", board) == 1
    assert "its first 2 tracks have 6 rows together, and at most 5 are ranked" in capsys.readouterr().err
    assert run("rank", "--board", board, "--track", "x4", "--track", "x8") == 0


def test_tracks_of_a_board_are_bounded(board: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_tracks, "MAX_TRACKS", 1)
    with pytest.raises(RankingError, match="holds results of 2 tracks, and at most 1 are ranked together"):
        board_tracks.board_tracks(board)
    assert run("rank", "--board", board, "--track", "x4") == 0


def _outcome(folder: Path, level: str, more: str = "") -> Path:
    table = folder / draws.MOR_FILE
    table.write_text("team,mor\nA,1\n")
    document = f'{{"files": {{"{table.name}": "{sha256(table.read_bytes())}"}}, "level": {level}{more}}}'
    (folder / draws.OUTCOME_FILE).write_text(document)
    return table


@pytest.mark.parametrize("level", ["1" + "0" * 400, "true", "1e308", '"0.9"', "null", "0.95"])
def test_a_level_that_no_study_has_is_ignored(level: str, tmp_path: Path) -> None:
    refuse_other_level(_outcome(tmp_path, level))  # raises nothing
    with pytest.raises(RankingError, match="90% intervals"):
        refuse_other_level(_outcome(tmp_path, "0.9"))


def test_an_outcome_of_many_small_values_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(RankingError, match="90% intervals"):
        refuse_other_level(_outcome(tmp_path, "0.9"))
    refuse_other_level(_outcome(tmp_path, "0.9", f', "x": [{"[]," * 200_000}0]'))


@pytest.mark.parametrize("name", [name for name in published_tables() if name.startswith("ntire")])
def test_a_table_that_rank_wrote_of_published_rows_stays_published(name: str, tmp_path: Path) -> None:
    for track in map(load_track, load_published(name).tracks):
        written = render_leaderboard(rank(None, track, published=name), "csv")
        (tmp_path / "t.csv").write_text(written, encoding="utf-8")
        entries = table_entries(tmp_path / "t.csv", track)
        assert entries
        assert {entry.origin for entry in entries} == {"published"}


def test_a_lone_team_in_an_inbox_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small(tmp_path)
    options = ("--gt", tmp_path / "gt", "--track", "x4", "--samples", "3", "--metrics", "lr_psnr")
    for inner, told in (("Deepest", True), ("x4", False)):
        shutil.copytree(tmp_path / "sub", tmp_path / f"in{inner}" / inner)
        board = ("--board", tmp_path / "board")
        assert run("score", tmp_path / f"in{inner}", *options, *board) == 0
        assert ("in its folder Deepest, and the team gets" in " ".join(capsys.readouterr().err.split())) == told
    assert run("score", tmp_path / "inDeepest", *options, "--board", tmp_path / "b2", "--team", "D") == 0
    assert "in its folder" not in capsys.readouterr().err


def test_an_account_does_not_replace_a_row_of_the_organisers_own_file(tmp_path: Path) -> None:
    account = "res_9_Deepest_PhaseId7_2026-03-01:10-30_a"
    for folder, file, lpips in (("one", "Deepest", 0.1), ("two", account, 0.9)):
        output = tmp_path / folder / file
        output.mkdir(parents=True)
        (output / "scores.json").write_text(json.dumps({"lpips": lpips}))
    table = import_downloads(tmp_path / "one", "x4", tmp_path / "board").table
    assert table is not None
    with pytest.raises(ResultsError, match="did not hand in the row 'Deepest'"):
        import_downloads(tmp_path / "two", "x4", tmp_path / "board", overwrite=True)
    import_downloads(tmp_path / "two", "x4", tmp_path / "board", overwrite=True, teams=[Team("Deepest", file=account)])
    assert "Deepest,team,0.9,Deepest" in table.read_text()


def test_pages_of_results_are_bounded(board: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(site, "MAX_PAGES", 5)
    assert run("rank", "--board", board, "--out", tmp_path / "all") == 1
    assert not (tmp_path / "all").exists()
    assert run("rank", "--board", board, "--track", "x4", "--out", tmp_path / "one") == 0
    assert run("rank", "--board", board, "--format", "csv,json", "--out", tmp_path / "texts") == 0
