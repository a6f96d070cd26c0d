"""Checks that a result's summary is the mean of just the images that were to be measured. Imports no torch.

A result is a file that anybody may edit. Its numbers are recomputed from its own samples and images.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping

from srspace_eval.metrics.base import MetricInfo
from srspace_eval.results.record import ImageRecord, Result

_ROUNDING = 1e-9


def summary_faults(result: Result, columns: Mapping[str, MetricInfo]) -> list[str]:
    """The contradictions within a complete result, one sentence each."""
    return [
        *_signature_faults(result),
        *_image_faults(result, columns),
        *_range_faults(result, columns),
        *_mean_faults(result),
    ]


def _signature_faults(result: Result) -> Iterator[str]:
    settings = result.signature.settings
    common = settings.get("common", {})
    if not settings:
        yield "the signature states no settings, so nothing says what was measured"
    wanted = common.get("samples")
    for image in result.images:
        numbers = [sample.sample for sample in image.samples]
        if len(set(numbers)) != len(numbers) or len({sample.file for sample in image.samples}) != len(numbers):
            yield f"image {image.image}: a sample is there twice"
        # One sample without a number is a deterministic method.
        if isinstance(wanted, int) and len(numbers) not in (1, wanted):
            yield f"image {image.image}: {len(numbers)} samples are there, the signature states {wanted}"


def _range_faults(result: Result, columns: Mapping[str, MetricInfo]) -> Iterator[str]:
    for image in result.images:
        everything = [image.values, *(sample.values for sample in image.samples)]
        for metric, info in columns.items():
            for values in everything:
                value = values.get(metric)
                if value is not None and not info.least - _ROUNDING <= value <= info.most + _ROUNDING:
                    yield f"image {image.image}: {metric} is {value}; it lies from {info.least:g} to {info.most:g}"
        yield from _best_faults(image)


def _best_faults(image: ImageRecord) -> Iterator[str]:
    """Values that follow from others of the same image: S_M from g and l, the worst from the samples."""
    g, local = image.values.get("lpips_global_best"), image.values.get("lpips_local_best")
    given = image.values.get("diversity")
    if g is not None and local is not None:
        if local > g + _ROUNDING:
            yield f"image {image.image}: lpips_local_best {local} is larger than lpips_global_best {g}"
        if given is not None and (g == 0 or not math.isclose(given, 100 * (g - local) / g, rel_tol=1e-6, abs_tol=1e-6)):
            yield f"image {image.image}: diversity is {given}, which its global and local best do not give"
    for metric in [key for key in image.values if key.endswith("_worst")]:
        found = [sample.values.get(metric.removesuffix("_worst")) for sample in image.samples]
        numbers = [value for value in found if value is not None]
        value = image.values[metric]
        if value is not None and numbers and not math.isclose(value, min(numbers), rel_tol=1e-6):
            yield f"image {image.image}: {metric} is {value}, the worst of its samples {min(numbers):.9g}"


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
