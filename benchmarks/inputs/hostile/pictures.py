"""Hostile PNGs: name -> (what makes the bytes, words of the error; no words: the file must be accepted)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator

from srspace_eval._utils.png import decode_png, decode_top
from srspace_eval.errors import ImageError

from .. import pngs
from ..pngs import IEND, SIGNATURE, chunk, header


def raw(height: int, width: int, interlace: int = 0) -> bytes:
    """A black picture; its pixels are compressed piece by piece and are never in memory at once."""
    packer = zlib.compressobj(9)
    packed = bytearray()
    left = height * (1 + 3 * width)
    if interlace:  # each row of each pass begins with a filter byte
        left += 2 * height
    while left > 0:
        packed += packer.compress(b"\0" * min(left, 1 << 20))
        left -= 1 << 20
    packed += packer.flush()
    return SIGNATURE + header(width, height, interlace=interlace) + chunk(b"IDAT", bytes(packed)) + IEND


def packed_text(kind: bytes, start: bytes) -> bytes:
    """A chunk of some kilobytes that unpacks to 100 MB."""
    packer = zlib.compressobj(9)
    body = b"".join([*(packer.compress(b"\0" * (1 << 20)) for _ in range(100)), packer.flush()])
    return chunk(kind, start + body)


def split_data(between: bytes) -> bytes:
    plain = pngs.png()
    at = plain.index(b"IDAT") - 4
    (length,) = struct.unpack_from(">I", plain, at)
    body = plain[at + 8 : at + 8 + length]
    middle = length // 2
    return plain[:at] + chunk(b"IDAT", body[:middle]) + between + chunk(b"IDAT", body[middle:]) + IEND


def endless_data() -> bytes:
    """One pixel, followed by 500 MB in the same stream."""
    packer = zlib.compressobj(9)
    body = b"".join([*(packer.compress(b"\0" * (1 << 20)) for _ in range(500)), packer.flush()])
    return SIGNATURE + header(1, 1) + chunk(b"IDAT", body) + IEND


def truncations() -> Iterator[bytes]:
    """An ordinary PNG cut before, inside and after each part of its chunks."""
    text = chunk(b"tEXt", b"Title\0hello")
    data = pngs.with_chunks(pngs.png(), chunk(b"gAMA", struct.pack(">I", 45455)), text)
    position = len(SIGNATURE)
    cuts = {0, 1, 7, 8}
    while position < len(data):
        (length,) = struct.unpack_from(">I", data, position)
        cuts |= {position + n for n in (1, 4, 6, 8, 8 + length // 2, 8 + length, 10 + length)}
        position += 12 + length
    for cut in sorted(cuts):
        if cut < len(data):
            yield data[:cut]


CASES: dict[str, tuple[Callable[[], bytes], str]] = {
    "honest": (pngs.png, ""),
    "JPEG": (pngs.jpeg, "JPEG"),
    "16-bit": (pngs.rgb16, "16 bits"),
    "palette": (pngs.palette, "palette"),
    "zero-sized": (lambda: SIGNATURE + header(0, 5) + IEND, "zero-sized"),
    "2^31 × 2^31 declared": (lambda: SIGNATURE + header(2**31 - 1, 2**31 - 1) + IEND, "declares"),
    "largest picture read, black (65 KB file)": (lambda: raw(8192, 8192), ""),
    "the same, interlaced": (lambda: raw(8192, 8192, 1), ""),
    "one pixel high, 67 million wide": (lambda: raw(1, 1 << 26), ""),
    "one pixel wide, 1 million high": (lambda: raw(1 << 20, 1), ""),
    "500 MB behind the pixel": (endless_data, ""),
    "zTXt bomb": (lambda: pngs.with_chunks(pngs.png(), packed_text(b"zTXt", b"a\0\0")), ""),
    "iTXt bomb": (lambda: pngs.with_chunks(pngs.png(), packed_text(b"iTXt", b"a\0\1\0\0\0")), ""),
    "iCCP bomb": (lambda: pngs.with_chunks(pngs.png(), packed_text(b"iCCP", b"a\0\0")), ""),
    "a million chunks": (lambda: pngs.with_chunks(pngs.png(), chunk(b"tEXt", b"") * 1_000_000), "more than 200000"),
    "second header": (lambda: pngs.with_chunks(pngs.png(), header(8192, 8192)), "unexpected 'IHDR'"),
    "unknown critical chunk": (lambda: pngs.with_chunks(pngs.png(), chunk(b"EVIL", b"")), "unexpected 'EVIL'"),
    "picture data interrupted": (lambda: split_data(chunk(b"tEXt", b"a\0b")), "interrupt its picture data"),
    "picture data in two chunks": (lambda: split_data(b""), ""),
    "ends early": (
        lambda: SIGNATURE + header(9, 9) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + IEND, "damaged picture data"
    ),
    "filter 200": (
        lambda: SIGNATURE + header(2, 1) + chunk(b"IDAT", zlib.compress(b"\xc8" + b"\1" * 6)) + IEND,
        "damaged picture data",
    ),
    "wrong CRC": (lambda: pngs.png()[:-20] + b"\0" + pngs.png()[-19:], "wrong CRC"),
    "trailing data": (lambda: pngs.png() + b"PK\3\4", "follow its end"),
}  # fmt: skip


def attack(data: bytes) -> str:
    """Decode the top of a picture, then all of it; returns the error, or an empty text."""
    try:
        decode_top(data, "x.png")
        decode_png(data, "x.png")
    except ImageError as error:
        return str(error)
    return ""
