"""Team against team in a browser: the slider, several teams, the exact region, and an address that keeps it all."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from benchmarks.inputs.boards import make_results, write_pictures
from srspace_eval.ranking import Entry, rank
from srspace_eval.report.html import Pictures, write_site
from srspace_eval.tracks.reader import load_track

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def large(site: Path) -> Path:
    """A site of pictures that have previews, inside the watched folder."""
    x8 = load_track("x8")
    results = make_results(x8, 2, 2, 1, seed=0, size=(520, 528))
    gt, folders, results = write_pictures(site.parent / "large", results)
    entries = [Entry(r.team, r.kind, r.summary, "measured", r) for r in results]
    write_site(site / "large", [rank(entries, x8)], pictures={"x8": Pictures(gt, folders)})
    return site / "large"


def test_the_slider_moves_the_border(page: Page, site: Path) -> None:
    page.goto((site / "x8/viewer/compare.html").as_uri())
    expect(page.locator("#duel img")).to_have_count(2)
    page.locator("#slider").fill("20")
    assert page.locator("#right-half").evaluate("e => e.style.clipPath") == "inset(0px 0px 0px 20%)"
    before = page.locator("#left-note b").text_content()
    page.locator("#swap").click()
    assert page.locator("#right-note b").text_content() == before


def test_the_address_keeps_what_is_shown(page: Page, site: Path) -> None:
    page.goto((site / "x8/viewer/compare.html").as_uri())
    page.locator("#image").select_option(index=1)
    page.locator("#left").select_option("gt")
    page.locator("#slider").fill("70")
    page.locator("#teams input").first.uncheck()
    address, rows = page.url, page.locator("#rows figure").count()
    page.goto((site / "index.html").as_uri())
    page.goto(address)
    assert page.locator("#image").evaluate("e => e.selectedIndex") == 1
    assert page.locator("#left").input_value() == "gt"
    assert page.locator("#slider").input_value() == "70"
    assert page.locator("#rows figure").count() == rows
    assert "GT" in str(page.locator("#left-note").text_content())


def test_nonsense_in_the_address_is_ignored(page: Page, site: Path) -> None:
    page.goto((site / "x8/viewer/compare.html").as_uri() + "#image=99&left=<b>&right=9.9&at=x&teams=7..a")
    expect(page.locator("#duel .stage")).to_have_count(1)
    assert page.locator("#image").evaluate("e => e.selectedIndex") == 0


@pytest.mark.parametrize("name", ["compare", "Team-01-93736822"])
def test_zooming_in_shows_the_exact_pixels(page: Page, large: Path, name: str) -> None:
    page.goto((large / f"x8/viewer/{name}.html").as_uri())
    page.get_by_role("button", name="Exact region").click()
    exact = page.locator(".stage .exact").first
    expect(exact).to_be_visible()
    page.wait_for_function("document.querySelector('.stage .exact').naturalWidth === 256")
    box, stage = exact.bounding_box(), page.locator(".stage").first.bounding_box()
    assert box is not None
    assert stage is not None
    assert abs(box["x"] - stage["x"]) < 2, "the region fills the pane"
    assert abs(box["width"] - stage["width"]) < 2
    page.get_by_role("button", name="Fit").click()
    if page.evaluate("devicePixelRatio") * stage["width"] / 528 < 0.7:
        expect(exact).to_be_hidden()
