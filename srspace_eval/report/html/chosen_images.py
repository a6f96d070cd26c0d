"""Which images a viewer shows: the best and the worst ones, and others in even steps; the same for all submissions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from srspace_eval.report.html.submission import extremes, named
from srspace_eval.results.means import exact_mean
from srspace_eval.results.record import ImageRecord, Result
from srspace_eval.tracks.model import Track


def choose_images(results: Sequence[Result], count: int, track: Track) -> list[ImageRecord]:
    """At most ``count`` images, in the records' order.

    First those that the submissions' pages name as best and worst, then others from the best diversity score to the
    worst in even steps. Of several submissions, an image counts by the mean of its values, so that all show the same
    images and can be compared.

    Returns
    -------
    list[ImageRecord]
        One record of each chosen image, of the first submission that has it.
    """
    images = [_mean(same) for same in _same_images(results)]
    if not images:
        return []
    metrics = named(track, images)
    first = [n for metric in metrics for part in extremes(track.columns()[metric], images) for _, n in part]

    def score(number: int) -> float:
        value = images[number].values.get(metrics[0]) if metrics else None
        return -math.inf if value is None else value

    order = sorted(range(len(images)), key=score, reverse=True)
    even = [order[round(step)] for step in np.linspace(0, len(order) - 1, min(count, len(order)))]
    chosen = list(dict.fromkeys([*first, *even, *order]))[:count]
    return [images[number] for number in sorted(chosen)]


def _same_images(results: Sequence[Result]) -> list[list[ImageRecord]]:
    found: dict[str, list[ImageRecord]] = {}
    for result in results:
        for image in result.images:
            found.setdefault(image.image, []).append(image)
    return list(found.values())


def _mean(images: Sequence[ImageRecord]) -> ImageRecord:
    """The first record with the means of the values that all of them have."""
    first, *others = images
    if not others:
        return first
    values: dict[str, float | None] = {}
    for metric in first.values:
        known = [value for image in images if (value := image.values.get(metric)) is not None]
        values[metric] = exact_mean(known) if len(known) == len(images) else None
    return replace(first, values=values)
