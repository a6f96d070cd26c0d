from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from srspace_eval.errors import ResultsError
from srspace_eval.results.board import load_board
from srspace_eval.results.store import result_path, write_result
from srspace_eval.tracks.reader import load_track
from tests.helpers.results import RESULT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for track in ("x4", "x8"):
        write_result(result_path(tmp_path, track, "Deepest"), replace(RESULT, team="Deepest", track=track))
    return tmp_path


def test_a_board_has_tracks_and_results(folder: Path) -> None:
    board = load_board(folder)
    assert board.folder == folder
    assert [track.name for track in board.tracks()] == ["x4", "x8"]
    assert [result.track for result in board.results("x8")] == ["x8"]
    assert board.results(load_track("x4")) == board.results("x4")
    assert board.results("x4-2022") == []


def test_the_folder_of_one_track_names_its_board(folder: Path) -> None:
    board = load_board(str(folder / "x8"))
    assert board.folder == folder.resolve()
    assert [result.team for result in board.results("x8")] == ["Deepest"]


def test_what_is_not_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="is not a folder; give the board"):
        load_board(tmp_path / "none")
