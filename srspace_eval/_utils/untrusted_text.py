"""Text of strangers: team names, file names, notes, metadata. Imports no torch.

Such text is data. Everything that prints it, in any format, passes it through :func:`visible` or :func:`short_name`
first and then through the format's own escape (:mod:`srspace_eval.report.escaping`).
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable

from srspace_eval._utils.hashing import sha256_of_text

LONGEST_NAME = 48
"""Characters of a name that tables show."""

# A spreadsheet computes a cell that starts with one of these. The apostrophe is in the list because it is the escape.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "'", "＝", "＋", "－", "＠")


def visible(text: str) -> str:
    r"""The text with every invisible character replaced by its code point.

    Control characters could drive a terminal. Direction overrides turn a name, or the rest of a row, around.

    >>> visible("a\x1b[2Jb\u202ec")
    'a\\u001b[2Jb\\u202ec'
    """
    # isprintable is false for control, format, surrogate and private characters, and for separators but the space.
    return text if text.isprintable() else "".join(char if char.isprintable() else _escape(char) for char in text)


def short_name(text: str, longest: int = LONGEST_NAME) -> str:
    """A :func:`visible` name of at most ``longest`` characters: the middle of a longer one becomes an ellipsis.

    >>> short_name("x" * 100)
    'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…xxxxxxxxxxxxxxxx'
    """
    seen = visible(text)
    if len(seen) <= longest:
        return seen
    end = longest // 3
    return f"{seen[: longest - 1 - end]}…{seen[-end:]}"


def escape_cell(text: str) -> str:
    """A CSV cell that no spreadsheet computes: a leading apostrophe where needed. Inverse: :func:`unescape_cell`.

    >>> escape_cell("=cmd()")
    "'=cmd()"
    """
    return "'" + text if text.startswith(_FORMULA_STARTS) else text


def unescape_cell(text: str) -> str:
    """The text that :func:`escape_cell` was given.

    >>> unescape_cell("'=cmd()")
    '=cmd()'
    """
    return text[1:] if text[:1] == "'" and text[1:].startswith(_FORMULA_STARTS) else text


def slug(team: str) -> str:
    """A file name for a team's name: safe on every system; names that differ in more than case get different ones.

    >>> slug("njtech&seu")
    'njtech-seu-03997155'
    >>> slug("Deepest")
    'Deepest'
    """
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", team).strip("-")[:60]
    reserved = re.fullmatch(r"(?i)(con|prn|aux|nul|com\d|lpt\d)", plain)
    if plain and plain == team and not reserved:
        return plain
    # The digest keeps names apart that differ only in replaced characters.
    return f"{plain or 'team'}-{sha256_of_text(team)[:8]}"


def name_key(team: str) -> str:
    """Names with the same key are the same name: case and width variants do not count.

    >>> name_key("Deepest") == name_key("DEEPEST")
    True
    """
    return unicodedata.normalize("NFKC", team).casefold()


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question that names the known name most like an unknown one; empty if none is like it.

    >>> did_you_mean("Deppest", ["SSS", "Deepest"])
    "did you mean 'Deepest'?"
    >>> did_you_mean("Bicubic", ["SSS", "Deepest"])
    ''
    """
    names = {name_key(other): other for other in known}
    found = difflib.get_close_matches(name_key(name), names, n=1, cutoff=0.7)
    return f"did you mean {names[found[0]]!r}?" if found else ""


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
