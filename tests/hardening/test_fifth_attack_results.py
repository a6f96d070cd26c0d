"""Attacks on boards and downloads: names of accounts and teams, records that fill a result, files of other systems."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import srspace_eval as se
from srspace_eval.codabench.downloads import import_downloads
from srspace_eval.errors import Notice, ResultsError
from srspace_eval.results.record import ImageRecord, Result, SampleRecord
from srspace_eval.results.signature import Signature
from srspace_eval.results.store import read_result, result_files, write_result
from srspace_eval.submissions.batch import find_submissions, is_inbox
from srspace_eval.submissions.provenance import PROVENANCE_FILE, kept_provenance, read_provenance
from srspace_eval.submissions.sources import open_source
from tests.helpers.commands import run

BASELINE = """
name = "own"
title = "Own"
scale = 4
samples = 1
baseline = "EFDN"
metrics = ["psnr"]
[derived]
gain = { formula = "psnr - baseline(psnr)", better = "higher" }
[ranking]
criteria = [{ metric = "gain" }]
final = ["gain"]
"""


def download(folder: Path, number: int, owner: str, psnr: float) -> str:
    name = f"res_{number}_{owner}_PhaseId7_2026-03-01:10-30_a"
    (folder / name).mkdir(parents=True)
    (folder / name / "scores.json").write_text(json.dumps({"psnr": psnr}))
    return name


def teams(path: Path, **files: str) -> Path:
    path.write_text("team,file\n" + "".join(f"{team},{file}\n" for team, file in files.items()))
    return path


def test_an_account_called_as_a_named_team_does_not_take_its_place(tmp_path: Path) -> None:
    file = download(tmp_path / "d", 4711, "jdoe", 31.0)
    table = teams(tmp_path / "teams.csv", Deepest=file)
    download(tmp_path / "d", 4800, "deepest", 20.0)
    with pytest.raises(ResultsError, match="'deepest' is called as a team that has other files"):
        import_downloads(tmp_path / "d", "x4", tmp_path / "board", teams=table)
    # Also if the team's own file is not among the downloads.
    (tmp_path / "d" / file).rename(tmp_path / "elsewhere")
    with pytest.raises(ResultsError, match="name this file there, too"), pytest.warns(Notice):
        import_downloads(tmp_path / "d", "x4", tmp_path / "board", teams=table)


def test_all_files_of_an_account_are_of_its_team(tmp_path: Path) -> None:
    table = teams(tmp_path / "teams.csv", Deepest=download(tmp_path / "d", 4711, "jdoe", 31.0))
    download(tmp_path / "d", 4801, "jdoe", 33.0)
    with pytest.warns(Notice, match=r"same account|the last of 2"):
        found = import_downloads(tmp_path / "d", "x4", tmp_path / "board", teams=table)
    assert found.teams == ("Deepest",)
    assert found.table is not None
    assert found.table.read_text().splitlines()[1] == "Deepest,team,33.0"


def test_an_account_of_several_teams_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    table = teams(tmp_path / "t.csv", A=download(folder, 1, "jdoe", 31.0), B=download(folder, 2, "jdoe", 31.0))
    download(folder, 3, "jdoe", 33.0)
    with pytest.raises(ResultsError, match="several teams"):
        import_downloads(folder, "x4", tmp_path / "board", teams=table)


def test_an_account_called_as_the_baseline_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(BASELINE)
    file = download(tmp_path / "d", 1, "efdn", 31.0)
    with pytest.raises(ResultsError, match="name of the baseline"):
        import_downloads(tmp_path / "d", str(tmp_path / "own.toml"), tmp_path / "board")
    (tmp_path / "teams.csv").write_text(f"team,file,kind\nEFDN,{file},baseline\n")
    found = import_downloads(
        tmp_path / "d", str(tmp_path / "own.toml"), tmp_path / "board", teams=tmp_path / "teams.csv"
    )
    assert found.table is not None
    assert "EFDN,baseline,31.0" in found.table.read_text()


def result(team: str = "A", **changes: object) -> Result:
    sample = SampleRecord(0, "000000_sample00000.png", "0" * 64, {"psnr": 30.5})
    image = ImageRecord("0801", 32, 48, "0" * 64, {"psnr": 30.5}, {}, (sample,))
    made = Result(team, "x4", Signature({"common": {"scale": 4, "samples": 1}}), (image,), {"psnr": 30.5})
    return replace(made, **changes)  # type: ignore[arg-type]


def with_result(folder: Path, name: str, content: Result) -> None:
    write_result(folder / name / "result.json", content)
    (folder / name / "scores.json").write_text('{"psnr": 30.5}')


def test_an_account_does_not_replace_the_result_of_another_one(tmp_path: Path) -> None:
    folder, board = tmp_path / "d", tmp_path / "board"
    file = download(folder, 1, "jdoe", 30.5)
    with_result(folder, file, result())
    import_downloads(folder, "x4", board, teams=teams(tmp_path / "teams.csv", Deepest=file))
    later = tmp_path / "later"
    with_result(later, download(later, 2, "Deepest", 30.5), result())
    with pytest.raises(ResultsError, match="'Deepest' did not hand in"):
        import_downloads(later, "x4", board, overwrite=True)
    mine = tmp_path / "mine"
    with_result(mine, download(mine, 3, "jdoe", 30.5), result())
    with pytest.warns(Notice):
        import_downloads(mine, "x4", board, overwrite=True, teams=tmp_path / "teams.csv")
    assert (read_result(board / "x4/Deepest.json").provenance or {})["submission"] == 3


RECORDS: dict[str, Callable[[], str]] = {
    "numbers": lambda: '{"a":[' + "1," * 400_000 + "1]}",
    "lists": lambda: '{"a":[' + "[]," * 300_000 + "[]]}",
    "commas": lambda: json.dumps({"a": "," * 1_000_000}),
    "escaped commas": lambda: '{"a":"' + "\\u002c" * 170_000 + '"}',
    "characters that JSON writes longer": lambda: '{"a":"' + "\x7f" * 1_000_000 + '"}',
    "nested": lambda: '{"a":' + "[" * 29 + "]" * 29 + "}",
    "large": lambda: json.dumps({"a": "x" * (1 << 20)}),
}


@pytest.mark.parametrize("kind", RECORDS)
def test_a_record_that_would_spoil_the_result_is_not_kept(kind: str, tmp_path: Path) -> None:
    (tmp_path / PROVENANCE_FILE).write_text(RECORDS[kind]())
    assert read_provenance(open_source(tmp_path)) is None


def test_the_largest_record_that_is_kept_is_read_and_imported(tmp_path: Path) -> None:
    inner: object = []
    for _ in range(21):
        inner = [inner]
    record = {"deep": inner, "values": [0] * 49_900, "text": "\u00e9" * 300_000}
    assert kept_provenance(record) == record
    folder = tmp_path / "d"
    with_result(folder, download(folder, 1, "jdoe", 30.5), result(provenance=record))
    (path,) = import_downloads(folder, "x4", tmp_path / "board").results
    assert (read_result(path).provenance or {})["samples_made_by"] == record


def test_an_import_does_not_nest_a_record_too_deeply(tmp_path: Path) -> None:
    inner: object = []
    for _ in range(29):
        inner = [inner]
    folder = tmp_path / "d"
    with_result(folder, download(folder, 1, "jdoe", 30.5), result(provenance={"a": inner}))
    (path,) = import_downloads(folder, "x4", tmp_path / "board").results
    assert (read_result(path).provenance or {})["samples_made_by"] is None


def test_no_result_is_written_that_cannot_be_read_again(tmp_path: Path) -> None:
    path = tmp_path / "A.json"
    for spoiled in (
        result(provenance={"a": [0] * 400_000}),
        result(notes=("x" * 10_001,)),
        result(team="\u200b"),
        result(signature=Signature({"common": {"text": "x" * 100_000}})),
    ):
        with pytest.raises(ResultsError, match="is not written, because it could not be read again"):
            write_result(path, spoiled)
        assert not path.exists()


def test_score_leaves_a_record_out_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "gt").mkdir()
    (tmp_path / "sub").mkdir()
    se.write_png(tmp_path / "gt/0801.png", np.zeros((16, 16, 3), np.uint8))
    se.write_png(tmp_path / "sub/000000_sample00000.png", np.ones((16, 16, 3), np.uint8))
    (tmp_path / "sub" / PROVENANCE_FILE).write_text(RECORDS["numbers"]())
    with pytest.warns(Notice, match="cannot be used, or is too large"):
        found = se.score(
            tmp_path / "sub", tmp_path / "gt", track="x4", samples=1, metrics=["psnr"], board=tmp_path / "b"
        )
    assert found.provenance is None
    assert read_result(tmp_path / "b/x4/sub.json") == found


def test_hidden_files_are_no_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    board = tmp_path / "board"
    write_result(board / "x4/A.json", result())
    for hidden in ("x4/._A.json", ".vscode/settings.json", "._x4", "x4/.#A.json", "x4/._A.journal.jsonl"):
        (board / hidden).parent.mkdir(exist_ok=True)
        (board / hidden).write_bytes(b"\0\5\x16\7\xff")
    assert [path.name for path in result_files(board / "x4")] == ["A.json"]
    assert [track.name for track in se.load_board(board).tracks()] == ["x4"]
    assert se.load_board(board / "x4").folder == board.resolve()
    assert run("rank", "--board", board, "--columns", "psnr") == 0
    out, err = capsys.readouterr()
    assert "30.50" in out
    assert "._A" not in err
    assert run("rank", board) == 2
    assert "this is a board of results" in capsys.readouterr().err


def test_hidden_files_are_no_submissions_and_no_pictures(tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip", "._a.zip", "._c.png"):
        (tmp_path / name).write_bytes(b"\0")
    assert is_inbox(tmp_path)
    assert [path.name for path in find_submissions([tmp_path / "*.zip"])] == ["a.zip", "b.zip"]
