"""Sources of files: a folder, or a zip that is never unpacked to disk."""

from __future__ import annotations

import stat
import struct
import threading
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Protocol

from srspace_eval._utils.bounded_zip import BoundedZip, RefusedZipError, ZipLimits
from srspace_eval._utils.files import is_zip
from srspace_eval._utils.png import MAX_FILE_BYTES, read_bytes
from srspace_eval.errors import ImageError, SubmissionError
from srspace_eval.submissions.folder_search import MAX_ENTRIES, has_png, png_folders

MAX_ZIP_BYTES = 1 << 37
"""The largest total size of a zip's unpacked files: 137 GB, ten samples of a thousand 2K images."""

_LISTED = 100
_LARGE = 1 << 26
_ALONE = threading.RLock()
_WINDOWS = {0, 10}  # where a zip says that an entry was made: on a FAT or an NTFS disk

# Other methods can allocate gigabytes of memory before they return the first byte.
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}

# PNGs hardly compress further. A zip bomb compresses a thousandfold, and so does a dark picture that was saved without
# compression. Such a picture is accepted up to _ANY_RATIO_BYTES.
_MAX_RATIO = 200
_ANY_RATIO_BYTES = 32 << 20

# Raised by zipfile for damaged files, and for files whose numbers are out of range.
_DAMAGE = (OSError, zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError, struct.error)

LINKED = "to files outside the folder"
"""Words of the notice of :func:`outward_links`."""

# Files that operating systems add by themselves. They are ignored without a notice.
_SYSTEM_FILES = {".DS_Store", "Thumbs.db", "desktop.ini"}


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

    def read(self, name: str) -> bytes:
        """A file's bytes.

        Raises
        ------
        ImageError
            If the file is missing, unreadable or too large.
        """

    def size(self, name: str) -> int:
        """A file's size in bytes, as it is stated; 0 if there is no such file."""

    def where(self, name: str) -> str:
        """The file's name for messages."""


def alone_if_large(size: int) -> AbstractContextManager[object]:
    """Of files and pictures of more than 64 MB, the threads of this process hold one at a time.

    Otherwise a small zip of large files would take its memory once for each core. Parameter: bytes.
    """
    return _ALONE if size > _LARGE else nullcontext()


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
                if entry.name in _SYSTEM_FILES or entry.name.startswith("._"):
                    continue
                found.append(entry.name)
                if len(found) > MAX_ENTRIES:
                    raise SubmissionError(f"{self.path}: contains more than {MAX_ENTRIES} files")
        except OSError as error:
            raise SubmissionError(f"{self.path}: cannot be listed ({error.strerror or error})") from error
        return sorted(_composed(found).values())

    def read(self, name: str) -> bytes:
        path = self.path / name
        if not path.exists():
            path = self.path / unicodedata.normalize("NFD", name)  # see _composed
        return read_bytes(path)

    def size(self, name: str) -> int:
        with suppress(OSError):
            return (self.path / name).stat().st_size
        return 0

    def where(self, name: str) -> str:
        return str(self.path / name)


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
    count = "1 file is a link" if len(found) == 1 else f"{len(found)} files are links"
    yield (
        f"{source.path}: {count} {LINKED}. The linked files are measured. Example: {found[0].name} "
        f"is a link to {found[0].resolve()}. If somebody sent you the folder, ask for the files themselves"
    )


@dataclass
class ZipSource:
    """The files of a zip, read into memory one at a time; nothing is written to disk.

    If all PNGs are in one folder, names are relative to it; other files outside of it keep their names. ``inside`` is
    the folder to read, where there are several (:func:`enter`). Absolute names, ``..``, links, devices, encrypted
    or nested archives, names that differ only in case, and excessive sizes are faults.
    """

    path: Path
    inside: str = ""
    _archive: BoundedZip | None = field(default=None, repr=False, compare=False)
    _members: dict[str, zipfile.ZipInfo] = field(default_factory=dict, repr=False, compare=False)

    def names(self) -> list[str]:
        self._open()
        return sorted(self._members)

    def read(self, name: str) -> bytes:
        self._open()
        assert self._archive is not None
        where = self.where(name)
        if name not in self._members:
            raise ImageError(f"{where}: there is no such file in the zip")
        member = self._members[name]
        try:
            with self._archive.open(member) as file:
                # _safe_members bounds the stated size. Nothing beyond it is unpacked, as it may be false.
                return file.read(member.file_size + 1)
        except (*_DAMAGE, zlib.error, EOFError, RuntimeError) as error:
            raise ImageError(f"{where}: cannot be read from the zip ({error}); pack it again") from error

    def size(self, name: str) -> int:
        self._open()
        return self._members[name].file_size if name in self._members else 0

    def where(self, name: str) -> str:
        return f"{self.path}: {self.inside}/{name}" if self.inside else f"{self.path}: {name}"

    def below(self, folder: str) -> ZipSource:
        """The files of one of its folders. The zip is not opened again: its directory may have 100 000 entries."""
        self._open()
        inner = ZipSource(self.path, f"{self.inside}/{folder}".strip("/"))
        inner._archive, inner._members = self._archive, _inside(self._members, folder)
        return inner

    def __getstate__(self) -> tuple[Path, str]:
        return self.path, self.inside

    def __setstate__(self, state: tuple[Path, str]) -> None:
        (self.path, self.inside), self._archive, self._members = state, None, {}

    def _open(self) -> None:
        if self._archive is not None:
            return
        try:
            archive = BoundedZip(self.path, ZipLimits(entries=MAX_ENTRIES))
            members = _safe_members(self.path, archive.infolist())
        except RefusedZipError as error:
            raise SubmissionError(f"{self.path}: {error}; pack the PNGs again, without folders") from error
        except _DAMAGE as error:
            raise SubmissionError(f"{self.path}: not a readable zip ({error}); pack it again") from error
        self._members = _inside(members, self.inside) if self.inside else members
        self._archive = archive


def _inside(members: dict[str, zipfile.ZipInfo], folder: str) -> dict[str, zipfile.ZipInfo]:
    start = f"{folder}/"
    return {name[len(start) :]: info for name, info in members.items() if name.startswith(start)}


def _safe_members(path: Path, infos: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    problems, kept = [], []
    for info in infos:
        name = _slashed(info)
        parts = PurePosixPath(name).parts
        if not parts or name.endswith("/") or parts[0] == "__MACOSX":
            continue
        if parts[-1] in _SYSTEM_FILES or parts[-1].startswith("._"):
            continue
        problem = _fault(info, name, parts)
        if problem:
            problems.append(f"{name[:300]!r}: {problem}")
        else:
            kept.append((parts, info))
    if sum(info.file_size for _, info in kept) > MAX_ZIP_BYTES:
        problems.append(f"its files unpack to more than {MAX_ZIP_BYTES} bytes")
    kept = _below(kept)
    raw = {"/".join(parts): info for parts, info in kept}
    composed = _composed(raw)
    members = {composed[name]: info for name, info in raw.items()}
    counts = Counter(name.casefold() for name in ("/".join(parts) for parts, _ in kept))
    problems += [f"{name!r}: is contained {n} times (ignoring case)" for name, n in counts.items() if n > 1]
    problems += _overlaps([info for _, info in kept])
    if len(problems) > _LISTED:
        problems = [*problems[:_LISTED], f"and {len(problems) - _LISTED} more"]
    if problems:
        raise SubmissionError(f"{path}: the zip cannot be used; pack the PNGs again, without folders", problems)
    return members


def _composed(names: Iterable[str]) -> dict[str, str]:
    """File name -> the name in composed Unicode (NFC), which other files of the image have.

    macOS writes decomposed names (NFD) into zips. A name stays as it is if it is neither composed nor decomposed, or if
    the composed name exists as well.
    """
    names = list(names)
    known = set(names)
    found = {}
    for name in names:
        composed = unicodedata.normalize("NFC", name)
        whole = composed not in known and unicodedata.normalize("NFD", composed) == name
        found[name] = composed if whole else name
    return found


_Entries = list[tuple[tuple[str, ...], zipfile.ZipInfo]]


def _below(kept: _Entries) -> _Entries:
    """Entries with names relative to the folder of the PNGs, or to the innermost folder that has them all."""
    pngs = {parts[:-1] for parts, _ in kept if parts[-1].lower().endswith(".png")}
    if len(pngs) == 1:
        (folder,) = pngs
        inside = [(parts[len(folder) :], info) for parts, info in kept if parts[: len(folder)] == folder]
        taken = {"/".join(parts).casefold() for parts, _ in inside}
        outside = [(parts, info) for parts, info in kept if parts[: len(folder)] != folder]
        return inside + [(parts, info) for parts, info in outside if "/".join(parts).casefold() not in taken]
    if not kept:
        return kept
    folders = [parts[:-1] for parts, _ in kept]
    first, last = min(folders), max(folders)  # what these two share, all share
    shared = 0
    while shared < min(len(first), len(last)) and first[shared] == last[shared]:
        shared += 1
    return [(parts[shared:], info) for parts, info in kept]


def _overlaps(infos: list[zipfile.ZipInfo]) -> Iterator[str]:
    """Faults of entries that share bytes. With them, a small zip could unpack to any size."""
    end = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < end:
            yield f"{info.filename!r}: overlaps the entry before it"
        # 30 bytes is the shortest header; a name and an extra field make it longer.
        end = info.header_offset + 30 + info.compress_size


def _slashed(info: zipfile.ZipInfo) -> str:
    """The name with / between folders. PowerShell 5.1 of Windows writes a backslash there."""
    windows = info.create_system in _WINDOWS and "/" not in info.filename
    return info.filename.replace("\\", "/") if windows else info.filename


def _fault(info: zipfile.ZipInfo, name: str, parts: tuple[str, ...]) -> str | None:
    mode = info.external_attr >> 16
    if info.flag_bits & 0x1:
        return "is encrypted"
    if "\\" in name:
        return "its name contains a backslash; a zip separates folders by /"
    if ".." in parts or parts[0].startswith("/") or ":" in parts[0] or "\0" in info.orig_filename:
        return "its name points outside the folder"
    if max(map(len, parts)) > 255:
        return "its name is longer than file systems allow"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "is not a regular file but a link or device"
    if info.compress_type not in _METHODS:
        return f"is compressed by method {info.compress_type}, not deflate"
    if name.lower().endswith(".zip"):
        return "is a zip inside the zip"
    if info.file_size > MAX_FILE_BYTES:
        return f"unpacks to {info.file_size} bytes; no picture is that large"
    if info.file_size > _ANY_RATIO_BYTES and info.file_size > _MAX_RATIO * max(1, info.compress_size):
        return f"unpacks from {info.compress_size} to {info.file_size} bytes; no picture compresses that well"
    return None
