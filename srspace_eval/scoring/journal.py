"""The images that a run has measured so far, on disk, so that a killed run can be resumed.

A journal is a file of JSON lines: a header with the signature, then a line for each image, written and synced when the
image has been measured. An incomplete last line, which a killed run leaves, is dropped. While a run holds the journal
it is locked against other processes.

Each line has a seal of this machine (:mod:`srspace_eval.scoring.sealed_lines`). What another machine wrote, or version
0.1.0, is not resumed from: its images are measured anew, unless the board is trusted.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal

import filelock
from msgspec import Struct

from srspace_eval._utils import strict_json
from srspace_eval._utils.documents import Digest, convert
from srspace_eval._utils.files import locked, open_regular, replacing
from srspace_eval._utils.machine_secret import machine_secret
from srspace_eval._utils.notices import notify
from srspace_eval.errors import ResultsError
from srspace_eval.results.documents import ImageDocument, image_document, image_from_document
from srspace_eval.results.record import ImageRecord
from srspace_eval.results.seals import notify_without_seal
from srspace_eval.results.signature import Signature
from srspace_eval.scoring.sealed_lines import LineSealer, unsealed

JOURNAL_FORMAT = "srspace-eval/journal/2"

_MAX_LINE_BYTES = 1 << 26  # ten times an image of MAX_SAMPLES samples


class JournalHeader(Struct, frozen=True):
    """The first line of a journal: the settings and the environment of its run, as in a result's signature.

    Each line after it is an image's object of a result. Format 1, of version 0.1.0, has no seals.

    Attributes
    ----------
    seal
        What shows that this machine wrote the line. Each image's line has one, too.
    trusted
        Whether some of the images were measured by another machine, and were taken with ``--trust-board``.
    """

    format: Literal["srspace-eval/journal/1", "srspace-eval/journal/2"]
    settings: dict[str, dict[str, Any]]
    environment: dict[str, Any]
    seal: Digest | None = None
    trusted: bool = False


class JournalImage(ImageDocument, frozen=True):
    """The line of one image: its object of a result, and the line's seal."""

    seal: Digest | None = None


@dataclass
class _Found:
    """What a journal's file holds that this run can use.

    ``keep`` is the number of its bytes that stay, and ``sealer`` continues after them. ``trusted``: another machine
    measured records. ``foreign``: another machine also wrote the lines.
    """

    sealer: LineSealer
    records: dict[str, ImageRecord] = field(default_factory=dict)
    keep: int = 0
    trusted: bool = False
    foreign: bool = False


class Journal:
    """An open, locked journal; made by :func:`open_journal`.

    Attributes
    ----------
    path
        The file.
    records
        The images measured by earlier runs, by name.
    trusted
        Whether another machine measured them, and they are taken on trust.
    """

    def __init__(self, path: Path, header: Mapping[str, Any], found: _Found) -> None:
        self.path = path
        self.records = found.records
        self.trusted = found.trusted and bool(found.records)
        self._header, self._found = header, found
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
                if self._found.foreign:
                    self._seal_records()
                keep = self._found.keep
                self._file = os.fdopen(open_regular(self.path, os.O_RDWR | os.O_CREAT), "r+b")
                self._file.truncate(keep)
                self._file.seek(keep)
                if not keep:
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
            # Each line was written and synced, or its error was raised. Closing tries to write a line again.
            with suppress(OSError):
                self._file.close()
            self._file = None

    def _seal_records(self) -> None:
        """Write the records of another machine anew, with seals, so that lines can follow them.

        The header keeps that they were taken on trust. A later run without ``--trust-board`` does not take them.
        """
        sealer = self._found.sealer
        header = {**self._header, "trusted": True} if self.records else self._header
        lines = [sealer.sealed(document) for document in (header, *map(image_document, self.records.values()))]
        with replacing(self.path) as file:
            file.writelines(lines)
        self._found.keep = sum(map(len, lines))

    def _write(self, document: Mapping[str, Any]) -> None:
        assert self._file is not None
        self._file.write(self._found.sealer.sealed(document))
        self._file.flush()
        os.fsync(self._file.fileno())


@contextmanager
def open_journal(path: Path, signature: Signature, *, replace: bool = False, trust: bool = False) -> Iterator[Journal]:
    """Open and lock a submission's journal. Its ``records`` are the images that earlier runs measured.

    Parameters
    ----------
    path
        The file. Its folder is created if needed.
    signature
        The run's settings and environment. A journal with other ones is refused.
    replace
        Drop a damaged journal, or one of another signature, instead of refusing it.
    trust
        Also take images that another machine measured.

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
        secret = _secret()
        try:
            found = _read(path, header, secret, trust)
        except ResultsError:
            if not replace or not _is_regular(path):
                raise
            found = _Found(LineSealer(secret))
        journal = Journal(path, header, found)
        try:
            yield journal
        finally:
            journal.close()


def _is_regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def _secret() -> bytes | None:
    try:
        return machine_secret()
    except OSError as error:
        notify_without_seal(error)
        return None


def _read(path: Path, header: Mapping[str, Any], secret: bytes | None, trust: bool) -> _Found:
    """The records of a journal, and the number of its bytes that are complete lines."""
    found = _Found(LineSealer(secret))
    try:
        with os.fdopen(open_regular(path, os.O_RDONLY), "rb") as file:
            line = file.readline(_MAX_LINE_BYTES)
            if not line.endswith(b"\n"):
                return found
            before = _header_of(path, line)
            genuine = found.sealer.genuine(line)
            if not (genuine and not before.trusted) and not (trust and before.format == JOURNAL_FORMAT):
                why = (
                    "some of its images were taken on trust"
                    if genuine
                    else ("this machine did not write it, or version 0.1.0 did")
                )
                notify(
                    f"{path}: is measured anew, because {why}"
                    + ("" if trust else "; --trust-board takes the journals of a cluster of your own")
                )
                found.sealer = LineSealer(secret)
                return found
            _require_same(path, before, header)
            found.foreign, found.trusted = not genuine, not genuine or before.trusted
            found.keep = len(line)
            _read_images(path, file, found)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise ResultsError(f"{path}: cannot be read ({error.strerror or error})") from error
    return found


def _header_of(path: Path, line: bytes) -> JournalHeader:
    try:
        return convert(strict_json.loads(line), JournalHeader)
    except (ValueError, RecursionError) as error:
        raise ResultsError(
            f"{path}: not a journal of srspace-eval ({error}); remove it, or give --overwrite"
        ) from error


def _require_same(path: Path, found: JournalHeader, header: Mapping[str, Any]) -> None:
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


def _read_images(path: Path, file: BinaryIO, found: _Found) -> None:
    """Take the records up to the first line that is damaged or incomplete or, if this machine wrote it, not genuine."""
    while (line := file.readline(_MAX_LINE_BYTES)).endswith(b"\n"):
        try:
            record = image_from_document(strict_json.loads(unsealed(line)))
        except (ValueError, RecursionError):
            break
        if not found.foreign and not found.sealer.genuine(line):
            notify(
                f"{path}: line {len(found.records) + 2} is not as this machine wrote it; its image and those after it "
                "are measured anew"
            )
            break
        found.records[record.image] = record
        found.keep += len(line)
