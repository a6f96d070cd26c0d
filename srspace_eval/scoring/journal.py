"""The images that a run has measured so far, on disk, so that a killed run can be resumed.

A journal is a file of JSON lines: a header with the signature, then a line for each image, written and synced when the
image has been measured. An incomplete last line, which a killed run leaves, is dropped. While a run holds the journal
it is locked against other processes.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Literal

import filelock
from msgspec import Struct

from srspace_eval._utils import strict_json
from srspace_eval._utils.documents import convert
from srspace_eval._utils.files import locked, open_regular
from srspace_eval.errors import ResultsError
from srspace_eval.results.documents import image_document, image_from_document
from srspace_eval.results.record import ImageRecord
from srspace_eval.results.signature import Signature

JOURNAL_FORMAT = "srspace-eval/journal/1"

_MAX_LINE_BYTES = 1 << 26  # ten times an image of MAX_SAMPLES samples


class JournalHeader(Struct, frozen=True):
    """The first line of a journal: the settings and the environment of its run, as in a result's signature.

    Each line after it is an image's object of a result.
    """

    format: Literal["srspace-eval/journal/1"]
    settings: dict[str, dict[str, Any]]
    environment: dict[str, Any]


class Journal:
    """An open, locked journal; made by :func:`open_journal`.

    Attributes
    ----------
    path:
        The file.
    records:
        The images measured by earlier runs, by name.
    """

    def __init__(self, path: Path, header: Mapping[str, Any], records: dict[str, ImageRecord], keep: int) -> None:
        self.path = path
        self.records = records
        self._header, self._keep = header, keep
        self._file: BinaryIO | None = None

    def append(self, record: ImageRecord) -> None:
        """Write one image to the disk. The file is created for the first one.

        Raises
        ------
        ResultsError
            If it cannot be written.
        """
        try:
            if self._file is None:
                self._file = os.fdopen(open_regular(self.path, os.O_RDWR | os.O_CREAT), "r+b")
                self._file.truncate(self._keep)
                self._file.seek(self._keep)
                if not self._keep:
                    self._write(self._header)
            self._write(image_document(record))
        except OSError as error:
            raise ResultsError(
                f"{self.path}: cannot be written ({error.strerror or error}); the images measured before are in it, "
                f"and the same command resumes from them"
            ) from error

    def discard(self) -> None:
        """Close and remove the file, once its records are in the result."""
        self.close()
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file and keep it."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, document: Mapping[str, Any]) -> None:
        assert self._file is not None
        self._file.write(strict_json.dumps(document, indent=None).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())


@contextmanager
def open_journal(path: Path, signature: Signature, *, replace: bool = False) -> Iterator[Journal]:
    """Open and lock a submission's journal. Its ``records`` are the images that earlier runs measured.

    Parameters
    ----------
    path:
        The file. Its folder is created if needed.
    signature:
        The run's settings and environment. A journal with other ones is refused.
    replace:
        Drop a damaged journal, or one of another signature, instead of refusing it.

    Raises
    ------
    ResultsError
        If another process holds the journal, it has another signature, or it cannot be read or written.
    """
    lock_path = path.with_name(path.name + ".lock")
    with ExitStack() as held:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            held.enter_context(locked(lock_path))
        except filelock.Timeout as error:
            raise ResultsError(
                f"{path}: another process is scoring this submission; wait until it ends, or stop it"
            ) from error
        except OSError as error:
            raise ResultsError(f"{lock_path}: cannot be written ({error.strerror or error})") from error
        header = {"format": JOURNAL_FORMAT, "settings": signature.settings, "environment": signature.environment}
        try:
            records, keep = _read(path, header)
        except ResultsError:
            if not replace or not _is_regular(path):
                raise
            records, keep = {}, 0
        journal = Journal(path, header, records, keep)
        try:
            yield journal
        finally:
            journal.close()


def _is_regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def _read(path: Path, header: Mapping[str, Any]) -> tuple[dict[str, ImageRecord], int]:
    """The records of a journal, and the number of its bytes that are complete lines."""
    try:
        with os.fdopen(open_regular(path, os.O_RDONLY), "rb") as file:
            line = file.readline(_MAX_LINE_BYTES)
            if not line.endswith(b"\n"):
                return {}, 0
            _require_header(path, line, header)
            return _read_images(file, len(line))
    except FileNotFoundError:
        return {}, 0
    except OSError as error:
        raise ResultsError(f"{path}: cannot be read ({error.strerror or error})") from error


def _require_header(path: Path, line: bytes, header: Mapping[str, Any]) -> None:
    try:
        found = convert(strict_json.loads(line), JournalHeader)
    except (ValueError, RecursionError) as error:
        raise ResultsError(
            f"{path}: not a journal of srspace-eval ({error}); remove it, or give --overwrite"
        ) from error
    # What this run would write, so that tuples and lists, NaN and null compare equal.
    wanted = strict_json.loads(strict_json.dumps(header).encode("utf-8"))
    now = Signature({**wanted["settings"], "environment": wanted["environment"]})
    then = Signature({**found.settings, "environment": found.environment})
    if now.settings != then.settings:
        one_sided = [f"{group}: not measured then" for group in now.settings if group not in then.settings]
        one_sided += [f"{group}: not measured now" for group in then.settings if group not in now.settings]
        raise ResultsError(
            f"{path}: holds an unfinished run of another signature (this run / unfinished run); "
            f"use the earlier settings to resume it, or --overwrite to delete it",
            [*now.conflicts(then), *one_sided],
        )


def _read_images(file: BinaryIO, keep: int) -> tuple[dict[str, ImageRecord], int]:
    """The records up to the first line that is damaged or incomplete, and where that line starts."""
    records: dict[str, ImageRecord] = {}
    while (line := file.readline(_MAX_LINE_BYTES)).endswith(b"\n"):
        try:
            record = image_from_document(strict_json.loads(line))
        except (ValueError, RecursionError):
            break
        records[record.image] = record
        keep += len(line)
    return records, keep
