"""Strict JSON for files that people review: stable bytes, no NaN, infinities as the text ``"inf"``.

:mod:`srspace_eval._utils.documents` checks what is read against a type.
"""

from __future__ import annotations

import json
import math
import re
from contextlib import suppress
from typing import Any, NoReturn

import msgspec

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


def visible_dumps(value: Any) -> str:
    r"""As :func:`dumps`, for a terminal: control, direction and other invisible characters are escapes, too.

    >>> print(visible_dumps({"team": "a\u202eb"}).split()[2])
    "a\u202eb"
    """
    text = dumps(value)
    if text.replace("\n", "").isprintable():
        return text
    return "".join(char if char == "\n" or char.isprintable() else json.dumps(char)[1:-1] for char in text)


def loads(data: bytes, *, unique_keys: bool = False) -> Any:
    """The value of a JSON text.

    Parameters
    ----------
    data
        UTF-8. A lone surrogate may be escaped, as :func:`dumps` writes it.
    unique_keys
        Refuse an object that has the same key twice, instead of keeping the last one.

    Raises
    ------
    ValueError
        If it is not UTF-8, not JSON, or contains NaN or a number that is too large.
    RecursionError
        If it is nested too deeply.

    Examples
    --------
    >>> loads(b'{"scale": 4}')
    {'scale': 4}
    """
    if not unique_keys:
        # msgspec is twice as fast as json. It does not read lone surrogates, which json reads.
        with suppress(msgspec.DecodeError):
            return msgspec.json.decode(data)
    return json.loads(
        data.decode("utf-8"),
        object_pairs_hook=_unique if unique_keys else None,
        parse_constant=_refuse_constant,
        parse_float=_finite,
    )


def not_dense(data: bytes, more: int = 100_000) -> bytes:
    """The text itself, if its values have 16 bytes each on average, as those of named numbers have.

    Millions of empty lists or short numbers would take thirty times the memory of their text.

    Raises
    ------
    ValueError
        If it has more than ``more`` values in addition to that.
    """
    most = more + len(data) // 16
    if data.count(b",") + data.count(b"[") + data.count(b"{") > most:
        raise ValueError(f"more than {most} values in {len(data)} bytes")
    return data


def bounded(value: Any, depth: int = 32) -> Any:
    """The value itself, if it is nested no deeper than ``depth``.

    What writes or shows a document recurses, so documents of unknown origin are bounded first.

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
    """A metric value as read from JSON: a finite number, ``"inf"``, ``"-inf"`` or None.

    Raises
    ------
    ValueError
        If it is anything else.
    """
    if value is None:
        return None
    if isinstance(value, str) and value in ("inf", "-inf"):
        return float(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        with suppress(OverflowError):  # a whole number of 400 digits
            if math.isfinite(value):
                return float(value)
    raise ValueError(f'expected a number, "inf", "-inf" or null, found {_short(value)}')


def _short(value: object) -> str:
    shown = ascii(value) if isinstance(value, (str, float, bool)) else type(value).__name__
    return shown if len(shown) < 60 else f"{shown[:60]}…"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("the same key is there twice in one object")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number in JSON")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text[:60]} is out of range")
    return value


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
