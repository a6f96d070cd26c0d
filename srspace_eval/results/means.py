"""How images count in means over images. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from srspace_eval.results.record import ImageRecord


def counted_value(image: ImageRecord, metric: str) -> float | None:
    """An image's value as a mean over images counts it.

    An infinite value, as of an image whose samples have an infinite mean, says nothing of the other samples. Such an
    image counts as the mean of its finite samples. Only if it has none is the value infinite.

    Examples
    --------
    >>> from srspace_eval import ImageRecord, SampleRecord
    >>> samples = tuple(SampleRecord(m, f"{m}.png", "", {"snr": v}) for m, v in enumerate((math.inf, 8.0)))
    >>> counted_value(ImageRecord("0801", 32, 48, "", {"snr": math.inf}, {}, samples), "snr")
    8.0
    """
    value = image.values.get(metric)
    if value != math.inf:
        return value
    found = (sample.values.get(metric) for sample in image.samples)
    finite = [v for v in found if v is not None and math.isfinite(v)]
    return exact_mean(finite) if finite else value


def mean_of(values: Iterable[float | None]) -> float | None:
    """The mean of the finite values. Without any: infinite if a value is, otherwise None.

    >>> mean_of([10.0, None, math.inf, 20.0]), mean_of([math.inf, None]), mean_of([None])
    (15.0, inf, None)
    """
    found = [value for value in values if value is not None]
    finite = [value for value in found if math.isfinite(value)]
    return exact_mean(finite) if finite else (math.inf if found else None)


def mean_curve(curves: Iterable[Sequence[float | None]]) -> tuple[float | None, ...]:
    """The mean of the defined values at each place of curves, which may differ in length.

    >>> mean_curve([(0.0, 4.0, 1.0), (1.0, None)])
    (0.5, 4.0, 1.0)
    """
    places: list[list[float]] = []
    for curve in curves:
        places += ([] for _ in range(len(curve) - len(places)))
        for place, value in zip(places, curve, strict=False):
            if value is not None:
                place.append(value)
    return tuple(exact_mean(place) if place else None for place in places)


def exact_mean(values: Sequence[float]) -> float:
    """The mean of one value or more, rounded once. It is NaN if it does not exist.

    >>> exact_mean([1.0, 2.0]), exact_mean([1e308, 1e308]), exact_mean([math.inf, -math.inf])
    (1.5, 1e+308, nan)
    """
    try:
        return math.fsum(values) / len(values)
    except OverflowError:  # the sum is too large
        return math.fsum(value / len(values) for value in values)
    except ValueError:  # infinite values of both signs
        return math.nan


def states_no_floor(settings: Mapping[str, Mapping[str, object]], metric: str) -> bool:
    """Whether a result states PSNR or LR-PSNR under its own id without a floor, as all results of version 0.1.0 do.

    0.1.0 left images with an infinite mean out. ``rank`` gives these means a floor
    (:mod:`srspace_eval.ranking.older_results`).
    """
    group = settings.get(metric)
    return metric in ("psnr", "lr_psnr") and group is not None and "floor" not in group and "metric" not in group
