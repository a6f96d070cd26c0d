"""Checks that a result's summary is the mean of just the images that were to be measured. Imports no torch.

A result is a file that anybody may edit. Its numbers are recomputed from its own samples and images.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping

from srspace_eval.metrics.base import MetricInfo
from srspace_eval.results.record import Result


def summary_faults(result: Result, columns: Mapping[str, MetricInfo]) -> list[str]:
    """The contradictions within a complete result, one sentence each."""
    return [*_image_faults(result, columns), *_mean_faults(result)]


def _image_faults(result: Result, columns: Mapping[str, MetricInfo]) -> Iterator[str]:
    counts = Counter(image.image for image in result.images)
    yield from (f"image {name} is there {count} times" for name, count in counts.items() if count > 1)
    wanted = result.signature.settings.get("common", {}).get("images", len(result.images))
    if not result.images or wanted != len(result.images):
        yield f"{len(result.images)} images are there, {wanted or 'some'} were to be measured"
    for image in result.images:
        for metric in (m for m, info in columns.items() if info.per == "sample"):
            values = [sample.values.get(metric) for sample in image.samples]
            given = [v for v in values if v is not None]
            value = image.values.get(metric)
            if value is not None and given and not math.isclose(value, sum(given) / len(given), rel_tol=1e-6):
                yield f"image {image.image}: {metric} is {value}, the mean of its samples {sum(given) / len(given):.9g}"
        for curve, metric in ((info.curve, m) for m, info in columns.items() if info.curve):
            if image.curves.get(curve) and image.curves[curve][-1] != image.values.get(metric):
                yield f"image {image.image}: {metric} is {image.values.get(metric)}, its curve ends in another value"


def _mean_faults(result: Result) -> Iterator[str]:
    for metric, value in result.summary.items():
        found = [image.values.get(metric) for image in result.images]
        finite = [v for v in found if v is not None and math.isfinite(v)]
        mean = sum(finite) / len(finite) if finite else None
        if mean is None:
            # All images are infinite or undefined; the summary must be, too.
            agrees = value is None or value in found
        else:
            agrees = value is not None and math.isclose(value, mean, rel_tol=1e-6, abs_tol=1e-9)
        if not agrees:
            shown = "undefined" if mean is None else f"{mean:.9g}"
            yield f"summary.{metric} is {value}, the mean of its images {shown}"
