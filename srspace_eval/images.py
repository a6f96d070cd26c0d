"""Strict reading of 8-bit RGB PNGs, and their lossless writing.

A file from a stranger is looked at before it is decoded: its signature, every chunk's length and CRC, the declared
size. What is not a plain 8-bit RGB PNG is a named error, never a converted picture. Gamma, colour profiles and
other ancillary chunks do not change the pixels.
"""

from __future__ import annotations

import hashlib
import io
import os
import struct
import tempfile
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from srspace_eval.errors import ImageError

Pixels = npt.NDArray[np.uint8]

MAX_PIXELS = 1 << 27
"""Largest declared picture that is decoded: 134 million pixels, 400 MB of RGB."""

MAX_FILE_BYTES = 1 << 29
"""Largest file that is read."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
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
    if not data:
        raise ImageError(f"{where}: the file is empty")
    if not data.startswith(_SIGNATURE):
        kind = next((name for start, name in _SIGNATURES.items() if data.startswith(start)), "something else")
        if _SIGNATURE.startswith(data):
            raise ImageError(f"{where}: truncated in the PNG signature; write the file again")
        raise ImageError(f"{where}: not a PNG but {kind}; save it as 8-bit RGB PNG")
    info: PngInfo | None = None
    seen_data = False
    position = len(_SIGNATURE)
    while True:
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
            seen_data = True
        elif kind_ == b"IEND":
            break
        position = end
    if not seen_data:
        raise ImageError(f"{where}: damaged: it holds no picture data")
    if end != len(data):
        raise ImageError(f"{where}: {len(data) - end} bytes lie behind its end; write the file again")
    return info


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
    info = inspect_png(data, where)
    pixels = _decode(data, where, info.height, info.width)
    # Pillow leaves black what a stream that ends early does not fill, and says nothing. Only then is the last row
    # black (or anything, interlaced), so the stream is unpacked a second time for few pictures only.
    if info.interlaced or not pixels[-1].any():
        _unpack(data, where, _raw_size(info))
    return pixels


def decode_top(data: bytes, where: str, rows: int = 16) -> Pixels:
    """Decode only the first rows of a PNG: cheap, enough to tell most pictures apart.

    Interlaced pictures are decoded whole. Raises as :func:`decode_png`.
    """
    info = inspect_png(data, where)
    rows = min(rows, info.height)
    if info.interlaced or rows == info.height:
        return _decode(data, where, info.height, info.width)[:rows]
    # The first rows as a picture of their own: same filters, stored instead of compressed.
    stream = _unpack(data, where, rows * (1 + 3 * info.width))
    header = struct.pack(">IIBBBBB", info.width, rows, 8, 2, 0, 0, 0)
    small = b"".join(
        [
            _SIGNATURE,
            _chunk(b"IHDR", header),
            _chunk(b"IDAT", zlib.compress(stream, 0)),
            _chunk(b"IEND", b""),
        ]
    )
    return _decode(small, where, rows, info.width)


def _unpack(data: bytes, where: str, size: int) -> bytes:
    """The first ``size`` bytes of the picture data, unpacked."""
    inflater = zlib.decompressobj()
    stream = bytearray()
    try:
        for body in _chunks(data, b"IDAT"):
            stream += inflater.decompress(body, size - len(stream))
            if len(stream) == size:
                return bytes(stream)
    except zlib.error as error:
        raise ImageError(f"{where}: damaged picture data ({error}); write the file again") from error
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


def _chunks(data: bytes, wanted: bytes) -> list[memoryview]:
    found = []
    position = len(_SIGNATURE)
    while position < len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        if kind == wanted:
            found.append(memoryview(data)[position + 8 : position + 8 + length])
        position += 12 + length
    return found


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))


def _decode(data: bytes, where: str, height: int, width: int) -> Pixels:
    try:
        with warnings.catch_warnings():
            # Our own bound on the size has been checked; Pillow's only warns.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
                pixels = np.array(picture)
    except (OSError, SyntaxError, ValueError, zlib.error, Image.DecompressionBombError) as error:
        raise ImageError(f"{where}: damaged picture data ({error}); write the file again") from error
    if pixels.dtype != np.uint8 or pixels.shape != (height, width, 3):
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
        # Opened without blocking: a pipe put in a file's place would wait for ever.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(handle, "rb") as file:
            if not path.is_file():
                raise ImageError(f"{path}: not a regular file")
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ImageError(f"{path}: cannot be read ({error.strerror or error})") from error
    if len(data) > MAX_FILE_BYTES:
        raise ImageError(f"{path}: larger than {MAX_FILE_BYTES} bytes, no picture of a challenge")
    return data


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
    name = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
        with os.fdopen(handle, "wb") as file:
            Image.fromarray(np.ascontiguousarray(pixels)).save(file, format="PNG", compress_level=compress_level)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except OSError as error:
        raise ImageError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        if name is not None:
            Path(name).unlink(missing_ok=True)


def digest(data: bytes) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    return hashlib.sha256(data).hexdigest()
