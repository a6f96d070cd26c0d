"""What the sixth attack found in the reading of submissions, each file as small as it can be."""

from __future__ import annotations

import struct
import tracemalloc
import unicodedata
import zipfile
import zlib
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.inputs import pngs
from srspace_eval import check, check_all
from srspace_eval._utils.hashing import sha256
from srspace_eval._utils.png import Pixels, decode_png, write_png
from srspace_eval.errors import CheckpointError, SubmissionError
from srspace_eval.models.checkpoints import spandrel_files
from srspace_eval.models.checkpoints.reading import read_checkpoint
from srspace_eval.models.folders.output_folder import is_made
from srspace_eval.scoring import tasks
from srspace_eval.scoring.tasks import FileRef, load
from srspace_eval.submissions import reading, sources, zip_members
from srspace_eval.submissions.provenance import read_provenance
from srspace_eval.submissions.readme import read_declared
from srspace_eval.submissions.sources import ZipSource, open_source


def raw_zip(path: Path, entries: dict[bytes, bytes], system: int = 0, extra: bytes = b"") -> Path:
    """A zip whose names are stored as these bytes, without the flag of UTF-8."""
    with zipfile.ZipFile(path, "w") as archive:
        for place, (name, data) in enumerate(entries.items()):
            info = zipfile.ZipInfo("ABCD"[place] * len(name))
            info.create_system, info.extra = system, extra
            archive.writestr(info, data)
    packed = path.read_bytes()
    for place, name in enumerate(entries):
        packed = packed.replace(b"ABCD"[place : place + 1] * len(name), name)
    path.write_bytes(packed)
    return path


@pytest.mark.parametrize(
    ("folder", "encoding"),
    [("予測", "cp932"), ("説明/表", "cp932"), ("成功", "big5"), ("测试结果", "gbk"), ("결과", "cp949")],
)
def test_zips_in_code_pages_are_read(tmp_path: Path, folder: str, encoding: str) -> None:
    picture = pngs.png()
    top = folder.encode(encoding)
    inside = open_source(raw_zip(tmp_path / "in.zip", {top + b"/00000001.png": picture, top + b"/00000002.png": b""}))
    assert inside.names() == ["00000001.png", "00000002.png"]
    assert inside.read("00000001.png") == picture
    beside = open_source(raw_zip(tmp_path / "side.zip", {b"x4/00000001.png": picture, top + b"/00000000.txt": b"a"}))
    assert "00000001.png" in beside.names()


@pytest.mark.parametrize("name", [b"x4/a\\b.png", b"x4/\x91\xaa\\0001.png", b"x4/\x97\\\\00001.png"])
def test_a_backslash_that_is_no_part_of_a_letter_is_refused(tmp_path: Path, name: bytes) -> None:
    with pytest.raises(SubmissionError, match="contains a backslash"):
        open_source(raw_zip(tmp_path / "s.zip", {b"x4/000000.png": b"", name: b""})).names()


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_in_utf_8_need_no_flag(tmp_path: Path, form: Any) -> None:
    name = "Zürich_sample00000.png"
    stored = f"sub/{unicodedata.normalize(form, name)}".encode()
    assert open_source(raw_zip(tmp_path / "s.zip", {stored: b"data"}, system=3)).names() == [name]


def test_the_extra_field_of_a_name_is_read_if_it_belongs_to_the_name(tmp_path: Path) -> None:
    raw, name = b"sub/caf\x82_sample0.png", "sub/Zürich.png".encode()
    for crc, found in ((zlib.crc32(raw), "Zürich.png"), (1, "café_sample0.png")):
        field = struct.pack("<HHBI", 0x7075, 5 + len(name), 1, crc) + name
        assert open_source(raw_zip(tmp_path / "s.zip", {raw: b"data"}, extra=field)).names() == [found]


@pytest.mark.parametrize(
    "other",
    ["logs: train/x.txt", ".hidden.png", ".git/HEAD", ".ipynb_checkpoints/a-checkpoint.png"],
)
def test_files_that_are_not_read_refuse_no_zip(tmp_path: Path, other: str) -> None:
    with zipfile.ZipFile(tmp_path / "s.zip", "w") as archive:
        for name in ("2024-03-01T10:30:12/000000.png", "code/Model.py", "code/model.py", other):
            archive.writestr(name, b"data")
    assert "000000.png" in open_source(tmp_path / "s.zip").names()


def test_hidden_files_of_a_folder_do_not_count(tmp_path: Path) -> None:
    for name in (".a.png", "b.png"):
        (tmp_path / name).write_bytes(b"data")
    assert open_source(tmp_path).names() == ["b.png"]


def fat_zip(folder: Path, samples: int = 6, side: int = 64) -> tuple[Path, Path]:
    """A GT of 16×16 pixels, and a zip of much larger samples of it."""
    (folder / "gt").mkdir()
    write_png(folder / "gt" / "0801.png", pngs.pixels(16, 16))
    with zipfile.ZipFile(folder / "s.zip", "w") as archive:
        for sample in range(samples):
            write_png(folder / "a.png", np.full((side, side, 3), sample, np.uint8))
            archive.write(folder / "a.png", f"000000_sample{sample:05d}.png")
    return folder / "gt", folder / "s.zip"


def test_score_holds_one_large_sample_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_LARGE", 2000)
    alone: list[bool] = []

    def decode(data: bytes, where: str) -> Pixels:
        alone.append(sources._ALONE._is_owned())  # type: ignore[attr-defined]
        return decode_png(data, where)

    monkeypatch.setattr(tasks, "decode_png", decode)
    _, path = fat_zip(tmp_path, 1)
    source = open_source(path)
    (name,) = source.names()
    ref = FileRef(name, sha256(source.read(name)))
    assert load(source, ref, 16, 16).shape == (16, 16, 3)
    assert load(source, ref, 64, 64).shape == (64, 64, 3)  # as large as its GT: many at once
    assert alone == [True, False]


def test_a_cropped_sample_does_not_hold_the_whole_picture(tmp_path: Path) -> None:
    _, path = fat_zip(tmp_path, 1, 1024)
    source = open_source(path)
    (name,) = source.names()
    ref = FileRef(name, sha256(source.read(name)))
    tracemalloc.start()
    held = [load(source, ref, 16, 16) for _ in range(4)]
    now, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(held) == 4
    assert now < 1 << 20  # one whole picture has 3 MB


def test_an_open_picture_is_held_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[tuple[int, int]] = []

    def noted(size: int, needed: int) -> AbstractContextManager[None]:
        sizes.append((size, needed))
        return nullcontext()

    monkeypatch.setattr(reading, "alone_if_large", noted)
    _, path = fat_zip(tmp_path, 1)
    source = open_source(path)
    (name,) = source.names()
    with reading.open_picture(source, name, 16, 8) as data:
        assert sizes == [(len(data), 384), (3 * 64 * 64, 384)]


def test_no_more_of_a_readme_is_unpacked_than_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "s.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("000000.png", pngs.png())
        archive.writestr("readme.txt", b"runtime: 3\n" + b"\n" * (1 << 23))
        archive.writestr("srspace-eval-sample.json", b"{" + b" " * (1 << 23))
    source = open_source(tmp_path / "s.zip")
    taken: list[int] = []
    read = zipfile.ZipExtFile.read

    def counted(file: zipfile.ZipExtFile, n: int | None = -1) -> bytes:
        data = read(file, n)
        taken.append(len(data))
        return data

    monkeypatch.setattr(zipfile.ZipExtFile, "read", counted)
    found = read_declared(source)
    assert found is not None
    assert found[1].runtime == 3
    assert read_provenance(source) is None
    assert taken == [1 << 16, (1 << 20) + 1]


def test_the_first_bytes_of_a_file_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_bytes(b"abcdef")
    assert open_source(tmp_path).read("readme.txt", 3) == b"abc"
    assert open_source(tmp_path).read("readme.txt", 30) == b"abcdef"


def test_an_inbox_keeps_no_zip_open(tmp_path: Path) -> None:
    gt, path = fat_zip(tmp_path, 1, 16)
    (tmp_path / "inbox").mkdir()
    for team in "abc":
        (tmp_path / "inbox" / f"{team}.zip").write_bytes(path.read_bytes())
    batch = check_all(tmp_path / "inbox", gt, track="x4", samples=1)
    assert not batch.faulty
    for outcome in batch.outcomes:
        assert outcome.check is not None
        assert isinstance(outcome.check.submission, ZipSource)
        assert outcome.check.submission._archive is None
        assert outcome.check.submission.names() == ["000000_sample00000.png"]  # opened again


def test_an_error_of_the_gt_is_not_said_of_the_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gt, _ = fat_zip(tmp_path, 1)
    with zipfile.ZipFile(tmp_path / "s.zip", "w") as archive:
        for folder in ("x4", "preview"):
            archive.writestr(f"{folder}/000000_sample00000.png", pngs.png())
    iterdir = Path.iterdir

    def refuse(path: Path) -> Any:
        if path == gt:
            raise OSError(24, "Too many open files")
        return iterdir(path)

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(SubmissionError, match=r"gt: cannot be read \(Too many open files\)"):
        check(tmp_path / "s.zip", gt, track="x4", samples=1)


def test_zips_of_the_finder_above_4_gb_are_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "s.zip", "w") as archive:
        archive.writestr("0.png", b"data")
        archive.writestr("1.png", b"data")
    data = bytearray((tmp_path / "s.zip").read_bytes())
    struct.pack_into("<I", data, data.rindex(b"PK\1\2") + 42, 0)
    (tmp_path / "s.zip").write_bytes(data)
    with pytest.raises(SubmissionError, match="pack the PNGs again"):
        open_source(tmp_path / "s.zip").names()
    monkeypatch.setattr(zip_members, "_ZIP64", 100)
    with pytest.raises(SubmissionError, match=r"more than 4 GB; pack the PNGs with `zip -r`(?s:.*)overlaps"):
        open_source(tmp_path / "s.zip").names()


@pytest.mark.parametrize("scale", [-3, 0])
def test_scales_below_1_are_refused(scale: int) -> None:
    pytest.importorskip("spandrel")
    kind = SimpleNamespace(name="FDAT", id="FDAT")
    found = SimpleNamespace(
        architecture=kind, tags=[], purpose="SR", input_channels=3, output_channels=3, scale=scale
    )  # fmt: skip
    with pytest.raises(CheckpointError) as caught:
        spandrel_files._check_usable(Path("a.pth"), found)
    assert f"its scale is {scale}; it must be between 1 and 16" in caught.value.problems


def test_an_empty_file_or_a_folder_is_no_sample(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    (tmp_path / "folder.png").mkdir()
    write_png(tmp_path / "a.png", pngs.pixels())
    assert [is_made(tmp_path / f"{name}.png") for name in ("empty", "folder", "none", "a")] == [False] * 3 + [True]


def test_prefixes_of_compiled_and_parallel_networks_are_removed(tmp_path: Path) -> None:
    torch.save({"module._orig_mod.a.weight": torch.ones(2), "module._orig_mod.b": torch.ones(1)}, tmp_path / "a.pth")
    assert sorted(read_checkpoint(tmp_path / "a.pth")) == ["a.weight", "b"]
