"""Boards: folders of results. Results are found, read and stored here."""

from __future__ import annotations

import json
from pathlib import Path

from srspace_eval._utils import strict_json
from srspace_eval._utils.files import read_bounded, write_atomic
from srspace_eval._utils.text import slug
from srspace_eval.errors import ResultsError
from srspace_eval.results.record import MAX_RESULT_BYTES, Result, from_document, to_document


def result_path(board: Path, track: str, team: str) -> Path:
    """Where a team's result stands in a board."""
    return board / slug(track) / f"{slug(team)}.json"


def read_result(path: Path) -> Result:
    """Read one result.

    Raises
    ------
    ResultsError
        If the file cannot be read or is not a result; the message names it.
    """
    try:
        data = json.loads(read_bounded(path, MAX_RESULT_BYTES).decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ResultsError(f"{path}: cannot be read as JSON ({error})") from error
    return from_document(data, str(path))


def load_board(board: Path, track: str) -> list[Result]:
    """All results of one track in a board, ordered by file name; every unreadable file is listed at once.

    Raises
    ------
    ResultsError
        If files are damaged, or belong to another track.
    """
    results, problems = [], []
    for path in sorted((board / slug(track)).glob("*.json")):
        try:
            result = read_result(path)
        except ResultsError as error:
            problems.append(str(error))
            continue
        if result.track != track:
            problems.append(f"{path}: is a result of track {result.track!r}; move it to {slug(result.track)}/")
        results.append(result)
    if problems:
        raise ResultsError(f"{board}: some results cannot be used", problems)
    return results


def write_result(path: Path, result: Result) -> None:
    """Write one result, atomically; the same result gives the same bytes.

    Raises
    ------
    ResultsError
        If it cannot be written.
    """
    try:
        write_atomic(path, strict_json.dumps(to_document(result)) + "\n")
    except OSError as error:
        raise ResultsError(f"{path}: cannot be written ({error.strerror or error})") from error
