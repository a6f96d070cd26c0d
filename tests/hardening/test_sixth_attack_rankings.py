"""The sixth attack, results and rankings: claims beside measured results, accounts, what one team does to others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.inputs.boards import make_results
from srspace_eval._utils.hashing import sha256
from srspace_eval.ranking.leaderboard import rank
from srspace_eval.report.files import write_leaderboards
from srspace_eval.report.html.charts import curves, scatter
from srspace_eval.report.table import make_table
from srspace_eval.results.seals import Seal, seal_result
from srspace_eval.results.store import result_path, write_result
from srspace_eval.tracks.reader import load_track
from tests.helpers.pages import read

X8 = load_track("x8")


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four results: measured here, a claim, taken on trust, and two of three images verified."""
    monkeypatch.setenv("SRSPACE_EVAL_STATE", str(tmp_path / "state"))
    board = tmp_path / "board"
    names = ("Measured", "Claimed", "Trusted", "Partly")
    seals = (Seal("measured", 3, 3), None, Seal("trusted", 0, 3), Seal("verified", 2, 3))

    for result, seal in zip(make_results(X8, 4, 3, 2, 0, names=names), seals, strict=True):
        path = result_path(board, "x8", result.team)
        write_result(path, result)
        if seal is not None:
            seal_result(sha256(path.read_bytes()), seal)
    return board


DOUBTS = {"Measured": "", "Claimed": "claim", "Trusted": "on trust", "Partly": "partly verified"}


def test_pages_mark_each_result_that_was_not_measured_here(board: Path, tmp_path: Path) -> None:
    mor = tmp_path / "values.csv"
    mor.write_text("team,mor\n" + "".join(f"{team},{number}\n" for number, team in enumerate(DOUBTS, 1)))
    write_leaderboards([rank(board, "x8", values=[mor])], tmp_path / "site")
    for name in ("index.html", "x8/index.html", "x8/images.html", "history.html"):
        elements = read(tmp_path / "site" / name).all("th")
        for team, word in DOUBTS.items():
            (shown, *_) = [element.text for element in elements if team in element.text]
            assert [other for other in DOUBTS.values() if other and other in shown] == ([word] if word else []), name
    (entry,) = json.loads((tmp_path / "site/history.json").read_bytes())["entries"]
    rows = {row["team"]: row for row in entry["standings"][0]["rows"]}
    assert rows["Measured"]["evidence"] == "measured here"
    assert rows["Claimed"]["evidence"] == "claim"
    assert rows["Claimed"]["not_measured"] == ["mor"]
    assert "‡" in read(tmp_path / "site/history.html").text


def test_a_claim_has_an_open_mark_and_a_front_of_its_own(board: Path) -> None:
    table = make_table(rank(board, "x8"))
    data: Any = scatter(table, {})
    points = {point["name"]: point for point in data["points"]}
    assert points["Measured"]["source"] == "measured"
    assert points["Measured"]["front"]
    assert {points[team]["source"] for team in ("Claimed", "Trusted", "Partly")} == {"claimed"}
    assert "claim: neither measured nor verified here" in points["Claimed"]["hover"]
    names = {line["title"] for chart in curves(table) for line in chart["lines"]}
    assert names == {team + (f" ({word})" if word else "") for team, word in DOUBTS.items()}


def test_a_change_of_the_evidence_alone_is_no_entry_of_the_history(board: Path, tmp_path: Path) -> None:
    file = tmp_path / "history.json"
    write_leaderboards([rank(board, "x8")], tmp_path / "site", history=file)
    for seal in (tmp_path / "state").rglob("*.json"):
        seal.unlink()
    write_leaderboards([rank(board, "x8")], tmp_path / "site", history=file)
    assert len(json.loads(file.read_bytes())["entries"]) == 1
