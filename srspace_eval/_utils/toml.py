"""TOML, by the standard library's parser or by the same parser under its older name."""

from __future__ import annotations

import re
import sys
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover - Python 3.10
    import tomli as tomllib

_MOST_PARTS = 32
# A key begins a line, a table's name, or an entry of an inline table.
_LONG_KEY = re.compile(
    rf"""(?:^|[\[{{,])[ \t]*(?:(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){{{_MOST_PARTS}}}""",
    re.ASCII | re.MULTILINE,
)


def loads(text: str) -> dict[str, Any]:
    """The tables of a TOML text.

    Raises
    ------
    ValueError
        If it is not TOML, or has a key of more than 32 parts. The parser's memory grows with the square of the parts: a
        key of a megabyte would take all of it.
    RecursionError
        If it is nested too deeply.

    Examples
    --------
    >>> loads("a.b = 1")
    {'a': {'b': 1}}
    """
    if _LONG_KEY.search(text):
        raise ValueError(f"a key has more than {_MOST_PARTS} parts")
    return tomllib.loads(text)
