"""The history of a ranking: it grows on change only, says what changed, and no damaged file costs anything."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest

import srspace_eval as se
from benchmarks.inputs.boards import make_results, write_board
from srspace_eval.errors import RankingError
from srspace_eval.ranking import Entry, Ranking, rank
from srspace_eval.report.files import write_leaderboards
from srspace_eval.report.history import update_history
from srspace_eval.report.html import write_site
from srspace_eval.tracks.reader import load_track
from tests.helpers.commands import run
from tests.helpers.pages import contents, read

X8 = load_track("x8")
TRACK = """name = "history"
title = "Mine"
scale = 8
samples = 2
metrics = ["diversity"]
[ranking]
criteria = [{metric = "diversity"}]
final = ["diversity"]
"""
HOSTILE = '<script>alert(1)</script>"&\u202e'


def _ranking(**diversity: float | None) -> Ranking:
    values = {name: {"lpips": 0.2, "lr_psnr": 50.0, "diversity": v, "mor": 2.0} for name, v in diversity.items()}
    return rank([Entry(name.replace("_", " "), "team", v, "given") for name, v in values.items()], X8)


def _entries(path: Path) -> list[dict[str, object]]:
    entries: list[dict[str, object]] = json.loads(path.read_bytes())["entries"]
    return entries


def _rows(site: Path, number: int) -> list[list[str]]:
    """The cells of an entry's table: team, what, place, values."""
    section = read(site / "history.html").one("section", id=f"entry-{number}")
    return [
        [" ".join(cell.text.split()) for cell in (*row.all("th"), *row.all("td"))]
        for row in section.one("tbody").all("tr")
    ]


def test_the_history_grows_on_change_only(tmp_path: Path) -> None:
    site = tmp_path / "site"
    write_leaderboards([_ranking(A=20.0, B=10.0)], site)
    first = contents(site)
    write_leaderboards([_ranking(A=20.0, B=10.0)], site)
    assert contents(site) == first
    write_leaderboards([_ranking(A=20.0, B=10.0)], site, formats=["csv"])  # text alone adds nothing
    assert len(_entries(site / "history.json")) == 1
    write_leaderboards([_ranking(A=20.0, B=30.0)], site)
    assert len(_entries(site / "history.json")) == 2
    assert "history.json" in (site / "assets/pages.txt").read_text().split("\n")
    assert 'href="history.html"' in (site / "index.html").read_text()


def test_the_page_says_places_and_values_before_and_after(tmp_path: Path) -> None:
    write_site(tmp_path, [_ranking(A=20.0, B=10.0, Gone=5.0, Still=1.0)])
    write_site(tmp_path, [_ranking(A=20.0, B=30.0, New=15.0, Still=1.0)])
    teams = {row[0]: row[1:] for row in _rows(tmp_path, 2)}
    assert list(teams) == ["B", "A", "New", "Gone"]
    assert teams["B"][:2] == ["values changed", "2 before, now → 1"]
    assert "10.000 before, now → 30.000" in teams["B"]
    assert teams["A"][:2] == ["place changed", "1 before, now → 2"]
    assert teams["New"][:2] == ["new", "3"]
    assert teams["Gone"][:2] == ["removed", "3 before, now → –"]
    assert "1 did not" in (tmp_path / "history.html").read_text()


def test_undefined_and_infinite_values_stay_the_same(tmp_path: Path) -> None:
    path = tmp_path / "history.json"
    odd = _ranking(A=-math.inf, B=None, C=math.nan)
    assert update_history([odd], path)
    assert not update_history([odd], path)


def test_a_result_that_was_replaced_is_known_by_its_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    board, site, file = tmp_path / "board", tmp_path / "site", tmp_path / "kept/history.json"
    results = make_results(X8, 3, 2, 2, seed=0)
    write_board(board, results)
    command = ("rank", "--board", board, "--track", "x8", "--replicates", 0, "--history", file)
    assert run(*command, "--out", site) == 0
    os.utime(next(board.glob("x8/*.json")), (0, 0))
    assert run(*command) == 0  # printed alone; nothing changed
    assert [entry["day"] for entry in _entries(file)] == ["2023-11-14"]
    write_board(board, [*results[:2], *make_results(X8, 3, 2, 2, seed=1)[2:]])
    assert run(*command) == 0  # printed alone: the file grows
    assert len(_entries(file)) == 2
    assert run(*command, "--out", tmp_path / "new") == 0  # a site that is built anew has the whole history
    assert file.read_bytes() == (tmp_path / "new/history.json").read_bytes()
    assert [row[:2] for row in _rows(tmp_path / "new", 2) if row[1] == "result replaced"] == [
        [results[2].team, "result replaced"]
    ]


def test_a_new_file_continues_the_history_of_the_site(tmp_path: Path) -> None:
    site, file = tmp_path / "site", tmp_path / "history.json"
    write_leaderboards([_ranking(A=20.0)], site)
    write_leaderboards([_ranking(A=21.0)], site, history=file)
    assert len(_entries(file)) == len(_entries(site / "history.json")) == 2


def test_text_files_update_a_history_that_is_named(tmp_path: Path) -> None:
    se.write_leaderboards([_ranking(A=20.0)], tmp_path / "out", formats=["csv"], history=tmp_path / "h.json")
    assert len(_entries(tmp_path / "h.json")) == 1
    assert sorted(contents(tmp_path / "out")) == ["x8.csv"]


def test_a_track_alone_keeps_the_history_of_the_others(tmp_path: Path) -> None:
    other = rank([Entry("A", "team", {"lr_psnr": 50.0, "diversity": 20.0}, "given")], load_track("x4"))
    write_site(tmp_path, [_ranking(A=20.0), other])
    write_site(tmp_path, [_ranking(A=20.0)])
    assert len(_entries(tmp_path / "history.json")) == 1
    write_site(tmp_path, [_ranking(A=20.0), other])
    assert len(_entries(tmp_path / "history.json")) == 1


GOOD = '{"format": "srspace-eval/history/1", "entries": [%s]}'
ENTRY = '{"day": "2026-11-21", "standings": [{"track": "x8", "title": "t", "ranking": "", "rows": [%s]}]}'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "cannot be used"),
        (b"\x00\xff", "cannot be used"),
        (b"[" * 100_000, "cannot be used"),
        (b"[]", "expected an object"),
        (b'{"format": "srspace-eval/history/2", "entries": []}', "format: expected 'srspace-eval/history/1'"),
        ((GOOD % '{"day": "tomorrow", "standings": []}').encode(), "expected a day such as 2026-11-21"),
        ((GOOD % '{"day": "", "standings": [], "x": 1}').encode(), "unknown key x"),
        ((GOOD % (ENTRY % '{"team": "A", "place": 0}')).encode(), "place: expected a whole number"),
        (b" " * (17 << 20), "larger than"),
    ],
)
def test_a_damaged_history_is_one_error_and_nothing_is_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, said: str
) -> None:
    table, site = tmp_path / "table.csv", tmp_path / "site"
    table.write_text("team,kind,lpips,lr_psnr,diversity,mor\nA,team,0.2,50,20,1\n")
    command = ("rank", "--track", "x8", "--table", table)
    assert run(*command, "--out", site) == 0
    (site / "history.json").write_bytes(content)
    before = contents(site)
    table.write_text("team,kind,lpips,lr_psnr,diversity,mor\nB,team,0.2,50,20,1\n")
    for more in (("--out", site), ("--history", site / "history.json")):
        capsys.readouterr()
        assert run(*command, *more) == 1
        error = capsys.readouterr().err
        assert said in error
        assert "Restore the file from a copy, or move it away" in error
        assert "Traceback" not in error
        assert contents(site) == before


def test_a_hostile_history_is_text_on_the_page(tmp_path: Path) -> None:
    row = {"team": HOSTILE, "place": 10**9, "final_rank": "inf", "values": {HOSTILE: 1e300}, "result": None}
    standing = {"track": "../up", "title": HOSTILE, "ranking": HOSTILE, "rows": [row, row]}
    many = [{"day": "", "standings": [standing]}] * 150
    (tmp_path / "h.json").write_text(json.dumps({"format": "srspace-eval/history/1", "entries": many}))
    write_leaderboards([_ranking(A=20.0)], tmp_path / "site", history=tmp_path / "h.json")
    page = (tmp_path / "site/history.html").read_text()
    assert "<script>alert" not in page
    assert "\u202e" not in page
    assert "newest 100 of 151 entries" in page


def test_a_history_never_takes_the_place_of_a_leaderboard(tmp_path: Path) -> None:
    for formats in (["json"], ["html", "json"]):
        with pytest.raises(RankingError, match="the leaderboard writes a file of this name"):
            write_leaderboards([_ranking(A=20.0)], tmp_path / "out", formats=formats, history=tmp_path / "out/x8.json")
        assert not (tmp_path / "out").exists()


def test_a_track_called_history_keeps_its_table(tmp_path: Path) -> None:
    track = tmp_path / "history.toml"
    track.write_text(TRACK, encoding="utf-8")
    ranking = rank([Entry("A", "team", {"lr_psnr": 50.0, "diversity": 20.0}, "given")], load_track(track))
    for _ in range(2):
        write_leaderboards([ranking], tmp_path / "site")
    assert json.loads((tmp_path / "site/history.json").read_text())["track"] == "history"
    assert len(_entries(tmp_path / "site/assets/history.json")) == 1


def test_a_history_that_cannot_be_written_leaves_the_site(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RankingError, match="choose another history"):
        write_leaderboards([_ranking(A=20.0)], tmp_path / "site", history=tmp_path / "file/h.json")
    assert not (tmp_path / "site").exists()
