from __future__ import annotations

import os
import sys
import threading
import zipfile
from pathlib import Path
from typing import BinaryIO

import pytest

from srspace_eval._utils.files import is_zip, read_bounded, refuse_packed, replacing, temporary_of


def write(path: Path, data: bytes) -> None:
    with replacing(path) as file:
        file.write(data)


def test_the_old_file_remains_until_the_new_one_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"old")
    with replacing(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_the_old_file_and_no_temporary(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"old")

    def interrupted() -> None:
        with replacing(path) as file:
            file.write(b"half of the n")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {"a.json": b"old"}


def test_on_windows_only_closed_files_are_renamed_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[BinaryIO] = []
    moved: list[bool] = []
    rename, remove = Path.replace, Path.unlink
    monkeypatch.setattr(Path, "replace", lambda *a: (moved.append(opened[-1].closed), rename(*a)))
    monkeypatch.setattr(Path, "unlink", lambda *a, **k: (moved.append(opened[-1].closed), remove(*a, **k)))
    monkeypatch.setattr(sys, "platform", "win32")

    def use(data: bytes | None) -> None:
        with replacing(tmp_path / "a.json") as file:
            opened.append(file)
            if data is None:
                raise KeyboardInterrupt
            file.write(data)

    use(b"new")
    with pytest.raises(KeyboardInterrupt):
        use(None)
    assert moved == [True, True]
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {"a.json": b"new"}


@pytest.mark.skipif(sys.platform == "win32", reason="temporaries have other names there")
def test_the_temporary_of_a_killed_process_is_reused(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    temporary_of(path).write_bytes(b"left by a killed process, and longer than the new one")
    write(path, b"new")
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {"a.json": b"new"}


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need rights there")
def test_a_link_in_place_of_the_temporary_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    temporary_of(tmp_path / "a.json").symlink_to(victim)
    with pytest.raises(OSError, match="symbolic links"):
        write(tmp_path / "a.json", b"new")
    assert victim.read_bytes() == b"precious"


def test_many_writers_of_one_file_wait_for_each_other(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    texts = [bytes([65 + i]) * 50_000 for i in range(8)]
    threads = [threading.Thread(target=lambda t=t: [write(path, t) for _ in range(20)]) for t in texts]
    for thread in threads:
        thread.start()
    seen = set()
    while any(thread.is_alive() for thread in threads):
        if path.exists():
            seen.add(path.read_bytes())
    for thread in threads:
        thread.join()
    assert seen <= set(texts)
    assert path.read_bytes() in texts
    assert list(tmp_path.iterdir()) == [path]


def test_the_longest_file_names_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("a" * 255)
    write(path, b"new")
    assert list(tmp_path.iterdir()) == [path]


def test_reading_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    assert read_bounded(path, 5) == b"12345"
    with pytest.raises(OSError, match="larger than 4 bytes"):
        read_bounded(path, 4)
    with pytest.raises(FileNotFoundError):
        read_bounded(tmp_path / "b", 4)
    with pytest.raises(OSError, match="null"):
        read_bounded(Path("a\0b"), 4)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(OSError, match="not a regular file"):
            read_bounded(tmp_path / "pipe", 4)


def test_compressed_zips_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    for method, fine in ((zipfile.ZIP_STORED, True), (zipfile.ZIP_DEFLATED, False)):
        with zipfile.ZipFile(path, "w", method) as archive:
            archive.writestr("a", b"\0" * 10_000)
        assert is_zip(path)
        if fine:
            refuse_packed(path)
        else:
            with pytest.raises(ValueError, match="unpacks to 10000 bytes"):
                refuse_packed(path)
    path.write_bytes(b"no zip")
    assert not is_zip(path)
    refuse_packed(path)
