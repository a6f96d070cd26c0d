"""Where a study lies: the folder for the raters, and the key's file, which never lies in that folder."""

from __future__ import annotations

import os
from pathlib import Path

from srspace_eval.errors import StudyError

# 2000-01-01. The time at which a file was written would tell in which order the methods were read.
_TIME = 946_684_800


def default_key_path(folder: Path) -> Path:
    """The key's file of a study's folder, where no other is named: ``FOLDER-key.json`` beside the folder.

    >>> default_key_path(Path("studies/faces")).name
    'faces-key.json'
    """
    real = Path(os.path.realpath(folder))  # unlike Path.resolve, no error for links in a circle
    beside = real if folder.is_symlink() or folder.name in ("", "..") else folder
    return beside.with_name(f"{real.name}-key.json")


def check_places(folder: Path, key_path: Path) -> None:
    """Check that a study can be written.

    Raises
    ------
    StudyError
        If the folder or the key's file exists already, the folder is a link or a mounted disk, one of them would lie
        in a raters' folder, or a parent is missing.
    """
    if folder.is_symlink():
        raise StudyError(f"{folder}: is a link, which the study would replace; name the folder itself with --out")
    if os.path.ismount(folder):
        raise StudyError(f"{folder}: is a mounted disk, which cannot be replaced; name a folder in it with --out")
    problems = []
    real, real_key = (Path(os.path.realpath(path)) for path in (folder, key_path))  # no error for links in a circle
    if real == Path.cwd():
        problems.append(f"{folder}: is the current folder, and would be replaced; name another --out")
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        problems.append(f"{folder}: exists already and is not empty; choose another --out, or move it away")
    if os.path.lexists(key_path):  # also a link to nothing
        problems.append(f"{key_path}: there is a key already; move it away, or name another with --key")
    if real_key.is_relative_to(real):
        problems.append(f"{key_path}: the key must not lie in the raters' folder; name another with --key")
    for place in (folder.absolute().parent, key_path):
        try:
            refuse_raters_folder(place)
        except StudyError as error:
            problems.append(str(error))
    for parent in sorted({folder.absolute().parent, key_path.absolute().parent}):
        if not parent.is_dir():
            problems.append(f"{parent}: there is no such folder; make it first")
    if problems:
        raise StudyError("the study cannot be written there", problems)


def refuse_raters_folder(path: Path) -> None:
    """Check that a place is not in a raters' folder, which everybody can read once it is published.

    Raises
    ------
    StudyError
        If the place is such a folder, or lies in one.
    """
    try:
        place = path.resolve()
    except (OSError, ValueError, RuntimeError):  # a NUL in the name, or links in a circle: an error where it is written
        return
    for folder in (place, *place.parents):
        if all((folder / name).is_file() for name in ("index.html", "data.js", "session.js")):
            raise StudyError(
                f"{path}: lies in the raters' folder {folder}, which raters can read; nothing was written. Choose "
                "another folder"
            )


def unify_times(folder: Path) -> None:
    """Give all files and folders the same time."""
    for path in [*folder.rglob("*"), folder]:
        os.utime(path, (_TIME, _TIME))


def put_in_place(work: Path, folder: Path) -> None:
    """Give a finished working folder its name, in place of an empty folder if there is one."""
    work.chmod(0o755)
    if folder.exists():
        folder.rmdir()
    work.rename(folder)
