"""Names and numbers as pages show them. Names come from strangers: they are data, never markup."""

from __future__ import annotations

import math
import re
import unicodedata

from markupsafe import Markup, escape

from srspace_eval._utils.text import visible
from srspace_eval.metrics.base import METRICS, MetricInfo
from srspace_eval.tracks.model import Track


def shown(name: str) -> str:
    """A name with what does not show itself written out (:func:`srspace_eval._utils.text.visible`).

    ``<`` and ``&`` stay: escaping is the template's work.
    """
    return name if name.isascii() and name.isprintable() else visible(name)


def chart_text(name: str, longest: int = 40) -> str:
    """A name for plotly, which reads its texts as a small HTML of its own.

    Letters written from right to left stay inside the name; a name longer than ``longest`` is cut.

    >>> chart_text("<b>&")
    '&lt;b&gt;&amp;'
    """
    name = shown(name)
    if len(name) > longest:
        name = name[: longest - 1] + "…"
    text = name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    isolate = any(unicodedata.bidirectional(c) in ("R", "AL") for c in name)
    return f"\u2068{text}\u2069" if isolate else text


def label_html(metric: str, track: Track) -> Markup:
    """A metric's label, S_M with its number of samples as a true subscript.

    >>> from srspace_eval.tracks.model import load_track
    >>> label_html("diversity", load_track("x4"))
    Markup('<i>S</i><sub>10</sub>')
    """
    label = METRICS[metric].label
    if not label.startswith("S_M"):
        return escape(label)
    return Markup("<i>S</i><sub>{}</sub>{}").format(track.samples, label.removeprefix("S_M"))


def note_html(note: str) -> Markup:
    """A ranking's note, each S_10 in it with a true subscript.

    >>> note_html("ranks in S_10 & MOR")
    Markup('ranks in <i>S</i><sub>10</sub> &amp; MOR')
    """
    return Markup(re.sub(r"\bS_(\d+)\b", r"<i>S</i><sub>\1</sub>", str(escape(shown(note)))))


def chart_label(metric: str, index: object) -> str:
    """A metric's label for plotly, with unit and arrow; ``index`` stands in the place of M."""
    info = METRICS[metric]
    label = info.label.replace("S_M", f"<i>S</i><sub>{index}</sub>")
    return " ".join(filter(None, [label, f"({info.unit})" if info.unit else "", info.arrow]))


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
