"""Plug-ins: what installed packages offer by entry points. Imports no plug-in until it is asked for."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib import metadata


@dataclass(frozen=True)
class PlugIn:
    """One entry point of an installed package.

    Attributes
    ----------
    kind
        ``"metric"`` or ``"model"``.
    name, value
        The entry point: its name, and the object that it refers to.
    package, version
        The package that offers it; empty if it is not known.
    problem
        Why it cannot be used; empty: it can.

    Examples
    --------
    >>> print(PlugIn("metric", "mean_error", "example_metrics:MeanError", "example-metrics", "1.0"))
    metric mean_error (example-metrics 1.0)
    """

    kind: str
    name: str
    value: str
    package: str
    version: str
    problem: str = ""

    def __str__(self) -> str:
        package = " ".join(filter(None, (self.package, self.version)))
        return f"{self.kind} {self.name}" + (f" ({package})" if package else "")

    def to_document(self) -> dict[str, str]:
        """The plug-in as ``srspace-eval doctor --json`` prints it."""
        return asdict(self)


def plug_ins(kind: str, group: str) -> list[tuple[PlugIn, metadata.EntryPoint]]:
    """The entry points of a group, sorted by name. Nothing is imported.

    >>> plug_ins("metric", "no.such.group")
    []
    """
    found = []
    for point in sorted(metadata.entry_points(group=group), key=lambda point: point.name):
        package, version = ("", "") if point.dist is None else (point.dist.name, point.dist.version)
        found.append((PlugIn(kind, point.name, point.value, package, version), point))
    return found
