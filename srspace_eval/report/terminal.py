"""A table as text for the terminal. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from srspace_eval._utils.untrusted_text import short_name, visible
from srspace_eval.report.numbers import subscript
from srspace_eval.report.table import Cell, Line, Table

_NARROWEST, _WIDEST = 100, 10_000
_STYLES = {"": "", "best": "bold", "second": "underline"}


def to_text(table: Table, file: TextIO | None = None, *, intervals: bool = False) -> str:
    """The table as text: best bold, second underlined, ranks as subscripts, the notes below.

    Parameters
    ----------
    file:
        Where it will be shown; None: standard output. For a terminal, the text has its width and styles; for anything
        else, plain lines as long as the table needs.
    intervals:
        Show the intervals of values and ranks too.
    """
    console = Console(file=file, highlight=False, markup=False)
    body = _body(table, intervals)
    if not console.is_terminal:
        wide = console.options.update(width=_WIDEST)
        console.width = max(_NARROWEST, Measurement.get(console, wide, body).maximum)
    with console.capture() as capture:
        console.print(Text(visible(table.caption), style="bold"))
        console.print(body)
        for note in table.notes:
            if console.is_terminal:
                console.print(Padding(Text(visible(note), style="dim"), (0, 0, 0, 2), expand=False))
            else:
                console.print(f"  {visible(note)}", soft_wrap=True)
    return capture.get()


def _body(table: Table, intervals: bool) -> RichTable:
    body = RichTable(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    body.add_column("#", justify="right")
    body.add_column("team", overflow="fold", min_width=16)
    for column in table.columns:
        unit = f"[{column.unit}] " if column.unit else ""
        body.add_column(Text(f"{column.label}\n{unit}{column.arrow}"), justify="right", no_wrap=True)
    for line, next_kind in _with_next_kind(table):
        name = Text(short_name(line.row.entry.team))
        if line.mark:
            name.append(f" ({line.mark})", style="dim")
        style = "dim" if line.row.entry.kind == "baseline" else ""
        cells = [_cell(cell, intervals) for cell in line.cells]
        body.add_row(line.place, name, *cells, style=style, end_section=next_kind != line.row.entry.kind)
    return body


def _with_next_kind(table: Table) -> Iterator[tuple[Line, str]]:
    kinds = [line.row.entry.kind for line in table.lines]
    yield from zip(table.lines, [*kinds[1:], *kinds[-1:]], strict=True)


def _cell(cell: Cell, intervals: bool) -> Text:
    text = Text(cell.text, style=_STYLES[cell.emphasis])
    if cell.rank:
        text.append(f" {subscript(cell.rank)}", style="not bold not underline")
    text.append("≈" if cell.tied_with_next else " ", style="not bold not underline")
    if intervals and cell.interval:
        ranks = f" {subscript(cell.rank_interval)}" if cell.rank_interval else ""
        text.append(f"\n{cell.interval}{ranks} ", style="dim not bold not underline")
    return text
