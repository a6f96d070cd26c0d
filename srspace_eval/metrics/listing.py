"""The metrics as listings show them: what each is, what it needs, which options it has. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from srspace_eval.metrics.base import Setting
from srspace_eval.metrics.measures import options_of
from srspace_eval.metrics.registry import metrics, package_of


@dataclass(frozen=True)
class MetricListing:
    """What is said of a metric in listings.

    Attributes
    ----------
    id, label, description:
        The metric's name, its label in tables, one sentence.
    needs:
        What it needs, in words: ``"GT, LPIPS weights"``.
    columns:
        Ids of the values that it gives.
    options:
        Its options with their defaults.
    package:
        The package that added it; empty: built in.
    """

    id: str
    label: str
    description: str
    needs: str
    columns: tuple[str, ...]
    options: Mapping[str, Setting]
    package: str = ""

    def __str__(self) -> str:
        options = ", ".join(f"{key}={value}" for key, value in self.options.items())
        more = [f"needs {self.needs}", f"options {options}" if options else "", self.package and f"from {self.package}"]
        return f"{self.id}: {self.description} ({'; '.join(filter(None, more))})"


def list_metrics() -> list[MetricListing]:
    """The metrics that ``score`` can measure: ids with what they are and need.

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
