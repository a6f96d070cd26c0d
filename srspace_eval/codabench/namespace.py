"""Inside a mount namespace: build a root like that of the worker's container, give up all rights, run the program.

:mod:`srspace_eval.codabench.container` starts this file with ``unshare``. It is run as a program, before the new root
exists, and imports the standard library only. Its argument is a JSON file::

    {"root": an empty folder, "folders": [[source, place, read-only], ...], "command": [...], "environment": {...},
     "work": the working folder inside}
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from pathlib import Path

SYSTEM = ("bin", "etc", "lib", "lib32", "lib64", "libx32", "opt", "sbin", "usr")
"""Folders of this machine that stand for those of the image. They are read-only inside."""

HOME = "/home/worker"
"""The empty home of the program."""

_DEVICES = ("full", "null", "random", "urandom", "zero")
_LINKS = {"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"}
_SHARED_MEMORY = "size=64m"
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 24, 38
_CAPABILITIES = 64


def main(specification: str) -> None:
    """Build the root, enter it, and become the program."""
    spec = json.loads(Path(specification).read_text(encoding="utf-8"))
    root = Path(spec["root"])
    _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", str(root))
    for name in SYSTEM:
        source = Path("/", name)
        if source.is_symlink():
            (root / name).symlink_to(source.readlink())
        elif source.is_dir():
            _bind(source, root / name, read_only=True)
    for name in ("proc", "dev", "tmp", "run", HOME):
        (root / name.lstrip("/")).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    _mount("-t", "proc", "proc", str(root / "proc"))
    _bind(Path("/sys"), root / "sys", read_only=True)
    for name in _DEVICES:
        _bind(Path("/dev", name), root / "dev" / name)
    for name, target in _LINKS.items():
        (root / "dev" / name).symlink_to(target)
    (root / "dev/shm").mkdir()
    _mount("-t", "tmpfs", "-o", _SHARED_MEMORY, "tmpfs", str(root / "dev/shm"))
    for source_name, place, read_only in spec["folders"]:
        _bind(Path(source_name), root / place.lstrip("/"), read_only=read_only)
    os.chroot(root)
    os.chdir(spec["work"])
    _give_up_rights()
    os.execvpe(spec["command"][0], spec["command"], spec["environment"])


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def _bind(source: Path, target: Path, *, read_only: bool = False) -> None:
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    _mount("--rbind", str(source), str(target))
    if read_only:
        _mount("-o", "remount,bind,ro", str(target))


def _give_up_rights() -> None:
    """As the worker's container: no capabilities, and no way to get any."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    for capability in range(_CAPABILITIES):
        prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)  # numbers that the kernel does not know are refused
    if prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no_new_privs")


if __name__ == "__main__":
    main(sys.argv[1])
