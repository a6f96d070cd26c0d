"""Strict JSON for files that people review: stable bytes, no NaN, infinities as the text ``"inf"``."""

from __future__ import annotations

import json
import math
from typing import Any


def dumps(value: Any, *, indent: int | None = 1) -> str:
    """JSON text, the same bytes for the same value.

    NaN (undefined) becomes ``null``; an infinite number becomes the text ``"inf"`` or ``"-inf"``, which
    ``float()`` reads back.

    >>> dumps({"lr_psnr": float("inf")}, indent=None)
    '{"lr_psnr": "inf"}'
    """
    return json.dumps(_plain(value), indent=indent, ensure_ascii=False, allow_nan=False)


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
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
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
