"""The structure of 8-bit RGB PNGs, checked without decoding them.

A file of unknown origin is checked before it is decoded: its signature, the length and CRC of every chunk, and the
declared size. Anything but a plain 8-bit RGB PNG is an error that names its kind; no picture is converted.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from srspace_eval._utils.png_chunks import SIGNATURE
from srspace_eval.errors import ImageError

MAX_PIXELS = 1 << 26
"""The largest picture that is decoded: 67 million pixels, 201 MB of RGB. Pillow warns only of larger ones."""

MAX_CHUNKS = 200_000
"""The largest number of chunks: four times as many as the largest picture has in chunks of 8 KiB."""

ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
"""The passes of an interlaced picture: first row, first column, row step and column step."""

_SLACK = 1 << 20  # bytes of picture data; deflate makes incompressible data an eighth longer at most
_MOST_BESIDE = 1 << 26  # bytes of profiles, texts and thumbnails; those of cameras and editors have a few megabytes

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
class PngStructure:
    """A PNG's header, and where its picture data (consecutive IDAT chunks) begins and ends in the file."""

    info: PngInfo
    begin: int
    end: int


def inspect_png(data: bytes, where: str) -> PngInfo:
    """Check a PNG's structure without decoding it.

    Parameters
    ----------
    data
        The file's bytes.
    where
        The file's name for messages.

    Raises
    ------
    ImageError
        If it is not a complete 8-bit RGB PNG: another format, 16-bit, grey, palette, alpha, animated, truncated, a
        wrong CRC, zero-sized or too large, or data behind its end.

    Examples
    --------
    >>> from srspace_eval._utils.png_chunks import write_chunk
    >>> header = write_chunk(b"IHDR", struct.pack(">IIBBBBB", 5, 4, 8, 2, 0, 0, 0))
    >>> data = SIGNATURE + header + write_chunk(b"IDAT", b"") + write_chunk(b"IEND", b"")
    >>> inspect_png(data, "a.png")
    PngInfo(height=4, width=5, interlaced=False)
    """
    return parse_png(data, where).info


def stated_bytes(data: bytes) -> int:
    """The number of bytes of a PNG's decoded pixels, as its header states its size; 0 if it has no header.

    Nothing is checked, so the header may be false.
    """
    if not data.startswith(SIGNATURE) or len(data) < 24:
        return 0
    width, height = struct.unpack_from(">II", data, 16)
    return int(3 * width * height)


def parse_png(data: bytes, where: str) -> PngStructure:
    """Check a PNG's structure as :func:`inspect_png` does, and locate its picture data."""
    if not data:
        raise ImageError(f"{where}: the file is empty")
    if not data.startswith(SIGNATURE):
        kind = next((name for start, name in _SIGNATURES.items() if data.startswith(start)), "something else")
        if SIGNATURE.startswith(data):
            raise ImageError(f"{where}: truncated in the PNG signature; write the file again")
        raise ImageError(f"{where}: not a PNG but {kind}; save it as 8-bit RGB PNG")
    info: PngInfo | None = None
    begin = data_end = held = 0
    position = len(SIGNATURE)
    for _ in range(MAX_CHUNKS):
        if position + 12 > len(data):
            raise ImageError(f"{where}: truncated after {len(data)} bytes; write the file again")
        length, chunk = struct.unpack_from(">I4s", data, position)
        name = chunk.decode("ascii", "replace")
        end = position + 12 + length
        if length > 0x7FFFFFFF or end > len(data):
            raise ImageError(f"{where}: truncated in its {name!r} chunk; write the file again")
        body = memoryview(data)[position + 8 : end - 4]
        if zlib.crc32(body, zlib.crc32(chunk)) != struct.unpack_from(">I", data, end - 4)[0]:
            raise ImageError(f"{where}: damaged: wrong CRC in its {name!r} chunk; write the file again")
        if info is None:
            if chunk != b"IHDR" or length != 13:
                raise ImageError(f"{where}: damaged: its first chunk is {name!r}, not a header; write the file again")
            info = _read_header(body, where)
        elif chunk == b"tRNS":
            raise ImageError(f"{where}: has a transparent colour (tRNS); save it as 8-bit RGB without transparency")
        elif chunk == b"acTL":
            raise ImageError(f"{where}: is an animated PNG; save one frame as 8-bit RGB PNG")
        elif chunk == b"IDAT":
            if begin and position != data_end:
                raise ImageError(f"{where}: damaged: other chunks interrupt its picture data; write the file again")
            begin, data_end, held = begin or position, end, held + length
        elif chunk == b"IEND":
            break
        elif chunk != b"PLTE" and not chunk[0] & 0x20:
            # A capital first letter marks a chunk that a reader must understand, such as a second IHDR.
            raise ImageError(f"{where}: damaged: it contains an unexpected {name!r} chunk; write the file again")
        position = end
    else:
        raise ImageError(f"{where}: has more than {MAX_CHUNKS} chunks; write the file again")
    if not begin:
        raise ImageError(f"{where}: damaged: it contains no picture data; write the file again")
    if end != len(data):
        raise ImageError(f"{where}: {len(data) - end} bytes follow its end; write the file again")
    needed = raw_size(info)
    if held > 2 * needed + _SLACK:
        raise ImageError(
            f"{where}: its picture data has {held} bytes; the picture needs {needed}; write the file again"
        )
    if len(data) - (data_end - begin) > _MOST_BESIDE:
        raise ImageError(
            f"{where}: has more than {_MOST_BESIDE} bytes beside its picture data; save it without metadata"
        )
    return PngStructure(info, begin, data_end)


def raw_size(info: PngInfo) -> int:
    """The number of bytes of the unpacked picture data: one filter byte a row, and three bytes a pixel."""
    if not info.interlaced:
        return info.height * (1 + 3 * info.width)
    total = 0
    for y, x, dy, dx in ADAM7:
        rows, columns = -((y - info.height) // dy), -((x - info.width) // dx)
        if rows > 0 and columns > 0:
            total += rows * (1 + 3 * columns)
    return total


def _read_header(body: memoryview, where: str) -> PngInfo:
    width, height, depth, colour, compression, filters, interlace = struct.unpack(">IIBBBBB", body)
    if width == 0 or height == 0:
        raise ImageError(f"{where}: zero-sized ({width}×{height} pixels)")
    if width * height > MAX_PIXELS:
        raise ImageError(f"{where}: declares {width}×{height} pixels, more than the limit of {MAX_PIXELS}")
    if colour != 2:
        kind = _COLOUR_TYPES.get(colour, f"of unknown colour type {colour}")
        if depth != 8 and colour in _COLOUR_TYPES:
            raise ImageError(f"{where}: is {depth}-bit {kind}, not 8-bit RGB; save it as 8-bit RGB PNG")
        raise ImageError(f"{where}: is {kind}, not RGB; save it as 8-bit RGB PNG")
    if depth != 8:
        raise ImageError(f"{where}: has {depth} bits per channel, not 8; save it as 8-bit RGB PNG")
    if compression or filters or interlace > 1:
        raise ImageError(f"{where}: damaged: its header has unknown methods; write the file again")
    return PngInfo(height, width, bool(interlace))
