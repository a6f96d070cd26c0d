"""Pictures of a study: squares of large PNGs, and PNG files that reveal nothing but their pixels."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from typing import cast

import numpy as np
from PIL import Image
from zlib_ng import zlib_ng

from srspace_eval._utils.png import Pixels, decode_png
from srspace_eval._utils.png_chunks import SIGNATURE, write_chunk
from srspace_eval._utils.png_structure import inspect_png
from srspace_eval.errors import ImageError

_INFLATE_ERROR = cast("type[Exception]", zlib_ng.error)  # its stub calls the class an instance


def read_squares(data: bytes, where: str, corners: Sequence[tuple[int, int]], size: int) -> list[Pixels]:
    """Squares of an 8-bit RGB PNG. Only the rows and columns that they need are decoded.

    Parameters
    ----------
    data, where
        Bytes of the file, and its name for messages.
    corners
        Left upper corners (x, y) of the squares.
    size
        Side of the squares.

    Returns
    -------
    list[Pixels]
        list of uint8 arrays (size, size, 3).

    Raises
    ------
    ImageError
        If the file is not an 8-bit RGB PNG, is damaged, or is too small for a square.
    """
    info = inspect_png(data, where)
    right, bottom = (max(corner[axis] for corner in corners) + size for axis in (0, 1))
    if right > info.width or bottom > info.height:
        raise ImageError(
            f"{where}: {info.width}×{info.height} pixels, smaller than its GT: the study's crops reach to "
            f"{right}×{bottom}"
        )
    if info.interlaced:
        pixels = decode_png(data, where)
        return [pixels[y : y + size, x : x + size].copy() for x, y in corners]
    rows = _filtered_rows(data, where, info.width, bottom)
    return [_square(rows, where, x, y, size) for x, y in corners]


def _filtered_rows(data: bytes, where: str, width: int, count: int) -> Pixels:
    """The first rows of a PNG as stored: (rows, 1 + 3 × width) bytes, the number of the row's filter first."""
    bodies, view, at = [], memoryview(data), len(SIGNATURE)
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"IDAT":
            bodies.append(view[at + 8 : at + 8 + length])
        at += 12 + length
    stride = 1 + 3 * width
    try:
        # Inflating is most of the work of making a study. zlib-ng is three times as fast as Python's zlib.
        stream = zlib_ng.decompressobj().decompress(b"".join(bodies), count * stride)
    except _INFLATE_ERROR as error:
        raise ImageError(f"{where}: damaged picture data ({error}); write the file again") from error
    if len(stream) < count * stride:
        raise ImageError(f"{where}: its picture data ends too early; write the file again")
    return np.frombuffer(stream, np.uint8).reshape(count, stride)


def _square(rows: Pixels, where: str, x: int, y: int, size: int) -> Pixels:
    """One square, decoded from the nearest row above that does not depend on the row before it.

    PNG filters depend on the pixels above and to the left, so pixels right of the square are not needed. Rows without
    a dependence on the row above (filters 0, none, and 1, sub) are frequent in photographs. This saves most of the
    work.
    """
    alone = np.flatnonzero(rows[: y + 1, 0] <= 1)
    top = int(alone[-1]) if len(alone) else 0
    band = rows[top : y + size, : 1 + 3 * (x + size)]
    small = _png(x + size, y + size - top, band.tobytes())
    square: Pixels = decode_png(small, where)[y - top :, x:].copy()
    return square


def shrunk(pixels: Pixels, scale: int) -> Pixels:
    """A downscaled picture (Pillow's antialiased bicubic). It is shown where no LR is given, and never measured."""
    height, width = pixels.shape[0] // scale, pixels.shape[1] // scale
    picture = Image.fromarray(np.ascontiguousarray(pixels[: height * scale, : width * scale]))
    return np.array(picture.resize((width, height), Image.Resampling.BICUBIC))


def stored_png(pixels: Pixels) -> bytes:
    """A PNG whose length depends on the picture's size alone: no filter, no compression, no metadata.

    The length of a compressed crop would tell how smooth it is, and smoothness tells methods apart.

    Parameters
    ----------
    pixels
        (H, W, 3), uint8, RGB.

    >>> len(stored_png(np.zeros((80, 80, 3), np.uint8)))
    19348
    """
    height, width, _ = pixels.shape
    rows = np.zeros((height, 1 + 3 * width), np.uint8)
    rows[:, 1:] = pixels.reshape(height, 3 * width)
    return _png(width, height, rows.tobytes())


def _png(width: int, height: int, rows: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"".join(
        [
            SIGNATURE,
            write_chunk(b"IHDR", header),
            write_chunk(b"IDAT", zlib.compress(rows, 0)),
            write_chunk(b"IEND", b""),
        ]
    )


def coarsened(pixels: Pixels, cell: int, variant: int = 0) -> Pixels:
    """The picture in cells of one colour, ``cell`` pixels wide. It is shown in obvious tasks as a bad result.

    The cells of variant 0 start at the corner. Those of others are shifted, so that ``cell²`` variants differ.

    >>> coarsened(np.arange(48, dtype=np.uint8).reshape(4, 4, 3), 2)[0, :, 0].tolist()
    [8, 8, 14, 14]
    """
    height, width, channels = pixels.shape
    down, right = variant // cell % cell, variant % cell
    rows = np.array(sorted({0, *range(down, height, cell)}))
    columns = np.array(sorted({0, *range(right, width, cell)}))
    total = np.add.reduceat(np.add.reduceat(pixels.astype(np.float64), rows, axis=0), columns, axis=1)
    tall, wide = np.diff([*rows, height]), np.diff([*columns, width])
    mean = total / (tall[:, None, None] * wide[None, :, None])
    cells = np.rint(mean).astype(np.uint8)
    out: Pixels = cells.repeat(tall, axis=0).repeat(wide, axis=1).reshape(height, width, channels)
    return out
