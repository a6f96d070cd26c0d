"""Where the PNGs of a folder are: directly in it, or in inner folders."""

from __future__ import annotations

from pathlib import Path

from srspace_eval.errors import SubmissionError

MAX_ENTRIES = 100_000
"""The largest number of entries of a zip or folder."""

_DEEPEST = 4


def has_png(folder: Path) -> bool:
    """Whether a PNG is directly in a folder. Hidden ones do not count; macOS puts ``._NAME.png`` beside others."""
    return any(path.suffix.lower() == ".png" and not path.name.startswith(".") for path in folder.iterdir())


def png_folders(folder: Path) -> list[str]:
    """The inner folders, at most four levels deep, that contain a PNG.

    Hidden folders, links, and folders that cannot be listed are left out.
    """
    found: list[Path] = []
    level, seen = [folder], 0
    for _ in range(_DEEPEST):
        deeper: list[Path] = []
        for outer in level:
            for path in outer.iterdir():
                seen += 1
                if seen > MAX_ENTRIES:
                    raise SubmissionError(f"{folder}: contains more than {MAX_ENTRIES} files")
                try:
                    if path.name.startswith((".", "__MACOSX")) or path.is_symlink() or not path.is_dir():
                        continue
                    (found if has_png(path) else deeper).append(path)
                except OSError:
                    continue  # an inner folder that cannot be listed
        level = deeper
    return sorted(path.relative_to(folder).as_posix() for path in found)
