"""What a reader sees first: on a desktop, a small laptop and a phone. Names, labels and signatures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.helpers.sites import wait_for_charts

pytestmark = pytest.mark.browser

DESKTOP, LAPTOP, PHONE = (1440, 900), (1024, 768), (390, 844)


def _open(page: Page, address: Path, size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(address.as_uri())


def _boxes(page: Page, selector: str) -> list[dict[str, float]]:
    found: list[dict[str, float]] = page.eval_on_selector_all(
        selector, "all => all.map((one) => one.getBoundingClientRect().toJSON())"
    )
    return found


@pytest.mark.parametrize("name", ["x8/index.html", "x4/index.html", "x8-2022/index.html", "x8/teams/Deepest.html"])
def test_the_heading_leaves_the_screen_to_the_table(page: Page, site: Path, name: str) -> None:
    _open(page, site / name, DESKTOP)
    assert _boxes(page, ".title")[0]["bottom"] < 200
    below = ".filters" if "teams" not in name else ".tiles"
    assert _boxes(page, f"{below}")[0]["top"] < 200, "nothing else stands above the table"


@pytest.mark.parametrize("size", [DESKTOP, LAPTOP])
@pytest.mark.parametrize("name", ["x8", "x4", "x8-2022"])
def test_rows_are_low_and_the_first_ones_above_the_fold(
    page: Page, site: Path, size: tuple[int, int], name: str
) -> None:
    _open(page, site / name / "index.html", size)
    rows = _boxes(page, "#board tbody tr:not(.beyond)")
    assert max(row["height"] for row in rows) < 44
    assert sum(row["bottom"] <= size[1] for row in rows) >= min(10, len(rows))


def test_intervals_are_shown_on_demand(page: Page, site: Path) -> None:
    _open(page, site / "x8/index.html", DESKTOP)
    shown = page.locator("#board td .interval:visible")
    expect(shown).to_have_count(0)
    page.get_by_label("Intervals").check()
    assert shown.count() > 10
    assert page.locator("#board td svg.whisker:visible").count() > 10


def test_a_phone_shows_place_team_and_what_decides(page: Page, site: Path) -> None:
    _open(page, site / "x8/index.html", PHONE)
    heads = page.eval_on_selector_all("#board thead th .label", "all => all.map((one) => one.textContent)")
    assert heads == ["Place", "Team", "Mean rank", "S4", "MOR", "LPIPS", "LR-PSNR"]
    right = [box["right"] for box in _boxes(page, "#board tbody tr:first-child > *")]
    assert right[2] <= PHONE[0]
    assert right[3] - 40 <= PHONE[0], "most of the next column that decides can be seen"
    assert max(row["height"] for row in _boxes(page, "#board tbody tr")) < 44


@pytest.mark.parametrize("size", [DESKTOP, LAPTOP, PHONE])
def test_no_name_is_broken_inside_a_word(page: Page, site: Path, size: tuple[int, int]) -> None:
    """Each word of a name that is not cut has one box; a cut name is one line with its whole as the title."""
    _open(page, site / "x8/index.html", size)
    broken = page.evaluate(
        """() => [...document.querySelectorAll("#board .team bdi")].flatMap((name) => {
            const node = name.firstChild;
            return [...node.data.matchAll(/[\\p{L}\\p{N}_]+/gu)].map((word) => {
                const range = document.createRange();
                range.setStart(node, word.index);
                range.setEnd(node, word.index + word[0].length);
                const tops = new Set([...range.getClientRects()].map((box) => Math.round(box.top)));
                return tops.size > 1 ? word[0] : null;
            }).filter(Boolean);
        })"""
    )
    assert broken == []
    cut = page.locator("#board .team bdi.cut")
    assert cut.count() >= 1
    for name in cut.all():
        assert name.get_attribute("title") == name.text_content()


@pytest.mark.parametrize("name", ["x8/index.html", "x4/index.html", "index.html"])
def test_one_arrow_a_header_and_the_direction_in_words(page: Page, site: Path, name: str) -> None:
    _open(page, site / name, DESKTOP)
    heads = page.locator("thead th:visible")
    texts = heads.all_text_contents()
    assert not any(arrow in text for text in texts for arrow in "↑↓↕")
    assert any("higher is better" in text for text in texts)
    assert any("lower is better" in text for text in texts)
    arrows = page.eval_on_selector_all(
        "#board thead .order", "all => all.map((one) => getComputedStyle(one, '::before').content)"
    )
    assert [arrow for arrow in arrows if "↑" in arrow or "↓" in arrow] == (['"↑"'] if name == "x8/index.html" else [])


def test_the_leaders_are_always_named_and_no_name_is_lost(page: Page, site: Path) -> None:
    lost = []
    for track, size in (("x8", DESKTOP), ("x4", DESKTOP), ("x4", PHONE)):
        _open(page, site / track / "index.html", size)
        wait_for_charts(page)
        chart = page.evaluate(
            """() => {
                const chart = document.getElementById("scatter");
                const named = chart.data.flatMap((trace) => trace.text ?? [])
                    .map((text) => text.trim()).filter(Boolean);
                return { named: [...named, ...chart.layout.annotations.map((one) => one.text)],
                         points: JSON.parse(document.getElementById("data").textContent).scatter.points };
            }"""
        )
        named = set(chart["named"])
        teams = [point["name"] for point in chart["points"] if point["kind"] == "team"]
        assert set(teams[:5]) <= named
        rest = page.locator("#unlabelled").text_content() or ""
        missing = [point["name"] for point in chart["points"] if point["name"] not in named]
        lost += missing
        if not missing:
            assert rest == ""
            continue
        assert rest.startswith("Marks without a name, for lack of room: ")
        assert all(name in rest for name in missing if "&" not in name), "told below the chart"
    assert lost, "42 names have no room on a phone"


def test_the_signature_is_an_id_that_unfolds(page: Page, site: Path) -> None:
    for name in ("x8/index.html", "x8/teams/Deepest.html"):
        _open(page, site / name, DESKTOP)
        long = page.locator("details.signature code.long").first
        expect(long).to_be_hidden()
        assert page.locator("body").inner_text().count("common:track") == 0, "it is nowhere else"
        page.locator("details.signature summary").first.click()
        expect(long).to_be_visible()
        expect(long).to_contain_text("common:track=x8")


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_the_viewer_shows_gt_lr_and_a_sample_at_once(page: Page, site: Path, size: tuple[int, int]) -> None:
    _open(page, site / "x8/viewer/Deepest.html", size)
    expect(page.locator(".stage")).to_have_count(4)
    stages = page.eval_on_selector_all(
        ".stage", "all => all.map((one) => [one.dataset.pane, one.getBoundingClientRect().bottom])"
    )
    assert {pane for pane, bottom in stages if bottom <= size[1]} >= {"gt", "lr", "s0"}


def test_pages_print_with_all_columns_that_decide(page: Page, site: Path) -> None:
    _open(page, site / "x8/index.html", DESKTOP)
    page.emulate_media(media="print")
    expect(page.locator("form.filters").first).to_be_hidden()
    expect(page.locator("#board tbody tr:visible")).to_have_count(23)
    expect(page.locator("#board thead .order").first).to_be_hidden()


@pytest.mark.parametrize("size", [DESKTOP, LAPTOP, PHONE])
@pytest.mark.parametrize(
    "name", ["x8/teams/Deepest.html", "x8/viewer/Deepest.html", "x8/viewer/compare.html", "x8/images.html"]
)
def test_no_page_is_wider_than_the_window(page: Page, site: Path, size: tuple[int, int], name: str) -> None:
    """One team's name has 300 letters."""
    _open(page, site / name, size)
    assert page.evaluate("document.documentElement.scrollWidth") == size[0]
    for box in _boxes(page, "select:visible, .tools button:visible"):
        assert box["left"] >= 0
        assert box["right"] <= size[0]


def test_a_team_page_says_its_place_and_draws_intervals_on_an_axis(page: Page, site: Path) -> None:
    _open(page, site / "x8/teams/Deepest.html", DESKTOP)
    place = page.locator(".tiles > div").first
    expect(place).to_contain_text("Place")
    expect(place.locator(".of")).to_have_text("of 7")
    whisker, axis = _boxes(page, ".tiles .whisker")[0], _boxes(page, ".tiles .axis")[0]
    assert whisker["width"] == axis["width"] > 100
    low, high = page.locator(".tiles .axis").nth(1).locator("span:not(.sr)").all_text_contents()
    assert float(low) < float(high)
    _open(page, site / "x4/teams/Team-01-93736822.html", DESKTOP)
    expect(page.locator(".tiles > div").first).to_have_text(re.compile(r"Place\s*–\s*no mean opinion rank yet"))


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_best_and_worst_images_are_pictures_in_rows(page: Page, site: Path, size: tuple[int, int]) -> None:
    _open(page, site / "x8/teams/Deepest.html", size)
    for number in range(page.locator("ol.pictures").count()):
        pictures = page.locator("ol.pictures").nth(number).locator("li")
        boxes = [box for one in pictures.all() if (box := one.bounding_box())]
        assert len(boxes) == 3
        assert len({box["y"] for box in boxes}) == 1, "side by side"
        for one in pictures.locator("img").all():
            one.scroll_into_view_if_needed()
            box = one.bounding_box()
            assert box is not None
            assert box["width"] / box["height"] == pytest.approx(1.5, rel=0.05)
    assert page.locator("ol.pictures").count() == 6


@pytest.mark.parametrize("size", [DESKTOP, LAPTOP, PHONE])
def test_the_history_is_not_wider_than_the_window(page: Page, site: Path, size: tuple[int, int]) -> None:
    _open(page, site / "history.html", size)
    assert page.evaluate("document.documentElement.scrollWidth") == size[0]
    assert page.locator("#entry-2 tbody tr").count() > 10
    assert _boxes(page, "#entry-2")[0]["top"] < 300
