"""The escapes of the formats: any text comes out as text."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from srspace_eval._utils.untrusted_text import escape_cell, short_name, unescape_cell, visible
from srspace_eval.report.escaping import escape_latex, escape_markdown, escape_plotly


@given(st.text())
@example("'")
@example("'=x")
@example("''")
@example("=x")
def test_escaped_cells_come_back(text: str) -> None:
    assert unescape_cell(escape_cell(text)) == text
    assert not escape_cell(text).startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝"))


@given(st.text(st.characters(codec="utf-8")))
def test_any_text_is_one_markdown_line_without_markup(text: str) -> None:
    tokens = MarkdownIt("gfm-like", {"html": True, "linkify": False}).parse(f"| x{escape_markdown(text)}x |\n| - |")
    (head,) = [t for t in tokens if t.type == "inline"]
    shown = [child for child in head.children or () if (child.type, child.content) != ("html_inline", "<!-- -->")]
    assert {child.type for child in shown} <= {"text", "text_special"}
    assert "".join(child.content for child in shown) == f"x{visible(text)}x"


@given(st.text(st.characters(codec="utf-8")))
def test_any_text_leaves_no_special_character_to_latex(text: str) -> None:
    escaped = escape_latex(text)
    known = r"\\[a-zA-Z]+(?:\{\}|(?=\{))|\\[{}$&#%_`'^~=.\"]|\{\\char\d+\}|\$\\[a-z]+\$|\$-\$"
    rest = re.sub(known, "", escaped)
    assert not re.search(r"[\\$&#%_^~]", rest), escaped
    plain = re.sub(r"\\[{}]", "", escaped)
    assert plain.count("{") == plain.count("}")


@given(st.text())
def test_visible_names_hold_one_printable_line(text: str) -> None:
    assert visible(text).isprintable()
    assert len(short_name(text)) <= 48


@given(st.text())
@example("\u202e<b>")
@example("ש")
@example("&lt;" * 30)
def test_plotly_gets_no_markup(text: str) -> None:
    escaped = escape_plotly(text, 20)
    assert "<" not in escaped
    assert not re.search(r"&(?!amp;|lt;|gt;)", escaped)
    assert html.unescape(escaped).strip("\u2068\u2069") == short_name(text, 20)


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("www.x.org", "www<!-- -->.x.org"), ("WWW.x.org", "WWW<!-- -->.x.org"), ("http://x.org", ":<!-- -->"),
        ("a@x.org", "@<!-- -->x"), ("@user", "@<!-- -->user"), ("#12", "#<!-- -->12"), ("gh-12", "gh-<!-- -->12"),
    ],
)  # fmt: skip
def test_github_makes_no_link_of_a_name(text: str, broken: str) -> None:
    # GitHub looks for links in the text that is left after Markdown's backslashes are gone, between tags and comments.
    markdown = escape_markdown(text)
    assert broken in markdown
    assert MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(markdown).replace("<!-- -->", "") == (
        f"<p>{text}</p>\n"
    )
