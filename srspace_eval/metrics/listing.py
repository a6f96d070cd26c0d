"""The metrics as listings show them: what each is, what it needs, which options it has. Imports no torch."""

from __future__ import annotations

from types import MappingProxyType

from srspace_eval.metrics.base import MetricListing
from srspace_eval.metrics.measures import options_of
from srspace_eval.metrics.registry import metrics, package_of


def list_metrics() -> list[MetricListing]:
    """The metrics that ``score`` can measure: ids with what they are and need.

    Returns
    -------
    list[MetricListing]
        One listing for each metric: id, label, description, needs, columns, options, package.

    Examples
    --------
    >>> print(next(listing for listing in list_metrics() if listing.id == "ssim"))
    ssim: Structural similarity to the GT, mean over samples. (needs GT; options channel=rgb, border=0, window=gaussian)
    """
    return [
        MetricListing(
            id=name,
            label=metric.columns[0].label,
            description=metric.columns[0].description,
            needs=str(metric.needs),
            columns=tuple(info.id for info in metric.columns),
            options=MappingProxyType(options_of(metric)),
            package=package_of(name),
        )
        for name, metric in metrics().items()
    ]
