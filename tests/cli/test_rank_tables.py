"""``rank --table`` and ``rank --values``: several files, intervals, and what is said of tables that cannot be used."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from srspace_eval.errors import RankingError
from srspace_eval.ranking import rank
from tests.helpers.commands import run as run_command

run = partial(run_command, "rank")

TRACK = (
    'name = "mine"\ntitle = "My set"\nscale = 4\nsamples = 1\n[columns]\na = { better = "lower" }\n'
    'b = { better = "higher" }\n[ranking]\ncriteria = [{ metric = "a" }, { metric = "b" }]\norder_by = ["rank(a)"]\n'
)


@pytest.fixture
def track(tmp_path: Path) -> Path:
    return write(tmp_path / "mine.toml", TRACK)


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_every_table_counts(track: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tables = [write(tmp_path / "one.csv", "team,a\nA,2\n"), write(tmp_path / "two.csv", "team,a\nB,1\n")]
    values = [write(tmp_path / "v1.csv", "team,b\nA,5\n"), write(tmp_path / "v2.csv", "team,b,b_low,b_high\nB,6,5,7\n")]
    args = [part for path in tables for part in ("--table", path)]
    args += [part for path in values for part in ("--values", path)]
    assert run("--track", track, *args, "--json") == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [(row["team"], row["a"], row["b"]) for row in rows] == [("B", 1.0, 6.0), ("A", 2.0, 5.0)]
    ranking = rank(None, track, table=tables, values=[str(path) for path in values])
    assert [(row.entry.team, dict(row.entry.values)) for row in ranking.rows] == [
        ("B", {"a": 1.0, "b": 6.0}),
        ("A", {"a": 2.0, "b": 5.0}),
    ]


def test_tables_that_contradict_each_other_are_refused(track: Path, tmp_path: Path) -> None:
    table = write(tmp_path / "one.csv", "team,a\nA,2\n")
    values = [write(tmp_path / "v1.csv", "team,b\nA,5\n"), write(tmp_path / "v2.csv", "team,b\nA,6\n")]
    with pytest.raises(RankingError, match=r"v2\.csv(.|\n)*'A' already has b 5, here it is 6"):
        rank(None, track, table=table, values=values)
    with pytest.raises(RankingError, match="A"):
        rank(None, track, table=[table, table])


def test_intervals_of_values_are_checked_together(
    track: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = write(tmp_path / "teams.csv", "team,a\nA,2\nB,3\nC,4\nD,5\nE,6\n")
    values = write(tmp_path / "v.csv", "team,b,b_low,b_high\nA,,1,3\nB,5,7,9\nC,5,4,\nD,5,6,4\nE,5,5,5\n")
    assert run("--track", track, "--table", table, "--values", values) == 1
    said = capsys.readouterr().err
    assert "line 2: b_low and b_high have numbers, and b has none" in said
    assert "line 3: b is 5, which is not from b_low 7 to b_high 9" in said
    assert "line 4: b_low has a number, and b_high has none" in said
    assert "line 5: b_low is 6 and b_high 4; the lower end comes first" in said
    assert "line 6" not in said


def test_digits_of_declared_columns(track: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = write(tmp_path / "teams.csv", "team,a\nA,2\nB,3\n")
    assert run("--track", track, "--table", table, "--digits", "a=1,b=0") == 0
    shown = capsys.readouterr().out
    assert "2.0" in shown
    assert "2.000" not in shown
    assert run("--track", track, "--table", table, "--digits", "score=1") == 2
    assert "unknown metric score; known are" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--table", "--values"])
def test_a_folder_is_named_as_one(option: str, track: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--track", track, option, tmp_path) == 1
    assert f"{tmp_path}: is a folder; name a file" in capsys.readouterr().err


def test_a_column_of_the_challenge_is_told_once_with_its_remedy(
    track: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = write(tmp_path / "teams.csv", "team,a\nA,2\n")
    values = write(tmp_path / "MOS.csv", "team,mos,mos_low,mos_high\nA,2,1,3\n")
    assert run("--track", track, "--table", table, "--values", values) == 1
    said = capsys.readouterr().err
    assert 'add mos = { better = "lower" } or "higher" under [columns] of the track file' in said
    assert said.count("known are") == 1


def test_the_title_of_the_only_ranking_is_the_heading(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "mine.toml", TRACK + 'title = "By a alone"\n')
    table = write(tmp_path / "teams.csv", "team,a\nA,2\n")
    assert run("--track", path, "--table", table, "--out", tmp_path / "out") == 0
    assert "My set: By a alone" in capsys.readouterr().out
    assert ">By a alone</h2>" in (tmp_path / "out" / "mine" / "index.html").read_text(encoding="utf-8")


def test_a_rule_without_places_says_so_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "mine.toml", TRACK.replace('order_by = ["rank(a)"]\n', ""))
    table = write(tmp_path / "teams.csv", "team,a,b\nA,2,1\nB,1,\nC,,\n")
    assert run("--track", path, "--table", table) == 0
    shown = capsys.readouterr().out
    assert "There is no final rank: each ranked column has its own ranks." in shown
    assert shown.count("no final rank") == 1


def test_places_that_all_teams_lack_have_a_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = write(tmp_path / "teams.csv", "team,niqe,brisque,piqe,nrqm\nA,3,10,10,5\nB,2,9,11,6\n")
    assert run("--track", "ntire2020-rwsr-2", "--table", table) == 0
    assert "No places yet: no mean opinion rank yet." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("column", "rows", "words"),
    [
        ('{ formula = "per_image_rank(a)", better = "lower" }', "A,2\nBase,1\n", "needs the values of each image"),
        ('{ formula = "a + 1", better = "lower", of = "images" }', "A,2\nBase,1\n", "needs the values of each image"),
        ('{ formula = "a / baseline(a)", better = "lower" }', "A,2\nBase,\n", "the baseline 'Base' has no value of a"),
        ('{ formula = "a / baseline(a)", better = "lower" }', "A,2\nBase,0\n", "'Base' has the value 0 of a"),
    ],
)
def test_why_a_formula_gives_nothing(column: str, rows: str, words: str, tmp_path: Path) -> None:
    text = TRACK.replace("[ranking]", f"[derived]\nx = {column}\n[ranking]").replace('"rank(a)"', '"x"')
    path = write(tmp_path / "mine.toml", 'baseline = "Base"\n' + text)
    found = {row.entry.team: row for row in rank(None, path, table=write(tmp_path / "t.csv", "team,a\n" + rows)).rows}
    assert words in str(found["A"].why_unranked)


def test_a_value_that_is_not_the_formulas_is_told_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    derived = '[derived]\nx = { formula = "a + 1", better = "lower" }\n[rankings.other]\norder_by = ["x"]\n'
    path = write(tmp_path / "mine.toml", TRACK + derived)
    table = write(tmp_path / "teams.csv", "team,a,x\nA,2,9\n")
    assert run("--track", path, "--table", table) == 0
    assert capsys.readouterr().err.count("are not those of the formula") == 1
