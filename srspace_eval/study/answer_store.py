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


class _Sent(NamedTuple):
    """The fields of a stored answer that decide which answer is the latest."""

    id: str | None
    revision: int
    complete: bool


class AnswerStore:
    """A folder of answers, one file each. Files are complete and are never replaced."""

    def __init__(self, folder: Path, key: Key) -> None:
        self.folder, self.key = folder, key
        self._naming = threading.Lock()
        self._own: dict[str, _Sent | None] = {}  # by file name; None: of another rater or another study
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
        try:
            handle, scratch = tempfile.mkstemp(dir=self.folder, prefix=".", suffix=".tmp")
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            sent = 0
            for number in itertools.count(1):
                name = _name(rater, number)
                target = self.folder / name
                try:
                    self._give_name(scratch, target)
                except FileExistsError:
                    if not _holds(target, data):
                        sent += self._sent(rater, name) is not None
                        if sent == ANSWERS_PER_RATER:
                            raise StudyError(
                                f"{rater} has sent {ANSWERS_PER_RATER} different answers; no more are stored"
                            ) from None
                        continue
                _sync_names(self.folder)
                return name
            raise AssertionError  # the numbers have no end
        except OSError as error:
            raise StudyError(f"{self.folder}: the answer cannot be stored ({error.strerror or error})") from error
        finally:
            if scratch is not None:
                with suppress(OSError):
                    Path(scratch).unlink(missing_ok=True)

    def latest(self, rater: str, other_than: str | None = None) -> int:
        """The latest revision of a rater's complete answers, without the one of an id. 0: there is none."""
        names = itertools.takewhile(
            lambda name: os.path.lexists(self.folder / name), (_name(rater, number) for number in itertools.count(1))
        )
        sent = (self._sent(rater, name) for name in names)
        return max((s.revision for s in sent if s and s.complete and s.id != other_than), default=0)

    def _sent(self, rater: str, name: str) -> _Sent | None:
        """A file, if it is an answer of this rater to this study. Files are never replaced, so each is read once."""
        if name not in self._own:
            try:
                data = read_bounded(self.folder / name, largest_answer(self.key))
            except OSError:
                return None
            try:
                answer = parse_answer(data, self.key)
            except AnswerError:  # of another study
                self._own[name] = None
            else:
                sent = _Sent(answer.id, answer.revision, not answer.missing(self.key))
                self._own[name] = sent if answer.rater == rater else None
        return self._own[name]

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
