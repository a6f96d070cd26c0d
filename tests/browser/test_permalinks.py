"""The address of a table keeps its sort, its filter and its view."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def _names(page: Page) -> list[str]:
    return page.eval_on_selector_all(
        "#board tbody tr:not([hidden]) th bdi:first-child", "all => all.map((e) => e.textContent)"
    )


def test_a_copied_address_shows_the_same_table(page: Page, site: Path) -> None:
    page.goto((site / "x8/index.html").as_uri())
    page.locator("#board thead button").nth(3).click()
    page.locator("#filter").fill("e")
    page.get_by_label("Baselines").first.uncheck()
    page.locator("#intervals").check()
    shown, address = _names(page), page.url
    assert "#" in address
    page.goto((site / "index.html").as_uri())
    page.goto(address)
    assert _names(page) == shown
    assert page.locator("#filter").input_value() == "e"
    assert not page.get_by_label("Baselines").first.is_checked()
    expect(page.locator("#board")).to_have_class("board intervals")
    assert page.locator("#board thead th").nth(3).get_attribute("aria-sort") in ("ascending", "descending")


def test_nonsense_in_the_address_is_ignored(page: Page, site: Path) -> None:
    page.goto((site / "x8/index.html").as_uri())
    whole = _names(page)
    page.goto((site / "index.html").as_uri())
    page.goto((site / "x8/index.html").as_uri() + "#board.sort=99d&board.hide=x&other=<b>")
    assert _names(page) == whole
