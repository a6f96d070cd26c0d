"""A table as GitHub-flavoured Markdown. Imports no torch."""

from __future__ import annotations

import re

from srspace_eval._utils.untrusted_text import short_name
from srspace_eval.report.escaping import escape_markdown
from srspace_eval.report.numbers import plain_label, subscript
from srspace_eval.report.table import Cell, Table

_WRAPS = {"": "", "best": "**", "second": "*"}


def to_markdown(table: Table, *, intervals: bool = False) -> str:
    """The Markdown text: best **bold**, second *italic* (Markdown has no underline), ranks as subscripts.

    Names are escaped, so that neither Markdown nor HTML takes a part of them for markup.
    """
    header = ["place", "team", *(escape_markdown(plain_label(column.heading)) for column in table.columns)]
    lines = [
        f"**{escape_markdown(table.caption)}**",
        "",
        _line(header),
        _line(["--:", ":--", *["--:"] * len(table.columns)]),
    ]
    for line in table.lines:
        mark = f" ({line.mark})" if line.mark else ""
        name = escape_markdown(short_name(line.row.entry.team)) + mark
        lines.append(_line([line.place, name, *(_cell(cell, intervals) for cell in line.cells)]))
    lines += ["", _legend(table), ""]
    lines += [f"- {escape_markdown(plain_label(note))}" for note in table.notes(intervals=intervals)]
    return "\n".join(lines) + "\n"


def _legend(table: Table) -> str:
    text = escape_markdown(plain_label(table.explain("bold", "italic")))
    return re.sub(r"\bbold\b", "**bold**", re.sub(r"\bitalic\b", "*italic*", text))


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell, intervals: bool) -> str:
    wrap = _WRAPS[cell.emphasis]
    parts = [f"{wrap}{cell.text}{wrap}{cell.mark}"]
    if cell.rank:
        parts.append(subscript(cell.rank))
    if cell.tied_with_next:
        parts.append("≈")
    if intervals and cell.interval:
        ranks = f" {subscript(cell.rank_interval)}" if cell.rank_interval else ""
        parts.append(f"({cell.interval}{ranks})")
    return " ".join(parts)
