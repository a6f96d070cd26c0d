"""Text of strangers: team names, file names, notes, metadata. Imports no torch.

Such text is data. Everything that prints it, in any format, passes it through :func:`visible` or :func:`short_name`
first and then through the format's own escape (:mod:`srspace_eval.report.escaping`).
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from itertools import islice

from srspace_eval._utils.hashing import sha256_of_text
from srspace_eval._utils.lookalikes import LOOKALIKES

LONGEST_NAME = 48
"""Characters of a name that tables show."""

LONGEST_TEAM = 500
"""Characters of a team's name. Unicode's normal forms take quadratic time, so longer names are refused where they are
read. The longest names of the published challenges have 40."""

_MOST_KNOWN = 1000  # names that are searched for a similar one; each takes up to a millisecond

# A spreadsheet computes a cell that starts with one of these. The apostrophe is in the list because it is the escape.
# Where a decimal comma is usual, spreadsheets split lines at semicolons: the text after one is a cell, too.
_STARTS = r"[ \"]*[=+\-@'＝＋－＠\t\r\n]"
_FORMULA = re.compile(rf"(?:^|(?<=;))(?={_STARTS})")
_ESCAPED_FORMULA = re.compile(rf"(?:^|(?<=;))'(?={_STARTS})")
_ESCAPED_CHAR = re.compile(r"\\u([0-9a-f]{4})|\\U(000[0-9a-f]{5}|0010[0-9a-f]{4})")

# Characters that show nothing though Unicode takes them for letters, marks or symbols, or has not assigned them.
_NOTHING = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2065\u2800\u3164\uffa0\U0001d159")
# These take the room of a blank.
_LIKE_BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0\U0001d159")
_WORD = re.compile(r"\w+")
_NO_LETTERS = r"\W_\u115f\u1160\u3164\uffa0"
_LETTER, _NOT_LETTERS = re.compile(f"[^{_NO_LETTERS}]"), re.compile(f"[{_NO_LETTERS}]+")
_DIGEST_END = re.compile(r"-[0-9a-f]{8}$", re.IGNORECASE)  # of a file name; some systems ignore its case


def visible(text: str) -> str:
    r"""The text with every invisible character replaced by its code point.

    Control characters could drive a terminal. Direction overrides turn a name, or the rest of a row, around.

    >>> visible("a\x1b[2Jb\u202ec")
    'a\\u001b[2Jb\\u202ec'
    """
    # isprintable is false for control, format, surrogate and private characters, and for separators but the space.
    if text.isprintable() and (text.isascii() or _LIKE_BLANKS.isdisjoint(text)):
        return text
    return "".join(_escape(char) if char in _LIKE_BLANKS or not char.isprintable() else char for char in text)


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


def team_slug(team: str) -> str:
    """:func:`slug` for a name that others choose: no name has the file name of another name.

    A plain name that ends as a digest does gets a digest itself.

    >>> team_slug("jane.doe"), team_slug("jane-doe-d48722fc")
    ('jane-doe-d48722fc', 'jane-doe-d48722fc-bd3e6611')
    """
    name = slug(team)
    return f"{name}-{sha256_of_text(team)[:8]}" if name == team and _DIGEST_END.search(name) else name


def name_key(team: str) -> str:
    r"""Names with the same key are the same name to a reader.

    Case, width variants, invisible characters, the number of blanks, and letters of other scripts that look like ASCII
    ones do not count. Known are the single letters and digits of Unicode's list
    (:data:`srspace_eval._utils.lookalikes.LOOKALIKES`). Capitals of other scripts are compared by their own look in
    words that hold Latin letters too, or that look wholly Latin: Greek ``\u0397AT`` is ``HAT``. Elsewhere they are
    compared by their small letters.

    These count, so names that differ by them are different names: ASCII characters that look alike (l and 1, O and 0),
    several letters that look like one (rn and m), accents, and letters that look like each other in scripts other than
    Latin. Names that readers refuse (:func:`too_long`) are compared as they are.

    >>> name_key("Deepest") == name_key("DEEPEST") == name_key("D\u0435epest") == name_key("Deep\u200best ")
    True
    """
    if too_long(team):
        return team
    if team.isascii() and team.isprintable():
        return " ".join(team.split()).casefold()
    return _key(team)


def line_key(text: str) -> str:
    r"""The :func:`name_key` of the letters and digits of the first line that has any.

    Lines of one key read the same: blanks, signs that show nothing, quotes, dashes and other marks do not count. Lines
    of more than :data:`LONGEST_TEAM` letters are compared by the first of them.

    >>> line_key("\u200b\nAn\u2019s test-set") == line_key("An's  test\u2010set")
    True
    """
    first = _LETTER.search(text)
    if first is None:
        return ""
    letters = _NOT_LETTERS.sub("", text[first.start() :].split("\n", 1)[0])
    # One sign is taken apart at a time: Unicode's normal forms take quadratic time.
    apart = "".join(unicodedata.normalize("NFKD", char) for char in letters[: LONGEST_TEAM + 1])
    return name_key(_NOT_LETTERS.sub("", apart)[:LONGEST_TEAM])


@lru_cache(maxsize=1 << 15)  # every reader and every order of rows asks for the same names
def _key(team: str) -> str:
    # A control character other than a blank shows nothing, too.
    seen = "".join(" " if char.isspace() else char for char in team if char.isspace() or not _shows_nothing(char))
    plain = _WORD.sub(_as_latin, unicodedata.normalize("NFKC", seen))
    folded = unicodedata.normalize("NFKC", plain.casefold())
    letters = "".join(char for char in folded if not _shows_nothing(char)).translate(LOOKALIKES)
    return " ".join(letters.casefold().split())  # folding makes capitals of Cherokee's small letters


def too_long(team: str) -> str:
    """The message for a team name that is too long; an empty text for other names.

    >>> too_long("x" * 600)
    'the team name has 600 characters, and at most 500 are allowed; write a shorter name'
    """
    if len(team) <= LONGEST_TEAM and (team.isascii() or len(unicodedata.normalize("NFKC", team)) <= 2 * LONGEST_TEAM):
        return ""
    if len(team) <= LONGEST_TEAM:
        return f"the team name has signs of many letters, more than {2 * LONGEST_TEAM} in all; write a shorter name"
    return f"the team name has {len(team)} characters, and at most {LONGEST_TEAM} are allowed; write a shorter name"


def unusable_name(team: str) -> str:
    """The message for a team name that leaderboards cannot show; an empty text for other names.

    The caller adds how to give another name, such as ``with --team``.

    >>> unusable_name("A"), unusable_name(" ")
    ('', "' ': leaderboards cannot show this name; give another one")
    """
    if told := too_long(team):
        return told
    if not name_key(team) or any("\ud800" <= char <= "\udfff" for char in team):
        return f"{team!a}: leaderboards cannot show this name; give another one"
    return ""


def _as_latin(found: re.Match[str]) -> str:
    """A word with its lookalikes replaced, if it then is ASCII, or holds Latin letters anyway."""
    word = found[0]
    latin = word.translate(LOOKALIKES)
    base = unicodedata.normalize("NFD", word)
    return latin if latin.isascii() or any(char.isascii() and char.isalpha() for char in base) else word


def spelled(name: str) -> str:
    r"""A name in quotes for a message about names that look alike: such letters are shown as code points.

    >>> print(spelled("Deepest"), spelled("D\u0435epest"))
    'Deepest' 'D\u0435epest'
    """
    shown = "".join(_escape(char) if _looks_like_ascii(char) else char for char in name)
    return f"'{visible(shown)}'"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question that names the known name most like an unknown one; empty if none is like it.

    Of many known names, the first thousand are searched. Nothing is like a name of more than :data:`LONGEST_TEAM`
    characters.

    >>> did_you_mean("Deppest", ["SSS", "Deepest"])
    "did you mean 'Deepest'?"
    >>> did_you_mean("Bicubic", ["SSS", "Deepest"])
    ''
    """
    if len(name) > LONGEST_TEAM:
        return ""
    names = {name_key(other): other for other in islice(known, _MOST_KNOWN) if len(other) <= LONGEST_TEAM}
    found = difflib.get_close_matches(name_key(name), names, n=1, cutoff=0.7)
    return f"did you mean {names[found[0]]!r}?" if found else ""


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _looks_like_ascii(char: str) -> bool:
    if char.isascii():
        return False
    alone = not LOOKALIKES.keys().isdisjoint(map(ord, (char, *char.casefold())))
    return alone or unicodedata.normalize("NFKC", char).isascii()


def _shows_nothing(char: str) -> bool:
    selector = "\ufe00" <= char <= "\ufe0f" or "\ufff0" <= char <= "\ufff8"
    selector = selector or "\U000e0000" <= char <= "\U000e0fff"
    return selector or char in _NOTHING or unicodedata.category(char) in ("Cc", "Cf")
