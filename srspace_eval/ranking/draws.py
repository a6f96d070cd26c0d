"""A study's resampled mean opinion ranks, which ``study collect`` writes beside ``MOR.csv``. Imports no torch."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from srspace_eval._utils.files import read_bounded
from srspace_eval._utils.hashing import sha256
from srspace_eval._utils.strict_json import loads, not_dense
from srspace_eval._utils.untrusted_text import escape_cell, unescape_cell
from srspace_eval.errors import RankingError

MOR_FILE, DRAWS_FILE = "MOR.csv", "MOR-draws.csv"
MOS_FILE = "MOS.csv"
"""Mean opinion scores, which ``study collect`` writes for a rating study."""

OUTCOME_FILE = "study.json"
"""A study's numbers, which ``study collect`` writes beside its tables, with the tables' digests (``files``)."""

BOARD_LEVEL = 0.95
"""The confidence level of all intervals that a board shows."""

_MAX_BYTES = 1 << 27
_MOST_DRAWS, _MOST_NUMBERS = 100_000, 10_000_000  # `study collect` makes 2000 lines of some ten numbers
_MAX_OUTCOME_BYTES = 1 << 24
_FEWEST = 50  # `study collect` makes 100 or more, and leaves out those that hold no ranking
_ROUNDING = 6e-5  # the draws have four decimals, the MORs six


def draws_csv(methods: Sequence[str], draws: Sequence[Sequence[float]]) -> str:
    """The CSV text: a line of names, then a line for each resampled study with the methods' mean opinion ranks."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([escape_cell(method) for method in methods])
    writer.writerows([f"{value:.4f}" for value in draw] for draw in draws)
    return text.getvalue()


def read_draws(
    path: Path, mor: Mapping[str, float], intervals: Mapping[str, tuple[float, float]] | None = None
) -> dict[str, tuple[float, ...]]:
    """Method -> its MOR in each resampled study. Empty for the study of one rater, which has no intervals.

    Parameters
    ----------
    mor
        The study's MORs, to which the draws must belong.
    intervals
        Their intervals, whose ends must be quantiles of the draws.

    Raises
    ------
    RankingError
        If the file cannot be read, or belongs to another study's result.
    """
    try:
        data = read_bounded(path, _MAX_BYTES)
        _require_few(data)
        text = data.decode("utf-8")
        names, *lines = csv.reader(io.StringIO(text, newline=""), strict=True)
        draws = [[float(cell) for cell in line] for line in lines]
    except (OSError, ValueError, csv.Error) as error:
        raise RankingError(
            f"{path}: not a study's draws ({error}); run `study collect` again, or give {MOR_FILE}"
        ) from error
    if 0 < len(draws) < _FEWEST:
        raise RankingError(
            f"{path}: the number of resampled studies is {len(draws)}, and intervals need at least {_FEWEST}; run "
            f"`study collect` again, or give {MOR_FILE}"
        )
    names = [unescape_cell(name.strip()) for name in names]
    _check_digests(path.parent, {DRAWS_FILE: data})
    if not draws and set(names) == set(mor) and not intervals:
        return {}
    belongs = (
        len(draws) > 1
        and len(set(names)) == len(names)
        and set(names) == set(mor)
        and all(len(draw) == len(names) and all(1 <= value <= len(names) for value in draw) for draw in draws)
    )
    columns = dict(zip(names, zip(*draws, strict=True), strict=True)) if belongs else {}
    # The MOR lies within its resampled values; both are rounded in the files.
    inside = all(min(d) - 1e-3 <= mor[name] <= max(d) + 1e-3 for name, d in columns.items())
    if not columns or not inside or not _quantiles_agree(columns, intervals or {}):
        raise RankingError(f"{path}: does not belong to the {MOR_FILE} beside it; run `study collect` again")
    return columns


def _require_few(data: bytes) -> None:
    """Raise a ValueError if a CSV is too large to be parsed. Its lines and commas are counted first: that is cheap."""
    lines = data.count(b"\n") + data.count(b"\r")
    numbers = lines + data.count(b",")
    if lines > _MOST_DRAWS + 1 or numbers > _MOST_NUMBERS:
        raise ValueError(
            f"it has {lines} lines and {numbers} numbers, and at most {_MOST_DRAWS} lines and {_MOST_NUMBERS} numbers "
            "are read, so give fewer --draws"
        )


def text_digest(data: bytes) -> str:
    """SHA-256 of a text file, whatever its ends of lines: version control may change them."""
    return sha256(data.replace(b"\r\n", b"\n"))


def _outcome(folder: Path) -> dict[str, Any]:
    """A study's numbers. Raises OSError, ValueError or RecursionError if the file is missing or no such document."""
    found = loads(not_dense(read_bounded(folder / OUTCOME_FILE, _MAX_OUTCOME_BYTES)))
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return found


def _check_digests(folder: Path, tables: Mapping[str, bytes]) -> None:
    """Check that a folder's tables are those of its study.json. One of version 0.1.0 does not name their digests.

    Raises
    ------
    RankingError
        If they are of another result.
    """
    try:
        found = _outcome(folder)
        tables = {MOR_FILE: read_bounded(folder / MOR_FILE, _MAX_BYTES), **tables}
    except (OSError, ValueError, RecursionError):
        return  # the tables may have been copied without it
    stated = found.get("files")
    if not isinstance(stated, dict):
        return
    if foreign := [name for name, data in tables.items() if stated.get(name) != text_digest(data)]:
        raise RankingError(
            f"{folder}: {' and '.join(foreign)} {'does' if len(foreign) == 1 else 'do'} not belong to the "
            f"{OUTCOME_FILE} beside {'it' if len(foreign) == 1 else 'them'}; run `study collect` again, or give "
            f"{MOR_FILE} alone"
        )


def refuse_other_level(table: Path, better: str | None = None) -> None:
    """Check that a study's table has 95% intervals, because a board shows no others, and the direction of its column.

    The table states neither. The study.json in the same folder does, and it is read if it has the digest of the table.

    Parameters
    ----------
    table
        The table.
    better
        Direction of the column of mean opinion scores. None: there is no such column.

    Raises
    ------
    RankingError
        If they are of another level, or the study's scale has the other direction.
    """
    try:
        found = _outcome(table.parent)
        digest = text_digest(read_bounded(table, _MAX_BYTES))
    except (OSError, ValueError, RecursionError):
        return  # the table may have been copied without it
    stated = found.get("files")
    if not isinstance(stated, dict) or stated.get(table.name) != digest:
        return
    level, scale = found.get("level"), found.get("scale")
    rated = scale.get("better") if isinstance(scale, dict) else None
    if better is not None and rated in ("higher", "lower") and rated != better:
        raise RankingError(
            f"{table}: people rated on a scale where {rated} is better, and the track's column mos says that "
            f'{better} is better; write mos = {{ better = "{rated}" }} under [columns] of the track file'
        )
    # A level of NumPy's float32 is 3e-8 off.
    if isinstance(level, float) and 0 < level < 1 and abs(level - BOARD_LEVEL) > 1e-6:
        raise RankingError(
            f"{table}: its intervals are {100 * level:g}% intervals, and a board shows 95% intervals; run `study "
            "collect` again without --level"
        )


def _quantiles_agree(columns: Mapping[str, Sequence[float]], intervals: Mapping[str, tuple[float, float]]) -> bool:
    """Whether the ends of all intervals can be the same two quantiles of the draws, at any confidence level.

    Draws of an earlier result, of fewer answers or of another seed, have other quantiles. The table does not say its
    level. Each end tells between which two places, in the order of the draws, its quantile lies.
    """
    least, most = 0.0, float("inf")
    for name, (low, high) in intervals.items():
        column = columns[name]
        last = len(column) - 1
        below, upto = _places(column, low)
        least, most = max(least, below - 1), min(most, upto)
        below, upto = _places(column, high)
        least, most = max(least, last - upto), min(most, last - below + 1)
    return least <= most


def _places(column: Sequence[float], end: float) -> tuple[int, int]:
    """How many draws are below an end, and how many are not above it. Both files are rounded."""
    return sum(value < end - _ROUNDING for value in column), sum(value <= end + _ROUNDING for value in column)
