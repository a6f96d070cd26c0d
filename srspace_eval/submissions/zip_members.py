"""The entries of a participant's zip: their names, and the faults for which the zip is refused."""

from __future__ import annotations

import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

from srspace_eval._utils.png import MAX_FILE_BYTES
from srspace_eval.errors import SubmissionError

MAX_ZIP_BYTES = 1 << 37
"""The largest total size of a zip's unpacked files: 137 GB, ten samples of a thousand 2K images."""

_LISTED = 100
_WINDOWS = {0, 10}  # where a zip says that an entry was made: on a FAT or an NTFS disk
_UTF_8 = 0x800  # the flag of entries whose name is UTF-8
_ZIP64 = 1 << 32  # bytes; a zip of this size or more needs 64-bit numbers
_UNICODE_NAME = 0x7075  # the extra field in which Info-ZIP keeps the name as UTF-8

# Other methods can allocate gigabytes of memory before they return the first byte.
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}

# PNGs hardly compress further. A zip bomb compresses a thousandfold, and so does a dark picture that was saved without
# compression. Such a picture is accepted up to _ANY_RATIO_BYTES.
_MAX_RATIO = 200
_ANY_RATIO_BYTES = 32 << 20

# Files that operating systems add by themselves, besides hidden ones.
_SYSTEM_FILES = {"Thumbs.db", "desktop.ini"}

_HALF_LETTER = re.compile(rb"(?<![\x80-\xff])([\x80-\xff](?:[\x80-\xff]{2})*)\\")
_DRIVE = re.compile(r"[A-Za-z]:")


def is_ignored(name: str) -> bool:
    """Whether a file is hidden, or one that operating systems add by themselves. It is ignored without a notice.

    >>> is_ignored("._a.png"), is_ignored("Thumbs.db"), is_ignored("a.png")
    (True, True, False)
    """
    return (name.startswith(".") and not name.startswith("..")) or name in _SYSTEM_FILES


def safe_members(path: Path, infos: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """Name -> entry of a zip. If all PNGs are in one folder, names are relative to it.

    Raises
    ------
    SubmissionError
        If the zip is unsafe. It lists all faults.
    """
    problems, kept = [], []
    for info in infos:
        name = _name(info)
        parts = PurePosixPath(name).parts
        if not parts or name.endswith("/") or parts[0] == "__MACOSX":
            continue
        if ".." not in parts and any(map(is_ignored, parts)):
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
    composed = composed_names(raw)
    members = {composed[name]: info for name, info in raw.items()}
    names = ["/".join(parts) for parts, _ in kept]
    exact = Counter(name for name in names if not _is_png(name))  # code may have Model.py and model.py
    folded = Counter(name.casefold() for name in names if _is_png(name))
    problems += [f"{name!r}: is contained {n} times" for name, n in exact.items() if n > 1]
    problems += [f"{name!r}: is contained {n} times (ignoring case)" for name, n in folded.items() if n > 1]
    overlaps = list(_overlaps([info for _, info in kept]))
    problems += overlaps
    if len(problems) > _LISTED:
        problems = [*problems[:_LISTED], f"and {len(problems) - _LISTED} more"]
    if problems:
        advice = "pack the PNGs again, without folders"
        if overlaps and path.stat().st_size >= _ZIP64:
            advice = "the Finder of macOS writes such zips of more than 4 GB; pack the PNGs with `zip -r`"
        raise SubmissionError(f"{path}: the zip cannot be used; {advice}", problems)
    return members


def _is_png(name: str) -> bool:
    return name.lower().endswith(".png")


def composed_names(names: Iterable[str]) -> dict[str, str]:
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
    pngs = {parts[:-1] for parts, _ in kept if _is_png(parts[-1])}
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


def _name(info: zipfile.ZipInfo) -> str:
    """The name with / between folders. PowerShell 5.1 of Windows writes a backslash there.

    It is read from the stored bytes, because versions of Python decode them differently.
    """
    name = info.orig_filename
    if not info.flag_bits & _UTF_8 and not name.isascii():
        name = _decoded(name.encode("cp437"), info.extra)  # zipfile has decoded it so
    return name.replace("\\", "/") if info.create_system in _WINDOWS and "/" not in name else name


def _decoded(name: bytes, extra: bytes) -> str:
    """A name without the flag of UTF-8. macOS and Info-ZIP write UTF-8 all the same, Windows its own code page.

    In Japanese and Chinese code pages, a backslash can be the second byte of a letter. It is part of a letter if an odd
    number of bytes above 127 is before it. ``_`` then replaces it, and the other bytes are read as code page 437.
    """
    with suppress(UnicodeDecodeError):
        return name.decode("utf-8")
    at = 0
    while at + 9 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, at)
        if kind == _UNICODE_NAME and struct.unpack_from("<BI", extra, at + 4) == (1, zlib.crc32(name)):
            with suppress(UnicodeDecodeError):
                return extra[at + 9 : at + 4 + size].decode("utf-8")
        at += 4 + size
    return _HALF_LETTER.sub(rb"\1_", name).decode("cp437")


def _fault(info: zipfile.ZipInfo, name: str, parts: tuple[str, ...]) -> str | None:
    mode = info.external_attr >> 16
    if info.flag_bits & 0x1:
        return "is encrypted"
    if "\\" in name:
        return "its name contains a backslash; a zip separates folders by /"
    if ".." in parts or parts[0].startswith("/") or _DRIVE.match(parts[0]) or "\0" in info.orig_filename:
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
