from __future__ import annotations

import os
import pickle
import stat
import struct
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.inputs import pngs
from srspace_eval.errors import ImageError, SubmissionError
from srspace_eval.submissions.sources import open_source, outward_links


def make_zip(path: Path, entries: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize(
    "name", ["../evil.png", "a/../../evil.png", "/etc/evil.png", "C:/evil.png", "..\\evil.png", "a/b\\c.png"]
)
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    path = make_zip(tmp_path / "s.zip", {"000000.png": pngs.png(), name: b"x"})
    with pytest.raises(SubmissionError, match=r"points outside the folder|contains a backslash"):
        open_source(path).names()


def windows_zip(path: Path, names: list[str]) -> Path:
    """A zip as ``Compress-Archive`` of PowerShell 5.1 writes it."""
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            info = zipfile.ZipInfo(name)
            info.create_system = 0
            archive.writestr(info, pngs.png())
    return path


def test_folders_of_a_zip_of_windows_powershell_are_folders(tmp_path: Path) -> None:
    source = open_source(windows_zip(tmp_path / "s.zip", ["x4\\000000.png", "x4\\000001.png", "x4\\"]))
    assert source.names() == ["000000.png", "000001.png"]
    assert source.read("000001.png") == pngs.png()


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("..\\evil.png", "points outside"),
        ("x4\\..\\..\\evil.png", "points outside"),
        ("\\evil.png", "points outside"),
        ("\\\\server\\evil.png", "points outside"),
        ("//server/evil.png", "points outside"),
        ("C:\\evil.png", "points outside"),
        ("x4/a\\b.png", "contains a backslash"),
        ("X4\\000000.png", "is contained 2 times"),
        ("a\\" * 101 + "b.png", "more than 100 folders"),
    ],
)
def test_names_of_windows_that_lead_out_are_refused(tmp_path: Path, name: str, fault: str) -> None:
    with pytest.raises(SubmissionError, match=fault):
        open_source(windows_zip(tmp_path / "s.zip", ["x4\\000000.png", name])).names()


def test_links_and_devices_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, kind in [("link.png", stat.S_IFLNK), ("device.png", stat.S_IFCHR)]:
            info = zipfile.ZipInfo(name)
            info.create_system = 3
            info.external_attr = (kind | 0o777) << 16
            archive.writestr(info, "/etc/passwd")
    with pytest.raises(SubmissionError) as caught:
        open_source(path).names()
    assert str(caught.value).count("link or device") == 2


def test_all_faults_of_a_zip_are_listed_together(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "s.zip", {"../a.png": b"", "b.zip": b"", "c.png": b"", "C.png": b""})
    with pytest.raises(SubmissionError) as caught:
        open_source(path).names()
    for words in ("points outside", "zip inside the zip", "is contained 2 times"):
        assert words in str(caught.value)


def test_bombs_are_refused_before_they_are_unpacked(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "s.zip", {"000000.png": bytes(50_000_000)}, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 100_000
    with pytest.raises(SubmissionError, match="no picture compresses"):
        open_source(path).names()


def test_a_lying_size_is_found_when_read(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "s.zip", {"000000.png": b"abcdefgh" * 100})
    data = bytearray(path.read_bytes())
    central = data.index(b"PK\x01\x02")
    struct.pack_into("<I", data, central + 24, 10)  # uncompressed size in the directory
    path.write_bytes(data)
    source = open_source(path)
    with pytest.raises(ImageError, match=r"000000\.png: cannot be read"):
        source.read(source.names()[0])


def test_encrypted_entries_are_refused(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "s.zip", {"000000.png": pngs.png()})
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(SubmissionError, match="is encrypted"):
        open_source(path).names()


def test_too_many_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("srspace_eval.submissions.sources.MAX_ENTRIES", 5)
    path = make_zip(tmp_path / "s.zip", {f"{i}.png": b"" for i in range(6)})
    with pytest.raises(SubmissionError, match="more than 5"):
        open_source(path).names()
    folder = tmp_path / "folder"
    folder.mkdir()
    for i in range(6):
        (folder / f"{i}.png").touch()
    with pytest.raises(SubmissionError, match="more than 5"):
        open_source(folder).names()


def test_damaged_zips_are_named(tmp_path: Path) -> None:
    good = make_zip(tmp_path / "s.zip", {"000000.png": pngs.png()}).read_bytes()
    bad = tmp_path / "bad.zip"
    bad.write_bytes(good[:40] + bytes([good[40] ^ 255]) + good[41:])
    source = open_source(bad)
    with pytest.raises(ImageError, match=r"bad\.zip: 000000\.png: cannot be read"):
        source.read(source.names()[0])
    (tmp_path / "text.zip").write_text("no zip")
    with pytest.raises(SubmissionError, match="neither a folder nor a zip"):
        open_source(tmp_path / "text.zip")
    with pytest.raises(SubmissionError, match="no such folder"):
        open_source(tmp_path / "nowhere")


def test_folder_and_zip_read_the_same_and_nothing_is_unpacked(tmp_path: Path) -> None:
    entries = {"000000.png": pngs.png(), "000001.png": pngs.png(pngs.pixels(seed=1))}
    folder = tmp_path / "s"
    folder.mkdir()
    for name, data in entries.items():
        (folder / name).write_bytes(data)
    zipped = open_source(make_zip(tmp_path / "s.zip", entries, zipfile.ZIP_DEFLATED))
    before = sorted(tmp_path.rglob("*"))
    again = pickle.loads(pickle.dumps(zipped))
    for source in (open_source(folder), zipped, again):
        assert source.names() == list(entries)
        assert {name: source.read(name) for name in entries} == entries
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need rights there")
def test_link_loops_and_dangling_links_are_named(tmp_path: Path) -> None:
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "up").symlink_to(tmp_path)
    source = open_source(tmp_path)
    assert source.names() == ["gone.png", "loop.png", "up"]
    for name in ("gone.png", "loop.png"):
        with pytest.raises(ImageError, match="cannot be read"):
            source.read(name)


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need rights there")
def test_links_that_lead_out_of_a_folder_are_told(tmp_path: Path) -> None:
    folder = tmp_path / "team"
    folder.mkdir()
    (tmp_path / "other.png").write_bytes(b"data")
    (folder / "a.png").write_bytes(b"data")
    (folder / "b.png").symlink_to(folder / "a.png")
    assert list(outward_links(open_source(folder))) == []
    (folder / "c.png").symlink_to(tmp_path / "other.png")
    (notice,) = outward_links(open_source(folder))
    assert notice.startswith(f"{folder}: 1 file is a link to files outside the folder")
    assert f"c.png is a link to {tmp_path / 'other.png'}" in notice
    assert open_source(folder).read("c.png") == b"data"


@pytest.mark.parametrize("packed", [False, True])
def test_decomposed_names_are_read_under_their_composed_names(tmp_path: Path, packed: bool) -> None:
    """macOS writes "ä" as two characters."""
    composed, decomposed = "\u00e4.png", "a\u0308.png"
    if packed:
        source = open_source(make_zip(tmp_path / "s.zip", {decomposed: b"data", "b.png": b"b"}))
    else:
        (tmp_path / decomposed).write_bytes(b"data")
        (tmp_path / "b.png").write_bytes(b"b")
        source = open_source(tmp_path)
    assert source.names() == ["b.png", composed]
    assert source.read(composed) == b"data"


def test_a_name_that_is_there_in_both_forms_keeps_both(tmp_path: Path) -> None:
    names = {"\u00e4.png": b"composed", "a\u0308.png": b"decomposed"}
    source = open_source(make_zip(tmp_path / "s.zip", names))
    assert {name: source.read(name) for name in source.names()} == names


def test_a_dark_picture_without_compression_may_be_deflated(tmp_path: Path) -> None:
    dark = Image.new("RGB", (1356, 1020))
    dark.save(tmp_path / "dark.png", compress_level=0)
    data = (tmp_path / "dark.png").read_bytes()
    path = make_zip(tmp_path / "s.zip", {"dark.png": data}, zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(path) as archive:
        assert archive.infolist()[0].compress_size < len(data) / 200
    assert open_source(path).read("dark.png") == data
