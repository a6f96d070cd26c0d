"""Tables for terminals: columns that do not fit stand in a further table below, so that none is cut or left out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

_UNBOUNDED = 10_000  # characters; no table is as wide
_NARROWEST_NAME = 12  # characters to which names are folded
_WIDEST_TEXT = 28  # characters to which texts in other columns are folded where the line is too short


@dataclass(frozen=True)
class TerminalColumn:
    """A column of a table.

    Attributes
    ----------
    head
        The heading; may have several lines.
    cells
        A text for each row.
    justify
        The side to which the cells are moved.
    folds
        Whether long cells may be folded; others stay on their lines.
    """

    head: str
    cells: Sequence[Text]
    justify: Literal["left", "right"] = "right"
    folds: bool = False


def stacked_tables(
    keys: Sequence[TerminalColumn],
    columns: Sequence[TerminalColumn],
    width: int | None,
    *,
    sections: Collection[int] = (),
    styles: Sequence[str] = (),
) -> list[Table]:
    """The tables that hold all columns. Each begins with the keys, and is at most as wide as the terminal.

    Parameters
    ----------
    keys
        The columns that name a row; they are repeated in each table.
    columns
        The other columns.
    width
        Characters of a line; None: one table of any width.
    sections
        Numbers of rows after which a gap follows.
    styles
        A style for each row; empty: none.
    """
    console = Console(width=_UNBOUNDED)

    def build(some: Sequence[TerminalColumn], widest: int | None) -> Table:
        return _build(keys, some, widest, sections, styles)

    def fits(some: Sequence[TerminalColumn], widest: int | None) -> bool:
        # The least width of a column is that of its longest word. The widest line counts here.
        return width is None or Measurement.get(console, console.options, build(some, widest)).maximum <= width

    if fits(columns, None):
        return [build(columns, None)]
    widest = next((w for w in _name_widths(keys, width) if all(fits([column], w) for column in columns)), None)
    widest = widest or _NARROWEST_NAME
    return [build(some, widest) for some in _groups(columns, lambda some: fits(some, widest))]


def _name_widths(keys: Sequence[TerminalColumn], width: int | None) -> Iterator[int]:
    """Widths of folded names, the widest first: whole names if they leave half of the line to the others."""
    natural = max((cell.cell_len for key in keys if key.folds for cell in key.cells), default=_NARROWEST_NAME)
    yield from range(min(natural, max((width or _UNBOUNDED) // 3, _NARROWEST_NAME)), _NARROWEST_NAME - 1, -1)


def _groups(
    columns: Sequence[TerminalColumn], fits: Callable[[Sequence[TerminalColumn]], bool]
) -> Iterator[list[TerminalColumn]]:
    group: list[TerminalColumn] = []
    for column in columns:
        if group and not fits([*group, column]):
            yield group
            group = []
        group.append(column)
    if group:
        yield group


def _build(
    keys: Sequence[TerminalColumn],
    some: Sequence[TerminalColumn],
    widest: int | None,
    sections: Collection[int],
    styles: Sequence[str],
) -> Table:
    table, columns = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False), [*keys, *some]
    for number, column in enumerate(columns):
        limit = None if widest is None or not column.folds else widest if number < len(keys) else _WIDEST_TEXT
        table.add_column(
            Text(column.head), justify=column.justify, no_wrap=not column.folds, overflow="fold", max_width=limit
        )
    for number, cells in enumerate(zip(*(column.cells for column in columns), strict=True)):
        table.add_row(*cells, style=styles[number] if styles else None, end_section=number in sections)
    return table
