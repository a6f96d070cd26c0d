"""Attacks of the fifth round on the readers of checkpoints and zips, which succeeded before."""

from __future__ import annotations

import struct
import time
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

from srspace_eval._utils.png import Pixels, decode_png, write_png
from srspace_eval._utils.png_chunks import SIGNATURE, write_chunk
from srspace_eval.errors import CheckpointError, ImageError
from srspace_eval.models.checkpoints.reading import read_checkpoint
from srspace_eval.models.checkpoints.spandrel_files import _refuse_long_lists, build_with_spandrel
from srspace_eval.submissions import inspection, sources
from srspace_eval.submissions.pairing import pair
from srspace_eval.submissions.sources import open_source
from srspace_eval.tracks.reader import load_track

ONE = torch.zeros(1)


def _png(idat: bytes, beside: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"tEXt", beside), (b"IDAT", idat), (b"IEND", b"")]
    return SIGNATURE + b"".join(write_chunk(kind, body) for kind, body in chunks)


def test_a_png_holds_no_more_than_its_picture_needs() -> None:
    stream = zlib.compress(bytes(8 * 25), 0)
    assert decode_png(_png(stream + bytes(1 << 20), bytes(8 << 20)), "a.png").shape == (8, 8, 3)
    with pytest.raises(ImageError, match="its picture data has 2097363 bytes; the picture needs 200"):
        decode_png(_png(stream + bytes(2 << 20)), "a.png")
    with pytest.raises(ImageError, match="bytes beside its picture data"):
        decode_png(_png(stream, bytes(1 << 26)), "a.png")


@pytest.mark.parametrize("kind", ["file", "picture"])
def test_threads_hold_one_large_picture_at_a_time(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_LARGE", 2000)
    for name in ("gt", "sub"):
        (tmp_path / name).mkdir()
    for image in range(6):
        write_png(tmp_path / "gt" / f"080{image + 1}.png", np.full((16, 16, 3), image, np.uint8))
        large = np.full((64, 64, 3), image, np.uint8)
        write_png(tmp_path / "sub" / f"{image:06d}_sample00000.png", large, compress_level=0 if kind == "file" else 9)
    held: list[str] = []
    most: list[int] = []

    def decode(data: bytes, where: str) -> Pixels:
        if "sample" in where:
            held.append(where)
            time.sleep(0.01)
            most.append(len(held))
            held.pop()
        return decode_png(data, where)

    monkeypatch.setattr(inspection, "decode_png" if kind == "picture" else "decode_top", decode)
    submission, gt = open_source(tmp_path / "sub"), open_source(tmp_path / "gt")
    paired = pair(submission, gt, load_track("x4"), samples=1)
    found = inspection.inspect(paired, submission, gt, load_track("x4"), whole=kind == "picture", workers=6)
    assert len(found.samples) == 6
    assert most == [1] * 6


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ([f"a{i}" + ".0" * 496 for i in range(5001)], "more than 5000 parameters"),
        ([f"a{i}" + ".0" * 496 for i in range(5000)], "a name of more than 150 parts"),
        ([f"{i}a" + ".0" * 149 for i in range(5000)], "lists of layers are absurd"),
        ([f"{i}a" + ".-1" * 149 for i in range(5000)], "lists of layers are absurd"),
    ],
)
def test_names_of_many_numbers_take_no_memory(names: list[str], found: str, tmp_path: Path) -> None:
    tracemalloc.start()
    with pytest.raises(CheckpointError) as caught:
        _refuse_long_lists(tmp_path / "a.pth", names)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50_000_000
    assert found.replace("lists of layers are absurd", "0 places") in str(caught.value) or "places" in str(caught.value)


def test_a_torchscript_program_is_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.pt", "w") as archive:
        for name in ("a/data.pkl", "a/code/__torch__.py", "a/constants.pkl"):
            archive.writestr(name, b"")
    with pytest.raises(CheckpointError, match="is a TorchScript program"):
        read_checkpoint(tmp_path / "a.pt")


def test_a_checkpoint_of_names_of_many_parts_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("spandrel")
    with pytest.raises(CheckpointError, match="a name of more than 150 parts"):
        build_with_spandrel(tmp_path / "a.pth", {"a" + ".0" * 200: ONE}, torch.device("cpu"))
