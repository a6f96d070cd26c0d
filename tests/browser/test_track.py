"""The track's page in a browser: sorting, filtering, theme, charts."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.helpers.sites import HOSTILE, wait_for_charts

pytestmark = pytest.mark.browser


def _column(page: Page, number: int) -> list[str]:
    """The sort keys of a column from top to bottom: visible rows only."""
    return page.eval_on_selector_all(
        "#board tbody tr:not([hidden])",
        "(rows, n) => rows.map((row) => row.cells[n].dataset.v ?? row.dataset.name)",
        number,
    )


def _headings(page: Page) -> list[str]:
    return page.eval_on_selector_all("#board thead th .label", "heads => heads.map((head) => head.textContent)")


def test_every_column_sorts_both_ways_with_missing_values_last(page: Page, site: Path) -> None:
    page.goto((site / "x8/index.html").as_uri())
    assert _headings(page) == ["Place", "Team", "Mean rank", "S4", "MOR", "LPIPS", "LR-PSNR"]
    for number, label in enumerate(_headings(page)):
        head = page.locator("#board thead th").nth(number)
        seen = {}
        for _ in range(2):
            head.get_by_role("button").click()
            seen[head.get_attribute("aria-sort")] = _column(page, number)
        assert set(seen) == {"ascending", "descending"}, label
        for direction, values in seen.items():
            known = [value for value in values if value]
            assert values == known + [""] * (len(values) - len(known)), label
            if label != "Team":
                numbers = [float(value.replace("Infinity", "inf")) for value in known]
                assert len(numbers) > 4, label
                assert numbers == sorted(numbers, reverse=direction == "descending"), label
        if label == "Team":
            assert seen["ascending"] == seen["descending"][::-1]
    assert page.locator("#board thead th[aria-sort=ascending], #board thead th[aria-sort=descending]").count() == 1


def test_the_first_click_puts_the_best_on_top(page: Page, site: Path) -> None:
    page.goto((site / "x8/index.html").as_uri())
    for label, best in (("LPIPS", min), ("LR-PSNR", max), ("S4", max), ("MOR", min)):
        number = _headings(page).index(label)
        page.locator("#board thead th").nth(number).get_by_role("button").click()
        values = [float(v.replace("Infinity", "inf")) for v in _column(page, number) if v]
        assert values[0] == best(values)


def test_sorting_by_keyboard(page: Page, site: Path) -> None:
    page.goto((site / "x8/index.html").as_uri())
    page.locator("#board thead th").nth(2).get_by_role("button").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#board thead th").nth(2)).to_have_attribute("aria-sort", "ascending")


def test_filter_by_name_and_kind(page: Page, site: Path) -> None:
    page.goto((site / "x8/index.html").as_uri())
    visible = page.locator("#board tbody tr:visible")
    total = visible.count()
    page.get_by_label("Filter by name").fill("SCRIPT")
    expect(visible).to_have_count(1)
    expect(visible.locator("th")).to_contain_text(HOSTILE)
    expect(page.locator("#count")).to_have_text(f"1 of {total} rows")
    page.get_by_label("Filter by name").fill("")
    page.get_by_label("Baselines").uncheck()
    expect(visible.filter(has_text="published")).to_have_count(0)
    page.get_by_label("Not ranked").uncheck()
    expect(visible.filter(has_text="incomplete")).to_have_count(0)
    assert 0 < visible.count() < total
    page.get_by_label("Intervals").check()
    assert page.locator("#board td .interval:visible").count() > 0
    page.get_by_label("Intervals").uncheck()
    expect(page.locator("#board td .interval:visible")).to_have_count(0)


def test_long_tables_show_their_head_first(page: Page, site: Path) -> None:
    page.goto((site / "x4/index.html").as_uri())
    rows = page.locator("#board tbody tr:visible")
    expect(rows).to_have_count(40)
    page.get_by_role("button", name="Show all 42 rows").click()
    expect(rows).to_have_count(42)


def test_print_shows_every_row(page: Page, site: Path) -> None:
    page.goto((site / "x4/index.html").as_uri())
    page.emulate_media(media="print")
    expect(page.locator("#board tbody tr:visible")).to_have_count(42)
    expect(page.locator("form.filters")).to_be_hidden()


def test_charts_are_printed_light(page: Page, site: Path) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto((site / "x8/index.html").as_uri())
    wait_for_charts(page)
    ink = "document.getElementById('scatter')._fullLayout.font.color"
    assert page.evaluate(ink) == "#ebe7de"
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(ink) == "#1d1c1a"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(ink) == "#ebe7de"


def test_theme_changes_and_is_remembered(page: Page, site: Path) -> None:
    page.emulate_media(color_scheme="light")
    page.goto((site / "x8/index.html").as_uri())
    wait_for_charts(page)
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    button = page.get_by_role("button", name="Theme")
    button.click()
    expect(button).to_have_text("Theme: light")
    button.click()
    expect(button).to_have_text("Theme: dark")
    dark = page.evaluate(paper)
    assert dark != light
    assert page.evaluate("document.getElementById('scatter')._fullLayout.font.color") == "#ebe7de"
    page.goto((site / "index.html").as_uri())
    assert page.evaluate(paper) == dark
    page.emulate_media(color_scheme="dark")
    page.get_by_role("button", name="Theme").click()
    expect(page.get_by_role("button", name="Theme")).to_have_text("Theme: system")
    assert page.evaluate(paper) == dark


def test_hover_shows_values_and_the_name_as_text(page: Page, site: Path) -> None:
    page.goto((site / "x8/index.html").as_uri())
    wait_for_charts(page)
    chart = page.locator("#scatter")
    chart.scroll_into_view_if_needed()
    points = page.evaluate("JSON.parse(document.getElementById('data').textContent).scatter.points")
    names = [p["name"] for p in points]
    wanted = names.index('&lt;script&gt;alert(1)&lt;/script&gt;"&amp;')
    place = page.evaluate(
        """([x, y]) => {
            const chart = document.getElementById("scatter");
            const box = chart.getBoundingClientRect();
            const { xaxis, yaxis } = chart._fullLayout;
            return [box.left + xaxis._offset + xaxis.d2p(x), box.top + yaxis._offset + yaxis.d2p(y)];
        }""",
        [points[wanted]["x"], points[wanted]["y"]],
    )
    page.mouse.move(place[0] + 1, place[1])
    hover = chart.locator(".hoverlayer")
    expect(hover).to_contain_text(HOSTILE)
    expect(hover).to_contain_text("LR-PSNR")
    expect(chart.locator("script")).to_have_count(0)


def test_lines_differ_without_colour(page: Page, site: Path) -> None:
    page.goto((site / "x8/index.html").as_uri())
    wait_for_charts(page)
    drawn = page.evaluate(
        """document.getElementById("diversity-curve").data.filter((t) => t.mode === "lines+markers")
            .map((t) => [t.line.dash, t.marker.symbol, t.name])"""
    )
    assert len(drawn) == 8
    assert len({dash for dash, _, _ in drawn}) == len({symbol for _, symbol, _ in drawn}) == 8
    labels = page.locator("#diversity-curve .annotation-text").all_text_contents()
    assert len({label[0] for label in labels}) == len(labels) == 8, "each name repeats its line's mark"
    assert any(label.endswith(HOSTILE) for label in labels)


def test_a_click_on_a_mark_opens_the_submission(page: Page, site: Path) -> None:
    page.goto((site / "x8/index.html").as_uri())
    wait_for_charts(page)
    page.locator("#scatter").scroll_into_view_if_needed()
    place = page.evaluate(
        """() => {
            const chart = document.getElementById("scatter");
            const { points } = JSON.parse(document.getElementById("data").textContent).scatter;
            const point = points.find((p) => p.name === "Deepest" && p.page);
            const box = chart.getBoundingClientRect();
            const { xaxis, yaxis } = chart._fullLayout;
            return [box.left + xaxis._offset + xaxis.d2p(point.x), box.top + yaxis._offset + yaxis.d2p(point.y)];
        }"""
    )
    page.mouse.move(*place)
    page.mouse.click(*place)
    page.wait_for_url("**/teams/Deepest.html")
    expect(page.locator("h1")).to_have_text("Deepest")


def test_no_page_scrolls_sideways_on_a_phone(page: Page, site: Path) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    pages = ["index.html", "x8/index.html", "x4/index.html", "x8/teams/Deepest.html", "x8/viewer/Deepest.html"]
    long = next(path for path in (site / "x8/teams").iterdir() if path.name.startswith("aaaa"))
    for name in [*pages, f"x8/teams/{long.name}"]:
        page.goto((site / name).as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") == 360, name
