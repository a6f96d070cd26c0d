"""What a run has measured so far, on disk: appended and synced image by image, so that a killed run goes on.

A journal is a file of JSON lines: a header with the signature, then a line for each image. A line that a kill tore
in two is dropped. While a run holds the journal it is locked against a second one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import filelock

from srspace_eval._utils import strict_json
from srspace_eval._utils.files import locked
from srspace_eval.errors import ResultsError
from srspace_eval.results.record import ImageRecord, Signature, image_document, image_from_document

JOURNAL_FORMAT = "srspace-eval/journal/1"


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
        """Add one image; when this returns it is on the disk. The file comes into being with the first one."""
        try:
            if self._file is None:
                self._file = self.path.open("r+b" if self._keep else "wb")
                self._file.truncate(self._keep)
                self._file.seek(self._keep)
                if not self._keep:
                    self._write(self._header)
            self._write(image_document(record))
        except OSError as error:
            raise ResultsError(
                f"{self.path}: cannot be written ({error.strerror or error}); what was measured before stands there, "
                f"and the same command goes on from it"
            ) from error

    def discard(self) -> None:
        """Close and remove it: its records are in the result now."""
        self.close()
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file, which stays where it is."""
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
    """Open a submission's journal, locked; what an earlier run measured is in its ``records``.

    Parameters
    ----------
    path:
        The file; its folder is made if needed.
    signature:
        The run's settings and environment. A journal begun with other ones is refused.
    replace:
        Drop a journal of another signature, or a damaged one, instead of refusing it.

    Raises
    ------
    ResultsError
        If another process holds it, it is of another signature, or it cannot be written.
    """
    lock_path = path.with_name(path.name + ".lock")
    with ExitStack() as held:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            held.enter_context(locked(lock_path))
        except filelock.Timeout as error:
            raise ResultsError(
                f"{path}: another process is scoring this submission; wait for it, or stop it"
            ) from error
        except OSError as error:
            raise ResultsError(f"{lock_path}: cannot be written ({error.strerror or error})") from error
        header = {"format": JOURNAL_FORMAT, "settings": signature.settings, "environment": signature.environment}
        try:
            records, keep = _read(path, header)
        except ResultsError:
            if not replace:
                raise
            records, keep = {}, 0
        journal = Journal(path, header, records, keep)
        try:
            yield journal
        finally:
            journal.close()


def _read(path: Path, header: Mapping[str, Any]) -> tuple[dict[str, ImageRecord], int]:
    """The records of a journal, and how many bytes of it are whole lines."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return {}, 0
    except OSError as error:
        raise ResultsError(f"{path}: cannot be read ({error.strerror or error})") from error
    lines = data.split(b"\n")[:-1]  # what stands behind the last line's end was torn
    if not lines:
        return {}, 0
    wanted = json.loads(strict_json.dumps(header))
    try:
        found = json.loads(lines[0])
        if found["format"] != JOURNAL_FORMAT:
            raise ValueError("its first line is no header")
        settings = {group: dict(values) for group, values in found["settings"].items()}
        environment = dict(found["environment"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ResultsError(f"{path}: no journal of srspace-eval ({error}); remove it, or give --overwrite") from error
    if settings != wanted["settings"] or environment != wanted["environment"]:
        now = Signature({**wanted["settings"], "environment": wanted["environment"]})
        then = Signature({**settings, "environment": environment})
        one_sided = [f"{group}: not measured then" for group in now.settings if group not in then.settings]
        one_sided += [f"{group}: not measured now" for group in then.settings if group not in now.settings]
        raise ResultsError(
            f"{path}: holds an unfinished run of another signature (now / then differ below); "
            f"go on with the settings of then, or give --overwrite to drop it",
            [*now.conflicts(then), *one_sided],
        )
    records = {}
    keep = len(lines[0]) + 1
    for line in lines[1:]:
        try:
            record = image_from_document(json.loads(line))
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            break
        records[record.image] = record
        keep += len(line) + 1
    return records, keep
