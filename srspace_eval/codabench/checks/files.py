"""The files of a bundle: pages, terms, logo, data, and the scoring program in its zip."""

from __future__ import annotations

import io
import re
import shlex
import zipfile
from pathlib import Path

import yaml
from PIL import Image

from srspace_eval.codabench.checks.findings import BundleCheck

UUID = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")


class BundleFiles:
    """The files of an open bundle. What is wrong with them goes into ``found``."""

    def __init__(self, found: BundleCheck, archive: zipfile.ZipFile) -> None:
        self._found, self._zip = found, archive
        self.names = {info.filename for info in archive.infolist()}
        self._folders = {
            f"{parent}/" for name in self.names for parent in map(str, Path(name).parents) if parent != "."
        }

    def size(self, name: str) -> int:
        """A file's size in bytes."""
        return self._zip.getinfo(name).file_size

    def read(self, name: str) -> bytes:
        """A file's bytes."""
        return self._zip.read(name)

    def check_page(self, name: object, where: str) -> None:
        """A text file that is not empty."""
        if not isinstance(name, str) or name not in self.names:
            self._found.refuse(f"{where}: there is no file {name!r} in the bundle")
        elif not (data := self.read(name)):
            self._found.refuse(f"{where}: {name} is empty")
        else:
            try:
                data.decode()
            except UnicodeDecodeError as error:
                self._found.refuse(f"{where}: {name} is not a text in UTF-8 ({error})")

    def check_logo(self, name: object) -> None:
        """A picture that the platform takes."""
        if not isinstance(name, str) or name not in self.names:
            self._found.refuse(f"image: there is no file {name!r} in the bundle")
            return
        try:
            with Image.open(io.BytesIO(self.read(name))) as image:
                kind, mode = image.format, image.mode
                image.verify()
        except Exception:  # noqa: BLE001 - Pillow raises many types for damaged files
            kind, mode = None, ""
        if kind not in ("PNG", "JPEG", "GIF", "WEBP") or mode in ("CMYK", "YCbCr", "LAB", "HSV"):
            self._found.refuse(f"image: {name} is not a PNG, JPEG, GIF or WebP in RGB")

    def check_data(self, where: str, key: str, name: object) -> None:
        """A zip in the bundle, or the UUID of data on the platform."""
        if isinstance(name, str) and f"{name.rstrip('/')}/" in self._folders:
            self._found.trap(f"{where}: {key} {name!r} is a folder; put a zip into the bundle")
            return
        if not isinstance(name, str) or name not in self.names:
            if not UUID.fullmatch(str(name)):
                self._found.refuse(f"{where}: {key}: there is no file {name!r} in the bundle, and it is not a UUID")
            return
        try:
            with zipfile.ZipFile(io.BytesIO(self.read(name))) as inner:
                names = [n for n in inner.namelist() if not n.endswith("/")]
                meta = next((n for n in ("metadata.yaml", "metadata") if n in names), None)
                command = None if meta is None else command_of(inner.read(meta))
        except zipfile.BadZipFile:
            self._found.trap(f"{where}: {key} {name!r} is not a zip: every submission fails")
            return
        if any(n.startswith("__MACOSX/") or n.endswith(".DS_Store") for n in names):
            self._found.trap(f"{where}: {key} {name!r} holds files of macOS")
        if not names:
            self._found.trap(f"{where}: {key} {name!r} is empty")
        if key in ("scoring_program", "ingestion_program"):
            self._program(f"{where}: {key} {name!r}", names, meta, command)

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


def command_of(data: bytes) -> str | None:
    """The command of a program's metadata; None if it has none.

    >>> command_of(b"command: python3 score.py")
    'python3 score.py'
    """
    try:
        found = yaml.safe_load(data.decode())
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError):
        return None
    command = found.get("command") if isinstance(found, dict) else None
    return command if isinstance(command, str) else None
