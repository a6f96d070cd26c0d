"""A study's resampled mean opinion ranks, which ``study collect`` writes beside ``MOR.csv``. Imports no torch."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from srspace_eval._utils.files import read_bounded
from srspace_eval._utils.untrusted_text import escape_cell, unescape_cell
from srspace_eval.errors import RankingError

MOR_FILE, DRAWS_FILE = "MOR.csv", "MOR-draws.csv"
MOS_FILE = "MOS.csv"
"""Mean opinion scores, which ``study collect`` writes for a rating study."""

_MAX_BYTES = 1 << 27
_FEWEST = 50  # `study collect` makes 100 or more, and leaves out those that hold no ranking


def draws_csv(methods: Sequence[str], draws: Sequence[Sequence[float]]) -> str:
    """The CSV text: a line of names, then a line for each resampled study with the methods' mean opinion ranks."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([escape_cell(method) for method in methods])
    writer.writerows([f"{value:.4f}" for value in draw] for draw in draws)
    return text.getvalue()


def read_draws(path: Path, mor: Mapping[str, float]) -> dict[str, tuple[float, ...]]:
    """Method -> its MOR in each resampled study.

    Parameters
    ----------
    mor
        The study's MORs, to which the draws must belong.

    Raises
    ------
    RankingError
        If the file cannot be read, or belongs to another study's result.
    """
    try:
        text = read_bounded(path, _MAX_BYTES).decode("utf-8")
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
    belongs = (
        len(draws) > 1
        and len(set(names)) == len(names)
        and set(names) == set(mor)
        and all(len(draw) == len(names) and all(1 <= value <= len(names) for value in draw) for draw in draws)
    )
    columns = dict(zip(names, zip(*draws, strict=True), strict=True)) if belongs else {}
    # The MOR lies within its resampled values; both are rounded in the files.
    if not columns or any(not min(d) - 1e-3 <= mor[name] <= max(d) + 1e-3 for name, d in columns.items()):
        raise RankingError(f"{path}: does not belong to the {MOR_FILE} beside it; run `study collect` again")
    return columns
