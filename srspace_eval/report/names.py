"""Team names are untrusted text: what readers see of them, the same in every format. Imports no torch."""

from __future__ import annotations

import unicodedata

_LONGEST = 48


def visible(text: str) -> str:
    r"""The text with every character that does not show itself written out as its number.

    Control characters could drive a terminal, and direction overrides turn a name (or the rest of a row) around.

    >>> visible("a\x1b[2Jb\u202ec")
    'a\\u001b[2Jb\\u202ec'
    """
    return "".join(_escape(char) if _hides(char) else char for char in text)


def short_name(text: str) -> str:
    """A :func:`visible` name of bearable length: the middle of a long one becomes an ellipsis.

    >>> short_name("x" * 100)
    'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…xxxxxxxxxxxxxxxx'
    """
    seen = visible(text)
    if len(seen) <= _LONGEST:
        return seen
    end = _LONGEST // 3
    return f"{seen[: _LONGEST - 1 - end]}…{seen[-end:]}"


def _hides(char: str) -> bool:
    # Other, except plain letters of unassigned planes; line and paragraph separators; spaces that are not the space.
    category = unicodedata.category(char)
    return category.startswith("C") or category in ("Zl", "Zp") or (category == "Zs" and char != " ")


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
