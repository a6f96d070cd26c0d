from __future__ import annotations

import pytest

from srspace_eval._utils.untrusted_text import slug


@pytest.mark.parametrize(
    "team", ["../../etc/passwd", "con", "COM1", "a/b", "a\\b", "x" * 500, "‮evil", "", " ", "ü", "<b>", "a.", "nul"]
)
def test_slugs_are_safe_and_distinct(team: str) -> None:
    name = slug(team)
    assert name.isascii()
    assert 0 < len(name) < 80
    assert not set(name) & set('/\\:*?"<>|. ')
    assert name.lower() not in {"con", "nul", "com1"}
    assert slug(team + "!") != name


def test_plain_names_stay() -> None:
    assert slug("Deepest") == "Deepest"
    assert slug("a-b") != slug("a b")
