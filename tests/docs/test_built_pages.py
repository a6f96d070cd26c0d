"""The built pages of the commands and of the API; ``$SRSPACE_EVAL_DOCS`` names the built site, as in ``.ci/run``."""

from __future__ import annotations

import html
import os
import re
from pathlib import Path

import pytest

from srspace_eval.cli import COMMANDS
from srspace_eval.cli._examples import EXAMPLES

BUILT = os.environ.get("SRSPACE_EVAL_DOCS")
pytestmark = pytest.mark.skipif(BUILT is None, reason="the documentation is not built")


def text(page: str) -> str:
    """A page without its tags."""
    return html.unescape(re.sub(r"<[^>]+>", "", (Path(str(BUILT)) / page).read_text(encoding="utf-8")))


def test_the_page_of_the_commands_shows_each_by_its_name_with_its_examples() -> None:
    page = text("reference/commands.html")
    assert [name for name in COMMANDS if f"\n{name}¶" not in page] == []
    assert "srspace-eval command" not in page
    for entry in EXAMPLES.values():
        for line in entry.examples:
            assert f"$ srspace-eval {line}" in page, "as it is typed, without typographic dashes and quotes"


def test_each_option_on_the_page_has_a_text() -> None:
    page = text("reference/commands.html")
    assert re.findall(r"\n(--[\w-]+[^\n]*)¶\n+(?=--|Arguments|Examples|Read more)", page) == []


def test_the_entries_of_the_api_show_types_and_values() -> None:
    page = text("reference/api/scoring.html")
    assert "track: Track | Path | str | None = None" in re.sub(r"\s+", " ", page)
    assert "<function" not in page
