"""All page kinds in a browser: axe-core in both themes, hostile names, a submission's table."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from srspace_eval._utils.untrusted_text import slug
from tests.helpers.sites import HOSTILE, NAMES, wait_for_charts

pytestmark = pytest.mark.browser

# Without preload axe fetches nothing: a fetch would leave the page, which its policy forbids.
AXE = {"preload": False, "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
KINDS = (
    "index.html",
    "history.html",
    "x8/index.html",
    "x8/images.html",
    "x8-2022/index.html",
    "x8/teams/Deepest.html",
    "x8/viewer/Deepest.html",
    "x8/viewer/compare.html",
)


@pytest.mark.parametrize("name", KINDS)
def test_axe_finds_nothing_in_either_theme(page: Page, site: Path, name: str) -> None:
    page.emulate_media(color_scheme="light")
    page.goto((site / name).as_uri())
    if page.locator(".chart").count():
        wait_for_charts(page)
    if page.locator(".unfold").count():
        page.locator(".unfold").first.click()
    page.eval_on_selector_all("details", "all => all.forEach((one) => (one.open = true))")
    found = {}
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        page.wait_for_timeout(100)
        results = Axe().run(page, options=AXE)
        assert results.response["passes"], "axe ran"
        found[theme] = [
            (violation["id"], [node["html"][:160] for node in violation["nodes"][:3]])
            for violation in results.response["violations"]
        ]
    assert found == {"light": [], "dark": []}


def test_a_hostile_name_is_text_everywhere(page: Page, site: Path) -> None:
    name = slug(HOSTILE)
    for path in ("index.html", "history.html", "x8/index.html", f"x8/teams/{name}.html", f"x8/viewer/{name}.html"):
        page.goto((site / path).as_uri())
        assert HOSTILE in page.locator("body").inner_text(), path
        scripts = page.eval_on_selector_all("script:not([src])", "all => all.map((s) => s.type)")
        assert set(scripts) <= {"application/json"}, path
    page.goto((site / f"x8/teams/{name}.html").as_uri())
    assert HOSTILE in page.title()
    expect(page.locator("h1")).to_have_text(HOSTILE)


def test_every_link_leads_to_a_page(page: Page, site: Path) -> None:
    seen: set[str] = set()
    for path in (
        "index.html",
        "history.html",
        "x8/index.html",
        f"x8/teams/{slug(HOSTILE)}.html",
        f"x8/viewer/{slug(HOSTILE)}.html",
    ):
        page.goto((site / path).as_uri())
        seen |= set(page.eval_on_selector_all("a[href], img[src]", "all => all.map((one) => one.href ?? one.src)"))
    files = {link.split("#")[0] for link in seen}
    assert len(files) > len(NAMES)
    for link in files:
        assert link.startswith(site.as_uri()), link
        assert (site / link.removeprefix(site.as_uri() + "/")).is_file(), link


def test_samples_of_an_image_unfold_and_follow_the_sort(page: Page, site: Path) -> None:
    page.goto((site / "x8/teams/Deepest.html").as_uri())
    page.get_by_role("button", name="Samples of 0802").click()
    inner = page.get_by_role("table", name="Samples of 0802")
    expect(inner.locator("tbody tr")).to_have_count(4)
    expect(inner.locator("tbody th").first).to_have_text("000001_sample00000.png")
    page.locator("#images thead th").nth(1).get_by_role("button").first.click()
    before = page.eval_on_selector("tr.samples", "row => row.previousElementSibling.dataset.name")
    assert before == "0802"
    page.get_by_role("button", name="Samples of 0802").click()
    expect(inner).to_have_count(0)


def test_distributions_show_an_image_under_the_pointer(page: Page, site: Path) -> None:
    page.goto((site / "x8/teams/Deepest.html").as_uri())
    wait_for_charts(page)
    chart = page.locator("[data-strip='0']")
    chart.scroll_into_view_if_needed()
    point = chart.locator(".points path").first
    box = point.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(chart.locator(".hoverlayer")).to_contain_text("08")


def test_without_javascript_the_tables_are_there(page: Page, site: Path) -> None:
    browser = page.context.browser
    assert browser is not None
    with browser.new_context(java_script_enabled=False) as plain:
        still = plain.new_page()
        still.goto((site / "x8/index.html").as_uri())
        expect(still.locator("#board tbody tr:visible")).to_have_count(23)
        expect(still.locator("form.filters")).to_be_hidden()
