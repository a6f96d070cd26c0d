"""The sixth attack, results and rankings: claims beside measured results, accounts, what one team does to others."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.inputs.boards import make_results
from benchmarks.inputs.submissions import small
from srspace_eval._utils.hashing import sha256
from srspace_eval.codabench.downloads import import_downloads
from srspace_eval.errors import Notice, RankingError, ResultsError
from srspace_eval.ranking import rule
from srspace_eval.ranking.bootstrap import BootstrapPlan
from srspace_eval.ranking.draws import read_draws
from srspace_eval.ranking.entries import table_entries
from srspace_eval.ranking.intervals import resampled_numbers
from srspace_eval.ranking.leaderboard import rank
from srspace_eval.ranking.model import Entry
from srspace_eval.report.files import write_leaderboards
from srspace_eval.report.history import HistoryDocument, HistoryEntry, Standing, StandingRow, history_text, read_history
from srspace_eval.report.html.charts import curves, scatter
from srspace_eval.report.html.history import MOST_TEAMS, make_steps
from srspace_eval.report.table import make_table
from srspace_eval.results.seals import Seal, seal_result
from srspace_eval.results.store import result_path, write_result
from srspace_eval.submissions.batch import make_members
from srspace_eval.submissions.readme import parse_readme
from srspace_eval.tracks.reader import load_track
from tests.helpers.commands import run
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


def folders(root: Path, *names: str) -> list[Path]:
    """Submissions of the same pictures under several names, in ``root/in``."""
    small(root)
    found = [root / "in" / name for name in names]
    for path in found:
        shutil.copytree(root / "sub", path)
    return found


def scored(root: Path, *arguments: object) -> tuple[int, list[str]]:
    options = ("--track", "x4", "--samples", "3", "--metrics", "lr_psnr", "--board", root / "board")
    code = run("score", *arguments, "--gt", root / "gt", *options)
    return code, sorted(json.loads(path.read_bytes())["team"] for path in (root / "board").glob("x4/*.json"))


def test_a_folder_among_others_cannot_hold_submissions_of_other_teams(tmp_path: Path) -> None:
    folders(tmp_path, "Alice", "Mallory/Deepest", "Mallory/z")
    code, teams = scored(tmp_path, tmp_path / "in/Alice", tmp_path / "in/Mallory")
    assert code == 1
    assert teams == ["Alice"]


def test_a_lone_folder_of_folders_is_one_submission_if_its_team_is_named(tmp_path: Path) -> None:
    folders(tmp_path, "Deepest/x4")
    (tmp_path / "in/Deepest/previews").mkdir()
    (tmp_path / "in/Deepest/previews/small.png").write_bytes(b"")
    with pytest.warns(Notice, match="is taken as 2 submissions: previews, x4. If it is the submission of one team"):
        make_members([tmp_path / "in/Deepest"])
    assert scored(tmp_path, tmp_path / "in/Deepest", "--team", "Deepest") == (0, ["Deepest"])


def test_links_in_an_inbox_have_names_of_their_own(tmp_path: Path) -> None:
    one, two = folders(tmp_path, "store/1/latest", "store/2/latest")
    (tmp_path / "inbox").mkdir()
    for name, path in (("A", one), ("B", two)):
        (tmp_path / "inbox" / name).symlink_to(path, target_is_directory=True)
    with pytest.warns(Notice, match="is taken as 2 submissions"):
        members = make_members([tmp_path / "inbox"])
    assert [member.team.team for member in members] == ["A", "B"]
    assert scored(tmp_path, tmp_path / "inbox/A") == (0, ["A"])


@pytest.mark.skipif(sys.platform != "linux", reason="file names are text there")
@pytest.mark.parametrize("name", [b"B\xe9quipe", "\u200b".encode(), ("\ufdfa" * 80).encode()])
def test_a_name_that_cannot_be_shown_does_not_stop_the_inbox(
    name: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders(tmp_path, "A", os.fsdecode(name), "Z")
    assert scored(tmp_path, tmp_path / "in") == (1, ["A", "Z"])
    assert "give another one with --teams" in " ".join(capsys.readouterr().out.split()) or b"\xef" in name
    more = ("--board", tmp_path / "board", "--json", "--reports", tmp_path / "reports")
    options = ("--gt", tmp_path / "gt", "--track", "x4", "--samples", "3", "--metrics", "lr_psnr")
    assert run("score", tmp_path / "in", *options, *more) == 1
    found = json.loads(capsys.readouterr().out)["submissions"]
    assert [bool(one["faults"]) for one in found].count(True) == 1


def test_an_account_does_not_replace_the_row_of_another_one(tmp_path: Path) -> None:
    def output(number: int, owner: str) -> str:
        name = f"res_{number}_{owner}_PhaseId7_2026-03-01:10-30_a"
        (tmp_path / "d" / name).mkdir(parents=True)
        (tmp_path / "d" / name / "scores.json").write_text('{"psnr": 30.0}')
        return name

    first = output(4711, "jdoe")
    (tmp_path / "teams.csv").write_text(f"file,team\n{first},Deepest\n")
    import_downloads(tmp_path / "d", "x4", tmp_path / "board", teams=tmp_path / "teams.csv")
    assert len(table_entries(tmp_path / "board/codabench-x4.csv")) == 1
    shutil.rmtree(tmp_path / "d")
    output(4800, "Deepest")
    with pytest.raises(ResultsError, match="'Deepest' did not hand in the row 'Deepest'"):
        import_downloads(tmp_path / "d", "x4", tmp_path / "board", overwrite=True)
    shutil.rmtree(tmp_path / "d")
    output(4801, "zoe")
    import_downloads(tmp_path / "d", "x4", tmp_path / "board", overwrite=True)
    shutil.rmtree(tmp_path / "d")
    output(4900, "zoe")
    import_downloads(tmp_path / "d", "x4", tmp_path / "board", overwrite=True)
    assert {entry.team for entry in table_entries(tmp_path / "board/codabench-x4.csv")} == {"Deepest", "zoe"}


def test_an_account_whose_name_shows_nothing_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    name = "res_1_\u3164_PhaseId7_2026-03-01:10-30_a"
    (tmp_path / "d" / name).mkdir(parents=True)
    (tmp_path / "d" / name / "scores.json").write_text('{"psnr": 30.0}')
    with pytest.raises(ResultsError, match="cannot show this name; give another one with teams"):
        import_downloads(tmp_path / "d", "x4", tmp_path / "board")
    assert not (tmp_path / "board").exists()


def test_draws_are_read_within_bounds(tmp_path: Path) -> None:
    for text in ("A\n" + "1\n" * 100_001, "A,B\n" + "1," * 10_000_001):
        (tmp_path / "MOR-draws.csv").write_text(text)
        with pytest.raises(RankingError, match="at most 100000 lines"):
            read_draws(tmp_path / "MOR-draws.csv", {"A": 1.0})


def test_a_history_of_too_many_teams_is_refused(tmp_path: Path) -> None:
    rows = [StandingRow(str(n), None, None, {}, None) for n in range(10_001)]
    history = HistoryDocument("srspace-eval/history/1", [HistoryEntry("", [Standing("x8", "x8", "", rows)])])
    (tmp_path / "h.json").write_text(history_text(history))
    with pytest.raises(RankingError, match="a ranking has 10001 teams, and at most 10000 are read"):
        read_history(tmp_path / "h.json")


def test_a_history_of_many_teams_gives_a_page_of_bounded_size() -> None:
    def standing(track: str, place: int) -> Standing:
        rows = [StandingRow(f"{n}", place, None, {"lpips": 0.1}, None) for n in range(1000)]
        return Standing(track, track, "", rows)

    entries = [HistoryEntry("", [standing(f"t{t}", place) for t in range(5)]) for place in range(1, 9)]
    steps = make_steps(HistoryDocument("srspace-eval/history/1", entries), {}, {})
    assert [step.number for step in steps] == [8, 7, 6, 5, 4]
    assert {len(one.teams) for step in steps for one in step.standings} == {MOST_TEAMS}
    assert {one.changed for step in steps for one in step.standings} == {1000}


def test_each_rank_of_images_counts_in_the_bootstrap(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(
        'name = "own"\ntitle = "Own"\nscale = 4\nsamples = 1\nmetrics = ["psnr"]\n[derived]\n'
        + "".join(
            f'd{n} = {{ formula = "per_image_rank(psnr) + per_image_rank(psnr, lr_psnr) + {n}", better = "lower" }}\n'
            for n in range(5)
        )
        + '[ranking]\ncriteria = [{ metric = "d0" }]\nfinal = ["d0"]\n'
    )
    track = load_track(tmp_path / "own.toml")
    results = make_results(X8, 2, 1000, 1, 0)
    assert resampled_numbers(results, [], [track], BootstrapPlan(100)) == 100 * 1000 * 11
    assert resampled_numbers(results, [], [X8], BootstrapPlan(100)) == 100 * 1000


def test_rows_of_all_rankings_are_bounded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(rule, "MAX_ROWS", 3)
    (tmp_path / "own.toml").write_text(
        'name = "own"\ntitle = "Own"\nscale = 4\nsamples = 1\nmetrics = ["psnr"]\n'
        + "".join(
            f'[rankings.r{n}]\ntitle = "R{n}"\ncriteria = [{{ metric = "psnr" }}]\nfinal = ["psnr"]\n' for n in (1, 2)
        )
    )
    track = load_track(tmp_path / "own.toml")
    entries = [Entry(name, "team", {"psnr": 30.0}, "given") for name in "AB"]
    with pytest.raises(RankingError, match="2 rankings of 2 entries have more than 3 rows"):
        rank(entries, track)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("0.35", 0.35),
        ("0,35", -1),
        ("10,43 s", -1),
        ("RTX 3090, 0.35", -1),
        ("0.35 s (RTX 3090)", 0.35),
        ("about 0.35", 0.35),
        ("1e-3", 1e-3),
    ],
)
def test_a_runtime_is_read_only_if_it_is_clear(value: str, number: float) -> None:
    assert parse_readme(f"runtime per image [s] : {value}").runtime == number


def test_a_row_that_cites_a_known_table_must_have_its_values(tmp_path: Path) -> None:
    write_leaderboards([rank(None, "x8", published="ntire2021")], tmp_path / "out", formats=["csv"])
    (written,) = (tmp_path / "out").glob("*.csv")
    entries = table_entries(written, X8)
    assert {entry.origin for entry in entries} == {"published"}
    text = written.read_text()
    (lpips,) = {str(entry.values["lpips"]) for entry in entries if entry.team == "svnit_ntnu"}
    written.write_text(text.replace(f",{lpips},", ",0.999,", 1))
    with pytest.warns(Notice, match="shown as given, and not as published"):
        changed = table_entries(written, X8)
    assert [entry.origin for entry in changed].count("given") == 1


def test_a_last_column_without_name_and_text_is_passed(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("team,mor,\nA,1,\nB,2,\n")
    assert [entry.values["mor"] for entry in table_entries(tmp_path / "t.csv")] == [1, 2]
    (tmp_path / "t.csv").write_text("team,mor,\nA,1,x\n")
    with pytest.raises(RankingError, match="unknown column ''"):
        table_entries(tmp_path / "t.csv")
