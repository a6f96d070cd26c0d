"""The tracks of a board: built-in ones, and users' own, whose files lie beside their results."""

from __future__ import annotations

from pathlib import Path

from srspace_eval._utils.files import read_bounded, write_atomic
from srspace_eval._utils.notices import notify
from srspace_eval._utils.untrusted_text import slug
from srspace_eval.errors import RankingError, ResultsError, TrackError
from srspace_eval.results.store import read_result, result_folders
from srspace_eval.tracks.model import Track
from srspace_eval.tracks.reader import MAX_FILE_BYTES, builtin_names, load_track

TRACK_FILE = "track.toml"

MAX_TRACKS = 1000
"""The largest number of a board's tracks that are ranked together. Thirty data sets at three scales have 90."""


def keep_track(board: Path, track: Path) -> None:
    """Copy a user's track file to ``BOARD/TRACK/track.toml``, where :func:`board_tracks` finds it.

    A different file that is there already is kept, with a notice.

    Raises
    ------
    ResultsError
        If it cannot be copied.
    """
    copy = board / slug(load_track(track).name) / TRACK_FILE
    try:
        text = read_bounded(track, MAX_FILE_BYTES).decode("utf-8")
        if not copy.exists():
            write_atomic(copy, text)
        elif read_bounded(copy, MAX_FILE_BYTES).decode("utf-8", "replace") != text:
            notify(f"{copy}: differs from {track} and is kept; `rank --board` uses it unless --track names a file")
    except OSError as error:
        raise ResultsError(f"{copy}: {track} cannot be copied there ({error.strerror or error})") from error


def board_tracks(board: Path) -> list[Track]:
    """The tracks of which a board holds results: built-in ones first, then those with a file in their folder.

    Results of unknown tracks are left out with a notice.

    Raises
    ------
    RankingError
        If the board has no results of a known track, or results of more than :data:`MAX_TRACKS` tracks. The message
        says what to do.
    TrackError
        If a track's file is malformed or describes another track than its folder's.
    """
    builtin = {slug(name): name for name in builtin_names()}
    holding = {folder: paths[0] for folder, paths in result_folders(board).items()}
    if len(holding) > MAX_TRACKS:
        raise RankingError(
            f"{board}: holds results of {len(holding)} tracks, and at most {MAX_TRACKS} are ranked together; name "
            "those to rank with --track"
        )
    found, unknown = [], []
    for folder in sorted(holding, key=lambda name: (name not in builtin, name)):
        file = board / folder / TRACK_FILE
        if folder in builtin:
            # Boards are merged by copying, and a stranger's file must not change the rules of a known challenge.
            if file.is_file():
                notify(f"{file}: is not used, because {builtin[folder]} is built in; --track {file} takes it")
            found.append(load_track(builtin[folder]))
        elif file.is_file():
            track = load_track(file)
            if slug(track.name) != folder:
                raise TrackError(f"{file}: describes track {track.name!r}; move it to {slug(track.name)}/")
            found.append(track)
        else:
            unknown.append(_unknown_track(holding[folder]))
    if found:
        for problem in unknown:
            notify(f"{problem}; left out")
    elif unknown:
        raise RankingError(f"{board}: the track of the results is not known", unknown)
    else:
        raise RankingError(
            f"{board}: holds no results (BOARD/TRACK/TEAM.json); score a submission with --board {board}, or name the "
            "folder of another board"
        )
    return found


def _unknown_track(result: Path) -> str:
    try:
        name = read_result(result).track
    except ResultsError:
        return f"{result}: not a result of srspace-eval"
    return (
        f"{result.parent}: results of track {name!r}, which is not built in: name its file with --track FILE.toml, or "
        f"put it there as {TRACK_FILE}"
    )
