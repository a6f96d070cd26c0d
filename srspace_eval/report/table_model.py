"""The table of the table model. :mod:`srspace_eval.report.table` makes it.

Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from srspace_eval.ranking.model import Ranking, is_ground_truth
from srspace_eval.ranking.notes import is_interval_note
from srspace_eval.report.numbers import PREFIXES_EXPLAINED, has_prefix
from srspace_eval.report.table_parts import GIVEN_MARK, Column, Line


@dataclass(frozen=True)
class Table:
    """A ranking ready to be written. All texts of entries in it are untrusted.

    Attributes
    ----------
    ranking
        What is shown.
    columns
        The metrics, then the mean rank where it is not the place itself. The place is not among them: it is the first
        column of every format.
    lines
        In the ranking's order.
    footnotes
        (mark, text), in the order of the marks.
    own_line
        The last line, if it is the method that was asked to be last.
    common
        What holds for every row, and therefore has no mark.
    """

    ranking: Ranking
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    footnotes: tuple[tuple[str, str], ...]
    own_line: Line | None = None
    common: tuple[str, ...] = ()

    @property
    def caption(self) -> str:
        """The track's title, and which ranking it is where there are several."""
        return self.ranking.title

    def notes(self, *, intervals: bool = False) -> tuple[str, ...]:
        """The ranking's notes, those of marked columns, those of all rows, then the footnotes (``"a: given, ..."``).

        Parameters
        ----------
        intervals
            Whether the intervals are printed. Without them and without ``≈``, nothing is said about the bootstrap.
        """
        footnotes = (f"{mark}: {text}" for mark, text in self.footnotes)
        return (*self.shown_notes(intervals), *self.departures, *self.common_notes, *footnotes)

    def shown_notes(self, intervals: bool) -> tuple[str, ...]:
        """The ranking's notes without those about intervals and ``≈`` that the reader does not see."""
        cells = [cell for line in self.lines for cell in (*line.cells, line.place_cell)]
        seen = any(cell.tied_with_next or (intervals and cell.interval) for cell in cells)
        return tuple(note for note in self.ranking.notes if seen or not is_interval_note(note))

    @property
    def common_notes(self) -> tuple[str, ...]:
        """What holds for every row, as sentences."""
        return tuple(f"All rows: {text}." for text in self.common)

    @cached_property
    def all_published(self) -> bool:
        """Whether no row was measured here or given by the user."""
        return bool(self.lines) and all(line.row.entry.origin == "published" for line in self.lines)

    @property
    def column_marks(self) -> dict[str, str]:
        """Id -> mark of the columns that carry one, for charts and pages that show these values."""
        return {column.id: column.mark for column in self.columns if column.mark}

    @cached_property
    def one_origin(self) -> bool:
        """Whether the numbers of all rows come from the same kind of source, so that no row need say so."""
        return len({(line.row.entry.origin, line.doubt) for line in self.lines}) == 1

    @property
    def departures(self) -> tuple[str, ...]:
        """A note for each mark of columns and of cells: ``"† LPIPS: ..."``."""
        return (*self.departures_of(column.id for column in self.columns), *self.given_notes())

    def departures_of(self, ids: Iterable[str]) -> tuple[str, ...]:
        """The notes of :attr:`departures` that are about any of these columns."""
        wanted = set(ids)
        marks = list(dict.fromkeys(column.mark for column in self.columns if column.mark and column.id in wanted))
        found = []
        for mark in marks:
            columns = [column for column in self.columns if column.mark == mark]
            text = next(d.text for d in self.ranking.departures if columns[0].id in d.columns)
            named = ", ".join(column.label for column in columns)
            found.append(f"{mark} {named}: not comparable with the published numbers: {text}.")
        return tuple(found)

    def given_notes(self, lines: Iterable[Line] | None = None) -> tuple[str, ...]:
        """A note for each source of marked cells: ``"‡ Runtime: marked values were not measured. Source: ..."``.

        Columns that the rule reads are named, too, where the table does not show them.

        Parameters
        ----------
        lines
            The lines that the notes are about; None: all.
        """
        track, shown = self.ranking.track, {column.id for column in self.columns}
        read = shown | track.ranking.named
        for derived in reversed(track.derived):
            read |= derived.formula.reads if derived.info.id in read else frozenset()
        found: dict[str, dict[str, None]] = {}
        for line in self.lines if lines is None else lines:
            for metric, where in line.row.entry.joined.items():
                if metric in read:
                    found.setdefault(where, {}).setdefault(metric)
        labels = {metric: track.label(metric) + " (not shown)" * (metric not in shown) for metric in track.columns()}
        return tuple(
            f"{GIVEN_MARK} {', '.join(labels[metric] for metric in track.columns() if metric in ids)}: "
            f"marked values were not measured. Source: {where}."
            for where, ids in found.items()
        )

    @property
    def legend(self) -> str:
        """What best and second best are about; for captions."""
        rows = [line.row for line in self.lines]
        kinds = list(dict.fromkeys(row.entry.source_of(column.id) for row in rows for column in self.columns))
        among = "all rows" if len(kinds) < 2 else f"the rows of the same kind ({', '.join(kinds)})"
        others = [
            "the GT" if any(is_ground_truth(row.entry) for row in rows) else "",
            "rows measured with other settings" if any(row.other_settings for row in rows) else "",
        ]
        without = " and ".join(filter(None, others))
        baselines = ", baselines included" if any(row.entry.kind == "baseline" for row in rows) else ""
        return f"Best and second best of {among}{baselines}{f', without {without}' if without else ''}"

    def explain(self, best: str, second: str) -> str:
        """The sentences about best and second best, for captions.

        Parameters
        ----------
        best, second
            How the format shows them: ``"bold"``, ``"underlined"``.
        """
        return " ".join([f"{self.legend}: {best} and {second}.", *self._plateaus(best, second), *self._prefixes()])

    def _prefixes(self) -> list[str]:
        used = any(has_prefix(cell.text) for line in self.lines for cell in line.cells)
        return [PREFIXES_EXPLAINED] if used else []

    def _plateaus(self, best: str, second: str) -> Iterator[str]:
        for i, column in enumerate(self.columns):
            if any(line.cells[i].reaches and line.cells[i].emphasis == "best" for line in self.lines):
                side = "above" if column.direction == "higher" else "below"
                value = f"{column.plateau:g} {column.unit}".rstrip()
                same = f"rank alike, so all are {best} and none is {second}"
                yield f"{column.label}: all values at or {side} {value} {same}."

    @cached_property
    def has_final(self) -> bool:
        """Whether any row has a final rank."""
        return any(line.row.final_rank is not None for line in self.lines)

    @cached_property
    def has_intervals(self) -> bool:
        """Whether any number has an interval."""
        return any(line.row.intervals for line in self.lines)

    @property
    def level(self) -> str:
        """Coverage of the intervals: ``"95%"``."""
        plan = self.ranking.bootstrap
        return f"{95.0 if plan is None else 100 * plan.level:g}%"
