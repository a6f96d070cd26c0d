"""A table as LaTeX (booktabs) to paste into a paper of one or two columns. Imports no torch."""

from __future__ import annotations

import re
from collections.abc import Iterator

from srspace_eval._utils.untrusted_text import short_name
from srspace_eval.ranking.notes import is_machine_note, is_signature_note
from srspace_eval.ranking.published_tables import PublishedTable, table_of
from srspace_eval.report.bibtex import citation_key
from srspace_eval.report.escaping import escape_latex
from srspace_eval.report.table import Cell, Column, Line, Table

_HEAD = r"""% Needs \usepackage{booktabs}; a table wider than its place is scaled down if graphicx is loaded.
% Compiles with pdfLaTeX, XeLaTeX, LuaLaTeX and Tectonic.
% A character that classic TeX fonts lack is shown by the engines that can, and as its number by pdfLaTeX.
\providecommand{\srspacechar}[2]{\ifdefined\Umathchardef #1\else #2\fi}
\providecommand{\srspacefit}[1]{\setbox0=\hbox{#1}\ifdim\wd0>\linewidth
  \ifdefined\resizebox\resizebox{\linewidth}{!}{\box0}\else\leavevmode\box0\fi\else\leavevmode\box0\fi}
"""
_ONE_COLUMN = 46  # characters that fit into one column of a two-column paper
_LONGEST_WORD = 16  # characters of notes that are not broken


def to_latex(table: Table, *, label: str, intervals: bool = False, notes: bool = True, signature: bool = False) -> str:
    """The LaTeX text: a ``table`` with a booktabs ``tabular``, in ASCII except for letters that TeX cannot spell.

    Best is bold, the second underlined; ranks are subscripts in brackets, as the challenges' reports print them. A
    table too wide for one column of a two-column paper is a ``table*``. Published tables are cited by the keys of
    :func:`srspace_eval.report.bibtex.to_bibtex`.

    Parameters
    ----------
    label
        What follows ``tab:`` in the ``\\label``: letters, digits, hyphens.
    intervals
        Also give each value's interval and each rank's.
    notes
        Print the notes below the table. Without them, published names carry a ``\\cite``, and only notes of marked
        columns are printed.
    signature
        Print what the results were measured with, below the table.
    """
    places = table.has_final
    columns = [*(["l"] if places else []), "l", *["r"] * len(table.columns)]
    headings = [*(["Place"] if places else []), "Team", *(_heading(column) for column in table.columns)]
    environment = "table*" if _characters(table, intervals) > _ONE_COLUMN else "table"
    legend = _note(table.explain("bold", "underlined"))
    lines = [
        _HEAD + rf"\begin{{{environment}}}[t]",
        r"\centering",
        rf"\caption{{{escape_latex(table.caption)}{_source(table, notes)}. {legend}}}",
        rf"\label{{tab:{label}}}",
        r"\smallskip",
        rf"\srspacefit{{\begin{{tabular}}{{{''.join(columns)}}}",
        r"\toprule",
        " & ".join(headings) + r" \\",
        r"\midrule",
    ]
    for before, line in zip((None, *table.lines), table.lines, strict=False):
        if before is not None and (line.row.entry.kind != before.row.entry.kind or line is table.own_line):
            lines.append(r"\midrule")
        cells = [
            *([line.place] if places else []),
            _name(table, line, notes),
            *(_cell(c, intervals) for c in line.cells),
        ]
        lines.append(" & ".join(cells) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}}", ""]
    printed = list(_notes(table, notes, signature, intervals))
    if printed:
        lines += [r"\smallskip", r"\parbox{\linewidth}{\footnotesize\raggedright", *(f"{n}\\par" for n in printed), "}"]
    return "\n".join([*lines, rf"\end{{{environment}}}"]) + "\n"


def _heading(column: Column) -> str:
    unit = f" [{escape_latex(column.unit)}]" if column.unit else ""
    return f"{column.tex}{escape_latex(column.mark)}{unit} {escape_latex(column.arrow)}"


def _characters(table: Table, intervals: bool) -> int:
    """About how many characters the widest line of the table has."""
    names = max((len(short_name(line.row.entry.team)) for line in table.lines), default=0)
    widths = [
        max([len(column.heading), *(len(line.cells[i].text) + 3 for line in table.lines)])
        + (max(len(line.cells[i].interval) for line in table.lines) if intervals and table.lines else 0)
        for i, column in enumerate(table.columns)
    ]
    return names + sum(width + 2 for width in widths)


def _name(table: Table, line: Line, notes: bool) -> str:
    name = escape_latex(short_name(line.row.entry.team))
    if notes:
        return name + (rf"\textsuperscript{{{line.mark}}}" if line.mark else "")
    cited = _cited(line)
    return name + (rf"~\cite{{{citation_key(cited)}}}" if cited and not _only_source(table) else "")


def _only_source(table: Table) -> PublishedTable | None:
    """The published table that all rows are from; None if they are from several sources."""
    cited = [_cited(line) for line in table.lines]
    return cited[0] if cited and all(one is not None and one is cited[0] for one in cited) else None


def _source(table: Table, notes: bool) -> str:
    cited = None if notes else _only_source(table)
    return "" if cited is None else rf"~\cite{{{citation_key(cited)}}}"


def _cited(line: Line) -> PublishedTable | None:
    return table_of(line.row.entry.note) if line.row.entry.origin == "published" else None


def _notes(table: Table, notes: bool, signature: bool, intervals: bool) -> Iterator[str]:
    yield from map(_note, table.departures)
    if notes:
        shown = [note for note in table.shown_notes(intervals) if not is_machine_note(note)]
        yield from (_note(note) for note in shown if not is_signature_note(note))
    if signature:
        yield from (_note(note) for note in table.ranking.notes if is_signature_note(note))
    if not notes:
        return
    for text in table.common_notes:
        yield _with_citation(text, next(filter(None, map(_cited, table.lines)), None))
    for mark, text in table.footnotes:
        cited = next((found for line in table.lines if mark in line.marks and (found := _cited(line))), None)
        yield f"{mark}: {_with_citation(text, cited)}"


def _with_citation(text: str, cited: PublishedTable | None) -> str:
    if cited is None or cited.paper not in text:
        return _note(text)
    start, _, end = text.partition(cited.paper)
    return rf"{_note(start)}\cite{{{citation_key(cited)}}}{_note(end)}"


def _note(note: str) -> str:
    """The escaped note, in which long words may be broken."""
    words = [_breakable(word) for word in note.split(" ")]
    return re.sub(r"\bS\\_(\d+)", r"$S_{\1}$", " ".join(words))


def _breakable(word: str) -> str:
    if len(word) <= _LONGEST_WORD:
        return escape_latex(word)
    parts = re.findall(rf"[^,|:=/_;-]{{1,{_LONGEST_WORD}}}[,|:=/_;-]?|[,|:=/_;-]", word)
    return r"\allowbreak{}".join(map(escape_latex, parts))


def _cell(cell: Cell, intervals: bool) -> str:
    text = escape_latex(cell.text)
    if cell.emphasis == "best":
        text = rf"\textbf{{{text}}}"
    elif cell.emphasis == "second":
        text = rf"\underline{{{text}}}"
    above = r"\ddagger" * bool(cell.mark) + r"\approx" * bool(cell.tied_with_next)
    marks = f"_{{({cell.rank})}}" * bool(cell.rank) + f"^{{{above}}}" * bool(above)
    if marks:
        text += f"${marks}$"
    if intervals and cell.interval:
        ranks = f"; {escape_latex(cell.rank_interval)}" if cell.rank_interval else ""
        text += rf" {{\scriptsize ({escape_latex(cell.interval)}{ranks})}}"
    return text
