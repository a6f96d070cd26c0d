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


def test_results_per_image_sort_filter_and_keep_their_address(page: Page, site: Path) -> None:
    page.goto((site / "x8/images.html").as_uri())
    expect(page.locator("section.metric:visible")).to_have_count(1)
    page.locator("#metrics").get_by_text("LR-PSNR", exact=True).click()
    section = page.locator("#metric-lr_psnr")
    expect(section).to_be_visible()
    names = "#metric-lr_psnr tbody tr:not([hidden]) th"

    def values() -> list[float]:
        found: list[float] = page.eval_on_selector_all(
            "#metric-lr_psnr tbody tr:not([hidden])", "all => all.map((row) => Number(row.cells[2].dataset.v))"
        )
        return found

    section.locator("thead button").nth(2).click()
    assert values() == sorted(values(), reverse=True), "the best first: higher is better"
    assert section.locator("thead th").nth(2).get_attribute("aria-sort") == "descending"
    section.locator("thead button").nth(2).click()
    assert values() == sorted(values())
    page.locator("#filter").fill("080")
    page.get_by_label("Only images with pictures").check()
    shown, address = page.locator(names).all_text_contents(), page.url
    assert 0 < len(shown) < 8
    assert address.endswith("#metric=lr_psnr&q=080&sort=2w&pictured=1")
    page.goto((site / "index.html").as_uri())
    page.goto(address)
    assert page.locator(names).all_text_contents() == shown
    expect(page.locator("#count")).to_have_text(f"{len(shown)} of 8 images")
    page.goto((site / "index.html").as_uri())
    page.goto((site / "x8/images.html").as_uri() + "#metric=<b>&sort=99b&q=")
    expect(page.locator("section.metric:visible")).to_have_count(1)


def test_a_value_leads_to_its_picture(page: Page, site: Path) -> None:
    page.goto((site / "x8/images.html").as_uri())
    row = page.locator("section.metric:visible tr[data-pictured]").nth(1)
    name = row.get_attribute("data-name")
    row.locator("td a").first.click()
    assert page.locator("#image").evaluate("s => s.selectedOptions[0].textContent") == name
    page.go_back()
    row.locator("th a").click()
    expect(page.locator("h1")).to_have_text("Team against team")
    assert page.locator("#image").evaluate("s => s.selectedOptions[0].textContent") == name


def test_headings_of_results_per_image_stand_over_their_values(page: Page, site: Path) -> None:
    page.goto((site / "x8/images.html").as_uri())
    table = page.locator("section.metric:visible table")
    rights = [
        table.locator(selector).evaluate_all(
            """all => all.map((one) => {
                const range = document.createRange();
                range.selectNodeContents(one);
                return range.getBoundingClientRect().right;
            })"""
        )
        for selector in ("thead th:not(:first-child) .label:not(.cut)", "tbody tr:first-child td .value")
    ]
    cut = table.locator("thead .cut").count()
    assert len(rights[0]) == len(rights[1]) - cut
    assert all(min(abs(right - value) for value in rights[1]) < 2 for right in rights[0])
