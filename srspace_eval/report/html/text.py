"""Labels, notes and numbers as pages show them. Imports no torch."""

from __future__ import annotations

import math
import re

from markupsafe import Markup, escape

from srspace_eval._utils.untrusted_text import visible
from srspace_eval.metrics.base import MetricInfo
from srspace_eval.report.escaping import escape_plotly


def label_html(text: str) -> Markup:
    """A label or a note as markup: invisible characters made visible, each S_10 with a true subscript.

    >>> label_html("ranks in S_10 & MOR")
    Markup('ranks in <i>S</i><sub>10</sub> &amp; MOR')
    """
    return Markup(re.sub(r"\bS_(\d+)\b", r"<i>S</i><sub>\1</sub>", str(escape(visible(text)))))


def breakable(name: str) -> Markup:
    """A long name as markup: a line may be broken after ``_``, ``-`` and ``/``.

    >>> breakable("05_SPAN & co")
    Markup('05_<wbr>SPAN &amp; co')
    """
    return Markup(re.sub(r"(?<=[_/-])(?=\w)", "<wbr>", str(escape(name))))


def without_folder(note: str) -> str:
    """A result's note without the organiser's folder, which version 0.1.0 wrote before the name of a file.

    >>> without_folder("/home/me/teams/a/000000_sample00000.png: identical to its GT 0801.png")
    '000000_sample00000.png: identical to its GT 0801.png'
    """
    return re.sub(r"^.*[/\\](?=[^/\\]*: identical to )", "", note)


def chart_label(info: MetricInfo, index: object, mark: str = "") -> str:
    """A metric's label for plotly, with mark, unit and arrow; ``index`` replaces the M of S_M.

    >>> from srspace_eval.metrics.registry import column
    >>> chart_label(column("diversity"), 10)
    '<i>S</i><sub>10</sub> (%) ↑'
    >>> chart_label(column("lpips"), "", "†")
    'LPIPS† ↓'
    """
    label = escape_plotly(info.label).replace("S_M", f"<i>S</i><sub>{index}</sub>")
    return " ".join(filter(None, [label + mark, f"({info.unit})" if info.unit else "", info.arrow]))


def sort_key(value: float | None) -> str:
    """A number as text that JavaScript's ``Number`` reads; empty if there is none.

    >>> sort_key(0.25), sort_key(float("inf")), sort_key(None)
    ('0.25', 'Infinity', '')
    """
    if value is None or math.isnan(value):
        return ""
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return f"{value:.9g}"


def finite(value: float | None) -> float | None:
    """The value; None where a chart cannot place it."""
    return value if value is not None and math.isfinite(value) else None
