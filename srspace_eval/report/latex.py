"""A table as LaTeX (booktabs) to paste into a paper. Imports no torch."""

from __future__ import annotations

import re

from srspace_eval._utils.untrusted_text import short_name
from srspace_eval.report.escaping import escape_latex
from srspace_eval.report.table import Cell, Line, Table

_HEAD = r"""% Needs \usepackage{booktabs}. Compiles with pdfLaTeX, XeLaTeX, LuaLaTeX and Tectonic.
% A character that classic TeX fonts lack is shown by the engines that can, and as its number by pdfLaTeX.
\providecommand{\srspacechar}[2]{\ifdefined\Umathchardef #1\else #2\fi}
"""


def to_latex(table: Table, *, label: str, intervals: bool = False) -> str:
    """The LaTeX text: a ``table`` with a booktabs ``tabular``, in ASCII except for letters that TeX cannot spell.

    Best is bold, the second underlined; ranks are subscripts in brackets, as the challenges' reports print them.

    Parameters
    ----------
    label:
        What follows ``tab:`` in the ``\\label``: letters, digits, hyphens.
    intervals:
        Also give each value's interval and each rank's.
    """
    headings = [f"{column.tex}{_unit(column.unit)} {escape_latex(column.arrow)}" for column in table.columns]
    lines = [
        _HEAD + r"\begin{table}[t]",
        r"\centering",
        rf"\caption{{{escape_latex(table.caption)}}}",
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


def _name(line: Line) -> str:
    mark = rf"\textsuperscript{{{line.mark}}}" if line.mark else ""
    return escape_latex(short_name(line.row.entry.team)) + mark


def _unit(unit: str) -> str:
    return f" [{escape_latex(unit)}]" if unit else ""


def _note(note: str) -> str:
    return re.sub(r"\bS\\_(\d+)", r"$S_{\1}$", escape_latex(note))


def _cell(cell: Cell, intervals: bool) -> str:
    text = escape_latex(cell.text)
    if cell.emphasis == "best":
        text = rf"\textbf{{{text}}}"
    elif cell.emphasis == "second":
        text = rf"\underline{{{text}}}"
    marks = f"_{{({cell.rank})}}" * bool(cell.rank) + r"^{\approx}" * bool(cell.tied_with_next)
    if marks:
        text += f"${marks}$"
    if intervals and cell.interval:
        ranks = f"; {escape_latex(cell.rank_interval)}" if cell.rank_interval else ""
        text += rf" {{\scriptsize ({escape_latex(cell.interval)}{ranks})}}"
    return text
