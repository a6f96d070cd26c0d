"""The third attack, small files that take any time or memory: YAML, zips with many folders, false sizes, long names."""

from __future__ import annotations

import os
import re
import shutil
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.inputs.boards import make_results
from srspace_eval._utils.csv_table import MAX_COLUMNS, read_csv_table
from srspace_eval._utils.folder_walk import files_below
from srspace_eval._utils.untrusted_text import LONGEST_TEAM, did_you_mean, name_key
from srspace_eval.cli import main
from srspace_eval.codabench.check import check_bundle
from srspace_eval.codabench.checks.yaml_file import read_yaml
from srspace_eval.errors import ImageError, Notice, RankingError, ResultsError, SubmissionError
from srspace_eval.ranking import gather
from srspace_eval.ranking.entries import table_entries
from srspace_eval.ranking.model import Entry
from srspace_eval.results.documents import from_document, to_document
from srspace_eval.results.store import _team_of, require_new_name
from srspace_eval.submissions import batch, folders
from srspace_eval.submissions.folder_search import png_folders
from srspace_eval.submissions.sources import ZipSource, open_source
from srspace_eval.tracks.reader import load_track
from tests.helpers.commands import run


def _aliases(levels: int) -> str:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]" for i in range(1, levels)]
    return "\n".join([*lines, f"version: *a{levels - 1}"])


def _merges(levels: int) -> str:
    lines = ["a0: {k: 1}"]
    return "\n".join([*lines, *(f"a{i}:\n  <<: {{k: {i}}}" for i in range(1, levels))])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (_aliases(9), "line 2: *aliases are not read; write the value itself there"),
        (_merges(3), "line 3: merge keys (<<) are not read; write the values themselves there"),
        ("version: 0x" + "f" * 100_000, "line 1: a number has more than 64 characters"),
        ("version: 1" + ":59" * 20_000, "line 1: a number has more than 64 characters"),
        ("version: 1" + ":59" * 20_000 + ".5", "line 1: a number has more than 64 characters"),
        ("version: !!float x", "could not convert string to float"),
        ('version: !!int ""', "a value is invalid"),
        ("version: !!bool maybe", "a value is invalid"),
        ("version: !!timestamp soon", "a value is invalid"),
        ("tasks: !!set {a, b}", "could not determine a constructor"),
        ("[" * 100_000, "nested too deeply"),
        ("title: " + "x" * (1 << 18), "larger than 262144 bytes"),
    ],
)
def test_a_bundles_yaml_is_refused_at_once(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        read_yaml(text.encode())
    with zipfile.ZipFile(tmp_path / "bundle.zip", "w") as bundle:
        bundle.writestr("competition.yaml", text)
    (refusal,) = check_bundle(tmp_path / "bundle.zip").refusals
    assert "competition.yaml" in refusal


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes")
def test_codabench_refuses_pipes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "pipe.zip")
    assert run("codabench", "check", tmp_path / "pipe.zip") == 1
    assert "pipe.zip: not a file; give the zip of a bundle" in capsys.readouterr().err


def _zip_of(path: Path, names: list[str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, b"")
    return path


def test_many_folders_of_a_zip_are_refused(tmp_path: Path) -> None:
    path = _zip_of(tmp_path / "many.zip", [f"d{i}/a.png" for i in range(folders.MAX_FOLDERS + 1)])
    with pytest.raises(SubmissionError, match="contains 101 folders of PNGs, and at most 100 are searched; put the"):
        folders.choose_folder(open_source(path), None, load_track("x4"))
    with pytest.raises(SubmissionError, match="at most 100 are searched"):
        folders.folder_of_file(open_source(path), "a.png", "0")


def test_a_zip_is_opened_once_for_all_its_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _zip_of(tmp_path / "some.zip", [f"d{i}/a.png" for i in range(20)])
    opened: list[object] = []
    real = zipfile.ZipFile.__init__

    def counted(*args: Any, **options: Any) -> None:
        opened.append(args[0])
        real(*args, **options)

    monkeypatch.setattr(zipfile.ZipFile, "__init__", counted)
    source = open_source(path)
    with pytest.raises(SubmissionError, match="several of its folders fit track x4"):
        folders.choose_folder(source, None, load_track("x4"))
    assert len(opened) == 1


def _lying_zip(path: Path, megabytes: int, name: bytes = b"000000_sample00000.png") -> Path:
    """A zip whose one entry states 100 bytes and unpacks to more."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    raw = b"".join(packer.compress(bytes(1 << 20)) for _ in range(megabytes)) + packer.flush()
    numbers = (0, 8, 0, 0, 0, len(raw), 100, len(name), 0)
    entry = struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, *numbers) + name + raw
    directory = struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 20, *numbers, 0, 0, 0, 0, 0) + name
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 1, 1, len(directory), len(entry), 0)
    path.write_bytes(entry + directory + end)
    return path


def test_no_more_is_unpacked_than_a_zip_states(tmp_path: Path) -> None:
    source = ZipSource(_lying_zip(tmp_path / "lies.zip", 64))
    (name,) = source.names()
    tracemalloc.start()
    try:
        with pytest.raises(ImageError, match=r"cannot be read from the zip .*; pack it again"):
            source.read(name)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 << 20


def test_a_bundle_with_false_sizes_is_refused(tmp_path: Path) -> None:
    path = _lying_zip(tmp_path / "lies.zip", 64, b"competition.yaml")
    tracemalloc.start()
    try:
        assert check_bundle(path).refusals
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 << 20


MARKS = "a" + "\u0315\u0316" * 100_000
"""Marks in an order that Unicode's normal forms sort, in quadratic time: minutes for this name."""


def test_long_names_are_compared_at_once_and_refused(tmp_path: Path) -> None:
    assert name_key(MARKS) == MARKS
    assert did_you_mean(MARKS, [MARKS]) == did_you_mean("Deepest", [MARKS]) == ""
    told = f"the team name has {LONGEST_TEAM + 1} characters, and at most {LONGEST_TEAM} are allowed"
    document = to_document(make_results(load_track("x4"), 1, 1, 1, seed=0)[0]) | {"team": "a" * (LONGEST_TEAM + 1)}
    with pytest.raises(ResultsError, match=told):
        from_document(document, "result.json")
    (tmp_path / "values.csv").write_text(f"team,lpips\n{'a' * (LONGEST_TEAM + 1)},1\n{'a' * LONGEST_TEAM},1\n")
    with pytest.raises(RankingError) as caught:
        table_entries(tmp_path / "values.csv")
    (problem,) = caught.value.problems
    assert told in problem


def test_score_refuses_a_long_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("score", tmp_path, "--gt", tmp_path, "--track", "x4", "--team", MARKS, "--board", tmp_path / "b") == 1
    assert "the team name has 200001 characters" in capsys.readouterr().err


def test_many_columns_are_refused(tmp_path: Path) -> None:
    table = tmp_path / "wide.csv"
    table.write_text("team," + ",".join(f"c{i}" for i in range(MAX_COLUMNS)) + "\n")
    with pytest.raises(RankingError, match="line 1: 1001 columns, and at most 1000 are read; remove the others"):
        read_csv_table(table)


def test_the_first_faults_of_a_table_are_listed(tmp_path: Path) -> None:
    table = tmp_path / "values.csv"
    table.write_text("team,lpips\n" + "".join(f"a{i},x\n" for i in range(150)))
    with pytest.raises(RankingError) as caught:
        table_entries(table)
    assert len(caught.value.problems) == 101
    assert caught.value.problems[-1] == "and 50 more"


def test_the_first_strangers_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[str] = []

    def asked(name: str, known: object) -> str:
        searched.append(name)
        return ""

    monkeypatch.setattr(gather, "did_you_mean", asked)
    track = load_track("x4")
    entries = [Entry("Deepest", "team", {"lpips": 0.1, "lr_psnr": 46.0}, "given")]
    (tmp_path / "mor.csv").write_text("team,mor\n" + "".join(f"s{i:04d},2\n" for i in range(50)))
    with pytest.raises(RankingError) as caught:
        gather.gather_entries(track, entries=entries, mor=tmp_path / "mor.csv")
    assert len(caught.value.problems) == 21
    assert caught.value.problems[-1] == "and 30 more"
    (tmp_path / "values.csv").write_text("team,lpips\n" + "".join(f"s{i:04d},2\n" for i in range(50)))
    with pytest.warns(Notice, match="'s0019' and 30 more: no entry has this name"):
        gather.gather_entries(track, entries=entries, values=[tmp_path / "values.csv"])
    assert len(searched) == 40


def test_a_dense_file_on_a_board_is_not_decoded(tmp_path: Path) -> None:
    (tmp_path / "x4").mkdir()
    path = tmp_path / "x4" / "zz.json"
    path.write_text('{"team":"zz"}')
    assert _team_of(path) == "zz"
    with pytest.raises(ResultsError, match="counts as the same name"):
        require_new_name(tmp_path, "x4", "ZZ")
    path.write_text('{"team":"zz","a":[' + ",".join(["[]"] * 200_000) + "]}")
    assert _team_of(path) is None
    require_new_name(tmp_path, "x4", "ZZ")


def test_an_inbox_is_searched_within_bounds(tmp_path: Path) -> None:
    inbox, foreign = tmp_path / "inbox", tmp_path / "foreign"
    (foreign / "inner").mkdir(parents=True)
    (foreign / "inner" / "a.png").touch()
    deep = inbox / "deep"
    deep.mkdir(parents=True)
    here = Path.cwd()
    try:
        os.chdir(deep)
        for _ in range(1200):  # deeper than Python recurses
            Path("d").mkdir()
            os.chdir("d")
    finally:
        os.chdir(here)
    (inbox / "team").mkdir()
    (inbox / "team" / "a.png").touch()
    try:
        (inbox / "empty").mkdir()
        (inbox / "empty" / "link").symlink_to(foreign, target_is_directory=True)
        assert [path.name for path in batch._members(inbox)[1]] == ["team"]
        assert [path.name for path in files_below(inbox)] == ["a.png"]
    finally:
        shutil.move(deep, tmp_path / "aside")
        _remove_deep(tmp_path / "aside")


def _remove_deep(folder: Path) -> None:
    """Remove a chain of folders from its inner end: pytest and shutil recurse."""
    here, depth = Path.cwd(), 0
    try:
        os.chdir(folder)
        while Path("d").is_dir():
            os.chdir("d")
            depth += 1
        for _ in range(depth):
            os.chdir("..")
            Path("d").rmdir()
    finally:
        os.chdir(here)


def test_a_walk_ends_at_its_bound(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"{number}.npy").touch()
    with pytest.raises(OSError, match="contains more than 4 files and folders; give a smaller folder"):
        list(files_below(tmp_path, 4))
    assert len(list(files_below(tmp_path, 5))) == 5
    with pytest.raises(OSError, match="No such file"):
        list(files_below(tmp_path / "none"))


@pytest.mark.parametrize("fails", ["inner", "inner/deeper"])
def test_inner_folders_that_cannot_be_listed_are_left_out(
    tmp_path: Path, fails: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "inner" / "deeper").mkdir(parents=True)
    (tmp_path / "x4").mkdir()
    (tmp_path / "x4" / "a.png").touch()
    real = Path.iterdir

    def refused(self: Path) -> Iterator[Path]:
        if self == tmp_path / fails:
            raise PermissionError(13, "Permission denied", str(self))
        return real(self)

    monkeypatch.setattr(Path, "iterdir", refused)  # root may list all folders
    assert png_folders(tmp_path) == ["x4"]


def test_a_path_that_is_too_long_has_advice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["rank", "--board", str(tmp_path / ("x" * 300))])
    assert ended.value.code == 1
    assert "; give a shorter path" in capsys.readouterr().err
