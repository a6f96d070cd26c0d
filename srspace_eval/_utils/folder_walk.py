"""The files of a folder and its inner folders, bounded in number, at any depth. Imports no torch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

MAX_WALKED = 100_000
"""Files and folders that are walked through: those that a submission may have."""


def files_below(folder: Path, most: int = MAX_WALKED) -> Iterator[Path]:
    """All files of a folder and its inner folders, in no order.

    Links to files are followed, and links to folders are not: one may lead to the whole disk. Inner folders that cannot
    be listed are left out, such as those whose path is longer than the system allows.

    Parameters
    ----------
    folder
        The folder. It may be a link itself.
    most
        The largest number of files and folders.

    Raises
    ------
    OSError
        If there are more, or if the folder itself cannot be listed.
    """
    waiting, seen = [folder], 0
    while waiting:
        outer = waiting.pop()
        found = []
        try:
            with os.scandir(outer) as entries:
                for entry in entries:
                    seen += 1
                    if seen > most:
                        break
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(outer / entry.name)
                    elif entry.is_file():
                        found.append(outer / entry.name)
        except OSError:
            if outer == folder:
                raise
        yield from found
        if seen > most:
            raise OSError(f"contains more than {most} files and folders; give a smaller folder")
