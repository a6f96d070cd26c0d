"""Which files of a folder an earlier site wrote. A site holds what its last call wrote; foreign folders are refused.

``assets/pages.txt`` lists the files of a site. Version 0.1.0 listed the pages alone; pictures of such a site are those
that its viewer's pages show. Only such files are replaced or deleted, and no link is followed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath

from srspace_eval._utils.files import read_bounded
from srspace_eval._utils.notices import notify
from srspace_eval._utils.unique_names import file_key
from srspace_eval.errors import RankingError

LIST = "assets/pages.txt"
"""Where a site lists its files."""

_LARGEST = 64 << 20  # bytes of a list
_SITE_FILE = re.compile(
    r"[^/]+\.(?:csv|json|md|tex|bib)|(?:index|history)\.html|assets/[^/]+\.(?:css|js|json)"
    r"|[^/]+/(?:(?:index|images)\.html|(?:teams|viewer)/[^/]+\.html|pictures/.+\.(?:png|webp|jpg))"
)
_INPUTS = (".csv", ".toml")
_PICTURE = re.compile(rb"\.\./(pictures/(?:gt|lr|teams/[A-Za-z0-9_-]+)/[A-Za-z0-9_-]+\.png)")
"""How a viewer's page of 0.1.0 names a picture."""
_HEAD = 2000  # bytes that tell a leaderboard
_BEGINNINGS = {
    ".csv": re.compile(rb"place,team,kind,source,"),
    ".json": re.compile(rb'\{\s*"track":'),
    ".md": re.compile(rb"\*\*[^\n]*\n\n\| (place|#) \| team \|"),
    ".tex": re.compile(rb"% Needs \\usepackage\{booktabs\}"),
    ".bib": re.compile(rb"@(?:misc|inproceedings)\{"),
}
"""How the texts of each format begin."""
_HISTORY = re.compile(rb'\{\s*"format":\s*"srspace-eval/history/')
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
    found = {name for name in listed if name and _is_ours(name)}
    if _is_list_of_pages(found):
        for page in [out / name for name in found if PurePosixPath(name).match("*/viewer/*.html")]:
            if page.is_file():
                shown = _PICTURE.findall(read_bounded(page, _LARGEST))
                found |= {(page.parents[1].relative_to(out) / name.decode()).as_posix() for name in shown}
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


def require_own_files(out: Path, files: Collection[str], earlier: Collection[str]) -> None:
    """Check that each file of a site replaces nothing but a file of the earlier site.

    Parameters
    ----------
    files
        The files that will be written, as relative POSIX paths.
    earlier
        What :func:`require_own_folder` returned.

    Raises
    ------
    RankingError
        If other files would be replaced. All are listed.
    """
    unlisted_assets = _is_list_of_pages(earlier)
    spellings = {file_key(name): name for name in earlier}
    foreign = [
        name
        for name in sorted(set(files) - set(earlier) - {LIST})
        if os.path.lexists(out / name)
        and not (unlisted_assets and name.startswith("assets/"))
        and not _is_one_of(out, name, spellings)
    ]
    if foreign:
        raise RankingError(
            f"{out}: nothing was written, because these files would be replaced, and no earlier leaderboard lists "
            "them. Move them away, or give another --out",
            foreign,
        )


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
    return _begins_as(path, _BEGINNINGS[path.suffix])


def _begins_as(path: Path, beginning: re.Pattern[bytes]) -> bool:
    with path.open("rb") as file:
        return beginning.match(file.read(_HEAD)) is not None


def remove_files(out: Path, files: Collection[str], *, present: Collection[str] = ()) -> None:
    """Delete files of an earlier site. Folders that are empty then are deleted, too.

    Symbolic links, files in linked folders, and text files that are not leaderboards are kept, even if ``files``
    contains them: the site did not write them. A notice names what is kept. Another one counts deleted pictures.

    Parameters
    ----------
    out
        The folder of the site.
    files
        The files to delete, as paths in ``out``.
    present
        The files of the new site, which are kept. On a file system that ignores case, a name in ``files`` can mean
        one of them.
    """
    spellings = {file_key(name): name for name in present}
    pictures, kept, foreign = 0, [], []
    for name in sorted(files):
        path = out / name
        if not os.path.lexists(path) or _is_one_of(out, name, spellings):
            continue
        if not _is_inside(out, name):
            kept.append(name)
        elif "/" not in name and not (_begins_as_leaderboard(path) or _begins_as(path, _HISTORY)):
            foreign.append(name)
        elif path.is_file():
            path.unlink()
            pictures += "/pictures/" in name
    for folder in sorted({folder for name in files for folder in PurePosixPath(name).parents}, reverse=True):
        if str(folder) != "." and _is_inside(out, str(folder)):
            with suppress(OSError):
                (out / folder).rmdir()  # empty ones only
    if pictures:
        notify(
            f"{out}: {pictures} picture{'s' * (pictures > 1)} of the earlier site {'are' if pictures > 1 else 'is'} "
            "deleted, because this one does not show them; a viewer needs the GT and the submissions each time"
        )
    if foreign:
        more = f" and {len(foreign) - _NAMED} more" if len(foreign) > _NAMED else ""
        notify(
            f"{out}: the earlier site lists {', '.join(foreign[:_NAMED])}{more}, which another program wrote; kept. "
            "Remove it yourself if it is not needed"
        )
    if kept:
        more = f" and {len(kept) - _NAMED} more" if len(kept) > _NAMED else ""
        notify(
            f"{out}: the earlier site lists {', '.join(kept[:_NAMED])}{more}, which this one does not show. There are "
            "symbolic links at these paths. They are not followed, and nothing was deleted there; remove them yourself"
        )


def list_files(files: Collection[str]) -> bytes:
    """The content of :data:`LIST`."""
    return ("\n".join(sorted(files)) + "\n").encode("utf-8", "backslashreplace")


def _is_list_of_pages(names: Collection[str]) -> bool:
    """Whether a site's list is of version 0.1.0. Later versions list the files in ``assets``, too."""
    return bool(names) and not any(name.startswith("assets/") for name in names)


def _is_ours(name: str) -> bool:
    """Whether a path may be a file of a site: below the folder, not hidden, where a site has such files."""
    path = PurePosixPath(name)
    return not (
        "\0" in name
        or "\\" in name
        or ":" in name  # a drive of Windows
        or path.is_absolute()
        or not _SITE_FILE.fullmatch(name)
        or any(part.startswith(".") for part in path.parts)
    )


def _is_one_of(out: Path, name: str, spellings: Mapping[str, str]) -> bool:
    """Whether a file is listed in another spelling, and the file system takes both names for one file."""
    other = spellings.get(file_key(name), name)
    if other == name or not os.path.lexists(out / other):
        return False
    return os.path.samestat((out / other).lstat(), (out / name).lstat())


def _is_inside(out: Path, name: str) -> bool:
    """Whether no link is at a path below the folder, or on the way to it."""
    path = out / name
    return not path.is_symlink() and path.parent.resolve() == (out.resolve() / name).parent
