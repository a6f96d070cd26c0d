"""What a check finds, and the checks of single values that all parts share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_BOOLEANS = {"true", "false", "yes", "no", "on", "off", "0", "1"}


@dataclass
class BundleCheck:
    """What :func:`srspace_eval.check_bundle` found.

    Attributes
    ----------
    refusals:
        What the platform refuses; it shows only the first.
    traps:
        What it takes, and what goes wrong later.
    document:
        ``competition.yaml``; empty if it cannot be read.

    Examples
    --------
    >>> BundleCheck().refusals
    []
    """

    refusals: list[str] = field(default_factory=list)
    traps: list[str] = field(default_factory=list)
    document: dict[str, Any] = field(default_factory=dict)

    def refuse(self, text: str) -> None:
        """The platform refuses this."""
        self.refusals.append(text)

    def trap(self, text: str) -> None:
        """The platform takes this, and it goes wrong later."""
        self.traps.append(text)

    def require_text(self, data: Mapping[str, Any], key: str, longest: int, where: str) -> None:
        """A key must hold a text that is not empty."""
        value = data.get(key)
        if value is None or isinstance(value, (bool, list, dict)) or not 1 <= len(str(value).strip()) <= longest:
            self.refuse(f"{where}: {key} must be a text of 1 to {longest} characters")

    def require_switch(self, data: Mapping[str, Any], key: str, where: str) -> None:
        """A key must hold true or false."""
        value = data[key]
        if not isinstance(value, bool) and str(value).lower() not in _BOOLEANS:
            self.refuse(f"{where}: {key} must be true or false")

    def mappings(self, data: Mapping[str, Any], key: str, *, empty: bool = False) -> list[dict[str, Any]]:
        """The list of mappings under a key; an empty one if it is something else, which is refused."""
        value = data.get(key)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value) or not (value or empty):
            self.refuse(f"{key}: must be a list of mappings" + ("" if empty else ", not empty"))
            return []
        return value
