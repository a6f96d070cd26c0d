"""Opening zips of unknown origin: their directory is checked before :mod:`zipfile` makes objects of it.

``zipfile`` makes an object for each entry, and its time for an extra field grows with the square of the field's length.
Every zip that the program opens goes through :class:`BoundedZip`.
"""

from __future__ import annotations

import os
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_ENTRY = b"PK\1\2"  # the signature of an entry of the directory
_ENTRY_BYTES = 46  # of an entry, without its name, extra field and comment
_MOST_TAIL = 1 << 17  # the end of a file, where the record of the directory is looked for


class RefusedZipError(ValueError):
    """A zip whose directory exceeds a limit. The text says which one, without the file's name."""


@dataclass(frozen=True)
class ZipLimits:
    """The limits of a zip's directory, which lists the zip's entries.

    Attributes
    ----------
    directory
        The largest size of the directory in bytes.
    entries
        The largest number of entries.
    extra
        The largest size of an entry's extra field in bytes. Packers write times, owners and a copy of the name there.
    depth
        The largest number of folders in an entry's name.
    """

    directory: int = 1 << 25
    entries: int = 100_000
    extra: int = 512
    depth: int = 100


_ANY = ZipLimits()
TORCH_LIMITS = ZipLimits(directory=1 << 23, entries=50_000)
"""Limits of a file of ``torch.save``, which has an entry of some hundred bytes for each tensor."""


class BoundedZip(zipfile.ZipFile):
    """A zip that is open for reading.

    Parameters
    ----------
    file
        The zip: its path, or an open file, which stays open.
    limits
        The limits of its directory.

    Attributes
    ----------
    directory_bytes
        The size of the directory.

    Raises
    ------
    RefusedZipError
        If the directory exceeds a limit.
    OSError, zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError, struct.error
        As for :class:`zipfile.ZipFile`.

    Examples
    --------
    >>> import io
    >>> file = io.BytesIO()
    >>> with zipfile.ZipFile(file, "w") as archive:
    ...     archive.writestr("a/b/c.png", b"")
    >>> with BoundedZip(file) as archive:
    ...     archive.namelist()
    ['a/b/c.png']
    >>> BoundedZip(file, ZipLimits(depth=1))
    Traceback (most recent call last):
        ...
    srspace_eval._utils.bounded_zip.RefusedZipError: its entry 'a/b/c.png' is in more than 1 folders
    """

    _own: IO[bytes] | None = None  # the file that is closed with the zip; a zip that cannot be opened has none

    def __init__(self, file: Path | IO[bytes], limits: ZipLimits = _ANY) -> None:
        self._own = file.open("rb") if isinstance(file, Path) else None
        opened = file if self._own is None else self._own
        assert not isinstance(opened, Path)
        guard = _Guard(opened, limits)
        try:
            super().__init__(guard)
        except BaseException:
            if self._own is not None:
                self._own.close()
            raise
        self.fp = opened
        self.directory_bytes = guard.directory_bytes

    def close(self) -> None:
        super().close()
        if self._own is not None:
            self._own.close()


class _Guard:
    """The file that ``zipfile`` reads the directory from, in one piece. It sees the very bytes that are parsed."""

    def __init__(self, file: IO[bytes], limits: ZipLimits) -> None:
        self._file, self._limits = file, limits
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable
        self.directory_bytes = 0

    def read(self, size: int = -1) -> bytes:
        at = self._file.tell()
        left = self._file.seek(0, os.SEEK_END) - at
        self._file.seek(at)
        size = left if size < 0 else min(size, left)
        most = self._limits.directory
        data = self._file.read(size) if size <= max(most, _MOST_TAIL) else b""
        if len(data) < size or (data.startswith(_ENTRY) and size > most):
            raise RefusedZipError(f"its directory is larger than {most} bytes")
        if data.startswith(_ENTRY):
            _check(data, self._limits)
            self.directory_bytes = len(data)
        return data


def _check(data: bytes, limits: ZipLimits) -> None:
    """Walk over a directory as ``zipfile`` does, which stops where no entry begins."""
    at = count = 0
    while data.startswith(_ENTRY, at) and len(data) - at >= _ENTRY_BYTES:
        name, extra, comment = struct.unpack_from("<3H", data, at + 28)
        start = at + _ENTRY_BYTES
        count += 1
        if count > limits.entries:
            raise RefusedZipError(f"contains more than {limits.entries} entries")
        if extra > limits.extra:
            shown = _shown(data[start : start + name])
            raise RefusedZipError(f"its entry {shown} has an extra field of more than {limits.extra} bytes")
        end = start + name
        if data.count(b"/", start, end) + data.count(b"\\", start, end) > limits.depth:
            raise RefusedZipError(f"its entry {_shown(data[start:end])} is in more than {limits.depth} folders")
        at = end + extra + comment


def _shown(name: bytes) -> str:
    return repr(name[:60].decode("utf-8", "replace") + ("..." if len(name) > 60 else ""))
