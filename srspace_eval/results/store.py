"""Files of results in a board: their paths, reading and writing."""

from __future__ import annotations

import os
import re
from datetime import datetime, timezone
from pathlib import Path

import msgspec

from srspace_eval._utils import strict_json
from srspace_eval._utils.documents import convert
from srspace_eval._utils.files import read_bounded, write_atomic
from srspace_eval._utils.hashing import sha256
from srspace_eval._utils.untrusted_text import name_key, slug, spelled
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
        ``BOARD/TRACK/TEAM.json``.

    Examples
    --------
    >>> from srspace_eval import result_path
    >>> result_path("leaderboards", "x8", "My Team").as_posix()
    'leaderboards/x8/My-Team-cee021f1.json'
    """
    return Path(board) / slug(track) / f"{slug(team)}.json"


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
    try:
        text = strict_json.not_dense(read_bounded(Path(path), MAX_RESULT_BYTES))
        data = strict_json.loads(text, unique_keys=True)
    except (OSError, ValueError, RecursionError) as error:
        raise ResultsError(f"{path}: cannot be read as JSON ({error})") from error
    return from_document(data, str(path))


def read_results(board: Path, track: str) -> list[Result]:
    """All results of one track in a board, in the order of their file names.

    Raises
    ------
    ResultsError
        If files are damaged or belong to another track. All of them are listed together.
    """
    return list(read_files(board, track).values())


def read_files(board: Path, track: str) -> dict[Path, Result]:
    """The files of one track's results in a board, with the results; see :func:`read_results`."""
    results: dict[Path, Result] = {}
    problems: list[str] = []
    for path in sorted((board / slug(track)).glob("*.json")):
        try:
            result = read_result(path)
        except ResultsError as error:
            problems.append(str(error))
            continue
        if result.track != track:
            problems.append(f"{path}: is a result of track {result.track!r}; move it to {slug(result.track)}/")
        results[path] = result
    if problems:
        raise ResultsError(f"{board}: some results cannot be used", problems)
    return results


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
    for path in sorted((Path(board) / slug(track)).glob("*.json")):
        try:
            other = convert(strict_json.loads(read_bounded(path, MAX_RESULT_BYTES)), _Named).team
        except (OSError, ValueError, RecursionError):
            continue
        if other != team and name_key(other) == name_key(team):
            raise ResultsError(
                f"{path}: is the result of {spelled(other)}, and {spelled(team)} counts as the same name; give --team "
                f"{spelled(other)}, or "
                "another name"
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
        If it cannot be written.

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
    try:
        write_atomic(Path(path), _text(result))
    except OSError as error:
        raise ResultsError(f"{path}: cannot be written ({error.strerror or error})") from error


def newest_day(board: Path, track: str) -> str:
    """The day (UTC) on which the newest result of a track was written, such as ``"2026-11-21"``.

    It is empty if the track has no results, or if the day is after the year 9999.

    The environment variable SOURCE_DATE_EPOCH, in seconds, takes the place of the files' times, which a copy may lose.
    """
    paths = list((board / slug(track)).glob("*.json"))
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
