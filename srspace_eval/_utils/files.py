"""Files of unknown origin read with a bound, and files written so that the old or the new one stands there, whole.

Written bytes go into ``.NAME.tmp`` beside the file, which then takes its name. A killed process leaves that temporary
behind; whoever writes the same file next takes it over, so the same command given again cleans up. While it is written
it is locked, so no process takes over what another one is at. (Where files cannot be locked, on Windows and on some
network file systems, a temporary has a name of its own, and a killed process's stays.)
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import filelock

_LONGEST_NAME = 255  # bytes, on every system in use


def read_bounded(path: Path, limit: int) -> bytes:
    """The bytes of a regular file of at most ``limit`` bytes.

    Raises
    ------
    OSError
        If it cannot be read, is a folder, pipe or device, or is larger.
    """
    # Opened without waiting: a pipe put in a file's place would wait for ever.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
    try:
        handle = os.open(path, flags)
    except ValueError as error:  # a NUL in the name
        raise OSError(str(error)) from error
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError("not a regular file")
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(f"larger than {limit} bytes")
    return data


def temporary_of(path: Path) -> Path:
    """The temporary that :func:`replacing` writes for a file.

    >>> temporary_of(Path("board/Deepest.json")).name
    '.Deepest.json.tmp'
    """
    name = f".{path.name}.tmp"
    if len(os.fsencode(name)) > _LONGEST_NAME:
        name = f".{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:32]}.tmp"
    return path.with_name(name)


def is_zip(path: Path) -> bool:
    """Whether it is a zip, perhaps a damaged one.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    try:
        return zipfile.is_zipfile(path)
    except zipfile.BadZipFile:  # Python 3.11 says so of one that spans disks
        return True


def refuse_packed(path: Path) -> None:
    """Refuse a zip that unpacks to more than its own size.

    PyTorch stores tensors in a zip as they are; a packed one is none of PyTorch's, and may unpack to any size.

    Raises
    ------
    ValueError
        If it is such a zip. What is no zip at all passes.
    OSError, zipfile.BadZipFile
        If it cannot be read.
    """
    if not is_zip(path):
        return
    with zipfile.ZipFile(path) as archive:
        size = sum(info.file_size for info in archive.infolist())
    if size > path.stat().st_size:
        raise ValueError(f"unpacks to {size} bytes, more than the file has")


@contextmanager
def replacing(path: Path, *, sync: bool = True) -> Iterator[BinaryIO]:
    """A file to write, which takes the place of ``path`` when the block ends, and vanishes if it raises.

    Parameters
    ----------
    sync:
        Wait until the bytes are on the disk, so that even a power failure leaves the old or the new file.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    handle, temporary = _open(path)
    with os.fdopen(handle, "wb") as file:
        try:
            yield file
            file.flush()
            if sync:
                os.fsync(file.fileno())
            if sys.platform == "win32":
                file.close()  # it renames no open file
            # Elsewhere renamed while locked: once unlocked, another process may take the temporary over.
            temporary.replace(path)
        except BaseException:
            if sys.platform == "win32":
                file.close()
            temporary.unlink(missing_ok=True)
            raise


def write_atomic(path: Path, text: str) -> None:
    """Write a text file so that at every moment either the old or the new one stands there, complete.

    A lone surrogate (half a character, from a file name that is no text) is written as its number.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        file.write(text.encode("utf-8", "backslashreplace"))


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file, which is there while it is held.

    Raises
    ------
    filelock.Timeout
        If another process holds it (an OSError: catch it before that).
    OSError
        If it cannot be written.
    """
    lock = filelock.FileLock(path, timeout=0)
    lock.acquire()
    try:
        yield
    finally:
        # Removed while it is held, so that it is never another process's newer lock. Windows removes no open file.
        with suppress(OSError):
            path.unlink()
        lock.release()
        if sys.platform == "win32":
            with suppress(OSError):
                path.unlink()


def _open(path: Path) -> tuple[int, Path]:
    """An empty temporary for ``path``, locked where the system can."""
    if sys.platform != "win32":
        import fcntl

        while True:
            temporary = temporary_of(path)
            handle = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                if _is_still(temporary, handle):
                    os.ftruncate(handle, 0)
                    return handle, temporary
            except OSError:  # a network file system without locks
                os.close(handle)
                break
            except BaseException:
                os.close(handle)
                raise
            os.close(handle)  # its writer has just renamed it
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    if sys.platform != "win32":
        os.fchmod(handle, 0o644)
    return handle, Path(name)


def _is_still(path: Path, handle: int) -> bool:
    """Whether the open file is the one that stands at the path."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(handle))
    except FileNotFoundError:
        return False
