"""Names and numbers as pages show them. Names come from strangers: they are data, never markup."""

from __future__ import annotations

import math
import unicodedata

from markupsafe import Markup, escape

from srspace_eval.metrics.info import METRICS, MetricInfo

_ISOLATE, _POP = "\u2068", "\u2069"


def shown(name: str) -> str:
    """A name that any encoder and any browser takes: control characters and lone surrogates become U+FFFD.

    Everything else stays, also ``<`` and ``&``: escaping is the template's work.

    >>> shown("a\\nb")
    'a\\ufffdb'
    """
    return "".join("\ufffd" if unicodedata.category(c) in ("Cc", "Cs") else c for c in name)


def chart_text(name: str, longest: int = 40) -> str:
    """A name for plotly, which reads its texts as a small HTML of its own.

    Direction marks inside the name stay inside it; a name longer than ``longest`` is cut.

    >>> chart_text("<b>&")
    '&lt;b&gt;&amp;'
    """
    name = shown(name)
    if len(name) > longest:
        name = name[: longest - 1] + "…"
    text = name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    marked = any(unicodedata.bidirectional(c) in _DIRECTIONAL for c in name)
    return f"{_ISOLATE}{text}{_POP}" if marked else text


_DIRECTIONAL = {"R", "AL", "RLE", "RLO", "LRE", "LRO", "PDF", "RLI", "LRI", "FSI", "PDI"}


def label_html(metric: str) -> Markup:
    """A metric's label, S_M with a true subscript."""
    label = METRICS[metric].label
    if not label.startswith("S_M"):
        return escape(label)
    return Markup("<i>S</i><sub><i>M</i></sub>{}").format(label.removeprefix("S_M"))


def chart_label(metric: str, *, unit: bool = True) -> str:
    """A metric's label for plotly, with unit and arrow."""
    info = METRICS[metric]
    label = info.label.replace("S_M", "<i>S<sub>M</sub></i>")
    return " ".join(filter(None, [label, f"({info.unit})" if unit and info.unit else "", info.arrow]))


def interval(info: MetricInfo, bounds: tuple[float, float]) -> str:
    """A 95% interval as tables print it.

    >>> interval(METRICS["lr_psnr"], (44.1, 46.25))
    '44.10 – 46.25'
    """
    return f"{info.format(bounds[0])} – {info.format(bounds[1])}"


def rank(value: float) -> str:
    """A rank: ``1``, ``1.5``; a mean of ranks has at most two decimals.

    >>> rank(3.0), rank(1.5)
    ('3', '1.5')
    """
    return f"{value:.2f}".rstrip("0").rstrip(".")


def rank_interval(bounds: tuple[float, float]) -> str:
    """A rank's interval: ``1–3``, or ``2`` if it holds one rank."""
    low, high = rank(bounds[0]), rank(bounds[1])
    return low if low == high else f"{low}–{high}"


def finite(value: float | None) -> float | None:
    """The value, None where a chart cannot place it."""
    return value if value is not None and math.isfinite(value) else None
