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
# Where a decimal comma is usual, spreadsheets split lines at semicolons: the text after one is a cell, too.
_STARTS = r"[ \"]*[=+\-@'＝＋－＠\t\r\n]"
_FORMULA = re.compile(rf"(?:^|(?<=;))(?={_STARTS})")
_ESCAPED_FORMULA = re.compile(rf"(?:^|(?<=;))'(?={_STARTS})")
_ESCAPED_CHAR = re.compile(r"\\u([0-9a-f]{4})|\\U(000[0-9a-f]{5}|0010[0-9a-f]{4})")

# Letters that look like Latin ones, from Unicode's confusables.txt (UTS #39): Cyrillic, Greek, Armenian and Cherokee.
_LOOKALIKES = str.maketrans(
    "аеорсухіјѕԁԛԝһвкмнтгɡӏѵѡ" "αοερνυκτιχγηωϲϳ" "օսոցհզ" "ꭰꭱꭲꭺꮃꮇꮋꮪꮯ",
    "aeopcyxijsdqwhbkmhtrglvw" "aoepvuktixynwcj" "ounghq" "drtalmhsc",
)  # fmt: skip
# Characters that show nothing though Unicode takes them for letters or marks.
_NOTHING = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")


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
    r"""A CSV cell that no spreadsheet computes and no terminal obeys. Inverse: :func:`unescape_cell`.

    A leading apostrophe where needed, also after a semicolon; code points instead of invisible characters.

    >>> escape_cell("=cmd()"), escape_cell("a;=cmd()"), escape_cell("a\u202eb")
    ("'=cmd()", "a;'=cmd()", 'a\\u202eb')
    """
    # A text that looks like an escape of ours is escaped itself, so that it is read back as it is.
    return _FORMULA.sub("'", visible(_ESCAPED_CHAR.sub(lambda found: rf"\u005c{found[0][1:]}", text)))


def unescape_cell(text: str) -> str:
    """The text that :func:`escape_cell` was given.

    >>> unescape_cell("'=cmd()")
    '=cmd()'
    """
    plain = _ESCAPED_FORMULA.sub("", text)
    return _ESCAPED_CHAR.sub(lambda found: chr(int(found[1] or found[2], 16)), plain)


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
    r"""Names with the same key are the same name to a reader.

    Case, width variants, invisible characters, the number of blanks, and letters of other scripts that look like Latin
    ones do not count. ASCII characters that look alike (l and 1, O and 0) do.

    >>> name_key("Deepest") == name_key("DEEPEST") == name_key("D\u0435epest") == name_key("Deep\u200best ")
    True
    """
    if team.isascii() and team.isprintable():
        return " ".join(team.split()).casefold()
    # A control character other than a blank shows nothing, too.
    seen = "".join(char for char in team if char.isspace() or not _shows_nothing(char))
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", seen).casefold())
    return " ".join("".join(char for char in folded if not _shows_nothing(char)).translate(_LOOKALIKES).split())


def spelled(name: str) -> str:
    r"""A name in quotes for a message about names that look alike: such letters are shown as code points.

    >>> print(spelled("Deepest"), spelled("D\u0435epest"))
    'Deepest' 'D\u0435epest'
    """
    shown = "".join(
        _escape(char) if char.casefold().translate(_LOOKALIKES) != char.casefold() else char for char in name
    )
    return f"'{visible(shown)}'"


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


def _shows_nothing(char: str) -> bool:
    selector = "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"
    return selector or char in _NOTHING or unicodedata.category(char) in ("Cc", "Cf")
