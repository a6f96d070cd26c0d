"""Hostile names through the commands, into files of every format. Tests of each format check what it shows."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.inputs.hostile import documents
from benchmarks.inputs.hostile.names import NAMES
from benchmarks.inputs.submissions import small
from srspace_eval.results.documents import from_document
from srspace_eval.results.store import read_results, result_path, write_result
from tests.helpers.commands import run


def test_hostile_names_become_safe_files_of_every_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    board, out = tmp_path / "board", tmp_path / "out"
    honest = from_document(documents.result(), "here")
    for name in NAMES:
        image = replace(honest.images[0], image=f"{name} 1")
        changed = replace(honest, team=name, images=(image,), notes=(name,), provenance={name: name})
        path = result_path(board, "x4", name)
        assert path.parent == board / "x4"
        assert path.name.isascii()
        assert len(path.name) < 100
        write_result(path, changed)
    assert {r.team for r in read_results(board, "x4")} == set(NAMES)
    assert len(list((board / "x4").iterdir())) == len(NAMES)

    assert run("rank", "--track", "x4", "--board", board, "--out", out) == 0
    terminal = "".join(capsys.readouterr())
    files = [path for path in out.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} >= {".html", ".csv", ".json", ".md", ".tex"}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["board", "out"]
    for path in files:
        assert path.name.isascii()
        text = path.read_bytes().decode("utf-8")  # no lone surrogate
        if "plotly" not in path.name:
            assert not hidden(text), path
    assert not hidden(terminal)
    for form in ("csv", "json"):
        assert run("rank", "--track", "x4", "--board", board, "--format", form) == 0
        assert not hidden("".join(capsys.readouterr())), form
    assert {row["team"] for row in json.loads((out / "x4.json").read_text("utf-8"))["rows"]} == set(NAMES)


def hidden(text: str) -> set[str]:
    """Control characters and characters that change the direction of text."""
    return {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") and c != "\n"}


def test_a_name_that_is_not_unicode_is_refused_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = small(tmp_path / "a", images=1, samples=2)
    sub = (folder / "sub").rename(folder / "name of bytes \udcff\udcfe")
    assert run("score", sub, "--gt", folder / "gt", "--board", tmp_path / "b", "--track", "x4", "--samples", 2,
               "--metrics", "psnr") == 1  # fmt: skip
    assert "give another one with --team" in capsys.readouterr().err
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("name", ["../../up", "\x1b[2J", "con"])
def test_a_hostile_name_is_scored_and_resumed(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = small(tmp_path / "a", images=1, samples=2)
    board = tmp_path / "board"
    for _ in range(2):
        assert run("score", folder / "sub", "--gt", folder / "gt", "--board", board, "--track", "x4", "--samples", 2,
                   "--metrics", "psnr", "--team", name, "--json") == 0  # fmt: skip
        out, err = capsys.readouterr()
        assert json.loads(out)["team"] == name
        assert not hidden(err)
    assert [path.parent for path in board.rglob("*.json")] == [board / "x4"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "board"]


def test_file_names_in_a_submission_send_no_control_characters_to_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = small(tmp_path / "a", images=1, samples=2)
    for name in ("\x1b[2J\x07.png", "\u202egnp.exe", "half \udcff.png", "a\nb.png"):
        (folder / "sub" / name).write_bytes(b"")
    assert run("check", folder / "sub", "--gt", folder / "gt", "--track", "x4", "--samples", 2) == 1
    assert not hidden("".join(capsys.readouterr()))


@pytest.mark.parametrize("other", ["D\u0435epest", "Deep\u200best", "Deepest ", "deepest", "\uff24eepest"])
def test_rank_refuses_a_second_team_that_looks_the_same(
    other: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    honest = from_document(documents.result(), "here")
    for i, name in enumerate(("Deepest", other)):
        write_result(tmp_path / "board" / "x4" / f"{i}.json", replace(honest, team=name))
    assert run("rank", "--track", "x4", "--board", tmp_path / "board") == 1
    err = capsys.readouterr().err
    assert "some teams are there twice" in err
    assert not hidden(err)


def test_settings_of_a_foreign_result_do_not_reach_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    honest = from_document(documents.result(), "here")
    settings = {**honest.signature.settings, "a\x1b[2J": {"b\u202e": "c\x9b" * 1000}}
    for name, kept in (("A", honest.signature.settings | {"a\x1b[2J": {"b\u202e": "d"}}), ("B", settings)):
        signature = type(honest.signature)(kept)
        write_result(result_path(tmp_path / "board", "x4", name), replace(honest, team=name, signature=signature))
    assert run("rank", "--track", "x4", "--board", tmp_path / "board") == 1
    err = capsys.readouterr().err
    assert not hidden(err)
    assert len(err) < 3000
