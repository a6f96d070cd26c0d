"""CSV tables that people write: names, numbers, and all faults at once with their lines. Imports no torch."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from srspace_eval._utils.files import read_bounded
from srspace_eval._utils.untrusted_text import name_key, too_long, unescape_cell
from srspace_eval.errors import ProblemsError, RankingError

_MAX_BYTES = 1 << 24

MAX_COLUMNS = 1000
"""Columns of a table. Three columns for each of the metrics and of a track's own numbers take a tenth of it."""

MAX_ROWS = 10_000
"""Rows of a table below its first line. A leaderboard takes about 10 KB of memory for each."""

_LISTED = 100  # faults that are listed: a table of 16 MB may have a million


class CsvTable:
    """A CSV file. Its faults are gathered and reported together.

    Attributes
    ----------
    path
        The file.
    columns
        The first line's names, in lower case.
    rows
        (line number, cells) of every line that is not empty.
    faults
        (line number, text) of what is wrong.
    error
        The class of the error that :meth:`done` raises.
    """

    def __init__(self, path: Path, error: type[ProblemsError] = RankingError) -> None:
        self.path = path
        self.error = error
        self.columns: list[str] = []
        self.rows: list[tuple[int, list[str]]] = []
        self.faults: list[tuple[int, str]] = []

    def fault(self, line: int, text: str) -> None:
        """Note a fault of one line."""
        self.faults.append((line, text))

    def lines(self, publications: bool = True) -> Iterator[CsvLine]:
        """The lines; a missing name, a name given twice and a wrong number of cells are noted as faults.

        With ``publications``, lines of several publications may have one name.
        """
        seen: dict[tuple[str, str], int] = {}
        for number, cells in self.rows:
            line = CsvLine(dict(zip(self.columns, cells, strict=False)), partial(self.fault, number))
            if len(cells) != len(self.columns):
                self.fault(number, f"{len(cells)} cells under {len(self.columns)} columns")
            published = publications and line.cell("source") == "published"
            key = (line.name(), line.cell("note") if published else "")
            if told := too_long(key[0]):
                self.fault(number, told)
            elif not name_key(key[0]):
                self.fault(number, "no team name" if not key[0] else f"the team name {key[0]!a} shows nothing")
            elif key in seen:
                self.fault(number, f"{key[0]!r} is also in line {seen[key]}")
            seen.setdefault(key, number)
            yield line

    def done(self) -> None:
        """Raise the table's error if there are faults."""
        if self.faults:
            listed = [f"line {line}: {text}" for line, text in sorted(self.faults, key=lambda f: f[0])[:_LISTED]]
            if len(self.faults) > _LISTED:
                listed.append(f"and {len(self.faults) - _LISTED} more")
            raise self.error(f"{self.path}: the table cannot be used", listed)


@dataclass(frozen=True)
class CsvLine:
    """One line: column -> cell. ``fault`` notes what is wrong with it."""

    cells: dict[str, str]
    fault: Callable[[str], None]

    def cell(self, column: str) -> str:
        """The text of a cell; empty if there is no such column."""
        return self.cells.get(column, "").strip()

    def name(self) -> str:
        """The team's name."""
        return unescape_cell(self.cell("team"))

    def number(self, column: str) -> float | None:
        """The number of a cell; None if the cell is empty or is noted as a fault."""
        text = self.cell(column)
        if not text:
            return None
        try:
            plain = text.replace("∞", "inf").replace("−", "-")
            value = float(plain)
        except ValueError:
            value = math.nan
        # Python reads 1_0 as 10, 1e400 as infinite, and digits of other scripts. All are typing errors.
        if "_" in text or not plain.isascii() or (math.isinf(value) and any(char.isdigit() for char in text)):
            value = math.nan
        if math.isnan(value):
            self.fault(f"{column} is {text!r}: write a number with a decimal point and no unit, inf, or nothing")
            return None
        return value

    def interval(self, column: str, value: float | None) -> tuple[float, float] | None:
        """The ends of a value's interval.

        They are in the columns ``COLUMN_low`` and ``COLUMN_high``. What is not an interval around the value is noted
        as a fault.
        """
        low, high = self.number(f"{column}_low"), self.number(f"{column}_high")
        if low is None and high is None:
            return None
        if low is None or high is None:
            there, lost = ("low", "high") if high is None else ("high", "low")
            if not self.cell(f"{column}_{lost}"):  # else its fault is noted already
                self.fault(f"{column}_{there} has a number, and {column}_{lost} has none; give both or neither")
            return None
        if value is None:
            if not self.cell(column):
                self.fault(f"{column}_low and {column}_high have numbers, and {column} has none; give the value too")
        elif low > high:
            self.fault(f"{column}_low is {low:g} and {column}_high {high:g}; the lower end comes first")
        elif not low <= value <= high:
            self.fault(f"{column} is {value:g}, which is not from {column}_low {low:g} to {column}_high {high:g}")
        return low, high


def _drop_empty_end(table: CsvTable) -> None:
    """Drop the last columns if they have neither a name nor a text in any line. Spreadsheets write such columns."""
    width = len(table.columns)
    while width and not table.columns[width - 1]:
        width -= 1
    if width < len(table.columns) and not any(cell.strip() for _, cells in table.rows for cell in cells[width:]):
        table.columns = table.columns[:width]
        table.rows = [(number, cells[:width]) for number, cells in table.rows]


def read_csv_table(path: Path, *needed: str, error: type[ProblemsError] = RankingError) -> CsvTable:
    """Read a CSV file whose first line names columns, among them the ``needed`` ones.

    Lines before it that start with ``#`` are comments.

    Parameters
    ----------
    error
        The class of the errors that the file's faults raise.

    Raises
    ------
    RankingError
        Or ``error``: if it cannot be read, is not valid CSV, or its first line is wrong.
    """
    try:
        text = read_bounded(path, _MAX_BYTES).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        raise error(f"{path}: cannot be read as UTF-8 text ({problem})") from problem
    table = CsvTable(path, error)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for cells in reader:
            if not table.columns and cells and cells[0].lstrip().startswith("#"):
                continue  # a comment before the first line
            if not table.columns:
                table.columns = [cell.strip().lower() for cell in cells]
                if len(cells) > MAX_COLUMNS:
                    raise error(
                        f"{path}: line {reader.line_num}: {len(cells)} columns, and at most {MAX_COLUMNS} are read; "
                        "remove the others"
                    )
            elif any(cell.strip() for cell in cells):
                if len(table.rows) == MAX_ROWS:
                    raise error(f"{path}: more than {MAX_ROWS} rows, and no more are read; keep those of the challenge")
                table.rows.append((reader.line_num, cells))
    except csv.Error as problem:
        raise error(f"{path}: line {reader.line_num}: not valid CSV ({problem})") from problem
    _drop_empty_end(table)
    for column in needed:
        if column not in table.columns:
            there = ", ".join(map(repr, table.columns[:9])) or "nothing"
            marks = " (write commas between columns)" if len(table.columns) == 1 else ""
            table.fault(1, f"the column {column!r} is missing: the first line names columns, and holds {there}{marks}")
    for column, count in Counter(table.columns).items():
        if count > 1:
            table.fault(1, f"the column {column!r} is there twice")
    table.done()
    return table
