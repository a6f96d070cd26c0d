"""Team names are untrusted text: what readers see of them, the same in every format. Imports no torch."""

from __future__ import annotations

import re

from srspace_eval._utils.hashing import sha256_of_text

_LONGEST = 48


def visible(text: str) -> str:
    r"""The text with every character that does not show itself written out as its number.

    Control characters could drive a terminal, and direction overrides turn a name (or the rest of a row) around.

    >>> visible("a\x1b[2Jb\u202ec")
    'a\\u001b[2Jb\\u202ec'
    """
    # Printable is what is neither "other" (control, format, surrogate, private) nor a separator but the space.
    return text if text.isprintable() else "".join(char if char.isprintable() else _escape(char) for char in text)


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


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def slug(team: str) -> str:
    """A file name for a team's name: safe on every system, different for names that differ in more than case.

    >>> slug("njtech&seu")
    'njtech-seu-03997155'
    >>> slug("Deepest")
    'Deepest'
    """
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", team).strip("-")[:60]
    reserved = re.fullmatch(r"(?i)(con|prn|aux|nul|com\d|lpt\d)", plain)
    if plain and plain == team and not reserved:
        return plain
    # Names that differ only in what was replaced must not collide.
    return f"{plain or 'team'}-{sha256_of_text(team)[:8]}"
