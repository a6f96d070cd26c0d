"""Answers that raters send, as files.

:func:`srspace_eval._utils.files.write_atomic` replaces a file. An answer must never be replaced, so this module gives
written files their names by links.
"""

from __future__ import annotations

import errno
import itertools
import os
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from srspace_eval._utils.files import read_bounded, temporary_of
from srspace_eval.errors import StudyError
from srspace_eval.study.answers import AnswerError, largest_answer, parse_answer
from srspace_eval.study.key import Key

ANSWERS_PER_RATER = 20
"""Number of different answers that a rater may send to a study. Answers to other studies in the folder do not count."""


_File = tuple[int, int, int]
"""Inode, size and time of a file. The organiser may move a file away, and another one then gets its name."""


class Sent(NamedTuple):
    """The fields of a stored answer that decide which answer is the latest."""

    id: str | None
    revision: int
    complete: bool


class AnswerStore:
    """A folder of answers, one file each. Files are complete and are never replaced."""

    def __init__(self, folder: Path, key: Key) -> None:
        self.folder, self.key = folder, key
        self._naming = threading.Lock()
        # By file name: the file, and what it is. None: an answer of another rater, or to another study.
        self._own: dict[str, tuple[_File, Sent | None]] = {}
        try:
            new = [path for path in (folder, *folder.parents) if not path.exists()]
            folder.mkdir(parents=True, exist_ok=True)
            for path in new:
                with suppress(PermissionError):  # such a folder takes new names, and does not show them
                    _sync_names(path.parent)
            # A folder may exist and take no files: of another user, on a full or a read-only disk.
            handle, probe = tempfile.mkstemp(dir=folder, prefix=".", suffix=".tmp")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(b"x")
                    file.flush()
                    os.fsync(file.fileno())
            finally:
                Path(probe).unlink(missing_ok=True)
            _sync_names(folder)
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            reason = getattr(error, "strerror", None) or error
            raise StudyError(
                f"{folder}: answers cannot be stored there ({reason}); choose another --answers"
            ) from error

    def add(self, rater: str, data: bytes) -> str:
        """Store an answer. The same bytes are stored once. When this returns, even a power failure keeps the answer.

        Returns
        -------
        str
            The name of the file.

        Raises
        ------
        StudyError
            If the rater has sent too many answers, or the file cannot be written.
        """
        scratch = None
        sent = 0
        try:
            for number in itertools.count(1):
                name = _name(rater, number)
                target = self.folder / name
                # An answer that is not stored costs no write: one rater's many answers would delay those of others.
                if not os.path.lexists(target):
                    scratch = scratch or self._write(data)
                    with suppress(FileExistsError):  # another server on this folder was faster
                        self._give_name(scratch, target)
                        _sync_names(self.folder)
                        return name
                if _holds(target, data):
                    _sync_names(self.folder)
                    return name
                sent += self._sent(rater, name) is not None
                if sent == ANSWERS_PER_RATER:
                    raise StudyError(f"{rater} has sent {ANSWERS_PER_RATER} different answers; no more are stored")
            raise AssertionError  # the numbers have no end
        except OSError as error:
            raise StudyError(f"{self.folder}: the answer cannot be stored ({error.strerror or error})") from error
        finally:
            if scratch is not None:
                with suppress(OSError):
                    Path(scratch).unlink(missing_ok=True)

    def _write(self, data: bytes) -> str:
        """Write an answer into a hidden file, and wait until its bytes are on the disk. Returns the file's path."""
        handle, scratch = tempfile.mkstemp(dir=self.folder, prefix=".", suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            with suppress(OSError):
                Path(scratch).unlink(missing_ok=True)
            raise
        return scratch

    def latest(self, rater: str, other_than: str | None = None) -> Sent | None:
        """A rater's complete answer with the latest revision, except the one whose id is ``other_than``; None if none.

        The organiser may have moved files away, so that a free number is not the end. The search ends after more than
        :data:`ANSWERS_PER_RATER` free numbers in a row.
        """
        found = []
        free = 0
        for number in itertools.count(1):
            name = _name(rater, number)
            free = 0 if os.path.lexists(self.folder / name) else free + 1
            if free > ANSWERS_PER_RATER:
                break
            sent = None if free else self._sent(rater, name)
            if sent and sent.complete and sent.id != other_than:
                found.append(sent)
        return max(found, key=lambda sent: sent.revision, default=None)

    def _sent(self, rater: str, name: str) -> Sent | None:
        """A file, if it is an answer of this rater to this study. Each file is read once."""
        path = self.folder / name
        try:
            status = path.stat()
            file = status.st_ino, status.st_size, status.st_mtime_ns
            known = self._own.get(name)
            if known is not None and known[0] == file:
                return known[1]
            data = read_bounded(path, largest_answer(self.key))
        except OSError:
            return None
        sent = None
        with suppress(AnswerError):  # of another study
            answer = parse_answer(data, self.key)
            if answer.rater == rater:
                sent = Sent(answer.id, answer.revision, not answer.missing(self.key))
        self._own[name] = file, sent
        return sent

    def _give_name(self, scratch: str, target: Path) -> None:
        """Give a written file its name, unless a file has this name.

        Raises
        ------
        FileExistsError
            If there is such a file.
        """
        try:
            os.link(scratch, target)  # unlike a rename, a link never replaces a file
        except FileExistsError:
            raise
        except OSError:  # exFAT and some shares have no links
            with self._naming:
                self._rename(scratch, target)

    def _rename(self, scratch: str, target: Path) -> None:
        """Give the name by a rename. A file ``.NAME.tmp``, which only one process can make, keeps other servers away.

        A server that is killed in between leaves this file. The name is then not given to any answer.
        """
        mark = temporary_of(target)
        os.close(os.open(mark, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            if target.exists():
                raise FileExistsError(target)
            Path(scratch).rename(target)
        finally:
            with suppress(OSError):
                mark.unlink(missing_ok=True)


def _name(rater: str, number: int) -> str:
    return f"{rater}.json" if number == 1 else f"{rater}-{number}.json"


def _sync_names(folder: Path) -> None:
    """Wait until the names of new files in a folder are on the disk. Windows has no call for this.

    Raises
    ------
    OSError
        If the disk cannot store them.
    """
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS):  # a file system without this call
            raise
    finally:
        os.close(handle)


def _holds(path: Path, data: bytes) -> bool:
    try:
        return read_bounded(path, len(data)) == data
    except OSError:  # larger, so a different one
        return False
