"""PNGs of accepted and of refused kinds, as bytes."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

from srspace_eval._utils.png_structure import ADAM7


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def header(width: int, height: int, depth: int = 8, colour: int = 2, interlace: int = 0) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace))


SIGNATURE = b"\x89PNG\r\n\x1a\n"
IEND = chunk(b"IEND", b"")


def pixels(height: int = 24, width: int = 16, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def png(image: np.ndarray | None = None, **save: object) -> bytes:
    """An ordinary PNG of an array (grey, RGB or RGBA by its shape)."""
    out = io.BytesIO()
    Image.fromarray(pixels() if image is None else image).save(out, format="PNG", **save)
    return out.getvalue()


def with_chunks(data: bytes, *extra: bytes) -> bytes:
    """The PNG with more chunks after its header."""
    at = len(SIGNATURE) + 25
    return data[:at] + b"".join(extra) + data[at:]


def interlaced(image: np.ndarray) -> bytes:
    """An Adam7 PNG with unfiltered rows; Pillow cannot write interlaced files."""
    height, width, _ = image.shape
    rows = b""
    for y0, x0, dy, dx in ADAM7:
        part = image[y0::dy, x0::dx]
        if part.size:
            rows += b"".join(b"\0" + row.tobytes() for row in part)
    return SIGNATURE + header(width, height, interlace=1) + chunk(b"IDAT", zlib.compress(rows)) + IEND


def grey16(height: int = 8, width: int = 8) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.zeros((height, width), np.uint16)).save(out, format="PNG")
    return out.getvalue()


def rgb16(height: int = 8, width: int = 8) -> bytes:
    raw = (b"\0" + b"\x12\x34" * 3 * width) * height
    return SIGNATURE + header(width, height, depth=16) + chunk(b"IDAT", zlib.compress(raw)) + IEND


def palette() -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels()).convert("P").save(out, format="PNG")
    return out.getvalue()


def jpeg() -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels()).save(out, format="JPEG")
    return out.getvalue()
