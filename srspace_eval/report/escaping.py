"""The escape of each format: a text goes in, markup that shows just this text comes out. Imports no torch.

Each escape makes invisible characters visible first (:func:`srspace_eval._utils.untrusted_text.visible`). HTML is
escaped by Jinja's autoescape. CSV has :func:`srspace_eval._utils.untrusted_text.escape_cell`.
"""

from __future__ import annotations

import re
import unicodedata

from srspace_eval._utils.untrusted_text import short_name, visible

_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%",
    "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"{\char34}", "`": r"{\char96}", "[": "{[}", "]": "{]}", "*": "{*}",
    "×": r"$\times$", "≈": r"$\approx$", "–": "--", "−": "$-$", "∞": r"$\infty$", "…": r"\ldots{}",
    "↑": r"$\uparrow$", "↓": r"$\downarrow$", "·": r"$\cdot$", "ß": r"\ss{}", "ø": r"\o{}", "Ø": r"\O{}",
    "†": r"\dag{}", "‡": r"\ddag{}", "æ": r"\ae{}", "Æ": r"\AE{}", "ł": r"\l{}", "Ł": r"\L{}", "ı": r"\i{}",
}  # fmt: skip

_LATEX_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".",
    "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c",
}  # fmt: skip


# GitHub's links and emoji are broken behind these characters: @user, mail@host, #12, GH-12, ://host, www.host, :tada:.
_GITHUB_LINK = re.compile(r"@|#(?=\d)|(?i:\bgh-)(?=\d)|:(?=\\?/)|(?i:www)(?=\.)|:(?=(?:[a-z0-9+-]|\\_)+:)")


def escape_latex(text: str) -> str:
    r"""LaTeX that sets the text as it is. A letter that TeX cannot spell needs the macro ``\srspacechar``.

    >>> escape_latex("njtech&seu"), escape_latex("Ångström_1")
    ('njtech\\&seu', '\\r{A}ngstr\\"{o}m\\_1')
    """
    # Two hyphens in a row would become a dash.
    return "".join(_latex_char(char) for char in re.sub("-(?=-)", "-\0", visible(text))).replace("\0", "{}")


def escape_markdown(text: str) -> str:
    r"""Markdown that shows the text as it is: every character is escaped that Markdown or HTML takes for markup.

    GitHub removes backslashes first. Then it makes links of addresses, mentions and numbers of issues, and emoji of
    names like ``:tada:``. An empty comment between their characters prevents it, and shows nothing.

    >>> escape_markdown("a|b <i>*x*</i>")
    'a\\|b \\<i\\>\\*x\\*\\</i\\>'
    >>> escape_markdown("@user www.x.org")
    '\\@<!-- -->user www<!-- -->.x.org'
    """
    escaped = re.sub(r"([\\`*_{}\[\]<>#|~&$@!]|(?<=:)/)", r"\\\1", visible(text))
    return _GITHUB_LINK.sub(r"\g<0><!-- -->", escaped)


def markdown_code(text: str) -> str:
    r"""Markdown that shows a text as it is, as code. No character in it is markup, and none has a backslash before it.

    >>> markdown_code("000003_sample00009.png"), markdown_code("a`b")
    ('`000003_sample00009.png`', '`` a`b ``')
    """
    shown = visible(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    space = " " if "`" in shown or not shown.strip() else ""
    return f"{fence}{space}{shown}{space}{fence}"


def escape_plotly(text: str, longest: int = 40) -> str:
    """A name for a plotly chart, which reads its texts as a small HTML; a name over ``longest`` characters is cut.

    An isolate keeps right-to-left letters from turning their surroundings around.

    >>> escape_plotly("<b>&")
    '&lt;b&gt;&amp;'
    """
    name = short_name(text, longest)
    markup = name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    isolate = any(unicodedata.bidirectional(char) in ("R", "AL") for char in name)
    return f"\u2068{markup}\u2069" if isolate else markup


def _latex_char(char: str) -> str:
    if char in _LATEX:
        return _LATEX[char]
    if char.isascii():
        return char
    letters = unicodedata.normalize("NFD", char)
    if len(letters) == 2 and letters[0].isascii() and letters[1] in _LATEX_ACCENTS:
        return rf"\{_LATEX_ACCENTS[letters[1]]}{{{letters[0]}}}"
    return rf"\srspacechar{{{char}}}{{(U+{ord(char):04X})}}"
