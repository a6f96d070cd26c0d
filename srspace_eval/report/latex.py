"""A table as LaTeX (booktabs) to paste into a paper. Imports no torch."""

from __future__ import annotations

import re
import unicodedata

from srspace_eval._utils.text import short_name, visible
from srspace_eval.report.table import Cell, Line, Table

_HEAD = r"""% Needs \usepackage{booktabs}. Compiles with pdfLaTeX, XeLaTeX, LuaLaTeX and Tectonic.
% A character that classic TeX fonts lack is shown by the engines that can, and as its number by pdfLaTeX.
\providecommand{\srspacechar}[2]{\ifdefined\Umathchardef #1\else #2\fi}
"""

_CHARS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%",
    "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"{\char34}", "`": r"{\char96}", "[": "{[}", "]": "{]}", "*": "{*}",
    "×": r"$\times$", "≈": r"$\approx$", "–": "--", "−": "$-$", "∞": r"$\infty$", "…": r"\ldots{}",
    "↑": r"$\uparrow$", "↓": r"$\downarrow$", "·": r"$\cdot$", "ß": r"\ss{}", "ø": r"\o{}", "Ø": r"\O{}",
    "æ": r"\ae{}", "Æ": r"\AE{}", "ł": r"\l{}", "Ł": r"\L{}", "ı": r"\i{}",
}  # fmt: skip

_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".",
    "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c",
}  # fmt: skip


def to_latex(table: Table, *, label: str, intervals: bool = False) -> str:
    """The LaTeX text: a ``table`` with a booktabs ``tabular``, plain ASCII but for letters that TeX cannot spell.

    Best is bold, the second underlined; ranks are subscripts in brackets, as the challenges' reports print them.

    Parameters
    ----------
    label:
        What follows ``tab:`` in the ``\\label``: letters, digits, hyphens.
    intervals:
        Also give each value's interval and each rank's.
    """
    headings = [f"{column.tex}{_unit(column.unit)} {escape(column.arrow)}" for column in table.columns]
    lines = [
        _HEAD + r"\begin{table}[t]",
        r"\centering",
        rf"\caption{{{escape(table.caption)}}}",
        rf"\label{{tab:{label}}}",
        rf"\begin{{tabular}}{{l{'r' * len(table.columns)}}}",
        r"\toprule",
        " & ".join(["Team", *headings]) + r" \\",
        r"\midrule",
    ]
    kind = None
    for line in table.lines:
        if kind is not None and line.row.entry.kind != kind:
            lines.append(r"\midrule")
        kind = line.row.entry.kind
        lines.append(" & ".join([_name(line), *(_cell(cell, intervals) for cell in line.cells)]) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}", ""]
    lines += [rf"{{\footnotesize {_note(note)}\par}}" for note in table.notes]
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def escape(text: str) -> str:
    r"""A text that LaTeX sets as it is, whatever it holds.

    >>> escape("njtech&seu"), escape("Ångström_1")
    ('njtech\\&seu', '\\r{A}ngstr\\"{o}m\\_1')
    """
    # Two hyphens would join into a dash.
    return "".join(_char(char) for char in re.sub("-(?=-)", "-\0", visible(text))).replace("\0", "{}")


def _char(char: str) -> str:
    if char in _CHARS:
        return _CHARS[char]
    if char.isascii():
        return char
    letters = unicodedata.normalize("NFD", char)
    if len(letters) == 2 and letters[0].isascii() and letters[1] in _ACCENTS:
        return rf"\{_ACCENTS[letters[1]]}{{{letters[0]}}}"
    return rf"\srspacechar{{{char}}}{{(U+{ord(char):04X})}}"


def _name(line: Line) -> str:
    mark = rf"\textsuperscript{{{line.mark}}}" if line.mark else ""
    return escape(short_name(line.row.entry.team)) + mark


def _unit(unit: str) -> str:
    return f" [{escape(unit)}]" if unit else ""


def _note(note: str) -> str:
    return re.sub(r"\bS\\_(\d+)", r"$S_{\1}$", escape(note))


def _cell(cell: Cell, intervals: bool) -> str:
    text = escape(cell.text)
    if cell.emphasis == "best":
        text = rf"\textbf{{{text}}}"
    elif cell.emphasis == "second":
        text = rf"\underline{{{text}}}"
    marks = f"_{{({cell.rank})}}" * bool(cell.rank) + r"^{\approx}" * cell.tied_with_next
    if marks:
        text += f"${marks}$"
    if intervals and cell.interval:
        ranks = f"; {escape(cell.rank_interval)}" if cell.rank_interval else ""
        text += rf" {{\scriptsize ({escape(cell.interval)}{ranks})}}"
    return text
