"""The rank command: its formats, its refusals, its exit codes."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from benchmarks.inputs.boards import make_results, write_board
from srspace_eval.ranking.published_tables import load_published, published_tables
from srspace_eval.results.signature import Signature
from srspace_eval.tracks.reader import load_track
from tests.helpers.commands import run as run_command

X4 = load_track("x4")


run = partial(run_command, "rank")


def written_table(path: Path, name: str) -> Path:
    """The metrics of a published table as an organiser would type them; no rank is written."""
    columns = ("lpips", "lr_psnr", "diversity", "mor")
    lines = ["team,kind," + ",".join(columns)]
    for row in load_published(name).rows:
        lines.append(",".join([row.team, row.kind, *(str(row.values.get(column, "")) for column in columns)]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("track", ["x4", "x8"])
def test_ntire_2021_is_reproduced_by_the_command(
    track: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every bracketed rank and every final rank, from the team metrics alone."""
    table = written_table(tmp_path / "teams.csv", f"ntire2021-{track}")
    assert run("--track", track, "--table", table, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    rows = {row["team"]: row for row in document["rows"]}
    printed = load_published(f"ntire2021-{track}").rows
    assert len(rows) == len(printed)
    for row in printed:
        assert {metric: rows[row.team]["ranks"][metric] for metric in row.ranks} == row.ranks
        assert rows[row.team]["final_rank"] == row.final_rank
        assert (rows[row.team]["why_unranked"] is None) == (row.final_rank is not None)
    assert sorted(r["final_rank"] for r in document["rows"] if r["final_rank"] is not None) == (
        [1.5, 3.0, 3.0, 3.5, 5.5] if track == "x4" else [1.5, 3.0, 4.0, 5.0, 5.5]
    )
    assert rows["GT"]["lr_psnr"] == "inf"


@pytest.mark.parametrize("track", ["x4", "x8"])
def test_ntire_2021_is_reproduced_on_the_page(track: str, tmp_path: Path) -> None:
    """As a reader of the page's text finds it: place and team, the mean rank, then each value with its rank."""
    table = written_table(tmp_path / "teams.csv", f"ntire2021-{track}")
    assert run("--track", track, "--table", table, "--out", tmp_path, "--format", "html") == 0
    page = (tmp_path / track / "index.html").read_text(encoding="utf-8")
    rows = {}
    for row in re.findall(r"<tr\b.*?</tr>", page, re.DOTALL):
        text = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", row)).split())
        name = re.search(r"<th scope=.row.*?<bdi[^>]*>(.*?)</bdi>", row, re.DOTALL)
        if name:
            rows[html.unescape(name[1])] = text
    printed = load_published(f"ntire2021-{track}").rows
    assert rows.keys() == {row.team for row in printed}
    for row in printed:
        for metric, rank in row.ranks.items():
            assert re.search(rf"(?<![\d.]){row.values[metric]:.3f} , rank {rank}(?!\d)", rows[row.team]), rows[row.team]
        if row.final_rank is not None:
            better = sum(other.final_rank is not None and other.final_rank < row.final_rank for other in printed)
            start = rf"{better + 1} {re.escape(row.team)} {row.final_rank:g}(?![\d.])"
            assert re.match(start, rows[row.team]), rows[row.team]
        else:
            assert not re.match(r"\d", rows[row.team])


def test_a_separate_study_gives_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = written_table(tmp_path / "teams.csv", "ntire2021-x8")
    lines = [line.rsplit(",", 1) for line in table.read_text(encoding="utf-8").splitlines()]
    study = tmp_path / "mor.csv"
    study.write_text("".join(f"{head.split(',')[0]},{mor}\n" for head, mor in lines), encoding="utf-8")
    table.write_text("\n".join(head for head, _ in lines), encoding="utf-8")
    assert run("--track", "x8", "--table", table, "--mor", study, "--json") == 0
    finals = {row["team"]: row["final_rank"] for row in json.loads(capsys.readouterr().out)["rows"]}
    assert finals == {row.team: row.final_rank for row in load_published("ntire2021-x8").rows}


@pytest.fixture
def board(tmp_path: Path) -> Path:
    write_board(tmp_path / "board", make_results(X4, 4, 12, 2, 0, incomplete=1))
    return tmp_path / "board"


def test_a_board_in_every_format(board: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert run("--board", board, "--out", out) == 0
    captured = capsys.readouterr()
    assert "NTIRE 2021 Learning the Super-Resolution Space, ×4" in captured.out
    for name in ("index.html", "x4.csv", "x4.json", "x4.md", "x4.tex"):
        assert (out / name).stat().st_size > 0
        assert f"wrote {out / name}" in captured.err
    document = json.loads((out / "x4.json").read_text(encoding="utf-8"))
    assert document["bootstrap"] == {"replicates": 2000, "seed": 0, "level": 0.95}
    assert document["rows"][0]["intervals"].keys() == {"lpips", "lr_psnr", "diversity"}
    assert document["rows"][-1]["why_unranked"] == "incomplete: 1 of 12 images is missing: 0812"


def test_the_same_call_writes_the_same_bytes(board: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert run("--board", board, "--out", tmp_path / name, "--format", "csv,json,md,tex") == 0
    for path in sorted((tmp_path / "a").iterdir()):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
    assert not (tmp_path / "a" / "index.html").exists()
    assert run("--board", board, "--out", tmp_path / "c", "--format", "json", "--seed", 1) == 0
    assert (tmp_path / "c" / "x4.json").read_bytes() != (tmp_path / "a" / "x4.json").read_bytes()


def test_one_format_is_printed(board: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--board", board, "--format", "tex", "--replicates", 0) == 0
    out = capsys.readouterr().out
    assert out.startswith("% Needs")
    assert "approx" not in out


def test_intervals_are_printed_on_demand(board: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--board", board, "--format", "md") == 0
    short = capsys.readouterr().out
    assert run("--board", board, "--format", "md", "--intervals") == 0
    assert len(capsys.readouterr().out) > len(short)


def test_every_track_of_a_board(board: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_board(board, make_results(load_track("x8"), 2, 3, 2, 1))
    assert run("--board", board, "--out", tmp_path / "out", "--format", "csv") == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"x4.csv", "x8.csv"}
    out = capsys.readouterr().out
    assert "×4" in out
    assert "×8" in out
    assert run("--board", board, "--json") == 2
    assert "--track" in capsys.readouterr().err


def test_published_rows_are_shown_beside_entries_and_marked(board: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--track", "x4", "--board", board, "--with", "ntire2021", "--with", "srflow-da", "--json") == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    published = [row for row in rows if row["source"] == "published"]
    assert len(published) == 14 + 8
    assert {row["kind"] for row in published} == {"baseline"}
    assert all(row["ranks"] == {} and row["note"] for row in published)
    assert [row["source"] for row in rows[:4]] == ["measured"] * 4
    assert {row["lpips"] for row in published if row["team"] == "SSS"} == {0.110}


def test_published_teams_compete_on_demand(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--published", "ntire2021-x8") == 0
    assert "26.941 ₍₂₎" in capsys.readouterr().out
    assert run("--published", "srflow-da-x4") == 1
    assert "--with srflow-da-x4" in capsys.readouterr().err


def test_a_table_of_another_task_comes_with_a_notice(board: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--track", "x4", "--board", board, "--with", "ntire2020-track1", "--columns", "psnr,ssim,lpips") == 0
    captured = capsys.readouterr()
    assert "notice: ntire2020-track1 is about another task" in captured.err
    assert "Impressionism" in captured.out


def test_published_tables_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--list-published") == 0
    out = capsys.readouterr().out
    assert all(f"{name}: " in out for name in published_tables())


def test_mixed_settings_are_refused_until_one_is_chosen(board: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = make_results(X4, 1, 12, 2, 0, names=["with VGG"])[0]
    settings = {**other.signature.settings, "lpips": {**other.signature.settings["lpips"], "net": "vgg"}}
    write_board(board, [replace(other, signature=Signature(settings))])
    assert run("--board", board) == 1
    error = capsys.readouterr().err
    assert "lpips.net" in error
    assert "'with VGG'" in error
    chosen = Signature(settings).id
    assert run("--board", board, "--signature", chosen, "--json") == 0
    rows = {row["team"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    assert rows["with VGG"]["ranks"]
    assert rows["Team 01"]["ranks"] == {}
    assert "measured with other settings (lpips.net: alex / vgg)" in rows["Team 01"]["why_unranked"]


def test_unfinished_runs_are_named(board: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (board / "x4" / "Slow.journal.jsonl").write_text("{}\n", encoding="utf-8")
    assert run("--board", board) == 0
    assert "left out: Slow.journal.jsonl; give `score` again" in capsys.readouterr().err


def test_a_table_without_numbers_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "teams.csv"
    for text, said in (
        ("team,lpips\n", f"nothing to rank for track x4: {table} has no rows below its header"),
        ("team;lpips\nA;0.1\n", "holds 'team;lpips' (write commas between columns)"),
        ("method,lpips\nA,0.1\n", "'team' is missing: the first line names columns, and holds 'method', 'lpips'"),
    ):
        table.write_text(text, encoding="utf-8")
        assert run("--track", "x4", "--table", table) == 1
        assert said in capsys.readouterr().err


def test_an_unknown_name_in_the_study_is_an_error_unless_it_is_allowed(
    board: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tmp_path / "mor.csv"
    study.write_text("team,mor\nTeam 01,1.5\nTeam O2,2.0\nBicubic,4.0\nGT,1.0\n", encoding="utf-8")
    assert run("--board", board, "--mor", study) == 1
    error = capsys.readouterr().err
    assert "'Team O2': no entry has this name; did you mean 'Team 02'?" in error
    assert "'Bicubic': no entry has this name\n" in error
    assert "--allow-unknown" in error
    assert "'GT'" not in error, "studies show the GT among the methods"
    assert run("--board", board, "--mor", study, "--allow-unknown") == 0
    captured = capsys.readouterr()
    assert "'Team O2', 'Bicubic', 'GT': no entry has this name" in captured.err
    assert "Bicubic" in captured.out


def test_a_misspelled_name_in_the_values_is_told_with_the_name_that_it_may_be(
    board: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = tmp_path / "values.csv"
    values.write_text("team,mor\nTeam O2,1.5\n", encoding="utf-8")
    assert run("--board", board, "--values", values) == 0
    assert "values alone; 'Team O2': did you mean 'Team 02'?" in capsys.readouterr().err


def test_a_signature_is_chosen_for_each_track(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One id of each of two tracks; one id for both; and one that no result has."""
    board, ids = tmp_path / "board", {}
    for track in (X4, load_track("x8")):
        one, two = make_results(track, 2, 4, 2, 0)
        settings = {**two.signature.settings, "lpips": {**two.signature.settings["lpips"], "net": "vgg"}}
        other = Signature(settings)
        write_board(board, [one, replace(two, signature=other)])
        ids[track.name] = (one.signature.id, other.id)
    assert run("--board", board) == 1
    error = capsys.readouterr().err
    assert all(f"signature {known}" in error for known in ids["x4"])
    chosen = [f"--signature={ids['x4'][0]}", f"--signature={ids['x8'][1]}"]
    assert run("--board", board, *chosen, "--out", tmp_path / "out", "--format", "json") == 0
    for track, name in (("x4", "Team 01"), ("x8", "Team 02")):
        rows = json.loads((tmp_path / f"out/{track}.json").read_text())["rows"]
        assert [row["team"] for row in rows if row["ranks"]] == [name]
    capsys.readouterr()
    assert run("--board", board, *chosen, "--signature", "0123456789") == 1
    error = capsys.readouterr().err
    assert "'0123456789': no result has an id that starts so" in error
    for track, known in ids.items():
        assert f"track {track} has the ids {', '.join(known)}" in error
    assert run("--board", board, *(f"--signature={known}" for known in ids["x4"])) == 1
    assert "track x4: has results of" in capsys.readouterr().err


def test_a_result_without_an_option_is_told_where_it_belongs(
    board: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    result = sorted((board / "x4").glob("*.json"))[0]
    assert run(result) == 2
    assert f"this is a result of track x4; give its board with --board {board}" in " ".join(
        capsys.readouterr().err.split()
    )
    monkeypatch.chdir(result.parent)
    assert run(result.name) == 2
    assert f"give its board with --board {board}" in " ".join(capsys.readouterr().err.split())
    assert run(board) == 2
    assert f"this is a board of results; give it with --board {board}" in " ".join(capsys.readouterr().err.split())
    (tmp_path / "other.json").write_text("{}", encoding="utf-8")
    assert run(tmp_path / "other.json") == 2
    assert "if these are submissions, give --submission" in " ".join(capsys.readouterr().err.split())


def test_published_tables_of_several_tracks_are_ranked_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--published", "ntire2021-x4", "--published", "ntire2021-x8", "--published", "ntire2020-track1") == 0
    both = capsys.readouterr().out
    assert re.findall("^NTIRE .*", both, flags=re.MULTILINE)[:2] == [
        f"NTIRE 2021 Learning the Super-Resolution Space, {scale}" for scale in ("×4", "×8")
    ]
    assert run("--published", "ntire2021") == 0
    assert both.startswith(capsys.readouterr().out)
    assert run("--published", "ntire2021", "--json") == 2
    assert "name it with --track (there are x4, x8)" in capsys.readouterr().err
    assert run("--published", "ntire2021", "--track", "x8", "--json") == 0
    assert json.loads(capsys.readouterr().out)["rows"][1]["lpips"] == 0.266


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["ntire2021-x8", "ntire2021"], "several tables of track x8 (ntire2021-x8, ntire2021)"),
        (
            ["ntire2021-x8", "imagesr-x4-2025", "--track", "x8"],
            "imagesr-x4-2025: not a table of the ranked tracks (x8)",
        ),
    ],
)
def test_two_published_tables_of_one_track_are_refused(
    names: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, *more = names
    assert run("--published", first, "--published", second, *more) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_an_own_method_below_a_published_table(
    board: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``leaderboards/`` is read without --board if the own method is not a published row."""
    monkeypatch.chdir(tmp_path)
    own = json.loads(next(board.glob("x4/*.json")).read_text(encoding="utf-8"))["team"]
    assert run("--published", "ntire2021-x4", "--own", own) == 1
    said = capsys.readouterr().err
    assert f"no row is called {own!r}" in said
    assert "`rank --board FOLDER` reads" in said
    board.rename("leaderboards")
    assert run("--published", "ntire2021-x4", "--own", own) == 0
    out, said = capsys.readouterr()
    body = out[: out.index("  The results have")]
    assert body.rstrip().splitlines()[-1].split(" (")[0].strip() == own
    assert "shown without ranks" in said
    assert run("--published", "ntire2021-x4", "--own", "CIPLAB") == 0
    assert "without ranks" not in "".join(capsys.readouterr()), "the published row needs no board"
    assert run("--published", "ntire2021-x4", "--own", own, "--rank-together") == 0
    out, said = capsys.readouterr()
    assert "ranked together, as asked" in out
    assert "without ranks" not in out + said


def test_the_folder_of_a_study_moves_the_final_rank(
    board: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tmp_path / "result"
    study.mkdir()
    (study / "MOR.csv").write_text("team,mor\nTeam 01,1.4\nTeam 02,1.6\n", encoding="utf-8")
    assert run("--board", board, "--mor", study) == 1
    assert f"{study / 'MOR-draws.csv'}: not a study's draws" in capsys.readouterr().err
    (study / "MOR-draws.csv").write_text("Team 01,Team 02\n" + "1.2,1.8\n1.7,1.3\n" * 25, encoding="utf-8")
    widths = []
    for given in (study / "MOR.csv", study):
        assert run("--board", board, "--mor", given, "--json") == 0
        captured = capsys.readouterr()
        rows = {row["team"]: row for row in json.loads(captured.out)["rows"]}
        low, high = rows["Team 01"]["intervals"]["final_rank"]
        widths.append(high - low)
        assert (f"--mor {study} lets" in captured.err) == (given != study)
    assert widths[1] >= widths[0] + 0.5
    assert rows["Team 01"]["rank_intervals"]["mor"] == [1, 2]


def test_a_misspelled_team_in_the_study_is_an_error(
    board: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tmp_path / "mor.csv"
    study.write_text("team,mor\nTEAM 01,1.5\n", encoding="utf-8")
    assert run("--board", board, "--mor", study) == 1
    assert "'Team 01' and 'TEAM 01'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "code", "text"),
    [
        (["--track", "x5", "--published", "ntire2021"], 1, "there is no track 'x5'"),
        (["--published", "ntire2021-x4", "--format", "pdf"], 2, "html, csv, json, md, tex"),
        (["--published", "ntire2021-x4", "--format", "csv,md"], 2, "without --out"),
        (["--published", "ntire2021-x4", "--format", "csv", "--json"], 2, "--json and --format both print"),
        (["--published", "ntire2021-x4", "--columns", "nonsense"], 2, "lpips"),
        (["--published", "ntire2021-x4", "--columns", "mor,ssim"], 0, "no entry has a value of ssim"),
        (["--track", "x4"], 1, "no board and no table was given, and there is no leaderboards/ here"),
        (["--published", "ntire2021-x4", "--replicates", "5"], 1, "at least 100"),
        (["--table", "nowhere.csv", "--track", "x4"], 1, "nowhere.csv: there is no such file"),
        (["--published", "ntire2021-x4", "--gt", "."], 2, "--submission"),
        (["--with", "ntire2021", "--with", "nonsense", "--track", "x4"], 1, "'nonsense'"),
        ([], 2, "--track"),
    ],
)
def test_wrong_use(
    args: list[str], code: int, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert run(*args) == code
    assert text in capsys.readouterr().err


def test_an_empty_board_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--board", tmp_path) == 1
    assert "score a submission" in capsys.readouterr().err
    assert run("--board", tmp_path, "--track", "x4") == 1
    assert "score a submission" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert run("--published", "ntire2021-x4", "--out", tmp_path / "file" / "out", "--format", "md") == 1
    assert "cannot be written" in capsys.readouterr().err


OWN_TRACK = 'name = "own"\ntitle = "Faces"\nscale = 8\nsamples = 2\n[ranking]\ncriteria = [{ metric = "lpips" }]\n'


def test_a_board_of_an_own_track_says_what_to_give(
    tmp_path: Path, board: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "own.toml"
    file.write_text(OWN_TRACK + 'final = ["lpips"]\n', encoding="utf-8")
    own = load_track(file)
    alone = tmp_path / "alone"
    write_board(alone, make_results(own, 2, 3, 2, 0))
    assert run("--board", alone) == 1
    error = capsys.readouterr().err
    assert f"{alone / 'own'}: results of track 'own'" in error
    assert "--track FILE.toml" in error
    assert "track.toml" in error
    write_board(board, make_results(own, 2, 3, 2, 0))
    assert run("--board", board, "--json") == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["track"] == "x4"
    assert "'own', which is not built in" in captured.err
    (alone / "own" / "track.toml").write_bytes(file.read_bytes())
    assert run("--board", alone, "--json") == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Faces"
    (alone / "own" / "track.toml").write_text(OWN_TRACK.replace('"own"', '"other"'), encoding="utf-8")
    assert run("--board", alone) == 1
    assert "describes track 'other'" in capsys.readouterr().err


def test_a_built_in_track_goes_before_a_file_in_the_board(board: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = OWN_TRACK.replace('"own"', '"x4"').replace("8", "4") + 'final = ["lpips"]\n'
    (board / "x4" / "track.toml").write_text(text, encoding="utf-8")
    assert run("--board", board, "--json") == 0
    captured = capsys.readouterr()
    assert "diversity" in json.loads(captured.out)["rows"][0]["ranks"]
    assert "is not used, because x4 is built in" in captured.err
    assert run("--board", board, "--track", board / "x4" / "track.toml", "--json") == 0
    assert json.loads(capsys.readouterr().out)["rows"][0]["ranks"].keys() == {"lpips"}


@pytest.mark.parametrize("wrong", ["no such place", "damaged.zip", "text.txt"])
def test_nothing_is_written_where_pictures_cannot_be_read(
    board: Path, tmp_path: Path, wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gt").mkdir()
    (tmp_path / "gt" / "0801.png").write_bytes(b"")
    (tmp_path / "text.txt").write_text("no pictures", encoding="utf-8")
    (tmp_path / "damaged.zip").write_bytes(b"PK\5\6" + bytes(18))
    (tmp_path / "damaged.zip").write_bytes(b"PK\1\2 torn" + b"PK\5\6" + b"\1" * 18)
    pictures = ["--gt", tmp_path / "gt", "--submission", f"Team 01={tmp_path / wrong}"]
    assert run("--board", board, "--out", tmp_path / "out", *pictures) == 1
    assert str(tmp_path / wrong) in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_one_team_has_one_submission(board: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "gt").mkdir()
    twice = ["--submission", f"A={tmp_path / 'gt'}", "--submission", f"A={board}"]
    assert run("--board", board, "--out", tmp_path / "out", "--gt", tmp_path / "gt", *twice) == 2
    assert "two are of one team" in capsys.readouterr().err


def test_a_reader_that_goes_away_causes_no_traceback(board: Path) -> None:
    command = [sys.executable, "-m", "srspace_eval", "rank", "--board", str(board)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""


def test_ranking_never_loads_torch_and_survives_a_plain_terminal(board: Path) -> None:
    script = (
        "import sys; from srspace_eval.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "finally: assert 'torch' not in sys.modules and 'lpips' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-X", "utf8=0", "-c", script, "rank", "--board", str(board)],
        capture_output=True, check=False, env={"PYTHONIOENCODING": "ascii", "PATH": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert b"LR-PSNR" in done.stdout


def test_a_redirected_table_is_utf8_whatever_the_locale(board: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "utf8=0", "-m", "srspace_eval", "rank", "--board", str(board), "--format", "md"],
        capture_output=True, check=False, env={"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PATH": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "↑" in done.stdout.decode("utf-8")
