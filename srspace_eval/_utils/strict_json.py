"""Strict JSON for files that people review: stable bytes, no NaN, infinities as the text ``"inf"``."""

from __future__ import annotations

import json
import math
import re
from contextlib import suppress
from typing import Any

_SURROGATE = re.compile("[\ud800-\udfff]")


def dumps(value: Any, *, indent: int | None = 1) -> str:
    """JSON text, the same bytes for the same value.

    A lone surrogate (half a character, from a file name that is no text) becomes its escape, which UTF-8 can carry.
    NaN (undefined) becomes ``null``; an infinite number becomes the text ``"inf"`` or ``"-inf"``, which
    ``float()`` reads back.

    >>> dumps({"lr_psnr": float("inf")}, indent=None)
    '{"lr_psnr": "inf"}'
    """
    text = json.dumps(_plain(value), indent=indent, ensure_ascii=False, allow_nan=False)
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def bounded(value: Any, depth: int = 32) -> Any:
    """A document of a stranger, nested no deeper than ``depth``: what writes or shows it may recurse.

    Raises
    ------
    ValueError
        If it is nested deeper.
    """
    level = [value]
    for _ in range(depth):
        level = [
            item
            for parent in level
            if isinstance(parent, (dict, list))
            for item in (parent.values() if isinstance(parent, dict) else parent)
        ]
        if not level:
            return value
    raise ValueError(f"nested more than {depth} deep")


def number(value: Any) -> float | None:
    """A metric value read from JSON: a number, ``"inf"``, ``"-inf"`` or None.

    Raises
    ------
    ValueError
        If it is anything else.
    """
    if value is None:
        return None
    if value in ("inf", "-inf"):
        return float(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        with suppress(OverflowError):  # a whole number of 400 digits
            if math.isfinite(value):
                return float(value)
    raise ValueError(f'{value!r} is not a number, "inf", "-inf" or null')


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        if math.isnan(value):
            return None
        if math.isinf(value):
            return "inf" if value > 0 else "-inf"
        return value
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
