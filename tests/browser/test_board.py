"""The board itself: numbers below their headings, headings that stay in view, names that fit, intervals in low rows."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from srspace_eval import rank
from srspace_eval.report.files import write_leaderboards
from tests.helpers.browsing import open_at
from tests.helpers.sites import wait_for_charts

pytestmark = pytest.mark.browser

SIZES = [(1440, 900), (1024, 768), (390, 844)]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("published")
    rankings = [rank(None, "x4", published="ntire2021"), rank(None, "imagesr-x4-2026", published="imagesr-x4-2026")]
    write_leaderboards(rankings, out)
    return out


@pytest.mark.parametrize("size", SIZES)
def test_numbers_stand_below_the_end_of_their_headings(page: Page, site: Path, size: tuple[int, int]) -> None:
    open_at(page, site / "x8/index.html", size)
    off = page.evaluate(
        """() => [...document.querySelectorAll("#board thead th.number")].map((head) => {
            const parts = [...head.querySelectorAll(".head > *")].filter((one) => one.offsetWidth);
            const end = Math.max(...parts.map((one) => one.getBoundingClientRect().right));
            const values = [...document.querySelectorAll("#board tbody tr")].map((row) => row.cells[head.cellIndex])
                .map((cell) => cell.querySelector(".value")).filter((value) => value.textContent.trim() !== "∞");
            return Math.max(...values.map((value) => Math.abs(value.getBoundingClientRect().right - end)));
        })"""
    )
    assert len(off) == 6
    assert max(off) < 6, off


@pytest.mark.parametrize("track", ["x4", "imagesr-x4-2026"])
def test_names_fit_their_column_on_a_phone(board: Page, published: Path, track: str) -> None:
    open_at(board, published / track / "index.html", SIZES[2])
    over = board.evaluate(
        """() => [...document.querySelectorAll("#board tbody .team")].filter((cell) => {
            const right = cell.getBoundingClientRect().right;
            return [...cell.querySelectorAll("bdi, .mark")].some((one) => one.getBoundingClientRect().right > right);
        }).map((cell) => cell.textContent)"""
    )
    assert over == []
    names = board.locator("#board .team bdi")
    assert "SamsungAICamera" in names.all_text_contents() or track == "x4"
    cut = board.eval_on_selector_all(
        "#board .team bdi", "all => all.filter((one) => one.scrollWidth > one.clientWidth + 1).length"
    )
    assert cut == 0, "no name of a challenge is cut"
    assert max(board.eval_on_selector_all("#board tbody tr", "all => all.map((r) => r.offsetHeight)")) < 44


def test_headings_stay_in_view(page: Page, site: Path) -> None:
    open_at(page, site / "x4/index.html", SIZES[2])
    page.evaluate("document.querySelector('.scroll.main').scrollTo(200, 300)")
    box = page.locator(".scroll.main").bounding_box()
    head = page.locator("#board thead .team-head").bounding_box()
    assert box is not None
    assert head is not None
    assert abs(head["x"] - box["x"]) < 3, "the names' heading stays above the names"
    assert abs(head["y"] - box["y"]) < 3
    open_at(page, site / "x4/index.html", SIZES[0])
    page.mouse.wheel(0, 700)
    page.wait_for_function("scrollY > 300")
    head = page.locator("#board thead .team-head").bounding_box()
    assert head is not None
    assert abs(head["y"]) < 3, "at the top of the window"


@pytest.mark.parametrize("size", SIZES[:2])
def test_a_published_board_is_not_wider_than_the_window(board: Page, published: Path, size: tuple[int, int]) -> None:
    open_at(board, published / "x4/index.html", size)
    assert (
        board.evaluate(
            "() => { const e = document.querySelector('.scroll.main'); return e.scrollWidth - e.clientWidth; }"
        )
        <= 0
    )
    legend = board.locator("#legend").bounding_box()
    assert legend is not None
    assert legend["x"] + legend["width"] <= size[0]
    open_at(board, published / "index.html", size)
    wide = board.eval_on_selector_all(".scroll", "all => all.map((e) => e.scrollWidth - e.clientWidth)")
    assert max(wide) <= 0


@pytest.mark.parametrize("size", SIZES)
def test_rows_with_intervals_are_low_and_their_bars_have_an_axis(page: Page, site: Path, size: tuple[int, int]) -> None:
    open_at(page, site / "x8/index.html", size)
    page.get_by_label("Intervals").check()
    assert (
        max(page.eval_on_selector_all("#board tbody tr", "all => all.map((r) => r.getBoundingClientRect().height)"))
        < 44
    )
    axes = page.locator("#board thead .axis:visible")
    assert axes.count() >= 3
    low, high = map(float, axes.last.locator("span").all_text_contents())
    assert low < high
    bars = page.locator("#board td .whisker:visible").first.bounding_box()
    assert bars is not None
    assert bars["height"] <= 8


def test_paper_has_no_buttons_and_whole_names_and_charts_inside_their_boxes(page: Page, site: Path) -> None:
    open_at(page, site / "x8/index.html", (688, 1000))
    wait_for_charts(page)
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.wait_for_timeout(300)
    expect(page.locator("main .button:visible")).to_have_count(0)
    for bdi in page.locator("#board .team bdi").all():
        assert bdi.evaluate("(one) => getComputedStyle(one).overflow === 'visible' && one.scrollWidth >= 0")
    outside = page.evaluate(
        """() => [...document.querySelectorAll("figure .chart")].filter((chart) => {
            const drawing = chart.querySelector(".main-svg").getBoundingClientRect();
            const box = chart.parentElement.getBoundingClientRect();
            return drawing.bottom > box.bottom + 1 || drawing.right > box.right + 1;
        }).length"""
    )
    assert outside == 0


@pytest.mark.parametrize("size", SIZES)
def test_lines_to_names_do_not_cross(board: Page, published: Path, size: tuple[int, int]) -> None:
    open_at(board, published / "x4/index.html", size)
    wait_for_charts(board)
    crossing = board.evaluate(
        """() => {
            const chart = document.getElementById("scatter");
            const { xaxis, yaxis } = chart._fullLayout;
            const lines = chart.layout.annotations.map((one) => {
                const [x, y] = [xaxis.d2p(one.x), yaxis.d2p(one.y)];
                return [[x, y], [x + one.ax, y + one.ay]];
            });
            const side = (a, b, c) => Math.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]));
            let found = 0;
            lines.forEach(([a, b], i) => lines.slice(i + 1).forEach(([c, d]) => {
                found += side(a, b, c) !== side(a, b, d) && side(c, d, a) !== side(c, d, b);
            }));
            return found;
        }"""
    )
    assert crossing == 0
    if size[0] > 390:
        assert board.locator("#unlabelled").text_content() == "", "every mark has its name"


@pytest.mark.parametrize("size", SIZES)
def test_the_front_passes_no_name(board: Page, published: Path, size: tuple[int, int]) -> None:
    open_at(board, published / "x4/index.html", size)
    wait_for_charts(board)
    passed = board.evaluate(
        """() => {
            const chart = document.getElementById("scatter");
            const names = [...chart.querySelectorAll(".textpoint text, .annotation-text")]
                .map((one) => [one.textContent.trim(), one.getBoundingClientRect()]).filter(([text]) => text);
            const lines = [...chart.querySelectorAll("path.js-line")];
            const found = new Set();
            for (const line of lines) {
                const where = line.getScreenCTM();
                for (let at = 0; at <= line.getTotalLength(); at += 1) {
                    const { x, y } = line.getPointAtLength(at).matrixTransform(where);
                    names.filter(([, box]) => x > box.left && x < box.right && y > box.top && y < box.bottom)
                        .forEach(([text]) => found.add(text));
                }
            }
            return { lines: lines.length, names: names.length, passed: [...found] };
        }"""
    )
    assert passed["lines"] >= 1
    assert passed["names"] > 5
    assert passed["passed"] == []


def test_the_dots_of_a_box_plot_lie_below_the_box(page: Page, site: Path) -> None:
    page.goto((site / "x8/teams/Deepest.html").as_uri())
    wait_for_charts(page)
    gaps = page.evaluate(
        """() => [...document.querySelectorAll(".chart.strip")].map((chart) => {
            const bottom = chart.querySelector("path.box").getBoundingClientRect().bottom;
            const dots = [...chart.querySelectorAll("path.point")].map((dot) => dot.getBoundingClientRect());
            const floor = chart.querySelector(".nsewdrag").getBoundingClientRect().bottom;
            const [top, end] = [Math.min(...dots.map((dot) => dot.top)), Math.max(...dots.map((dot) => dot.bottom))];
            return [top - bottom, floor - end];
        })"""
    )
    assert len(gaps) >= 3
    assert all(above > 1 and below > 1 for above, below in gaps), gaps
