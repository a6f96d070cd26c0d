"""Plots of the report page, as JSON for plotly.js. The page sets the colours of axes and text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from srspace_eval.report.escaping import escape_plotly

Figure = dict[str, Any]


def mor_figure(methods: Sequence[dict[str, Any]]) -> Figure:
    """The MOR of each method with its interval. ``methods``: as in ``study.json``."""
    axis = {"title": {"text": "MOR (lower is better)"}, "range": [0.8, len(methods) + 0.2]}
    return _figure([_points(methods, "mor", "MOR")], axis, methods)


def mos_figure(methods: Sequence[dict[str, Any]], scale: dict[str, Any]) -> Figure:
    """The MOS of each method with its interval. ``methods``, ``scale``: as in ``study.json``."""
    axis = {
        "title": {"text": f"MOS ({scale['better']} is better)"},
        "range": [scale["low"] - 0.1, scale["high"] + 0.1],
    }
    return _figure([_points(methods, "mos", "MOS")], axis, methods)


def _points(methods: Sequence[dict[str, Any]], field: str, label: str) -> dict[str, Any]:
    # NaN is not JSON. A missing interval has no bar and no ends.
    ends = [[None if math.isnan(end) else end for end in m[f"{field}_interval"]] for m in methods]
    shown = f"%{{customdata[0]}}<br>{label} %{{x:.3f}}"
    interval = " (%{customdata[1]:.2f} – %{customdata[2]:.2f})"
    hover = [f"{shown}{'' if low is None else interval}<extra></extra>" for low, _ in ends]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [m[field] for m in methods],
        "y": list(range(len(methods))),
        "marker": {"size": 11},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [None if high is None else high - m[field] for m, (_, high) in zip(methods, ends, strict=True)],
            "arrayminus": [None if low is None else m[field] - low for m, (low, _) in zip(methods, ends, strict=True)],
            "thickness": 2,
            "width": 5,
        },
        "customdata": [[escape_plotly(m["team"], 32), *both] for m, both in zip(methods, ends, strict=True)],
        "hovertemplate": hover[0] if len(set(hover)) == 1 else hover,
    }


def shares_figure(methods: Sequence[dict[str, Any]]) -> Figure:
    """The shares of the ranks of each method, as stacked bars."""
    names = [f"rank {rank + 1}" for rank in range(len(methods))]
    return _stacked(methods, [m["rank_shares"] for m in methods], names, "share of rankings")


def grades_figure(methods: Sequence[dict[str, Any]], labels: Sequence[str], better: str) -> Figure:
    """The shares of the grades of each method, as stacked bars, the best grade first.

    Parameters
    ----------
    methods
        As in ``study.json``.
    labels
        The grades, from low to high.
    better
        ``"higher"`` or ``"lower"``.
    """
    step = -1 if better == "higher" else 1
    shares = [m["grade_shares"][::step] for m in methods]
    return _stacked(methods, shares, list(labels)[::step], "share of ratings")


def strengths(count: int) -> list[float]:
    """How strong the colour of each share is, from the best one to the worst.

    One hue from strong to weak can be read without colour vision.

    >>> strengths(3)
    [1.0, 0.56, 0.12]
    """
    return [round(1 - 0.88 * place / max(count - 1, 1), 3) for place in range(count)]


def _stacked(
    methods: Sequence[dict[str, Any]], shares: Sequence[Sequence[float]], names: Sequence[str], title: str
) -> Figure:
    """Stacked bars. ``shares``: for each method one value a name; ``names``: from the best to the worst."""
    traces = []
    for place, name in enumerate(names):
        strength = strengths(len(names))[place]
        label = escape_plotly(name, 60)
        traces.append(
            {
                "type": "bar",
                "orientation": "h",
                "y": list(range(len(methods))),
                "x": [share[place] for share in shares],
                "name": label,
                "meta": {"strength": strength},
                "marker": {
                    "line": {"width": 0.5, "color": "rgba(128, 128, 128, 0.6)"},
                },
                "customdata": [[escape_plotly(m["team"], 32)] for m in methods],
                "hovertemplate": f"%{{customdata[0]}}<br>{label}: %{{x:.1%}}<extra></extra>",
            }
        )
    axis = {"title": {"text": title}, "tickformat": ".0%", "range": [0, 1]}
    figure = _figure(traces, axis, methods)
    figure["layout"]["barmode"] = "stack"
    return figure


def _figure(traces: list[dict[str, Any]], axis: dict[str, Any], methods: Sequence[dict[str, Any]]) -> Figure:
    layout = {
        "height": 130 + 34 * len(methods),
        "showlegend": False,
        "margin": {"l": 10, "r": 20, "t": 10, "b": 50},
        "xaxis": axis,
        "yaxis": {
            "tickvals": list(range(len(methods))),
            "ticktext": [escape_plotly(m["team"], 32) for m in methods],
            "autorange": "reversed",
            "zeroline": False,
            "automargin": True,
        },
    }
    return {"data": traces, "layout": layout}
