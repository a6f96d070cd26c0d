"""Bounded reading of files of unknown origin, and atomic writing.

:func:`replacing` writes into a temporary file ``.NAME.tmp`` beside the target and then renames it. At every moment
the target is either the complete old or the complete new file.

A killed process leaves its temporary file behind. The next process that writes the same target reuses and thereby
removes it. The lock keeps other processes from reusing an active temporary file. Where files cannot be locked (on
Windows and some network file systems), temporary files have unique names, and that of a killed process remains.

The module is long because each refusal says why it is needed.
"""

from __future__ import annotations

import os
import stat
import struct
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, BinaryIO

import filelock

from srspace_eval._utils.bounded_zip import TORCH_LIMITS, BoundedZip
from srspace_eval._utils.hashing import sha256

MAX_HEADER_BYTES = 1 << 23
"""The longest header of a safetensors file that is read. 10 000 parameters have 1 MB."""

_HARD_LINK = "has several names (hard links), and the others would change with it; remove this one"

_LONGEST_NAME = 255  # bytes, on every system in use


def given_name(path: Path | str) -> str:
    """The name of a file or folder as its user gave it.

    Links are not followed: a link may lead into a store that names its files by their hashes.

    >>> given_name("inbox/A.zip"), given_name("inbox/B/../A/")
    ('A.zip', 'A')
    """
    return Path(os.path.normpath(Path.cwd() / path)).name


def read_bounded(path: Path, limit: int) -> bytes:
    """Read a regular file of at most ``limit`` bytes.

    Raises
    ------
    OSError
        If it cannot be read, is a folder, pipe or device, or is larger.
    """
    with _regular(path) as file:
        # A file that is known to be too large is not read first.
        size = os.fstat(file.fileno()).st_size
        data = b"" if size > limit else file.read(limit + 1)
    if max(size, len(data)) > limit:
        raise OSError(f"larger than {limit} bytes")
    return data


def read_beginning(path: Path, most: int) -> bytes:
    """The first ``most`` bytes of a regular file, or all if it is smaller. Raises as :func:`read_bounded`."""
    with _regular(path) as file:
        return file.read(most)


@contextmanager
def _regular(path: Path) -> Iterator[IO[bytes]]:
    """Open a regular file for reading. Any other file is an OSError."""
    # Opened without blocking: opening a pipe without a writer would wait without end.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
    try:
        handle = os.open(path, flags)
    except ValueError as error:  # a NUL in the name
        raise OSError(str(error)) from error
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError("not a regular file")
        yield file


def open_regular(path: Path, flags: int) -> int:
    """Open a regular file that is not a symbolic link, and return its handle.

    A link may lead outside the folder, and a pipe or device may have no end. Windows can refuse links only before it
    opens them.

    Parameters
    ----------
    flags
        Of ``os.open``. A file that ``os.O_CREAT`` makes gets the mode 0644.

    Raises
    ------
    OSError
        If it is a link, a pipe, a device or a folder, or cannot be opened. A file with several names (hard links) is
        not opened for writing.
    """
    if path.is_symlink():
        raise OSError("is a symbolic link, which is not followed")
    extra = [getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "O_BINARY", "O_CLOEXEC")]
    for flag in extra:
        flags |= flag
    handle = os.open(path, flags, 0o644)
    state = os.fstat(handle)
    if not stat.S_ISREG(state.st_mode):
        os.close(handle)
        raise OSError("not a regular file")
    if flags & (os.O_WRONLY | os.O_RDWR) and state.st_nlink > 1:
        os.close(handle)
        raise OSError(_HARD_LINK)
    return handle


def temporary_of(path: Path) -> Path:
    """The temporary file that :func:`replacing` writes for a target.

    >>> temporary_of(Path("board/Deepest.json")).name
    '.Deepest.json.tmp'
    """
    name = f".{path.name}.tmp"
    if len(os.fsencode(name)) > _LONGEST_NAME:
        name = f".{sha256(os.fsencode(path.name))[:32]}.tmp"
    return path.with_name(name)


def is_zip(path: Path) -> bool:
    """Whether a file is a zip, possibly a damaged one.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    try:
        return zipfile.is_zipfile(path)
    except zipfile.BadZipFile:  # raised by Python 3.11 for a zip that spans disks
        return True


def refuse_packed(path: Path) -> None:
    """Refuse a zip that unpacks to more than its size, or that two readers can read differently. Other files pass.

    PyTorch stores tensors uncompressed. A compressed zip was not written by PyTorch, and may unpack to any size.
    PyTorch reads zips with its own code, not with zipfile. A zip is refused in which the two can find different files.
    PyTorch looks at the begin of a file, and zipfile at its end.

    Raises
    ------
    ValueError
        If it is such a zip, or begins as a zip and does not end as one, or the reverse. If its directory is larger than
        that of any checkpoint (:class:`~srspace_eval._utils.bounded_zip.RefusedZipError`).
    OSError, zipfile.BadZipFile
        If it cannot be read.
    """
    with path.open("rb") as file:
        begins = file.read(4) == b"PK\3\4"
    ends = is_zip(path)
    if begins and not ends:
        raise ValueError("begins as a zip, and has no end of a zip")
    if ends and not begins:
        raise ValueError("ends as a zip, and does not begin as one")
    if not begins:
        return
    _require_one_directory(path)
    with BoundedZip(path, TORCH_LIMITS) as archive:
        infos = archive.infolist()
    size = sum(info.file_size for info in infos)
    if size > path.stat().st_size:
        raise ValueError(f"unpacks to {size} bytes, more than the file has")
    if len({info.filename.casefold() for info in infos}) < len(infos):  # PyTorch's reader does not compare case
        raise ValueError("holds a name twice")


def _require_one_directory(path: Path) -> None:
    """Refuse a zip whose directory is not where it states.

    ``zipfile`` takes the directory before the end of the file, and other readers the one at the stated place.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 98))
        tail = file.read().rjust(98, b"\0")
    end = tail[76:]
    stated = struct.unpack_from("<II", end, 12)  # the directory's size and offset
    position = size - 22
    fits = end[:4] == b"PK\5\6" and end[20:] == b"\0\0"
    if tail[56:60] == b"PK\6\7":  # the 64-bit form: an end record of its own, and a record that states its offset
        position = size - 98
        stated = struct.unpack_from("<QQ", tail, 40)
        fits = fits and tail[:4] == b"PK\6\6" and struct.unpack_from("<Q", tail, 64) == (position,)
    if not fits or sum(stated) != position:
        raise ValueError("its directory is not where it states")


def refuse_long_header(path: Path) -> None:
    """Refuse a safetensors file whose header is longer than that of any network.

    A header may name a million empty tensors, which takes a minute and gigabytes of memory.

    Raises
    ------
    ValueError
        If it is longer than :data:`MAX_HEADER_BYTES`.
    OSError
        If the file cannot be read.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
    if length > MAX_HEADER_BYTES:
        raise ValueError(f"its header has {length} bytes; at most {MAX_HEADER_BYTES} are read")


@contextmanager
def replacing(path: Path, *, sync: bool = True) -> Iterator[BinaryIO]:
    """Write a file atomically: it replaces ``path`` when the block ends, and is removed if the block raises.

    Parameters
    ----------
    path
        The target; its folder must exist.
    sync
        Wait until the bytes are on the disk, so that even a power failure leaves the old or the new file.

    Raises
    ------
    OSError
        If it cannot be written, or if ``path`` is a device, a pipe or a socket.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.txt")
    ...     with replacing(path) as file:
    ...         _ = file.write(b"new")
    ...         before = path.exists()
    ...     before, path.read_bytes()
    (False, b'new')
    """
    with suppress(FileNotFoundError):
        mode = path.lstat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode) or stat.S_ISDIR(mode)):  # the system refuses a folder
            raise OSError("is a device, a pipe or a socket, which is not replaced by a file")
    handle, temporary = _open(path)
    with os.fdopen(handle, "wb") as file:
        try:
            yield file
            file.flush()
            if sync:
                os.fsync(file.fileno())
            if sys.platform == "win32":
                file.close()  # Windows cannot rename an open file
            # Elsewhere it is renamed while locked. Once unlocked, another process may reuse the temporary file.
            temporary.replace(path)
        except BaseException:
            if sys.platform == "win32":
                file.close()
            temporary.unlink(missing_ok=True)
            raise


def write_atomic(path: Path, text: str) -> None:
    r"""Write a text file atomically, in UTF-8; its folder is created.

    A lone surrogate (half a character, from a file name that is not valid text) is written as its escape ``\udcXX``.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        file.write(text.encode("utf-8", "backslashreplace"))


def write_together(texts: Mapping[Path, str]) -> None:
    """Write text files as :func:`write_atomic` does: all of them, or after an error none.

    All bytes are on the disk before the first file gets its name. Only a crash between two renames, or a system that
    refuses one, leaves a part of them. The files get their names in the given order.

    Raises
    ------
    OSError
        If one of them cannot be written.
    """
    with ExitStack() as stack:
        for path, text in reversed(list(texts.items())):  # the stack ends with the file that was opened first
            path.parent.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(replacing(path, sync=False))
            file.write(text.encode("utf-8", "backslashreplace"))
            file.flush()
            os.fsync(file.fileno())


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock. The lock file exists while the lock is held.

    Raises
    ------
    filelock.Timeout
        If another process holds the lock. (It is an OSError: catch it first.)
    OSError
        If the lock file cannot be written, or is a link.
    """
    if path.is_symlink():  # its target would be emptied
        raise OSError("is a symbolic link, which is not followed")
    with suppress(FileNotFoundError):
        if path.is_dir():
            raise OSError(f"{path.name} is a folder; remove it")
        if path.lstat().st_nlink > 1:
            raise OSError(_HARD_LINK)
    lock = filelock.FileLock(path, timeout=0)
    lock.acquire()
    try:
        yield
    finally:
        # The file is removed while the lock is held: later it could be another process's lock. Windows cannot remove an
        # open file, so there it is removed afterwards.
        with suppress(OSError):
            path.unlink()
        lock.release()
        if sys.platform == "win32":
            with suppress(OSError):
                path.unlink()


def _open(path: Path) -> tuple[int, Path]:
    """Open an empty temporary file for ``path``, locked if the system can lock it."""
    if sys.platform != "win32":
        import fcntl

        while True:
            temporary = temporary_of(path)
            handle = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                if _is_still(temporary, handle):
                    state = os.fstat(handle)
                    if stat.S_ISREG(state.st_mode) and state.st_nlink == 1:
                        os.ftruncate(handle, 0)
                        return handle, temporary
                    temporary.unlink()  # a second name of another file, which must keep its content
            except OSError:  # a network file system without locks
                os.close(handle)
                break
            except BaseException:
                os.close(handle)
                raise
            os.close(handle)  # another process has just renamed it
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    if sys.platform != "win32":
        os.fchmod(handle, 0o644)
    return handle, Path(name)


def _is_still(path: Path, handle: int) -> bool:
    """Whether the path still names the open file."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(handle))
    except FileNotFoundError:
        return False
