"""Files of results in a board: their paths, reading and writing."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import msgspec

from srspace_eval._utils import strict_json
from srspace_eval._utils.documents import convert
from srspace_eval._utils.files import read_bounded, write_atomic
from srspace_eval._utils.hashing import sha256
from srspace_eval._utils.untrusted_text import name_key, slug, spelled, team_slug
from srspace_eval.errors import ResultsError
from srspace_eval.results.documents import MAX_RESULT_BYTES, from_document, to_document
from srspace_eval.results.record import Result


def result_path(board: Path | str, track: str, team: str) -> Path:
    """The file of a team's result in a board. The file need not exist.

    Parameters
    ----------
    board
        The board's folder.
    track
        The track's name.
    team
        The team's name. Characters that file names cannot have are replaced.

    Returns
    -------
    Path
        ``BOARD/TRACK/TEAM.json``. If the board holds the team's result under the name that earlier versions gave it,
        that file.

    Examples
    --------
    >>> from srspace_eval import result_path
    >>> result_path("leaderboards", "x8", "My Team").as_posix()
    'leaderboards/x8/My-Team-cee021f1.json'
    """
    folder = Path(board) / slug(track)
    name, older = team_slug(team), slug(team)
    if name != older and _team_of(folder / f"{older}.json") == team:
        name = older
    return folder / f"{name}.json"


def read_result(path: Path | str) -> Result:
    """Read one result.

    Parameters
    ----------
    path
        A JSON file that ``score`` wrote.

    Returns
    -------
    Result
        The result.

    Raises
    ------
    ResultsError
        If the file cannot be read or is not a result. The message names the file and the field.

    Examples
    --------
    >>> from srspace_eval import ImageRecord, Result, SampleRecord, Signature, read_result, write_result
    >>> sample = SampleRecord(0, "000000_sample00000.png", "0" * 64, {"psnr": 30.5})
    >>> image = ImageRecord("0801", 32, 48, "0" * 64, {"psnr": 30.5}, {}, (sample,))
    >>> write_result("B.json", Result("B", "x4", Signature({"common": {"scale": 4}}), (image,), {"psnr": 30.5}))
    >>> read_result("B.json").team
    'B'
    """
    return read_stored(Path(path)).result


@dataclass(frozen=True)
class Stored:
    """A result, its file, and the SHA-256 of the bytes that it was decoded from: what its seal is of."""

    path: Path
    result: Result
    digest: str


def read_stored(path: Path) -> Stored:
    """Read one result, as :func:`read_result` does. The file is read once."""
    try:
        content = read_bounded(path, MAX_RESULT_BYTES)
        data = strict_json.loads(strict_json.not_dense(content), unique_keys=True)
    except (OSError, ValueError, RecursionError) as error:
        raise ResultsError(f"{path}: cannot be read as JSON ({error})") from error
    return Stored(path, from_document(data, str(path)), sha256(content))


def result_files(folder: Path) -> list[Path]:
    """The files of results in a track's folder, in the order of their names. ``.JSON`` counts as ``.json``.

    Hidden files are none: macOS and editors put files such as ``._TEAM.json`` beside others.
    """
    return sorted(p for p in folder.glob("*") if p.suffix.lower() == ".json" and not p.name.startswith("."))


def result_folders(board: Path) -> dict[str, list[Path]]:
    """The folders of a board that hold results, with the files of these. Hidden folders are none (``.vscode``)."""
    folders = sorted(path for path in board.glob("*") if not path.name.startswith("."))
    return {folder.name: files for folder in folders if (files := result_files(folder))}


def read_results(board: Path, track: str) -> list[Result]:
    """All results of one track in a board, in the order of their file names.

    Raises
    ------
    ResultsError
        If files are damaged or belong to another track. All of them are listed together.
    """
    return [stored.result for stored in read_files(board, track)]


def read_files(board: Path, track: str) -> list[Stored]:
    """The files of one track's results in a board, with the results; see :func:`read_results`."""
    found: list[Stored] = []
    problems: list[str] = []
    for path in result_files(board / slug(track)):
        try:
            stored = read_stored(path)
        except ResultsError as error:
            problems.append(str(error))
            continue
        if (own := stored.result.track) != track:
            problems.append(f"{path}: is a result of track {own!r}; move it to {slug(own)}/")
        found.append(stored)
    if problems:
        raise ResultsError(f"{board}: some results cannot be used", problems)
    return found


class _Named(msgspec.Struct):
    """The one field of a result's document that names its team."""

    team: str


def require_new_name(board: Path | str, track: str, team: str) -> None:
    """Refuse a team's name that looks like one on the board (:func:`name_key`): `rank` takes them for one team.

    Files that are not results are passed: reading them is the ranking's work.

    Raises
    ------
    ResultsError
        If a result of the track has such a name.
    """
    for path in result_files(Path(board) / slug(track)):
        other = _team_of(path)
        if other is not None and other != team and name_key(other) == name_key(team):
            raise ResultsError(
                f"{path}: is the result of {spelled(other)}, and {spelled(team)} counts as the same name; give --team "
                f"{spelled(other)}, or "
                "another name"
            )


def _team_of(path: Path) -> str | None:
    """The team that a file names; None if it is not a result or cannot be read."""
    try:
        return convert(strict_json.loads(strict_json.not_dense(read_bounded(path, MAX_RESULT_BYTES))), _Named).team
    except (OSError, ValueError, RecursionError):
        return None


def require_own_file(path: Path, team: str) -> None:
    """Refuse to replace the result of another team, also if results may be replaced.

    Raises
    ------
    ResultsError
        If the file holds the result of another team.
    """
    other = _team_of(path)
    if other is not None and other != team:
        raise ResultsError(f"{path}: holds the result of {other!r}; give {team!r} another name with --team")


def require_no_results(path: Path) -> None:
    """Refuse to write a JSON file that is not a result beside results: the board could not be ranked after that.

    Parameters
    ----------
    path
        The file that is to be written.

    Raises
    ------
    ResultsError
        If its folder holds results.
    """
    if path.suffix.lower() == ".json" and any(_team_of(other) is not None for other in result_files(path.parent)):
        raise ResultsError(
            f"{path}: its folder holds results of a board, and this file would be taken for one of them; name another "
            "folder"
        )


def require_own_folder(board: Path, track: str) -> None:
    """Refuse a track's folder that is a symbolic link. A board that came from elsewhere may lead out of itself.

    Raises
    ------
    ResultsError
        If the folder is a link.
    """
    folder = board / slug(track)
    if folder.is_symlink():
        raise ResultsError(
            f"{folder}: is a symbolic link, which is not followed, because files there would be replaced; put a folder "
            "in its place, or name another board with --board"
        )


def write_result(path: Path | str, result: Result) -> None:
    """Write one result, atomically. Equal results give equal bytes.

    Parameters
    ----------
    path
        The file to write. An existing file is replaced.
    result
        The result to write, such as :func:`score` returns it.

    Raises
    ------
    ResultsError
        If it cannot be written, or if :func:`read_result` would refuse it.

    Examples
    --------
    >>> from srspace_eval import ImageRecord, Result, SampleRecord, Signature, read_result, write_result
    >>> digest = "0" * 64
    >>> sample = SampleRecord(0, "000000_sample00000.png", digest, {"psnr": 30.5})
    >>> image = ImageRecord("0801", 32, 48, digest, {"psnr": 30.5}, {}, (sample,))
    >>> write_result("A.json", Result("A", "x4", Signature({"common": {"scale": 4}}), (image,), {"psnr": 30.5}))
    >>> read_result("A.json").summary
    {'psnr': 30.5}
    """
    require_readable(path, result)
    try:
        write_atomic(Path(path), _text(result))
    except OSError as error:
        raise ResultsError(f"{path}: cannot be written ({error.strerror or error})") from error


def require_readable(path: Path | str, result: Result) -> None:
    """Refuse a result that could not be read again: one such file would stop the ranking of its whole board.

    Raises
    ------
    ResultsError
        If :func:`read_result` would not take it.
    """
    content = _text(result).encode()
    try:
        if len(content) > MAX_RESULT_BYTES:
            raise ValueError(f"it has {len(content)} bytes, and at most {MAX_RESULT_BYTES} are read")
        from_document(strict_json.loads(strict_json.not_dense(content), unique_keys=True), str(path))
    except (ValueError, RecursionError, ResultsError) as error:
        cause = error.__cause__ if isinstance(error, ResultsError) else error
        raise ResultsError(f"{path}: is not written, because it could not be read again ({cause})") from error


def newest_day(board: Path, track: str) -> str:
    """The day (UTC) on which the newest result of a track was written, such as ``"2026-11-21"``.

    It is empty if the track has no results, or if the day is after the year 9999.

    The environment variable SOURCE_DATE_EPOCH, in seconds, takes the place of the files' times, which a copy may lose.
    """
    paths = result_files(board / slug(track))
    if not paths:
        return ""
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    seconds = float(given) if re.fullmatch("[0-9]+", given) else max(path.stat().st_mtime for path in paths)
    try:
        return datetime.fromtimestamp(seconds, tz=timezone.utc).date().isoformat()
    except (ValueError, OverflowError, OSError):  # an archive may state any time of its files
        return ""


def result_digest(result: Result) -> str:
    """The SHA-256 of the file that :func:`write_result` writes."""
    return sha256(_text(result).encode("utf-8", "backslashreplace"))


def _text(result: Result) -> str:
    return strict_json.dumps(to_document(result)) + "\n"
