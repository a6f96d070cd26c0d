"""Files that get into their folder together or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from srspace_eval.errors import RankingError
from srspace_eval.report.staging import staged
from tests.helpers.pages import contents


def _fill(out: Path, *names: str) -> None:
    with staged(out) as stage:
        for name in names:
            (stage / name).parent.mkdir(parents=True, exist_ok=True)
            (stage / name).write_bytes(name.encode())


def test_files_of_the_folder_that_the_block_does_not_write_are_kept(tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    _fill(out, "a.txt", "x/b.html")
    (out / "mine").write_bytes(b"mine")
    _fill(out, "x/c.html")
    found = {name.replace("\\", "/"): data for name, data in contents(out).items()}
    assert found == {"a.txt": b"a.txt", "mine": b"mine", "x/b.html": b"x/b.html", "x/c.html": b"x/c.html"}


def test_a_failure_leaves_the_folder_unchanged(tmp_path: Path) -> None:
    def fail(out: Path) -> None:
        with staged(out) as stage:
            (stage / "a.txt").write_bytes(b"new")
            raise ValueError("halfway")

    with pytest.raises(ValueError, match="halfway"):
        fail(tmp_path / "new" / "out")
    assert not (tmp_path / "new").exists()
    _fill(tmp_path / "out", "a.txt")
    with pytest.raises(ValueError, match="halfway"):
        fail(tmp_path / "out")
    assert contents(tmp_path / "out") == {"a.txt": b"a.txt"}


@pytest.mark.parametrize("way", ["folder", "file"])
def test_obstacles_are_found_before_any_file_is_moved(tmp_path: Path, way: str) -> None:
    if way == "folder":
        (tmp_path / "z.txt").mkdir()
    else:
        (tmp_path / "z").write_bytes(b"")
    with pytest.raises(OSError, match="move it away"):
        _fill(tmp_path, "a.txt", "z.txt" if way == "folder" else "z/z.txt")
    assert not (tmp_path / "a.txt").exists()


def test_files_of_a_killed_process_are_removed(tmp_path: Path) -> None:
    (tmp_path / ".srspace-eval.tmp/x").mkdir(parents=True)
    (tmp_path / ".srspace-eval.tmp/x/torn").write_bytes(b"torn")
    _fill(tmp_path, "a.txt")
    assert contents(tmp_path) == {"a.txt": b"a.txt"}


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_a_symbolic_link_instead_of_the_stage_is_not_followed(tmp_path: Path) -> None:
    other, out = tmp_path / "other", tmp_path / "out"
    other.mkdir()
    out.mkdir()
    (other / "mine").write_bytes(b"mine")
    (out / ".srspace-eval.tmp").symlink_to(other)
    _fill(out, "a.txt")
    assert contents(other) == {"mine": b"mine"}
    assert contents(out) == {"a.txt": b"a.txt"}


def test_two_processes_at_once_are_an_error(tmp_path: Path) -> None:
    with staged(tmp_path), pytest.raises(RankingError, match="another process is writing"):
        _fill(tmp_path, "a.txt")
    assert contents(tmp_path) == {}


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
@pytest.mark.parametrize("place", ["", "x8", ".srspace-eval.lock"])
def test_a_symbolic_link_in_the_folder_or_instead_of_it_is_not_followed(tmp_path: Path, place: str) -> None:
    other, out = tmp_path / "other", tmp_path / "out"
    other.mkdir()
    (other / "mine").write_bytes(b"mine")
    if place:
        out.mkdir()
    (out / place).symlink_to(other / "mine" if place.startswith(".") else other)
    with pytest.raises(OSError, match="is a symbolic link, which is not followed"):
        _fill(out, "a.txt", "x8/b.html")
    assert contents(other) == {"mine": b"mine"}
