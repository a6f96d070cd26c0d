"""One result, or the faults of a submission, as one HTML file that needs no other file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import jinja2

from srspace_eval._utils.untrusted_text import visible
from srspace_eval._version import __version__
from srspace_eval.metrics.base import MetricInfo
from srspace_eval.report.html.charts import curves_of
from srspace_eval.report.html.submission import make_page
from srspace_eval.report.html.text import without_folder
from srspace_eval.results.record import Result
from srspace_eval.tracks.model import Track

_WIDTH, _HEIGHT, _MARGIN = 420, 180, 20


@dataclass(frozen=True)
class _Curve:
    label: str
    points: str
    lowest: str
    highest: str
    texts: tuple[str, ...]


def result_file(result: Result, track: Track, *, notices: Sequence[str] = (), per_image: bool = True) -> str:
    """A result: summary, curves, numbers of each image, notices, signature. It holds no picture.

    Parameters
    ----------
    notices
        What readers should know beside the numbers.
    per_image
        Whether the numbers of each image are shown.
    """
    track = track.including(result.signature.settings)
    columns = track.columns()
    return _render(
        title=f"Scores, track {visible(track.name)}",
        values=[(columns[key], columns[key].format(value)) for key, value in result.summary.items() if key in columns],
        curves=[c for key, info in curves_of(track) if (c := _curve(info, result.curves.get(key, ())))],
        page=make_page(result, track, {}) if per_image else None,
        signature=result.signature,
        notices=notices,
    )


def faults_file(lead: str, faults: Sequence[str], *, notices: Sequence[str] = ()) -> str:
    """What is wrong with a submission that could not be scored."""
    return _render(title="The submission was not scored", lead=lead, faults=faults, notices=notices)


def _render(**values: object) -> str:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("srspace_eval.report.html", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(shown=visible, without_folder=without_folder)
    empty = {"lead": "", "faults": (), "values": (), "curves": (), "page": None, "signature": None, "notices": ()}
    return environment.get_template("alone.html.j2").render(version=__version__, **{**empty, **values})


def _curve(info: MetricInfo, values: Sequence[float | None]) -> _Curve | None:
    finite = [v for v in values if v is not None and math.isfinite(v)]
    if len(finite) < 2 or len(finite) != len(values):
        return None
    low, high = min(finite), max(finite)
    step, span = (_WIDTH - 2 * _MARGIN) / (len(finite) - 1), (high - low) or 1.0
    points = (
        f"{_MARGIN + n * step:.1f},{_HEIGHT - _MARGIN - (v - low) / span * (_HEIGHT - 2 * _MARGIN):.1f}"
        for n, v in enumerate(finite)
    )
    return _Curve(info.label, " ".join(points), info.format(low), info.format(high), tuple(map(info.format, finite)))
