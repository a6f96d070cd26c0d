"""Answers that raters send, as files.

:func:`srspace_eval._utils.files.write_atomic` replaces a file. An answer must never be replaced, so this module gives
written files their names by links.
"""

from __future__ import annotations

import os
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

from srspace_eval._utils.files import read_bounded
from srspace_eval.errors import StudyError
from srspace_eval.study.key import Key

ANSWERS_PER_RATER = 20
"""Number of different answers that a rater may send."""


class AnswerStore:
    """A folder of answers, one file each. Files are complete and are never replaced."""

    def __init__(self, folder: Path, key: Key) -> None:
        self.folder, self.key = folder, key
        self._naming = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # A folder may exist and take no files: of another user, on a full or a read-only disk.
            handle, probe = tempfile.mkstemp(dir=folder, prefix=".", suffix=".tmp")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(b"x")
                    file.flush()
                    os.fsync(file.fileno())
            finally:
                Path(probe).unlink(missing_ok=True)
        except OSError as error:
            raise StudyError(
                f"{folder}: answers cannot be stored there ({error.strerror or error}); choose another --answers"
            ) from error

    def add(self, rater: str, data: bytes) -> str:
        """Store an answer. The same bytes are stored once.

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
            for number in range(1, ANSWERS_PER_RATER + 1):
                name = f"{rater}.json" if number == 1 else f"{rater}-{number}.json"
                target = self.folder / name
                try:
                    self._give_name(scratch, target)
                    return name
                except FileExistsError:
                    if _holds(target, data):
                        return name
            raise StudyError(f"{rater} has sent {ANSWERS_PER_RATER} different answers; no more are stored")
        except OSError as error:
            raise StudyError(f"{self.folder}: the answer cannot be stored ({error.strerror or error})") from error
        finally:
            if scratch is not None:
                with suppress(OSError):
                    Path(scratch).unlink(missing_ok=True)

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
        except OSError:  # exFAT and some shares have no links; the lock then protects against other threads only
            with self._naming:
                if target.exists():
                    raise FileExistsError(target) from None
                Path(scratch).rename(target)


def _holds(path: Path, data: bytes) -> bool:
    try:
        return read_bounded(path, len(data)) == data
    except OSError:  # larger, so a different one
        return False
