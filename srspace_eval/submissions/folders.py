"""The folder of a submission that belongs to a track, where the submission has several folders of PNGs."""

from __future__ import annotations

import re

from srspace_eval._utils.hashing import sha256
from srspace_eval._utils.notices import notify
from srspace_eval._utils.untrusted_text import visible
from srspace_eval.errors import ImageError, SubmissionError
from srspace_eval.submissions.folder_search import has_png, png_folders
from srspace_eval.submissions.pairing import pair
from srspace_eval.submissions.sources import FolderSource, Source, ZipSource, open_source
from srspace_eval.tracks.model import Track

_LISTED = 5

MAX_FOLDERS = 100
"""Folders of PNGs that are searched. A submission has one for each track or method, and each is paired on its own."""


def choose_folder(submission: Source, gt: Source | None, track: Track, *, lr: Source | None = None) -> Source:
    """The folder whose files pair with the track's images; the submission itself if PNGs are directly in it.

    Of several folders, the one with the most paired files is taken. If they are equal, the one that is named after the
    track's scale (``x4``) is taken.

    Raises
    ------
    SubmissionError
        If several folders fit. The message names them. If there are more than :data:`MAX_FOLDERS` folders.

    Warns
    -----
    Notice
        About the folder that was taken.
    """
    folders = inner_folders(submission)
    if not folders:
        return submission
    fitting: dict[str, int] = {}
    errors: dict[str, SubmissionError] = {}
    for folder in folders:
        try:
            fitting[folder] = pair(enter(submission, folder), gt, track, lr=lr).resolved
        except SubmissionError as error:
            errors[str(error)] = error
    # An error that all folders share is about the GT or the LRs, not about the folders.
    if len(errors) == 1 and not fitting:
        raise errors.popitem()[1]
    most = max(fitting.values(), default=0)
    best = [folder for folder, count in fitting.items() if count == most]
    scale = re.compile(rf"(?i)(?:^|[^a-z0-9])(?:x{track.scale}|{track.scale}x)(?:$|[^a-z0-9])")
    named = [folder for folder in best if scale.search(folder)]
    chosen = named if len(best) > 1 and len(named) == 1 else best
    if len(chosen) == 1:
        notify(f"{submission.path}: it contains {len(folders)} folders of PNGs; {visible(chosen[0])} is taken")
        return enter(submission, chosen[0])
    listed = ", ".join(map(visible, (best or folders)[:_LISTED])) + (" …" if len(best or folders) > _LISTED else "")
    what = f"several of its folders fit track {track.name}" if best else f"none of its folders fits track {track.name}"
    raise SubmissionError(
        f"{submission.path}: {what}: {listed}; it contains folders: give one of them (of a zip: pack only that one)"
    )


def folder_of_file(submission: Source, name: str, digest: str) -> Source:
    """The folder of a submission that holds a file of a result; the submission itself if there is none.

    Parameters
    ----------
    name, digest
        The file's name in the result, and the SHA-256 of its bytes.
    """
    for folder in inner_folders(submission):
        inner = enter(submission, folder)
        try:
            if name in inner.names() and sha256(inner.read(name)) == digest:
                return inner
        except (ImageError, SubmissionError):
            continue
    return submission


def inner_folders(source: Source) -> list[str]:
    """The folders in a source that contain PNGs, as names with ``/``; empty if PNGs are directly in it.

    Raises
    ------
    SubmissionError
        If there are more than :data:`MAX_FOLDERS`.
    """
    if isinstance(source, FolderSource):
        found = [] if has_png(source.path) else png_folders(source.path)
    else:
        folders = {name.rpartition("/")[0] for name in source.names() if name.lower().endswith(".png")}
        found = [] if "" in folders else sorted(folders)
    if len(found) > MAX_FOLDERS:
        raise SubmissionError(
            f"{source.path}: contains {len(found)} folders of PNGs, and at most {MAX_FOLDERS} are searched; put the "
            "PNGs of the track into one folder"
        )
    return found


def enter(source: Source, folder: str) -> Source:
    """One of a source's :func:`inner_folders` as a source of its own."""
    if isinstance(source, ZipSource):
        return source.below(folder)
    return FolderSource(source.path / folder)


def reopened(source: Source) -> Source:
    """The same source by its absolute path, for another process."""
    path = source.path.absolute()
    return ZipSource(path, source.inside) if isinstance(source, ZipSource) else open_source(path)
