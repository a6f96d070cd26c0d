"""The eighth attack, results and rankings: wide boards, settings that differ in writing alone, citations."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.inputs.boards import make_results
from srspace_eval._utils.notices import Notice
from srspace_eval.cli import _rank_options
from srspace_eval.errors import RankingError
from srspace_eval.ranking import rule
from srspace_eval.ranking.entries import table_entries
from srspace_eval.ranking.leaderboard import rank
from srspace_eval.ranking.model import Entry
from srspace_eval.ranking.published_tables import load_published, published_tables, table_of
from srspace_eval.report.html import site
from srspace_eval.results.record import Result
from srspace_eval.results.signature import Signature
from srspace_eval.results.store import result_path, write_result
from srspace_eval.tracks.reader import load_track
from tests.helpers.commands import run

X4 = load_track("x4")


@pytest.fixture
def board(tmp_path: Path) -> Path:
    """A board of two tracks with three results each, in four columns."""
    for name in ("x4", "x8"):
        for result in make_results(load_track(name), 3, 3, 2, 0):
            write_result(result_path(tmp_path / "board", name, result.team), result)
    return tmp_path / "board"


def test_values_of_all_rankings_of_a_track_are_bounded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(
        'name = "own"\ntitle = "Own"\nscale = 4\nsamples = 1\nmetrics = ["psnr", "mse"]\n'
        '[rankings.a]\ncriteria = [{ metric = "psnr" }]\nfinal = ["psnr"]\n'
        '[rankings.b]\ncriteria = [{ metric = "psnr" }, { metric = "mse" }]\nfinal = ["psnr"]\n'
    )
    track = load_track(tmp_path / "own.toml")
    entries = [Entry(name, "team", {"psnr": 30.0}, "given") for name in "AB"]
    monkeypatch.setattr(rule, "MAX_CELLS", 8)
    assert len(rank(entries, track).rows) == 2
    monkeypatch.setattr(rule, "MAX_CELLS", 7)
    with pytest.raises(RankingError, match="its rankings of 2 entries have 8 values"):
        rank(entries, track)
    # The columns that the rule ranks count although one is shown.
    with pytest.raises(RankingError, match="its rankings of 3 entries have 9 values"):
        rank([*entries, Entry("C", "team", {"psnr": 31.0}, "given")], track, columns=["psnr"])


def test_values_of_all_tracks_of_a_board_are_bounded(
    board: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("rank", "--board", board) == 0
    monkeypatch.setattr(_rank_options, "MAX_CELLS", 23)
    capsys.readouterr()
    assert run("rank", "--board", board) == 1
    assert "its first 2 tracks have 24 values together" in capsys.readouterr().err
    assert run("rank", "--board", board, "--track", "x4", "--track", "x8") == 0


def test_values_of_pages_are_bounded(board: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(site, "MAX_CELLS", 23)
    assert run("rank", "--board", board, "--out", tmp_path / "all") == 1
    assert not (tmp_path / "all").exists()
    assert run("rank", "--board", board, "--track", "x4", "--out", tmp_path / "one") == 0
    assert run("rank", "--board", board, "--format", "csv,json", "--out", tmp_path / "texts") == 0


def _with(result: Result, **common: object) -> Result:
    settings = {key: dict(group) for key, group in result.signature.settings.items()}
    settings.setdefault("common", {}).update(common)
    return replace(result, signature=Signature(settings, result.signature.environment))


@pytest.mark.parametrize("odd", [{"scale": 4.0}, {"further": None}])
def test_the_chosen_signature_leaves_out_what_is_refused_without_one(odd: dict[str, object]) -> None:
    first, second, third = (_with(result, scale=4) for result in make_results(X4, 3, 3, 2, 0))
    third = _with(third, **odd)
    with pytest.raises(RankingError, match="keep one group with signature"):
        rank([first, second, third], X4)
    ranking = rank([first, second, third], X4, signature=first.signature.id)
    left_out = {row.entry.team: row.why_unranked for row in ranking.rows if row.other_settings}
    assert list(left_out) == [third.team]
    assert f"common.{next(iter(odd))}" in str(left_out[third.team])
    assert not any(row.other_settings for row in rank([first, second], X4, signature=first.signature.id).rows)


@pytest.mark.parametrize(
    ("old", "new"), [(" Table", "  Table"), (" Table", "\u00a0Table"), ("a", "\u0430"), ("4", "4")]
)
def test_a_citation_that_reads_the_same_is_compared(old: str, new: str, tmp_path: Path) -> None:
    citation = load_published("ntire2021-x8").citation
    path = tmp_path / "t.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(
            [("team", "lpips", "source", "note"), ("Deepest", 0.001, "published", citation.replace(old, new) + "\r\nx")]
        )
    with pytest.warns(Notice, match="shown as given, and not as published"):
        (entry,) = table_entries(path, load_track("x8"))
    assert entry.origin == "given"


def test_each_published_table_is_found_by_its_citation() -> None:
    assert [table_of(table.entries()[0].note) for table in published_tables().values()] == [
        *published_tables().values()
    ]
