"""Tables wider than the window: what stays in view, what shows that there is more, and headings that do not touch."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from srspace_eval import rank
from srspace_eval.report.files import write_leaderboards
from tests.helpers.browsing import open_at

pytestmark = pytest.mark.browser

DESKTOP, LAPTOP, PHONE = (1440, 900), (1024, 768), (390, 844)
NAMES = ("esr-2026", "imagesr-x4-2026", "ntire2020-track1")


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wide")
    tracks = ("esr-2026", "imagesr-x4-2026", "ntire2020-rwsr-1")
    write_leaderboards(
        [rank(None, track, published=name) for track, name in zip(tracks, NAMES, strict=True)], out, formats=["html"]
    )
    return out


@pytest.mark.parametrize("track", ["esr-2026", "imagesr-x4-2026"])
def test_a_tight_heading_makes_a_wide_board_fit_a_desktop(board: Page, wide: Path, track: str) -> None:
    open_at(board, wide / track / "index.html", DESKTOP)
    frame = board.locator(".scroll.main").first
    assert frame.evaluate("(one) => one.matches('.tight.fits') && one.scrollWidth <= one.clientWidth")
    expect(board.locator("#legend .when-tight")).to_be_visible()
    heads = board.locator("#board thead th")
    assert "higher is better" in " ".join(heads.all_text_contents()), "for screen readers the sentence is whole"


def test_place_name_and_heading_stay_while_a_wide_board_scrolls(board: Page, wide: Path) -> None:
    open_at(board, wide / "esr-2026/index.html", LAPTOP)
    frame = board.locator(".scroll.main").first
    assert frame.evaluate("(one) => !one.matches('.fits') && one.scrollWidth > one.clientWidth + 50")
    frame.evaluate("(one) => one.scrollTo(140, 90)")
    box = frame.bounding_box()
    place = board.locator("#board thead .place").bounding_box()
    team = board.locator("#board thead .team-head").bounding_box()
    name = board.locator("#board tbody .team").nth(6).bounding_box()
    assert box
    assert place
    assert team
    assert name
    assert abs(place["x"] - box["x"]) < 3
    assert abs(place["y"] - box["y"]) < 3
    assert abs(team["x"] - place["x"] - place["width"]) < 2, "the name follows the place"
    assert abs(name["x"] - team["x"]) < 2
    # A number that scrolled below the names is covered by them.
    covered = board.evaluate(
        """([x, y]) => document.elementFromPoint(x, y).closest("th, td").matches(".team")""",
        [name["x"] + 20, name["y"] + name["height"] / 2],
    )
    assert covered


@pytest.mark.parametrize("size", [LAPTOP, PHONE])
def test_a_shade_shows_on_which_side_a_table_goes_on(board: Page, wide: Path, size: tuple[int, int]) -> None:
    open_at(board, wide / "esr-2026/index.html", size)
    frame = board.locator(".scroll.main").first
    expect(frame).to_have_class(re.compile(r"\bmore-right\b"))
    shade = frame.evaluate(
        """(one) => { const s = getComputedStyle(one, "::after"); return [s.position, s.zIndex, s.backgroundImage]; }"""
    )
    assert shade[:2] == ["sticky", "4"], "above all cells, the opaque ones too"
    assert "gradient" in shade[2]
    frame.evaluate("(one) => one.scrollTo(9999, 0)")
    expect(frame).to_have_class(re.compile(r"\bmore-left\b"))
    beside = board.locator("#board tbody .team").first.evaluate("(one) => getComputedStyle(one, '::after').right")
    assert float(beside.removesuffix("px")) < -10, "beside the names, over the numbers"


@pytest.mark.parametrize("name", ["esr-2026", "imagesr-x4-2026", "ntire2020-rwsr-1"])
def test_headings_do_not_touch_on_a_phone(board: Page, wide: Path, name: str) -> None:
    open_at(board, wide / name / "index.html", PHONE)
    gaps = board.evaluate(
        """() => {
            const ends = [...document.querySelectorAll("#board thead th.number:not(.place)")].map((head) => {
                const range = [];
                const texts = document.createTreeWalker(head, NodeFilter.SHOW_TEXT);
                while (texts.nextNode()) {
                    const parent = texts.currentNode.parentElement;
                    if (parent.closest(".label, .unit") && !parent.closest(".tail")) {
                        const r = document.createRange();
                        r.selectNodeContents(texts.currentNode);
                        range.push(...[...r.getClientRects()].filter((box) => box.width > 2));
                    }
                }
                return [Math.min(...range.map((b) => b.left)), Math.max(...range.map((b) => b.right))];
            });
            return ends.slice(1).map(([left], i) => left - ends[i][1]);
        }"""
    )
    assert len(gaps) >= 3
    assert min(gaps) >= 4


def test_no_number_of_a_phone_is_wider_than_its_screen_can_show(board: Page, wide: Path) -> None:
    open_at(board, wide / "esr-2026/index.html", PHONE)
    first = board.locator("#board tbody tr").first.locator("td").nth(1).bounding_box()
    assert first
    assert first["x"] + first["width"] <= PHONE[0], "the score can be read without scrolling"


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_numbers_with_intervals_stand_below_their_headings(page: Page, site: Path, size: tuple[int, int]) -> None:
    open_at(page, site / "x8/index.html", size)
    page.get_by_label("Intervals").check()
    off = page.evaluate(
        """() => [...document.querySelectorAll("#board thead th.number.ranked")].map((head) => {
            const parts = [...head.querySelectorAll(".head > *")].filter((one) => one.offsetWidth);
            const end = Math.max(...parts.map((one) => one.getBoundingClientRect().right));
            const values = [...document.querySelectorAll("#board tbody tr")].map((row) => row.cells[head.cellIndex])
                .filter((cell) => cell.querySelector(".rank").textContent).map((cell) => cell.querySelector(".value"));
            return Math.max(...values.map((value) => Math.abs(value.getBoundingClientRect().right - end)));
        })"""
    )
    assert len(off) == 3
    assert max(off) < 3, off


def test_a_filter_that_nothing_matches_says_so(board: Page, wide: Path) -> None:
    open_at(board, wide / "esr-2026/index.html", DESKTOP)
    nothing = board.locator("#table .nothing")
    expect(nothing).to_be_hidden()
    board.locator("#filter").fill("no such <b>team")
    expect(nothing).to_have_text("Nothing matches “no such <b>team”.")
    board.locator("#filter").fill("")
    for box in board.locator("form.filters").first.locator("input[name=group]").all():
        box.uncheck()
    expect(nothing).to_have_text("All rows are hidden.")


def test_rows_do_not_stand_over_the_round_corners(board: Page, wide: Path) -> None:
    open_at(board, wide / "esr-2026/index.html", DESKTOP)
    style = board.locator(".scroll.main").first.evaluate("(one) => getComputedStyle(one).overflow")
    assert style == "clip"
    board.mouse.wheel(0, 500)
    board.wait_for_function("() => scrollY > 300")
    head = board.locator("#board thead .team-head").bounding_box()
    assert head
    assert abs(head["y"]) < 3, "the heading stays at the top of the window"


def test_paper_shows_a_wide_table_whole(board: Page, wide: Path) -> None:
    open_at(board, wide / "esr-2026/index.html", LAPTOP)
    board.emulate_media(media="print")
    style = board.locator(".scroll.main").first.evaluate(
        """(one) => [getComputedStyle(one).overflow, getComputedStyle(one).maxHeight,
            getComputedStyle(one, "::after").content, getComputedStyle(one.querySelector(".team")).position]"""
    )
    assert style == ["visible", "none", "none", "static"]


def test_paper_repeats_the_headings_as_text(board: Page, wide: Path) -> None:
    """Chromium repeats a table's heading on the next sheet, but not the buttons in it."""
    open_at(board, wide / "esr-2026/index.html", LAPTOP)
    board.emulate_media(media="print")
    board.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(board.locator("#board thead button:visible")).to_have_count(0)
    expect(board.locator("#board thead .paper:visible")).to_have_count(10)
    assert board.locator("#board thead .paper .label").nth(2).text_content() == "Score"
    board.evaluate("dispatchEvent(new Event('afterprint'))")
    board.emulate_media(media="screen")
    expect(board.locator("#board thead .paper")).to_have_count(0)
    expect(board.locator("#board thead button:visible")).to_have_count(10)


def test_axe_finds_nothing_on_wide_boards(board: Page, wide: Path) -> None:
    for name in ("esr-2026", "ntire2020-rwsr-1"):
        open_at(board, wide / name / "index.html", PHONE)
        found = Axe().run(board).response["violations"]
        assert [(one["id"], len(one["nodes"])) for one in found] == []
