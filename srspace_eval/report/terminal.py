"""A table as text for the terminal. Imports no torch."""

from __future__ import annotations

from itertools import pairwise
from typing import TextIO

from rich.console import Console
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from srspace_eval._utils.stacked_tables import TerminalColumn, stacked_tables
from srspace_eval._utils.untrusted_text import short_name, visible
from srspace_eval.report.numbers import plain_label, subscript
from srspace_eval.report.table import Cell, Table

_NARROWEST, _WIDEST = 100, 10_000
_STYLES = {"": "", "best": "bold", "second": "underline"}


def to_text(table: Table, file: TextIO | None = None, *, intervals: bool = False, width: int | None = None) -> str:
    """The table as text: best bold, second underlined, ranks as subscripts, the notes below.

    Columns that do not fit into the width stand in a further table below, again with place and team. The mean rank is
    always in the first table.

    Parameters
    ----------
    file
        Where it will be shown; None: standard output. For a terminal, the text has its width and styles; for anything
        else, plain lines as long as the table needs.
    intervals
        Show the intervals of values and ranks too.
    width
        Characters of a line; None: as the file says.
    """
    console = Console(file=file, highlight=False, markup=False, width=width)
    limited = console.is_terminal or width is not None
    bodies = _bodies(table, intervals, console.width if limited else None)
    if not limited:
        wide = console.options.update(width=_WIDEST)
        console.width = max(_NARROWEST, Measurement.get(console, wide, bodies[0]).maximum)
    legend = [table.explain("bold", "underlined")] if console.is_terminal else []
    with console.capture() as capture:
        console.print(Text(visible(table.caption), style="bold"))
        for number, body in enumerate(bodies):
            if number:
                console.print()
            console.print(body)
        for note in (*legend, *table.notes(intervals=intervals)):
            if limited:
                console.print(Padding(Text(plain_label(visible(note)), style="dim"), (0, 0, 0, 2), expand=False))
            else:
                console.print(f"  {plain_label(visible(note))}", soft_wrap=True)
    return capture.get()


def _bodies(table: Table, intervals: bool, width: int | None) -> list[RichTable]:
    places = [Text(line.place) for line in table.lines]
    if intervals and any(line.place_cell.interval for line in table.lines):
        places = [_cell(line.place_cell, intervals) if line.place else Text("") for line in table.lines]
    names = []
    for line in table.lines:
        name = Text(short_name(line.row.entry.team))
        if line.mark:
            name.append(f" ({line.mark})", style="dim")
        names.append(name)
    keys = [TerminalColumn("place", places), TerminalColumn("team", names, "left", folds=True)]
    columns = []
    for i, column in enumerate(table.columns):
        unit = f"[{column.unit}] " if column.unit else ""
        head = f"{plain_label(column.label)}{column.mark}\n{unit}{column.arrow}"
        columns.append(TerminalColumn(head, [_cell(line.cells[i], intervals) for line in table.lines]))
    kinds = [line.row.entry.kind for line in table.lines]
    sections = {i for i, (kind, after) in enumerate(pairwise(kinds)) if kind != after}
    if table.own_line is not None:
        sections.add(len(kinds) - 2)
    styles = ["dim" if kind == "baseline" else "" for kind in kinds]
    bodies = stacked_tables(keys, columns, width, sections=sections, styles=styles)
    if len(bodies) > 1:  # what decides comes first
        order = sorted(
            range(len(columns)), key=lambda i: (not table.columns[i].is_of_rule, not table.columns[i].decisive)
        )
        bodies = stacked_tables(keys, [columns[i] for i in order], width, sections=sections, styles=styles)
    return bodies


def _cell(cell: Cell, intervals: bool) -> Text:
    text = Text(cell.text, style=_STYLES[cell.emphasis])
    text.append(cell.mark, style="not bold not underline")
    if cell.rank:
        text.append(f" {subscript(cell.rank)}", style="not bold not underline")
    text.append("≈" if cell.tied_with_next else " ", style="not bold not underline")
    if intervals and cell.interval:
        ranks = f" {subscript(cell.rank_interval)}" if cell.rank_interval else ""
        text.append(f"\n{cell.interval}{ranks} ", style="dim not bold not underline")
    return text
