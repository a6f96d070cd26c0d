"""Strict reading of 8-bit RGB PNGs, and their lossless writing.

A file from a stranger is looked at before it is decoded: its signature, every chunk's length and CRC, the declared
size. What is not a plain 8-bit RGB PNG is a named error, never a converted picture. Gamma, colour profiles and
other ancillary chunks do not change the pixels.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from srspace_eval._utils.files import read_bounded, replacing
from srspace_eval._utils.png_chunks import SIGNATURE, write_chunk
from srspace_eval.errors import ImageError

Pixels = npt.NDArray[np.uint8]

MAX_PIXELS = 1 << 26
"""Largest declared picture that is decoded: 67 million pixels, 201 MB of RGB. Below it Pillow warns of nothing."""

MAX_FILE_BYTES = 1 << 29
"""Largest file that is read."""

MAX_CHUNKS = 200_000
"""Most chunks that a file may have: the largest picture in chunks of 8 KiB has a quarter of it."""

_PIECE = 1 << 20
_COLOUR_TYPES = {0: "grey", 3: "palette", 4: "grey with alpha", 6: "RGB with alpha"}
_SIGNATURES = {
    b"\xff\xd8\xff": "a JPEG",
    b"GIF8": "a GIF",
    b"BM": "a BMP",
    b"RIFF": "a RIFF file (WebP?)",
    b"II*\0": "a TIFF",
    b"MM\0*": "a TIFF",
    b"PK": "a zip",
}


@dataclass(frozen=True)
class PngInfo:
    """What a PNG's chunks say: its size in pixels and whether its rows are interlaced."""

    height: int
    width: int
    interlaced: bool


@dataclass(frozen=True)
class _Structure:
    """A PNG that has been looked at, and where its picture data, one IDAT chunk after the other, begins and ends."""

    info: PngInfo
    begin: int
    end: int


def inspect_png(data: bytes, where: str) -> PngInfo:
    """Check a PNG's structure without decoding it.

    Parameters
    ----------
    data:
        The file's bytes.
    where:
        The file's name for messages.

    Raises
    ------
    ImageError
        If it is not a complete 8-bit RGB PNG: another format, 16-bit, grey, palette, alpha, animated, truncated, a
        wrong CRC, zero-sized or too large, or data behind its end.
    """
    return _inspect(data, where).info


def _inspect(data: bytes, where: str) -> _Structure:
    if not data:
        raise ImageError(f"{where}: the file is empty")
    if not data.startswith(SIGNATURE):
        kind = next((name for start, name in _SIGNATURES.items() if data.startswith(start)), "something else")
        if SIGNATURE.startswith(data):
            raise ImageError(f"{where}: truncated in the PNG signature; write the file again")
        raise ImageError(f"{where}: not a PNG but {kind}; save it as 8-bit RGB PNG")
    info: PngInfo | None = None
    begin = data_end = 0
    position = len(SIGNATURE)
    for _ in range(MAX_CHUNKS):
        if position + 12 > len(data):
            raise ImageError(f"{where}: truncated after {len(data)} bytes; write the file again")
        length, kind_ = struct.unpack_from(">I4s", data, position)
        name = kind_.decode("ascii", "replace")
        end = position + 12 + length
        if length > 0x7FFFFFFF or end > len(data):
            raise ImageError(f"{where}: truncated in its {name!r} chunk; write the file again")
        body = memoryview(data)[position + 8 : end - 4]
        if zlib.crc32(body, zlib.crc32(kind_)) != struct.unpack_from(">I", data, end - 4)[0]:
            raise ImageError(f"{where}: damaged: wrong CRC in its {name!r} chunk; write the file again")
        if info is None:
            if kind_ != b"IHDR" or length != 13:
                raise ImageError(f"{where}: damaged: its first chunk is {name!r}, not a header")
            info = _read_header(body, where)
        elif kind_ == b"tRNS":
            raise ImageError(f"{where}: has a transparent colour (tRNS); save it as 8-bit RGB without transparency")
        elif kind_ == b"acTL":
            raise ImageError(f"{where}: is an animated PNG; save one frame as 8-bit RGB PNG")
        elif kind_ == b"IDAT":
            if begin and position != data_end:
                raise ImageError(f"{where}: damaged: other chunks stand between its picture data")
            begin, data_end = begin or position, end
        elif kind_ == b"IEND":
            break
        elif kind_ != b"PLTE" and not kind_[0] & 0x20:
            # A capital first letter: who does not know the chunk cannot know the picture. A second IHDR is one, too.
            raise ImageError(f"{where}: damaged: a {name!r} chunk has no place in it")
        position = end
    else:
        raise ImageError(f"{where}: has more than {MAX_CHUNKS} chunks, as no picture has; write the file again")
    if not begin:
        raise ImageError(f"{where}: damaged: it holds no picture data")
    if end != len(data):
        raise ImageError(f"{where}: {len(data) - end} bytes lie behind its end; write the file again")
    return _Structure(info, begin, data_end)


def _read_header(body: memoryview, where: str) -> PngInfo:
    width, height, depth, colour, compression, filters, interlace = struct.unpack(">IIBBBBB", body)
    if width == 0 or height == 0:
        raise ImageError(f"{where}: zero-sized ({width}×{height} pixels)")
    if width * height > MAX_PIXELS:
        raise ImageError(f"{where}: declares {width}×{height} pixels, more than the {MAX_PIXELS} that are read")
    if colour != 2:
        kind = _COLOUR_TYPES.get(colour, f"of unknown colour type {colour}")
        raise ImageError(f"{where}: is {kind}, not RGB; save it as 8-bit RGB PNG")
    if depth != 8:
        raise ImageError(f"{where}: has {depth} bits a channel, not 8; save it as 8-bit RGB PNG")
    if compression or filters or interlace > 1:
        raise ImageError(f"{where}: damaged: its header names unknown methods")
    return PngInfo(height, width, bool(interlace))


def decode_png(data: bytes, where: str) -> Pixels:
    """Decode the bytes of an 8-bit RGB PNG.

    Returns
    -------
    uint8 array (H, W, 3), writable, exactly the stored values.

    Raises
    ------
    ImageError
        As :func:`inspect_png`, or if the compressed stream is damaged.
    """
    found = _inspect(data, where)
    pixels = _decode(_essential(data, found), where, found.info)
    # Pillow leaves black what a stream that ends early does not fill, and says nothing. Only then is the last row
    # black (or anything, interlaced), so the stream is unpacked a second time for few pictures only.
    if found.info.interlaced or not pixels[-1].any():
        for _ in _unpacked(data, where, found, _raw_size(found.info)):
            pass
    return pixels


def decode_top(data: bytes, where: str, rows: int = 16) -> Pixels:
    """Decode only the first rows of a PNG: cheap, enough to tell most pictures apart.

    Interlaced pictures are decoded whole. Raises as :func:`decode_png`.
    """
    found = _inspect(data, where)
    info = found.info
    rows = min(rows, info.height)
    if info.interlaced or rows == info.height:
        return _decode(_essential(data, found), where, info)[:rows]
    # The first rows as a picture of their own: same filters, stored instead of compressed.
    stream = b"".join(_unpacked(data, where, found, rows * (1 + 3 * info.width)))
    header = struct.pack(">IIBBBBB", info.width, rows, 8, 2, 0, 0, 0)
    small = (
        SIGNATURE
        + write_chunk(b"IHDR", header)
        + write_chunk(b"IDAT", zlib.compress(stream, 0))
        + write_chunk(b"IEND", b"")
    )
    return _decode(small, where, PngInfo(rows, info.width, False))


def _essential(data: bytes, found: _Structure) -> bytes:
    """The PNG with only the chunks that its pixels follow from.

    Profiles, texts and the like change no pixel, and a packed one may be a bomb: they are never parsed.
    """
    header = len(SIGNATURE) + 25
    if found.begin == header and found.end + 12 == len(data):
        return data
    return b"".join([data[:header], memoryview(data)[found.begin : found.end], write_chunk(b"IEND", b"")])


def _unpacked(data: bytes, where: str, found: _Structure, size: int) -> Iterator[bytes]:
    """The first ``size`` bytes of the picture data, unpacked piece by piece; an error if there are not so many."""
    inflater = zlib.decompressobj()
    position, lacking = found.begin, size
    try:
        while position < found.end and lacking:
            (length,) = struct.unpack_from(">I", data, position)
            packed: bytes | memoryview = memoryview(data)[position + 8 : position + 8 + length]
            while lacking and (piece := inflater.decompress(packed, min(lacking, _PIECE))):
                lacking -= len(piece)
                yield piece
                packed = inflater.unconsumed_tail
            position += 12 + length
    except zlib.error as error:
        raise ImageError(f"{where}: damaged picture data ({error}); write the file again") from error
    if lacking:
        raise ImageError(f"{where}: damaged picture data (it ends early); write the file again")


def _raw_size(info: PngInfo) -> int:
    """Bytes of the unpacked picture data: each row of 3 bytes a pixel has a filter byte before it."""
    if not info.interlaced:
        return info.height * (1 + 3 * info.width)
    total = 0
    # Adam7: (first row, first column, row step, column step) of each pass.
    for y, x, dy, dx in [
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    ]:
        rows, columns = -((y - info.height) // dy), -((x - info.width) // dx)
        if rows > 0 and columns > 0:
            total += rows * (1 + 3 * columns)
    return total


def _decode(data: bytes, where: str, info: PngInfo) -> Pixels:
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
            pixels = np.array(picture)
    except (OSError, SyntaxError, ValueError, zlib.error, Image.DecompressionBombError) as error:
        raise ImageError(f"{where}: damaged picture data ({error}); write the file again") from error
    if pixels.dtype != np.uint8 or pixels.shape != (info.height, info.width, 3):
        raise ImageError(f"{where}: decodes to {pixels.dtype} {pixels.shape}, not to 8-bit RGB as its header says")
    return pixels


def read_bytes(path: Path) -> bytes:
    """The bytes of a regular file, bounded by :data:`MAX_FILE_BYTES`.

    Raises
    ------
    ImageError
        If it is missing, unreadable, not a regular file or too large.
    """
    try:
        return read_bounded(path, MAX_FILE_BYTES)
    except OSError as error:
        raise ImageError(f"{path}: cannot be read ({error.strerror or error})") from error


def read_rgb(path: Path | str) -> Pixels:
    """Read an 8-bit RGB PNG.

    Returns
    -------
    uint8 array (H, W, 3).

    Raises
    ------
    ImageError
        If the file cannot be read or is anything but a plain 8-bit RGB PNG; the message names it and the mend.
    """
    path = Path(path)
    return decode_png(read_bytes(path), str(path))


def write_png(path: Path | str, pixels: Pixels, *, compress_level: int = 6) -> None:
    """Write an 8-bit RGB PNG, atomically and without metadata: the same pixels give the same bytes.

    Parameters
    ----------
    pixels:
        uint8 array (H, W, 3).
    compress_level:
        zlib level from 0 (stored) to 9.

    Raises
    ------
    ImageError
        If the array is not uint8 (H, W, 3), or the file cannot be written.
    """
    path = Path(path)
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape:
        raise ImageError(f"{path}: only uint8 (H, W, 3) pixels are written, not {pixels.dtype} {pixels.shape}")
    try:
        with replacing(path, sync=False) as file:
            Image.fromarray(np.ascontiguousarray(pixels)).save(file, format="PNG", compress_level=compress_level)
    except OSError as error:
        raise ImageError(f"{path}: cannot be written ({error.strerror or error})") from error
