"""Hostile zips, folders and PNGs: each gives a named error, and no file outside is created or changed."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks.inputs import pngs
from benchmarks.inputs.hostile import pictures, zips
from srspace_eval._utils.png import decode_png, write_png
from srspace_eval.errors import ImageError, SubmissionError
from srspace_eval.submissions.pairing import pair
from srspace_eval.submissions.sources import open_source
from srspace_eval.tracks.reader import load_track

BIG = {
    "largest picture read, black (65 KB file)", "the same, interlaced", "one pixel high, 67 million wide",
    "500 MB behind the pixel", "directory of 200 MB",
}  # fmt: skip  # measured in benchmarks/hardening.py


@pytest.mark.parametrize("kind", [kind for kind in zips.CASES if kind not in BIG])
def test_hostile_zips_are_named_errors(kind: str, tmp_path: Path) -> None:
    make, words = zips.CASES[kind]
    path = tmp_path / "in" / "s.zip"
    path.parent.mkdir()
    path.write_bytes(make())
    zips.attack(path)  # makes the GT
    before = sorted(tmp_path.rglob("*"))
    found = zips.attack(path)
    assert words in found
    assert bool(words) == bool(found)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("kind", [kind for kind in pictures.CASES if kind not in BIG])
def test_hostile_pictures_are_named_errors(kind: str) -> None:
    make, words = pictures.CASES[kind]
    found = pictures.attack(make())
    assert words in found
    assert bool(words) == bool(found)


@pytest.mark.parametrize("kind", ["zTXt bomb", "iCCP bomb", "picture data in two chunks"])
def test_accepted_pictures_have_the_stored_pixels(kind: str) -> None:
    assert np.array_equal(decode_png(pictures.CASES[kind][0](), "x"), pngs.pixels())


def test_a_picture_truncated_at_any_chunk_is_an_error() -> None:
    cuts = list(pictures.truncations())
    assert len(cuts) > 30
    assert all(pictures.attack(data) for data in cuts)


def test_a_truncated_or_changed_zip_raises_only_errors_of_the_package(tmp_path: Path) -> None:
    data = zips.packed(zips.honest())
    path = tmp_path / "s.zip"
    positions = range(0, len(data), 37)
    for position in positions:
        path.write_bytes(data[:position])
        assert zips.attack(path)
    for position in positions:
        flipped = bytearray(data)
        flipped[position] ^= 0x40
        path.write_bytes(flipped)
        zips.attack(path)  # an error, or fields that mean nothing: never an exception of another kind


@pytest.mark.skipif(os.name == "nt", reason="no pipes there")
def test_special_files_in_a_folder_are_named_faults(tmp_path: Path) -> None:
    sub, gt = tmp_path / "sub", tmp_path / "gt"
    for folder in (sub, gt):
        folder.mkdir()
    write_png(gt / "0801.png", pngs.pixels(seed=9))
    write_png(sub / "000000_sample00000.png", pngs.pixels())
    os.mkfifo(sub / "000000_sample00001.png")
    (sub / "000000_sample00002.png").mkdir()
    (sub / "000000_sample00003.png").symlink_to("/dev/zero")
    (sub / "000000_sample00004.png").symlink_to(sub / "000000_sample00004.png")
    (sub / "loop").symlink_to(sub)
    (sub / os.fsdecode(b"\xff\xfe.png")).write_bytes(b"")
    from srspace_eval.submissions.check import check

    checked = check(sub, gt, track=load_track("x4"), samples=5)
    for number in range(1, 5):
        assert sum(f"sample{number:05d}" in fault for fault in checked.faults) == 1
    assert sum("not a regular file" in fault for fault in checked.faults) == 2
    assert sum("surplus" in fault for fault in checked.faults) == 1


def test_unreadable_files_and_folders_are_named_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **more: object) -> None:
        raise PermissionError(13, "Permission denied")

    for folder in ("sub", "gt"):
        (tmp_path / folder).mkdir()
        write_png(tmp_path / folder / "000000.png", pngs.pixels())
    # Tests may run as a user whom permissions do not bind.
    monkeypatch.setattr("srspace_eval._utils.files.os.open", refuse)
    with pytest.raises(ImageError, match=r"000000\.png: cannot be read \(Permission denied\)"):
        open_source(tmp_path / "sub").read("000000.png")
    monkeypatch.undo()
    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(SubmissionError, match=r"cannot be listed \(Permission denied\)"):
        open_source(tmp_path / "sub").names()


def test_pairing_takes_a_hundred_thousand_files_in_seconds(tmp_path: Path) -> None:
    class Many:
        path = tmp_path

        def names(self) -> list[str]:
            return [f"{i:06d}_sample00000.png" for i in range(60_000)] + [f"{i}.txt" for i in range(40_000)]

        def read(self, name: str, most: int | None = None) -> bytes:
            raise AssertionError("pairing reads no file")

        def size(self, name: str) -> int:
            return 0

        def where(self, name: str) -> str:
            return name

    write_png(tmp_path / "0801.png", pngs.pixels())
    pairing = pair(Many(), open_source(tmp_path), load_track("x4"), samples=1)
    assert len(pairing.faults) == 59_999
    assert pairing.resolved == 1
