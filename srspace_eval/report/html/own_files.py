"""Which files of a folder an earlier site wrote. A site holds what its last call wrote; foreign folders are refused.

``assets/pages.txt`` lists the files of a site. Version 0.1.0 listed the pages alone; pictures of such a site are known
by their folders.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path, PurePosixPath

from srspace_eval._utils.files import read_bounded
from srspace_eval._utils.notices import notify
from srspace_eval.errors import RankingError

LIST = "assets/pages.txt"
"""Where a site lists its files."""

_LARGEST = 64 << 20  # bytes of a list
_SUFFIXES = {".html", ".css", ".js", ".png", ".webp", ".jpg", ".csv", ".json", ".md", ".tex", ".bib"}
_INPUTS = (".csv", ".toml")
_HEAD = 2000  # bytes that tell a leaderboard
_BEGINNINGS = {
    ".csv": re.compile(rb"place,team,kind,source,"),
    ".json": re.compile(rb'\{\s*"track":'),
    ".md": re.compile(rb"\*\*[^\n]*\n\n\| (place|#) \| team \|"),
    ".tex": re.compile(rb"% Needs \\usepackage\{booktabs\}"),
    ".bib": re.compile(rb"@(?:misc|inproceedings)\{"),
}
"""How the texts of each format begin."""
_NAMED = 3  # entries of a foreign folder named in a message


def earlier_files(out: Path) -> set[str] | None:
    """The files that the folder's site lists, as relative POSIX paths; None if the folder holds no site.

    Raises
    ------
    OSError
        If the list cannot be read.
    """
    if not (out / LIST).is_file():
        return None
    listed = read_bounded(out / LIST, _LARGEST).decode("utf-8", errors="replace").split("\n")
    # Anybody may have edited the list: only files of a site, below this folder, count.
    found = {name for name in listed if name and _is_ours(out, name)}
    for page in [name for name in found if name.endswith("/index.html") and name.count("/") == 1]:
        for picture in (out / page).parent.glob("pictures/**/*.png"):
            found.add(picture.relative_to(out).as_posix())
    return found


def require_own_folder(out: Path, texts: Collection[str]) -> set[str]:
    """The files of the site that is in the folder; empty if the folder is new or empty.

    Hidden entries (``.git``) may be there, and tables and track files (``.csv``, ``.toml``): they are a ranking's
    inputs. So may the text files that this call writes: an earlier call without pages may have written them.

    Raises
    ------
    RankingError
        If the folder holds other files, and no site.
    OSError
        If the folder cannot be read.
    """
    earlier = earlier_files(out)
    if earlier is not None:
        return earlier
    there = sorted(path.name for path in out.iterdir()) if out.is_dir() else []
    foreign = [n for n in there if not n.startswith(".") and n not in texts and Path(n).suffix not in _INPUTS]
    if foreign:
        more = f" and {len(foreign) - _NAMED} more" if len(foreign) > _NAMED else ""
        raise RankingError(
            f"{out}: holds files that are not a leaderboard's ({', '.join(foreign[:_NAMED])}{more}); nothing was "
            "written. Give a new folder, an empty one, or one that an earlier leaderboard wrote"
        )
    return set()


def require_own_texts(out: Path, texts: Collection[str]) -> None:
    """Check that each text replaces nothing but a leaderboard that an earlier call wrote.

    A leaderboard is listed by the site in the folder, or begins as the texts of its format do.

    Raises
    ------
    RankingError
        If a file is none of both, or the folder cannot be read. All such files are listed.
    """
    try:
        listed = earlier_files(out) or set()
        foreign = [name for name in sorted(set(texts) - listed) if not _begins_as_leaderboard(out / name)]
    except OSError as error:
        raise RankingError(f"{out}: cannot be read ({error.strerror or error}); choose another --out") from error
    if foreign:
        raise RankingError(
            f"{out}: nothing was written, because these files would be replaced, and another program wrote them. Move "
            "them away, or give another --out",
            foreign,
        )


def _begins_as_leaderboard(path: Path) -> bool:
    """Whether a file is a text of a leaderboard, of this version or of 0.1.0; also if there is no such file."""
    if path.suffix not in _BEGINNINGS or not path.is_file():  # folders and links have errors of their own
        return True
    with path.open("rb") as file:
        return _BEGINNINGS[path.suffix].match(file.read(_HEAD)) is not None


def remove_files(out: Path, files: Collection[str]) -> None:
    """Delete files of an earlier site, and folders that are empty then. A notice counts deleted pictures."""
    pictures = 0
    for name in sorted(files):
        path = out / name
        if path.is_file():
            path.unlink()
            pictures += "/pictures/" in name
    for folder in sorted({folder for name in files for folder in PurePosixPath(name).parents}, reverse=True):
        if str(folder) != ".":
            with suppress(OSError):
                (out / folder).rmdir()  # empty ones only
    if pictures:
        notify(
            f"{out}: {pictures} picture{'s' * (pictures > 1)} of the earlier site {'are' if pictures > 1 else 'is'} "
            "deleted, because this one does not show them; a viewer needs the GT and the submissions each time"
        )


def list_files(files: Collection[str]) -> bytes:
    """The content of :data:`LIST`."""
    return ("\n".join(sorted(files)) + "\n").encode("utf-8", "backslashreplace")


def _is_ours(out: Path, name: str) -> bool:
    path = PurePosixPath(name)
    if "\0" in name or "\\" in name or path.suffix not in _SUFFIXES or any(part.startswith(".") for part in path.parts):
        return False
    return (out / path).resolve().is_relative_to(out.resolve())
