"""Samples with chunks that change their look in a browser, or that tell more than pixels; and names in two forms."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from srspace_eval._utils.hashing import sha256
from srspace_eval._utils.png import read_rgb, write_png
from srspace_eval.errors import SrspaceEvalError
from srspace_eval.ranking import Entry, rank
from srspace_eval.report.html import Pictures, write_site
from srspace_eval.submissions.pairing import pair
from srspace_eval.submissions.sources import open_source
from srspace_eval.tracks.reader import load_track

from .. import pngs
from ..boards import make_results, write_pictures
from ..pngs import chunk

_SECRET = b"a private text"
_TURNED = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x03\0\0\0\0\0\0"  # Exif: turned by 180 degrees

CHUNKS: dict[str, tuple[bytes, str]] = {
    "gAMA": (chunk(b"gAMA", struct.pack(">I", 220000)), ""),
    "cHRM": (chunk(b"cHRM", struct.pack(">8I", *[30000, 30000, 64000, 33000, 30000, 60000, 15000, 6000])), ""),
    "sRGB": (chunk(b"sRGB", b"\2"), ""),
    "iCCP": (chunk(b"iCCP", _SECRET + b"\0\0" + zlib.compress(_SECRET * 20)), ""),
    "sBIT": (chunk(b"sBIT", b"\1\1\1"), ""),
    "bKGD": (chunk(b"bKGD", b"\0\xff\0\xff\0\xff"), ""),
    "tRNS": (chunk(b"tRNS", b"\0\1\0\2\0\3"), "transparent colour"),
    "eXIf, turned": (chunk(b"eXIf", _TURNED + _SECRET), ""),
    "tEXt": (chunk(b"tEXt", b"Author\0" + _SECRET), ""),
    "zTXt": (chunk(b"zTXt", b"Comment\0\0" + zlib.compress(_SECRET)), ""),
    "iTXt": (chunk(b"iTXt", b"Title\0\0\0\0\0" + _SECRET), ""),
    "tIME": (chunk(b"tIME", struct.pack(">HBBBBB", 2026, 1, 2, 3, 4, 5)), ""),
    "pHYs": (chunk(b"pHYs", struct.pack(">IIB", 1, 100, 0)), ""),
    "acTL (animation)": (chunk(b"acTL", struct.pack(">II", 1, 0)), "animated PNG"),
    "a private chunk": (chunk(b"prVt", _SECRET), ""),
}
"""Kind -> a chunk behind the header of a sample, and the words of the error (none: its pixels are published)."""


def attack_chunk(extra: bytes, folder: Path) -> str:
    """Publish a sample with this chunk; returns the error, or what else than its pixels was published."""
    track = load_track("x8")
    gt, folders, results = write_pictures(folder / "in", make_results(track, 1, 1, 1, seed=0, size=(40, 48)))
    image = results[0].images[0]
    file = folders[results[0].team] / image.samples[0].file
    file.write_bytes(pngs.with_chunks(file.read_bytes(), extra))
    sample = replace(image.samples[0], sha256=sha256(file.read_bytes()))
    result = replace(results[0], images=(replace(image, samples=(sample,)),))
    entries = [Entry(result.team, result.kind, result.summary, "measured", result)]
    try:
        pixels = read_rgb(file)
        write_site(folder / "site", [rank(entries, track)], pictures={"x8": Pictures(gt, folders)})
    except SrspaceEvalError as error:
        return str(error)
    published = list((folder / "site").rglob("*.png"))
    found = [f"{path.name}: {kinds(path)}" for path in published if kinds(path) != {"IHDR", "IDAT", "IEND"}]
    if not any(np.array_equal(read_rgb(path), pixels) for path in published):
        found.append("the sample's pixels are not published")
    if any(_SECRET in path.read_bytes() for path in (folder / "site").rglob("*") if path.is_file()):
        found.append("the private text is published")
    return "\n".join(found)


def kinds(path: Path) -> set[str]:
    """The kinds of a PNG's chunks."""
    found, at, data = set(), 8, path.read_bytes()
    while at < len(data):
        found.add(data[at + 4 : at + 8].decode("latin-1"))
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    return found


def _names(gt: str, sample: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        for name in (f"truth/{gt}.png", f"samples/{sample}_sample00000.png"):
            (folder / name).parent.mkdir(exist_ok=True)
            write_png(folder / name, pngs.pixels())

    return write


NAMES: dict[str, tuple[Callable[[Path], None], str]] = {
    "composed GT, decomposed sample": (_names("\u00e4", "a\u0308"), ""),
    "decomposed GT, composed sample": (_names("a\u0308", "\u00e4"), ""),
    "Hangul, decomposed": (_names("\ud55c", "\u1112\u1161\u11ab"), ""),
    "two marks": (_names("\u1ec7", "e\u0323\u0302"), ""),
    "another letter": (_names("\u00e4", "a"), "a_sample00000.png"),
    "another script": (_names("a", "\u0430"), "_sample00000.png"),
}
"""Kind -> what writes a GT and a sample, and the words of the fault (none: they belong together)."""


def attack_names(folder: Path) -> str:
    """Pair a sample with its GT; returns the error or the faults, or an empty text."""
    try:
        found = pair(
            open_source(folder / "samples"), open_source(folder / "truth"), replace(load_track("x4"), samples=1)
        )
    except SrspaceEvalError as error:
        return str(error)
    return "\n".join(map(str, (*found.missing, *found.faults)))
