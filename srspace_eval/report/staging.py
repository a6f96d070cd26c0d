"""Writing a folder all or nothing: files are written aside and renamed into their places together. Imports no torch.

The folder may hold other files, be served while it is written, or be a mount. Therefore files are written into
``OUT/.srspace-eval.tmp`` and renamed from there. The next call removes what a killed process left in it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock

from srspace_eval._utils.files import locked
from srspace_eval.errors import RankingError

_STAGE, _LOCK = ".srspace-eval.tmp", ".srspace-eval.lock"


@contextmanager
def staged(out: Path, *, first: str = "") -> Iterator[Path]:
    """A folder to write into. Its files are renamed into their places below ``out`` when the block ends.

    If the block raises, ``out`` stays as it was. Files of ``out`` that the block did not write are kept.

    Parameters
    ----------
    first
        The file that gets into its place before all others.

    Raises
    ------
    RankingError
        If another process writes into ``out``.
    OSError
        If ``out`` cannot be written, or it or a folder in it is a symbolic link.
    """
    if out.is_symlink():
        raise OSError(f"is a symbolic link, which is not followed; name the folder that it leads to ({out.readlink()})")
    made = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
        with locked(out / _LOCK):
            stage = out / _STAGE
            _remove(stage)
            try:
                stage.mkdir()
                yield stage
                _publish(stage, out, first)
            finally:
                _remove(stage)
    except filelock.Timeout as error:
        raise RankingError(
            f"{out}: another process is writing into it; wait for it, or choose another --out"
        ) from error
    except BaseException:
        with suppress(OSError):
            for folder in made:
                folder.rmdir()  # empty ones only
        raise


def _publish(stage: Path, out: Path, first: str) -> None:
    """Rename every file into its place: ``first``, then what pages show, then inner pages, then the index pages."""
    files = [path.relative_to(stage) for path in stage.rglob("*") if path.is_file()]
    for file in files:
        _require_free(out, file)
    for file in sorted(files, key=lambda file: (file.as_posix() != first, *_order(file))):
        (out / file).parent.mkdir(parents=True, exist_ok=True)
        (stage / file).replace(out / file)


def _order(file: Path) -> tuple[bool, int, Path]:
    return file.suffix == ".html", -len(file.parts), file


def _require_free(out: Path, file: Path) -> None:
    """Raise OSError if a file cannot be moved into its place; checked for all before the first is moved."""
    for folder in (out / file).parents:
        if folder == out:
            break
        if folder.is_symlink():
            raise OSError(f"{folder} is a symbolic link, which is not followed; remove it")
    if (out / file).is_dir():
        raise IsADirectoryError(f"{out / file} is a folder; move it away")
    for folder in (out / file).parents:
        if folder.exists():
            if not folder.is_dir():
                raise NotADirectoryError(f"{folder} is not a folder; move it away")
            if not os.access(folder, os.W_OK | os.X_OK):
                raise PermissionError(f"{folder} cannot be written")
            return


def _remove(stage: Path) -> None:
    if stage.is_symlink():  # somebody else's: removed, not followed
        stage.unlink()
    elif stage.exists():
        shutil.rmtree(stage)
