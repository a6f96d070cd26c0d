"""A submission's summary from its images' records: means over images. Infinite and undefined values are reported
in the notes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from srspace_eval.metrics.registry import columns
from srspace_eval.results.record import ImageRecord


def summarise(
    images: Sequence[ImageRecord],
) -> tuple[dict[str, float | None], dict[str, tuple[float | None, ...]], list[str]]:
    """Summary values, curves and notes of a complete submission.

    A metric's value is the mean over the images where it is finite. Images of infinite LR-PSNR (a sample's LR equals
    the reference), and images of undefined S_M (a sample equals the GT), are left out and named in the notes. Only if
    *all* images are infinite is the summary infinite; only if none is defined is it None.

    Returns
    -------
    summary, curves, notes.
    """
    summary: dict[str, float | None] = {}
    notes: list[str] = []
    for metric in dict.fromkeys(key for image in images for key in image.values):
        values = {image.image: image.values.get(metric) for image in images}
        finite = [v for v in values.values() if v is not None and math.isfinite(v)]
        infinite = [name for name, v in values.items() if v is not None and math.isinf(v)]
        undefined = [name for name, v in values.items() if v is None]
        if finite:
            summary[metric] = math.fsum(finite) / len(finite)
        else:
            summary[metric] = math.inf if infinite else None
        if infinite:
            notes.append(f"{metric}: infinite (identical LRs), left out of the mean: {_names(infinite)}")
        if undefined and metric in columns():
            notes.append(f"{metric}: undefined, left out of the mean: {_names(undefined)}")
    names = dict.fromkeys(name for image in images for name in image.curves)
    return summary, {name: curve for name in names if (curve := _mean_curve(images, name))}, notes


def _mean_curve(images: Sequence[ImageRecord], name: str) -> tuple[float | None, ...]:
    curves = [image.curves[name] for image in images if name in image.curves]
    length = max((len(curve) for curve in curves), default=0)
    means: list[float | None] = []
    for n in range(length):
        values = [curve[n] for curve in curves if n < len(curve)]
        defined = [v for v in values if v is not None]
        means.append(math.fsum(defined) / len(defined) if defined else None)
    return tuple(means)


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(names[:10])
    return f"{len(names)} image{'s' if len(names) > 1 else ''} ({shown}{' …' if len(names) > 10 else ''})"
