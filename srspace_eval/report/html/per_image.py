"""One table per metric with a row per image and a column per submission: where teams differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from srspace_eval._utils.untrusted_text import visible
from srspace_eval.metrics.base import MetricInfo
from srspace_eval.ranking.model import Ranking
from srspace_eval.ranking.notes import metric_label
from srspace_eval.report.emphasis import value_emphases
from srspace_eval.report.html import text
from srspace_eval.report.html.submission import ImageCell
from srspace_eval.report.numbers import short_number
from srspace_eval.report.table_parts import doubt

MOST = 30
"""The tables have at most this many submissions, the first of the board."""


@dataclass(frozen=True)
class ImageValue:
    """One submission's value on one image.

    ``best``: whether it is the best of the image, by the rule of the board's table
    (:func:`srspace_eval.report.emphasis.value_emphases`).
    ``viewer``: the address of its samples, or empty.
    """

    cell: ImageCell
    best: bool
    viewer: str


@dataclass(frozen=True)
class ImageRow:
    """One image: its name, the address where its samples are compared (or empty), and the submissions' values."""

    name: str
    compare: str
    cells: tuple[ImageValue, ...]


@dataclass(frozen=True)
class MetricTable:
    """One metric's values: ``info`` and ``label`` of the metric, the rows in the order of the images."""

    info: MetricInfo
    label: Markup
    rows: tuple[ImageRow, ...]


@dataclass(frozen=True)
class PerImage:
    """The tables, with (team, address of its page, its :func:`~srspace_eval.report.table_parts.doubt`) of each column.

    ``left_out`` submissions have no column.
    """

    teams: tuple[tuple[str, str, str], ...]
    tables: tuple[MetricTable, ...]
    left_out: int
    has_viewer: bool


def per_image(
    ranking: Ranking, pages: Mapping[int, str], viewers: Mapping[int, Mapping[str, str]], compare: Mapping[str, str]
) -> PerImage | None:
    """The tables of a ranking; None if fewer than two of its rows have values of images.

    Parameters
    ----------
    pages
        Row number -> address of the submission's page.
    viewers
        Row number -> image -> address of the image in the submission's viewer.
    compare
        Image -> address where the submissions' samples of the image are compared.
    """
    numbers = [n for n, row in enumerate(ranking.rows) if n in pages and row.entry.result is not None]
    if len(numbers) < 2:
        return None
    shown = numbers[:MOST]
    values = [
        {image.image: image.values for image in result.images}
        for n in shown
        if (result := ranking.rows[n].entry.result) is not None
    ]
    images = list(dict.fromkeys(image for one in values for image in one))
    columns = ranking.track.columns()
    tables = []
    for metric, info in columns.items():
        if not any(metric in own for one in values for own in one.values()):
            continue
        rows = []
        for image in images:
            numbers_ = [one.get(image, {}).get(metric) for one in values]
            competing = [None if ranking.rows[n].other_settings else v for n, v in zip(shown, numbers_, strict=True)]
            words = value_emphases(competing, info)
            cells = tuple(
                ImageValue(
                    ImageCell(short_number(info, value), text.sort_key(value)),
                    word == "best",
                    viewers.get(n, {}).get(image, ""),
                )
                for n, value, word in zip(shown, numbers_, words, strict=True)
            )
            rows.append(ImageRow(visible(image), compare.get(image, ""), cells))
        tables.append(MetricTable(info, text.label_html(metric_label(metric, ranking.track)), tuple(rows)))
    entries = [ranking.rows[n].entry for n in shown]
    teams = tuple((visible(e.team), pages[n], doubt(e.evidence)) for n, e in zip(shown, entries, strict=True))
    has_viewer = any(viewers.get(n) for n in shown)
    return PerImage(teams, tuple(tables), len(numbers) - len(shown), has_viewer) if tables else None
