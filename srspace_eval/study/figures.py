"""Plots of the report page, as JSON for plotly.js. The page sets the colours of axes and text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from srspace_eval.report.escaping import escape_plotly

Figure = dict[str, Any]


def mor_figure(methods: Sequence[dict[str, Any]]) -> Figure:
    """The MOR of each method with its interval. ``methods``: as in ``study.json``."""
    trace = {
        "type": "scatter",
        "mode": "markers",
        "x": [m["mor"] for m in methods],
        "y": list(range(len(methods))),
        "marker": {"size": 11},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [m["mor_interval"][1] - m["mor"] for m in methods],
            "arrayminus": [m["mor"] - m["mor_interval"][0] for m in methods],
            "thickness": 2,
            "width": 5,
        },
        "customdata": [[escape_plotly(m["team"], 32), *m["mor_interval"]] for m in methods],
        "hovertemplate": "%{customdata[0]}<br>MOR %{x:.3f} "
        "(%{customdata[1]:.2f} – %{customdata[2]:.2f})<extra></extra>",
    }
    axis = {"title": {"text": "mean opinion rank (lower is better)"}, "range": [0.8, len(methods) + 0.2]}
    return _figure([trace], axis, methods)


def shares_figure(methods: Sequence[dict[str, Any]]) -> Figure:
    """The shares of the ranks of each method, as stacked bars."""
    k = len(methods)
    traces = []
    for rank in range(k):
        # One hue from strong (best) to weak (worst) can be read without colour vision.
        strength = 1 - 0.88 * rank / max(k - 1, 1)
        traces.append(
            {
                "type": "bar",
                "orientation": "h",
                "y": list(range(k)),
                "x": [m["rank_shares"][rank] for m in methods],
                "name": f"rank {rank + 1}",
                "marker": {
                    "color": f"rgba(47, 107, 179, {strength:.3f})",
                    "line": {"width": 0.5, "color": "rgba(128, 128, 128, 0.6)"},
                },
                "customdata": [[escape_plotly(m["team"], 32)] for m in methods],
                "hovertemplate": f"%{{customdata[0]}}<br>rank {rank + 1}: %{{x:.1%}}<extra></extra>",
            }
        )
    axis = {"title": {"text": "share of rankings"}, "tickformat": ".0%", "range": [0, 1]}
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
