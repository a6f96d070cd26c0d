"""What a check finds, and the checks of single values that all parts share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_LARGEST = 2**31 - 1
TRUE = {"true", "yes", "on", "1", "t", "y"}
_BOOLEANS = TRUE | {"false", "no", "off", "0", "f", "n"}


def whole(value: object) -> int | None:
    """A whole number as the platform reads it, such as 2, 2.0 or "2"; None if it is something else.

    >>> whole("2.0"), whole(True), whole("two")
    (2, None, None)
    """
    try:
        return int(re.sub(r"\.0*\s*$", "", str(value)))
    except ValueError:
        return None


def _is_text(value: object) -> bool:
    return isinstance(value, (str, int, float)) and not isinstance(value, bool)


def _in_range(number: int | None, least: int | None) -> bool:
    low = -_LARGEST - 1 if least is None else least
    return number is not None and low <= number <= _LARGEST


@dataclass
class BundleCheck:
    """What :func:`srspace_eval.check_bundle` found.

    Attributes
    ----------
    refusals
        What the platform refuses; it shows only the first.
    traps
        What it takes, and what goes wrong later.
    document
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
        """Record a fault for which the platform refuses the bundle.

        Parameters
        ----------
        text
            The message. It says what is wrong, where it is, and what to do.
        """
        self.refusals.append(text)

    def trap(self, text: str) -> None:
        """Record something that the platform accepts and that fails later.

        Parameters
        ----------
        text
            What will fail, where, and how to prevent it.
        """
        self.traps.append(text)

    def require_text(self, data: Mapping[str, Any], key: str, longest: int, where: str) -> None:
        """Record a fault unless a key holds a text that is not empty. The platform takes numbers for texts.

        Parameters
        ----------
        data
            The YAML mapping to look in.
        key
            The key to check.
        longest
            The largest number of characters.
        where
            Where the mapping stands, for the message, such as ``phase 1``.
        """
        value = data.get(key)
        if not _is_text(value) or not 1 <= len(str(value).strip()) <= longest:
            self.refuse(f"{where}: {key} must be a text of 1 to {longest} characters")

    def allow_text(self, data: Mapping[str, Any], key: str, where: str, longest: int | None = None) -> None:
        """Record a fault if a key is there and does not hold a text.

        Parameters
        ----------
        data
            The YAML mapping to look in.
        key
            The key to check.
        where
            Where the mapping stands, for the message, such as ``phase 1``.
        longest
            The largest number of characters. None: any number.
        """
        value = data.get(key)
        if value is not None and not (_is_text(value) and (longest is None or len(str(value).strip()) <= longest)):
            self.refuse(f"{where}: {key} must be a text" + (f" of at most {longest} characters" if longest else ""))

    def require_whole(self, data: Mapping[str, Any], key: str, where: str, *, least: int | None = None) -> None:
        """Record a fault if a key is there and does not hold a whole number.

        Parameters
        ----------
        data
            The YAML mapping to look in.
        key
            The key to check.
        where
            Where the mapping stands, for the message, such as ``phase 1``.
        least
            The smallest number that is allowed. None: any whole number.
        """
        if key in data and not _in_range(whole(data[key]), least):
            start = "" if least is None else f" from {least}"
            self.refuse(f"{where}: {key} must be a whole number{start}")

    def require_switch(self, data: Mapping[str, Any], key: str, where: str) -> None:
        """Record a fault unless a key holds true or false.

        Parameters
        ----------
        data
            The YAML mapping to look in. It holds the key.
        key
            The key to check.
        where
            Where the mapping stands, for the message, such as ``phase 1``.
        """
        value = data[key]
        if not isinstance(value, bool) and str(value).lower() not in _BOOLEANS:
            self.refuse(f"{where}: {key} must be true or false")

    def mappings(self, data: Mapping[str, Any], key: str, *, empty: bool = False) -> list[dict[str, Any]]:
        """Return the list of mappings under a key. Anything else is recorded as a fault.

        Parameters
        ----------
        data
            The YAML mapping to look in.
        key
            The key to check.
        empty
            Whether the list may be empty.

        Returns
        -------
        list[dict[str, Any]]
            The mappings. It is empty if the key holds something else.
        """
        value = data.get(key)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value) or not (value or empty):
            self.refuse(f"{key}: must be a list of mappings" + ("" if empty else ", not empty"))
            return []
        return value
