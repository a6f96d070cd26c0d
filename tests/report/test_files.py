"""Folders of leaderboards: what the command writes, Python writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.inputs.boards import make_results, write_board, write_pictures
from srspace_eval.errors import InputError, RankingError
from srspace_eval.ranking import BootstrapPlan
from srspace_eval.ranking.leaderboard import rank
from srspace_eval.report.files import FORMATS, write_leaderboards
from srspace_eval.report.html import Pictures
from srspace_eval.tracks.reader import load_track
from tests.helpers.commands import run
from tests.helpers.pages import contents

TRACKS = [load_track("x4"), load_track("x8")]


def test_the_folder_is_the_one_that_the_command_writes(tmp_path: Path) -> None:
    board = tmp_path / "board"
    for track in TRACKS:
        write_board(board, make_results(track, 3, 4, 2, 0))
    assert run("rank", "--board", board, "--out", tmp_path / "command", "--replicates", 200) == 0
    plan = BootstrapPlan(replicates=200)
    rankings = [rank(board, track, bootstrap=plan) for track in TRACKS]
    written = write_leaderboards(rankings, tmp_path / "python")
    assert contents(tmp_path / "python") == contents(tmp_path / "command")
    texts = [f"{track}.{form}" for track in ("x4", "x8") for form in ("csv", "json", "md", "tex")]
    assert [path.relative_to(tmp_path / "python").as_posix() for path in written] == [*texts, "index.html"]


def test_pictures_are_those_that_the_command_shows(tmp_path: Path) -> None:
    gt, folders, results = write_pictures(tmp_path / "in", make_results(TRACKS[1], 1, 2, 2, 0, size=(40, 48)))
    write_board(tmp_path / "board", results)
    given = [f"--submission={team}={folder}" for team, folder in folders.items()]
    assert run("rank", "--board", tmp_path / "board", "--out", tmp_path / "command", "--gt", gt, *given) == 0
    ranking = rank(tmp_path / "board", TRACKS[1], bootstrap=BootstrapPlan())
    write_leaderboards([ranking], tmp_path / "python", pictures={"x8": Pictures(gt=gt, submissions=folders)})
    assert contents(tmp_path / "python") == contents(tmp_path / "command")


@pytest.mark.parametrize("form", FORMATS)
def test_a_format_alone_is_what_it_is_among_others(tmp_path: Path, form: str) -> None:
    ranking = rank(None, TRACKS[0], published="ntire2021")
    write_leaderboards([ranking], tmp_path / "all")
    write_leaderboards([ranking], tmp_path / "one", formats=[form])
    everything, alone = contents(tmp_path / "all"), contents(tmp_path / "one")
    listed = [found.pop("assets/pages.txt", b"").decode().split() for found in (everything, alone)]
    assert set(listed[1]) <= set(listed[0]) == {name.replace("\\", "/") for name in everything}
    if form == "html":  # a page offers the files that are written with it
        page = everything.pop("x4/index.html")
        assert b"ntire2021-x4.csv" in page
        assert b"references.bib" in page
        assert b"x4.csv" not in alone.pop("x4/index.html")
    assert alone.items() <= everything.items()
    name = "ntire2021-x4."
    assert {path for path in alone if path.startswith(name)} == ({f"{name}{form}"} if form != "html" else set())


def test_faults_leave_no_folder(tmp_path: Path) -> None:
    ranking = rank(None, TRACKS[0], published="ntire2021")
    with pytest.raises(InputError, match="unknown format 'pdf'; choose of html, csv"):
        write_leaderboards([ranking], tmp_path / "out", formats=["csv", "pdf"])
    with pytest.raises(RankingError, match="no track to write"):
        write_leaderboards([], tmp_path / "out")
    (tmp_path / "file").touch()
    with pytest.raises(RankingError, match="cannot be written"):
        write_leaderboards([ranking], tmp_path / "file" / "out", formats=["csv"])
    assert {path.name for path in tmp_path.iterdir()} == {"file"}
