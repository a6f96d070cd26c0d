"""The files of a bundle: pages, terms, logo, data, and the scoring program in its zip."""

from __future__ import annotations

import io
import re
import shlex
import warnings
import zipfile
from bisect import bisect_left
from pathlib import Path

from PIL import Image

from srspace_eval._utils.bounded_zip import BoundedZip, RefusedZipError, ZipLimits
from srspace_eval.codabench.checks.findings import BundleCheck
from srspace_eval.codabench.checks.yaml_file import LARGEST_YAML, read_yaml

UUID = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")


_LOGOS = ("PNG", "JPEG", "GIF", "WEBP")

_LARGEST_PAGE = 1 << 24
"""Bytes of a page or a logo that are read: 17 MB."""

LARGEST_DATA = 1 << 30
"""Bytes of a zip in the bundle that are read: three times the size from which on bundles hang."""


DIRECTORIES = 1 << 25
"""Bytes of the directories of all zips in the bundle, which have some hundred for each file."""


class BundleFiles:
    """The files of an open bundle. What is wrong with them goes into ``found``."""

    def __init__(self, found: BundleCheck, archive: zipfile.ZipFile) -> None:
        self._found, self._zip = found, archive
        self.names = {info.filename for info in archive.infolist()}
        self._sorted = sorted(self.names)
        self._directories = DIRECTORIES
        self._programs: dict[str, tuple[list[str], str | None, str | None] | None] = {}

    def read(self, name: str, largest: int = _LARGEST_PAGE) -> bytes:
        """A file's bytes.

        Raises
        ------
        ValueError
            If it is larger than ``largest``.
        """
        return read_member(self._zip, name, largest)

    def _is_folder(self, name: str) -> bool:
        start = f"{name.rstrip('/')}/"
        after = bisect_left(self._sorted, start)
        return after < len(self._sorted) and self._sorted[after].startswith(start)

    def check_page(self, name: object, where: str) -> None:
        """A text file that is not empty."""
        if not isinstance(name, str) or name not in self.names:
            self._found.refuse(f"{where}: there is no file {name!r} in the bundle")
        else:
            try:
                if not self.read(name).decode():
                    self._found.refuse(f"{where}: {name} is empty")
            except UnicodeDecodeError as error:
                self._found.refuse(f"{where}: {name} is not a text in UTF-8 ({error})")
            except ValueError as error:
                self._found.refuse(f"{where}: {error}")

    def check_logo(self, name: object) -> None:
        """A picture that the platform takes."""
        if not isinstance(name, str) or name not in self.names:
            self._found.refuse(f"image: there is no file {name!r} in the bundle")
            return
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Pillow's, one for each strange tag
                with Image.open(io.BytesIO(self.read(name)), formats=_LOGOS) as image:
                    mode = image.mode
                    image.verify()
        except Exception:  # noqa: BLE001 - Pillow raises many types for damaged files
            mode = ""
        if mode in ("", "CMYK", "YCbCr", "LAB", "HSV"):
            self._found.refuse(f"image: {name} is not a PNG, JPEG, GIF or WebP in RGB")

    def check_data(self, where: str, key: str, name: object) -> None:
        """A zip in the bundle, or the UUID of data on the platform."""
        if isinstance(name, str) and self._is_folder(name):
            self._found.trap(f"{where}: {key} {name!r} is a folder; put a zip into the bundle")
            return
        if not isinstance(name, str) or name not in self.names:
            if not UUID.fullmatch(str(name)):
                self._found.refuse(f"{where}: {key}: there is no file {name!r} in the bundle, and it is not a UUID")
            return
        if name not in self._programs:
            self._programs[name] = self._program_of(name)
        program = self._programs[name]
        if program is None:
            self._found.trap(f"{where}: {key} {name!r} is not a zip: every submission fails")
            return
        names, meta, command = program
        if any(n.startswith("__MACOSX/") or n.endswith(".DS_Store") for n in names):
            self._found.trap(f"{where}: {key} {name!r} holds files of macOS")
        if not names:
            self._found.trap(f"{where}: {key} {name!r} is empty")
        if key in ("scoring_program", "ingestion_program"):
            self._program(f"{where}: {key} {name!r}", names, meta, command)

    def _program_of(self, name: str) -> tuple[list[str], str | None, str | None] | None:
        """The files, the metadata and the command of a zip in the bundle; None if it is not a zip."""
        try:
            with BoundedZip(io.BytesIO(self.read(name, LARGEST_DATA)), ZipLimits(directory=self._directories)) as inner:
                self._directories -= inner.directory_bytes
                names = [n for n in inner.namelist() if not n.endswith("/")]
                meta = next((n for n in ("metadata.yaml", "metadata") if n in names), None)
                command = None if meta is None else command_of(read_member(inner, meta, LARGEST_YAML))
        except RefusedZipError as error:
            raise RefusedZipError(f"{name}: {error}") from error
        except zipfile.BadZipFile:
            return None
        return names, meta, command

    def _program(self, where: str, names: list[str], meta: str | None, command: str | None) -> None:
        if meta is None:
            inner = [n for n in names if Path(n).name in ("metadata.yaml", "metadata")]
            more = f"; there is {inner[0]}: zip the files, not their folder" if inner else ""
            self._found.trap(
                f"{where}: no metadata.yaml at its top{more}: nothing runs, submissions hang until the limit"
            )
            return
        if not command:
            self._found.trap(f"{where}: {meta} has no command: nothing runs, submissions hang until the limit")
            return
        try:
            words = shlex.split(command)
        except ValueError as error:
            self._found.trap(f"{where}: the command cannot be split: {error}")
            return
        if Path(words[0]).name not in ("sh", "bash") and {"&&", "||", "|", ";", ">", ">>", "<", "2>&1"} & set(words):
            self._found.trap(f"{where}: the command runs without a shell: no &&, | or >")
        if words[0].startswith("."):
            self._found.trap(f"{where}: {words[0]}: files lose their x bit; start them with bash or python3")
        for word in words[1:]:
            script = word.removeprefix("$program/").removeprefix("/app/program/")
            if script.endswith((".py", ".sh")) and not script.startswith("/") and script not in names:
                self._found.trap(f"{where}: the command names {script}, which is not in the program")


def read_member(archive: zipfile.ZipFile, name: str, largest: int) -> bytes:
    """The bytes of a zip's member. Its stated size may be false: no more than that is unpacked.

    Raises
    ------
    ValueError
        If it is larger than ``largest``.
    """
    size = archive.getinfo(name).file_size
    if size > largest:
        raise ValueError(f"{name} is larger than {largest} bytes")
    with archive.open(name) as file:
        return file.read(size + 1)


def command_of(data: bytes) -> str | None:
    """The command of a program's metadata; None if it has none.

    >>> command_of(b"command: python3 score.py")
    'python3 score.py'
    """
    try:
        found = read_yaml(data)
    except ValueError:
        return None
    command = found.get("command") if isinstance(found, dict) else None
    return command if isinstance(command, str) else None
