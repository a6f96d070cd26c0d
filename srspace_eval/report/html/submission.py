"""One submission's page as data: its images, its best and worst, what it was measured with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from markupsafe import Markup

from srspace_eval._utils.untrusted_text import short_name, visible
from srspace_eval.metrics.base import Aspect, MetricInfo
from srspace_eval.ranking.notes import metric_label
from srspace_eval.report.html import text
from srspace_eval.report.numbers import short_number
from srspace_eval.results.record import Declared, ImageRecord, Result
from srspace_eval.tracks.model import Track

EXTREMES = 3
"""How many best and worst images are named."""

DEEPEST = 3
"""How deep settings and provenance are unfolded."""

LONGEST_KEY, LONGEST_TEXT, MOST_LINES = 200, 2000, 1000
"""Characters of a key and of a text, and lines of a table, that are shown of them."""

_NAMED_BY: tuple[Aspect, ...] = ("diversity", "photo-realism", "consistency")
"""The aspects by which they are named, each by its first column that was measured."""


@dataclass(frozen=True)
class ImageCell:
    """One number of one image; ``sort`` is what the column is sorted by."""

    text: str
    sort: str


@dataclass(frozen=True)
class ImageLine:
    """One image's row: its name, its values, its address in the viewer and its thumbnail (empty if not there)."""

    name: str
    size: str
    cells: tuple[ImageCell, ...]
    viewer: str
    thumbnail: str = ""


@dataclass(frozen=True)
class Extreme:
    """The best and the worst images by one metric, as (image line, value with unit)."""

    label: Markup
    arrow: str
    best: tuple[tuple[ImageLine, str], ...]
    worst: tuple[tuple[ImageLine, str], ...]


@dataclass(frozen=True)
class SubmissionPage:
    """Everything below the heading of a submission's page.

    ``settings``, ``origin`` and ``declared`` are (name, value) pairs.
    """

    columns: tuple[tuple[MetricInfo, Markup], ...]
    lines: tuple[ImageLine, ...]
    extremes: tuple[Extreme, ...]
    settings: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    environment: tuple[tuple[str, str], ...]
    origin: tuple[tuple[str, str], ...]
    declared: tuple[tuple[str, str], ...]
    samples: Mapping[str, Any] | None


def make_page(
    result: Result, track: Track, viewer: Mapping[str, str], thumbnails: Mapping[str, str] | None = None
) -> SubmissionPage:
    """Lay out one result.

    Parameters
    ----------
    viewer
        Image -> address of that image in the viewer, for images that are there.
    thumbnails
        Image -> address of its thumbnail.
    """
    measured = set().union(*(image.values for image in result.images))
    columns = track.columns()
    metrics = [m for m in columns if m in measured]
    small = thumbnails or {}
    lines = tuple(
        replace(
            _line(image, [columns[m] for m in metrics], viewer.get(image.image, "")),
            thumbnail=small.get(image.image, ""),
        )
        for image in result.images
    )
    return SubmissionPage(
        columns=tuple((columns[m], text.label_html(metric_label(m, track))) for m in metrics),
        lines=lines,
        extremes=tuple(e for m in named(track, result.images) if (e := _extreme(m, track, result.images, lines))),
        settings=tuple(
            (short_name(group, LONGEST_KEY), _shown(settings)) for group, settings in result.signature.settings.items()
        ),
        environment=_shown(result.signature.environment),
        origin=_shown(result.provenance or {}),
        declared=_declared(result.declared),
        samples=_samples(result.images, track),
    )


def _declared(declared: Declared | None) -> tuple[tuple[str, str], ...]:
    if declared is None:
        return ()
    runtime = None if declared.runtime is None else f"{declared.runtime:g} s per image"
    extra = None if declared.extra_data is None else "yes" if declared.extra_data else "no"
    found = {"runtime": runtime, "run on": declared.platform and declared.platform.upper(), "extra data": extra}
    return tuple((key, value) for key, value in {**found, "file": visible(declared.file)}.items() if value is not None)


def _line(image: ImageRecord, columns: Sequence[MetricInfo], viewer: str) -> ImageLine:
    values = [(info, image.values.get(info.id)) for info in columns]
    cells = tuple(ImageCell(short_number(info, value), text.sort_key(value)) for info, value in values)
    return ImageLine(visible(image.image), f"{image.width} × {image.height}", cells, viewer)


def named(track: Track, images: Sequence[ImageRecord]) -> list[str]:
    """The metrics by which the best and the worst images are named."""
    measured = set().union(*(image.values for image in images))
    found = []
    for aspect in _NAMED_BY:
        found += [m for m, info in track.columns().items() if info.aspect == aspect and m in measured][:1]
    return found


def extremes(
    info: MetricInfo, images: Sequence[ImageRecord]
) -> tuple[list[tuple[float, int]], list[tuple[float, int]]]:
    """The best and the worst images by one metric, as (value, position), the most extreme first."""
    values = [(value, n) for n, image in enumerate(images) if (value := image.values.get(info.id)) is not None]
    values.sort(key=lambda pair: (pair[0] if info.direction == "lower" else -pair[0], pair[1]))
    count = min(EXTREMES, len(values) // 2)
    return values[:count], values[: -count - 1 : -1]


def _extreme(metric: str, track: Track, images: Sequence[ImageRecord], lines: Sequence[ImageLine]) -> Extreme | None:
    info = track.columns()[metric]
    unit = f" {info.unit}" if info.unit else ""
    best, worst = (
        tuple((lines[number], short_number(info, value) + unit) for value, number in part)
        for part in extremes(info, images)
    )
    return Extreme(text.label_html(metric_label(metric, track)), info.arrow, best, worst) if best else None


def _samples(images: Sequence[ImageRecord], track: Track) -> dict[str, Any] | None:
    """Per-sample numbers for the script that unfolds an image's row; None if there are none."""
    measured = set().union(*(sample.values for image in images for sample in image.samples))
    columns = track.columns()
    metrics = [m for m in columns if m in measured]
    if not metrics:
        return None
    return {
        "metrics": [{"label": metric_label(m, track), "unit": columns[m].unit} for m in metrics],
        "images": [
            {
                "files": [visible(s.file) for s in image.samples],
                "values": [[short_number(columns[m], s.values.get(m)) for m in metrics] for s in image.samples],
            }
            for image in images
        ],
    }


def _shown(data: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The first lines of :func:`_flat`, and a line that says that there are more."""
    lines = tuple(islice(_flat(data), MOST_LINES + 1))
    return lines if len(lines) <= MOST_LINES else (*lines[:MOST_LINES], ("…", "more lines are in the result's file"))


def _flat(data: Mapping[str, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield (dotted name, text) of each setting in nested settings.

    Of a mapping at depth :data:`DEEPEST`, and of a list that contains lists or mappings, the text is the number of
    entries. Long names and texts are shortened. A name is part of the names of all settings inside it.
    """
    for key, value in data.items():
        name = f"{prefix}{short_name(key, LONGEST_KEY)}"
        if isinstance(value, Mapping) and depth < DEEPEST:
            yield from _flat(value, f"{name}.", depth + 1)
        elif isinstance(value, bool):
            yield visible(name), "yes" if value else "no"
        elif isinstance(value, Mapping) or _is_nested(value):
            yield visible(name), f"{len(value)} {'entry' if len(value) == 1 else 'entries'}"
        elif isinstance(value, (list, tuple)):
            yield visible(name), short_name(", ".join(map(str, value)), LONGEST_TEXT)
        else:
            yield visible(name), "–" if value is None else short_name(str(value), LONGEST_TEXT)


def _is_nested(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and any(isinstance(item, (Mapping, list, tuple)) for item in value)
