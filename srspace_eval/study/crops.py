"""Pictures of a study: squares cut out of large PNGs, and PNG files that betray nothing but their pixels."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Sequence

import numpy as np
from PIL import Image

from srspace_eval.errors import ImageError
from srspace_eval.images import Pixels, decode_png, inspect_png

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def read_squares(data: bytes, where: str, corners: Sequence[tuple[int, int]], size: int) -> list[Pixels]:
    """Squares of an 8-bit RGB PNG, decoded no further down than the lowest of them.

    Parameters
    ----------
    data, where:
        The file's bytes, and its name for messages.
    corners:
        (x, y) of the left upper corners.
    size:
        Their side.

    Returns
    -------
    list of uint8 arrays (size, size, 3).

    Raises
    ------
    ImageError
        If it is not an 8-bit RGB PNG, is damaged, or is too small for a square.
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
        return [pixels[y : y + size, x : x + size] for x, y in corners]
    # Half of the time of a large PNG lies below the last square: with the lower height in its header the same stream
    # is a whole picture.
    header = struct.pack(">IIBBBBB", info.width, bottom, 8, 2, 0, 0, 0)
    shorter = io.BytesIO(_SIGNATURE + _chunk(b"IHDR", header) + data[33:])
    try:
        with warnings.catch_warnings():
            # inspect_png has bounded the size; Pillow's own bound only warns.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(shorter, formats=["PNG"]) as picture:
                return [np.array(picture.crop((x, y, x + size, y + size))) for x, y in corners]
    except (OSError, SyntaxError, ValueError, zlib.error, Image.DecompressionBombError) as error:
        raise ImageError(f"{where}: damaged picture data ({error}); write the file again") from error


def shrunk(pixels: Pixels, scale: int) -> Pixels:
    """An LR to show where none is given: Pillow's antialiased bicubic, for the eye only, never measured."""
    height, width = pixels.shape[0] // scale, pixels.shape[1] // scale
    picture = Image.fromarray(np.ascontiguousarray(pixels[: height * scale, : width * scale]))
    return np.array(picture.resize((width, height), Image.Resampling.BICUBIC))


def stored_png(pixels: Pixels) -> bytes:
    """A PNG whose length depends on the picture's size alone: no filter, no compression, no metadata.

    A compressed crop is the shorter the smoother it is, and smoothness is what tells methods apart: with all files
    equally long and equally encoded, only looking at them tells anything.

    Parameters
    ----------
    pixels:
        (H, W, 3), uint8, RGB.

    >>> len(stored_png(np.zeros((80, 80, 3), np.uint8)))
    19348
    """
    height, width, _ = pixels.shape
    rows = np.zeros((height, 1 + 3 * width), np.uint8)
    rows[:, 1:] = pixels.reshape(height, 3 * width)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(rows.tobytes(), 0)
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def coarsened(pixels: Pixels, cell: int) -> Pixels:
    """The picture in cells of one colour, ``cell`` pixels wide: what nobody takes for a photograph."""
    height, width, channels = pixels.shape
    rows, columns = np.arange(0, height, cell), np.arange(0, width, cell)
    total = np.add.reduceat(np.add.reduceat(pixels.astype(np.float64), rows, axis=0), columns, axis=1)
    tall, wide = np.diff([*rows, height]), np.diff([*columns, width])
    mean = total / (tall[:, None, None] * wide[None, :, None])
    cells = np.rint(mean).astype(np.uint8)
    out: Pixels = cells.repeat(tall, axis=0).repeat(wide, axis=1).reshape(height, width, channels)
    return out
