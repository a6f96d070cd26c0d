"""Sources of files: a folder, or a zip that is never unpacked to disk."""

from __future__ import annotations

import struct
import threading
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from srspace_eval._utils.bounded_zip import BoundedZip, RefusedZipError, ZipLimits
from srspace_eval._utils.files import is_zip
from srspace_eval._utils.png import read_bytes
from srspace_eval._utils.untrusted_text import visible
from srspace_eval.errors import ImageError, SubmissionError
from srspace_eval.submissions.folder_search import MAX_ENTRIES, has_png, png_folders
from srspace_eval.submissions.zip_members import composed_names, is_ignored, safe_members

_LARGE = 1 << 26
_ALONE = threading.RLock()

# Raised by zipfile for damaged files, and for files whose numbers are out of range.
_DAMAGE = (OSError, zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError, struct.error)

LINKED = "to files outside the folder"
"""Words of the notice of :func:`outward_links`."""


class Source(Protocol):
    """Named files of one folder or zip.

    Sources are small and can be pickled. :meth:`read` may be called from several threads.
    """

    @property
    def path(self) -> Path:
        """The folder or zip."""

    def names(self) -> list[str]:
        """The names of all files, sorted, relative to the top folder.

        Raises
        ------
        SubmissionError
            If the folder or zip cannot be read, or a zip is unsafe.
        """

    def read(self, name: str, most: int | None = None) -> bytes:
        """A file's bytes. If ``most`` is given, they are at most the first ``most`` bytes.

        Raises
        ------
        ImageError
            If the file is missing, unreadable or too large.
        """

    def size(self, name: str) -> int:
        """A file's size in bytes, as it is stated; 0 if there is no such file."""

    def where(self, name: str) -> str:
        """The file's name for messages, in one line: a name may hold line ends, which would forge lines."""


def alone_if_large(size: int, needed: int = 0) -> AbstractContextManager[object]:
    """A lock that the threads of this process share for files and pictures of more than 64 MB; none for smaller ones.

    Without it, each core would hold a large file of a small zip in memory at the same time.

    Parameters
    ----------
    size
        The size in bytes.
    needed
        The bytes of the pixels that are measured. A picture of at most twice as many takes no lock, because the GT,
        which the organiser chose, is about as large.
    """
    return _ALONE if size > max(_LARGE, 2 * needed) else nullcontext()


def open_source(path: Path | str) -> Source:
    """A folder or zip as a source of files.

    If all PNGs are in one inner folder, however deep, the source is that folder.

    Raises
    ------
    SubmissionError
        If the path is neither a folder nor a zip.
    """
    path = Path(path)
    try:
        if path.is_dir():
            with suppress(PermissionError):  # names() says that it cannot be listed
                inner = [] if has_png(path) else png_folders(path)
                return FolderSource(path / inner[0]) if len(inner) == 1 else FolderSource(path)
            return FolderSource(path)
        if path.is_file():
            if is_zip(path):
                return ZipSource(path)
            if _begins_as_zip(path):
                raise SubmissionError(f"{path}: a damaged or incomplete zip; copy or pack it again")
            raise SubmissionError(f"{path}: neither a folder nor a zip; give the folder of PNGs, or a zip of it")
    except OSError as error:
        raise SubmissionError(f"{path}: cannot be read ({error.strerror or error})") from error
    raise SubmissionError(f"{path}: there is no such folder or zip")


def _begins_as_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PK\x03\x04"


@dataclass(frozen=True)
class FolderSource:
    """The files directly in a folder."""

    path: Path

    def names(self) -> list[str]:
        found = []
        try:
            for entry in self.path.iterdir():
                if is_ignored(entry.name):
                    continue
                found.append(entry.name)
                if len(found) > MAX_ENTRIES:
                    raise SubmissionError(f"{self.path}: contains more than {MAX_ENTRIES} files")
        except OSError as error:
            raise SubmissionError(f"{self.path}: cannot be listed ({error.strerror or error})") from error
        return sorted(composed_names(found).values())

    def read(self, name: str, most: int | None = None) -> bytes:
        return read_bytes(self._file(name), most)

    def size(self, name: str) -> int:
        with suppress(OSError):
            return self._file(name).stat().st_size
        return 0

    def _file(self, name: str) -> Path:
        path = self.path / name
        return path if path.exists() else self.path / unicodedata.normalize("NFD", name)  # see composed_names

    def where(self, name: str) -> str:
        return visible(str(self.path / name))


def outward_links(source: Source) -> Iterator[str]:
    """A notice that names a file of a folder that is a link to a file elsewhere, if there is one.

    Links are followed: they are a usual way to give files other names. Whoever sent the folder chose what is measured.
    """
    if not isinstance(source, FolderSource):
        return
    try:
        inside = source.path.resolve()
        found = sorted(
            entry
            for entry in source.path.iterdir()
            if entry.is_symlink() and entry.is_file() and not entry.resolve().is_relative_to(inside)
        )
    except (OSError, RuntimeError):  # unreadable files and circles are faults elsewhere
        return
    if not found:
        return
    link, aim = visible(found[0].name), visible(str(found[0].resolve()))
    count = "1 file is a link" if len(found) == 1 else f"{len(found)} files are links"
    yield (
        f"{source.path}: {count} {LINKED}. The linked files are measured. Example: {link} "
        f"is a link to {aim}. If somebody sent you the folder, ask for the files themselves"
    )


@dataclass
class ZipSource:
    """The files of a zip, read into memory one at a time; nothing is written to disk.

    If all PNGs are in one folder, names are relative to it; other files outside of it keep their names. ``inside`` is
    the folder to read, where there are several (:func:`enter`). Absolute names, ``..``, links, devices, encrypted
    or nested archives, PNGs whose names differ only in case, and excessive sizes are faults.
    """

    path: Path
    inside: str = ""
    _archive: BoundedZip | None = field(default=None, repr=False, compare=False)
    _members: dict[str, zipfile.ZipInfo] = field(default_factory=dict, repr=False, compare=False)

    def names(self) -> list[str]:
        self._open()
        return sorted(self._members)

    def read(self, name: str, most: int | None = None) -> bytes:
        self._open()
        archive = self._archive
        assert archive is not None
        where = self.where(name)
        if name not in self._members:
            raise ImageError(f"{where}: there is no such file in the zip")
        member = self._members[name]
        try:
            with archive.open(member) as file:
                # safe_members bounds the stated size. Nothing beyond it is unpacked, as it may be false.
                return file.read(member.file_size + 1 if most is None else min(most, member.file_size + 1))
        except (*_DAMAGE, zlib.error, EOFError, RuntimeError) as error:
            raise ImageError(f"{where}: cannot be read from the zip ({error}); pack it again") from error

    def size(self, name: str) -> int:
        self._open()
        return self._members[name].file_size if name in self._members else 0

    def where(self, name: str) -> str:
        return visible(f"{self.path}: {self.inside}/{name}" if self.inside else f"{self.path}: {name}")

    def below(self, folder: str) -> ZipSource:
        """The files of one of its folders. The zip is not opened again: its directory may have 100 000 entries."""
        self._open()
        inner = ZipSource(self.path, f"{self.inside}/{folder}".strip("/"))
        inner._archive, inner._members = self._archive, _inside(self._members, folder)
        return inner

    def close(self) -> None:
        """Close the zip until it is read again. An inbox may have more zips than a process may have open files."""
        archive, self._archive = self._archive, None
        if archive is not None:
            archive.close()

    def __getstate__(self) -> tuple[Path, str]:
        return self.path, self.inside

    def __setstate__(self, state: tuple[Path, str]) -> None:
        (self.path, self.inside), self._archive, self._members = state, None, {}

    def _open(self) -> None:
        if self._archive is not None:
            return
        try:
            archive = BoundedZip(self.path, ZipLimits(entries=MAX_ENTRIES))
            members = safe_members(self.path, archive.infolist())
        except RefusedZipError as error:
            raise SubmissionError(f"{self.path}: {error}; pack the PNGs again, without folders") from error
        except _DAMAGE as error:
            raise SubmissionError(f"{self.path}: not a readable zip ({error}); pack it again") from error
        self._members = _inside(members, self.inside) if self.inside else members
        self._archive = archive


def _inside(members: dict[str, zipfile.ZipInfo], folder: str) -> dict[str, zipfile.ZipInfo]:
    start = f"{folder}/"
    return {name[len(start) :]: info for name, info in members.items() if name.startswith(start)}
