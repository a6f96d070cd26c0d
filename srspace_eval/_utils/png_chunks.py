"""The parts that a PNG file is made of: its signature and its chunks (ISO/IEC 15948, sections 5.2 and 5.3)."""

from __future__ import annotations

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"
"""The first eight bytes of every PNG file."""


def write_chunk(kind: bytes, body: bytes) -> bytes:
    """One chunk: length, type, data, CRC-32 of type and data.

    >>> write_chunk(b"IEND", b"").hex()
    '0000000049454e44ae426082'
    """
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))
