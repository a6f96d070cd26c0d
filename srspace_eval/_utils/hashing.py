"""SHA-256 of bytes and of files, as hexadecimal text."""

from __future__ import annotations

import hashlib
from pathlib import Path

_BLOCK = 1 << 20


def sha256(data: bytes) -> str:
    """SHA-256 of bytes, 64 hexadecimal digits.

    >>> sha256(b"")[:8]
    'e3b0c442'
    """
    return hashlib.sha256(data).hexdigest()


def sha256_of_text(text: str) -> str:
    """SHA-256 of a text in UTF-8. Lone surrogates, which come from undecodable file names, are allowed."""
    return sha256(text.encode("utf-8", "surrogatepass"))


def sha256_of_file(path: Path) -> str:
    """SHA-256 of a file, read block by block.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
