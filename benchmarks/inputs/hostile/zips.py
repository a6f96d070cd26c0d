"""Hostile zips: name -> (what makes the file, words of the error; no words: the file must be accepted)."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from srspace_eval._utils.png import write_png
from srspace_eval.errors import SrspaceEvalError
from srspace_eval.submissions.check import check
from srspace_eval.tracks.reader import load_track

from .. import pngs

SAMPLES = ("000000_sample00000.png", "000000_sample00001.png")


def packed(entries: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return file.getvalue()


def honest() -> dict[str, bytes]:
    return {name: pngs.png(pngs.pixels(seed=seed)) for seed, name in enumerate(SAMPLES)}


def of_kind(kind: int) -> bytes:
    """A zip whose entry has a Unix file type, such as a link or a device."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        info = zipfile.ZipInfo(SAMPLES[0])
        info.create_system = 3
        info.external_attr = (kind | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    return file.getvalue()


def edited(fields: dict[int, tuple[str, int]], data: bytes | None = None) -> bytes:
    """A zip with changed numbers in its first directory entry: offset in the entry -> (struct format, value)."""
    changed = bytearray(packed(honest()) if data is None else data)
    entry = changed.index(b"PK\1\2")
    for offset, (form, value) in fields.items():
        struct.pack_into(form, changed, entry + offset, value)
    return bytes(changed)


def directory(count: int, declared: int | None = None, entry_size: int = 48, disks: int = 1) -> bytes:
    """A zip that is only a directory, of ``count`` entries; ``declared`` is a false size in bytes."""
    entry = struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 0, 0, 33, 0, 0, 0, 1, entry_size - 47, 0, 0, 0, 0, 0)
    body = (entry + b"a" + b"\0" * (entry_size - 47)) * count
    size = len(body) if declared is None else declared
    zip64 = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, 0)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, len(body), disks)
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return body + zip64 + locator + end


def overlapping() -> bytes:
    """Many entries that share the same bytes: a small zip of any unpacked size."""
    data = packed({f"{i:06d}.png": pngs.png() for i in range(50)})
    changed = bytearray(data)
    position = 0
    while (position := changed.find(b"PK\1\2", position)) >= 0:
        struct.pack_into("<I", changed, position + 42, 0)
        position += 4
    return bytes(changed)


def zip64_lie() -> bytes:
    """An entry whose zip64 field declares 2^62 bytes."""
    info = struct.pack("<HHQQQ", 1, 24, 1 << 62, 1 << 62, 0)
    name = SAMPLES[0].encode()
    entry = struct.pack(
        "<4s6H3I5H2I", b"PK\1\2", 45, 45, 0, 0, 0, 33, 0, 0xFFFFFFFF, 0xFFFFFFFF, len(name), len(info), 0, 0, 0, 0,
        0xFFFFFFFF,
    )  # fmt: skip
    body = entry + name + info
    return body + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, len(body), 0, 0)


def many(count: int) -> bytes:
    return packed({f"{i:06d}.png": b"" for i in range(count)})


def dark() -> bytes:
    """Uncompressed black pictures, deflated: hardly any ratio is larger."""
    black = {
        name: pngs.png(np.full((400, 400, 3), seed, np.uint8), compress_level=0) for seed, name in enumerate(SAMPLES)
    }
    return packed(black, zipfile.ZIP_DEFLATED)


BOMB = b"\0" * 50_000_000
CASES: dict[str, tuple[Callable[[], bytes], str]] = {
    "honest": (lambda: packed(honest()), ""),
    "traversal": (lambda: packed({"../evil.png": b"x"}), "points outside the folder"),
    "absolute": (lambda: packed({"/tmp/evil.png": b"x"}), "points outside the folder"),
    "drive letter": (lambda: packed({"C:/evil.png": b"x"}), "points outside the folder"),
    "backslashes": (lambda: packed({"..\\evil.png": b"x"}), "contains a backslash"),
    "symbolic link": (lambda: of_kind(stat.S_IFLNK), "link or device"),
    "device": (lambda: of_kind(stat.S_IFBLK), "link or device"),
    "pipe": (lambda: of_kind(stat.S_IFIFO), "link or device"),
    "same name but for case": (lambda: packed({"A.png": b"", "a.png": b""}), "2 times"),
    "zip in zip": (lambda: packed({"a.zip": packed(honest())}), "zip inside the zip"),
    "zip named .png": (lambda: packed({SAMPLES[0]: packed(honest())}), "not a PNG but a zip"),
    "encrypted": (lambda: edited({8: ("<H", 1)}), "is encrypted"),
    "bomb, ratio 1000": (lambda: packed({SAMPLES[0]: BOMB}, zipfile.ZIP_DEFLATED), "no picture compresses"),
    "uncompressed black pictures, deflated": (dark, ""),
    "bomb, overlapping entries": (overlapping, "overlaps"),
    "bomb, declared total": (lambda: edited({20: ("<I", 5_000_000), 24: ("<I", 0x40000000)}), "no picture"),
    "size of 2^62 bytes (zip64)": (zip64_lie, "no picture"),
    "LZMA": (lambda: packed(honest(), zipfile.ZIP_LZMA), "not deflate"),
    "bzip2": (lambda: packed(honest(), zipfile.ZIP_BZIP2), "not deflate"),
    "unknown method 99": (lambda: edited({10: ("<H", 99)}), "not deflate"),
    "unpacked size understated": (lambda: edited({24: ("<I", 10)}), "cannot be read from the zip"),
    "offset beyond the file": (lambda: edited({42: ("<I", 0x7FFFFFFF)}), "cannot be read from the zip"),
    "wrong CRC": (lambda: edited({16: ("<I", 1)}), "cannot be read from the zip"),
    "other name in the entry itself": (
        lambda: packed(honest()).replace(SAMPLES[0].encode(), b"X" * len(SAMPLES[0]), 1), "cannot be read from the zip"
    ),
    "100 001 entries": (lambda: many(100_001), "more than 100000 entries"),
    "directory of 600 000 entries": (lambda: directory(600_000), "more than 100000 entries"),
    "directory of 200 MB": (lambda: directory(3200, entry_size=60_000), "directory is larger"),
    "directory of 2^60 bytes, declared": (lambda: directory(1, 1 << 60), "not a readable zip"),
    "over twelve disks": (lambda: directory(1, disks=12), "not a readable zip"),  # found by benchmarks/fuzz.py
    "truncated": (lambda: packed(honest())[:-30], "a damaged or incomplete zip"),
    "end record and nothing else": (lambda: b"PK\5\6" + b"\0" * 18, "contains no PNG"),
    "readme.txt beside the folder": (
        lambda: packed({"readme.txt": b"hello", **{f"samples/{name}": data for name, data in honest().items()}}), ""
    ),
    "control characters in a name": (lambda: packed({**honest(), "a\x1b[2J\r\n.png": pngs.png()}), "surplus"),
    "names of 60 000 characters": (lambda: packed({**honest(), "a" * 60_000 + ".png": b""}), "longer than"),
}  # fmt: skip


def attack(path: Path) -> str:
    """Check a submission against a GT beside it; returns the error or the faults, or an empty text."""
    gt = path.parent / "gt"
    if not gt.exists():
        gt.mkdir()
        write_png(gt / "0801.png", pngs.pixels(seed=99))
    try:
        checked = check(path, gt, track=load_track("x4"), samples=2)
    except SrspaceEvalError as error:
        return str(error)
    return "\n".join(checked.faults)
