"""The viewer in a browser: panes zoom and move together by wheel, drag, touch and keys."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

pytestmark = pytest.mark.browser


@pytest.fixture
def viewer(page: Page, site: Path) -> Page:
    page.goto((site / "x8/viewer/Deepest.html").as_uri())
    expect(page.locator(".stage")).to_have_count(4)
    page.locator("#panes").scroll_into_view_if_needed()
    return page


def _together(page: Page) -> str:
    """Where the pictures lie in their panes: left, top and width in percent. It is the same for all."""
    places = page.eval_on_selector_all(
        ".stage",
        """all => all.map(({ firstElementChild: { style } }) =>
            [style.left, style.top, style.width].map((part) => Math.round(parseFloat(part))).join(" "))""",
    )
    assert len(set(places)) == 1, places
    place: str = places[0]
    return place


def test_every_pane_shows_its_picture_at_the_same_size(viewer: Page) -> None:
    expect(viewer.locator(".pane figcaption b")).to_have_text(["GT", "LR", "Sample 0", "Local best"])
    widths = viewer.eval_on_selector_all(".layer:not(.over) img", "all => all.map((img) => img.naturalWidth)")
    assert widths == [96, 12, 96]
    boxes = viewer.eval_on_selector_all(
        ".layer:not(.over) > *", "all => all.map((one) => [one.offsetWidth, one.offsetHeight])"
    )
    assert len(boxes) == 4
    assert len({tuple(box) for box in boxes}) == 1
    assert viewer.locator(".stage img").first.get_attribute("alt") == "GT of 0801"
    values = viewer.locator(".pane figcaption span").nth(2)
    expect(values).to_have_text(re.compile(r"^LPIPS† 0\.\d{3}, LR-PSNR† \d\d\.\d\d dB$"))


def test_wheel_zooms_all_panes_about_the_pointer(viewer: Page) -> None:
    before = _together(viewer)
    stage = viewer.locator(".stage").nth(2)
    box = stage.bounding_box()
    assert box is not None
    x, y = box["x"] + 0.755 * box["width"], box["y"] + 0.255 * box["height"]
    viewer.mouse.move(x, y)
    under = viewer.locator("#readout").text_content()
    viewer.mouse.wheel(0, -600)
    expect(viewer.locator("#zoom")).not_to_have_text(f"{round(100 * box['width'] / 96)}%")
    assert _together(viewer) != before
    viewer.mouse.move(x + 0.3, y)
    assert viewer.locator("#readout").text_content() == under, "the pixel under the pointer stays there"


def test_drag_moves_all_panes_and_stops_at_the_edge(viewer: Page) -> None:
    viewer.get_by_role("button", name="Zoom in").click(click_count=6)
    before = _together(viewer)
    box = viewer.locator(".stage").first.bounding_box()
    assert box is not None
    viewer.mouse.move(box["x"] + 200, box["y"] + 100)
    viewer.mouse.down()
    viewer.mouse.move(box["x"] + 120, box["y"] + 60, steps=4)
    viewer.mouse.up()
    moved = _together(viewer)
    assert moved != before
    viewer.mouse.move(box["x"] + 10, box["y"] + 10)
    viewer.mouse.down()
    viewer.mouse.move(box["x"] + 5000, box["y"] + 5000, steps=4)
    viewer.mouse.up()
    assert _together(viewer).startswith("0 0 ")


def test_keys(viewer: Page) -> None:
    stage = viewer.locator(".stage").nth(1)
    stage.focus()
    start = _together(viewer)
    for key in ("+", "+", "+"):
        viewer.keyboard.press(key)
    zoomed = _together(viewer)
    assert zoomed != start
    viewer.keyboard.press("ArrowRight")
    right = _together(viewer)
    viewer.keyboard.press("ArrowDown")
    assert len({zoomed, right, _together(viewer)}) == 3
    viewer.keyboard.press("ArrowUp")
    viewer.keyboard.press("ArrowLeft")
    assert _together(viewer) == zoomed
    viewer.keyboard.press("A")
    assert _together(viewer) == start, "this picture is smaller than its pane: actual size is not less than fit"
    viewer.keyboard.press("+")
    assert _together(viewer) != start
    viewer.keyboard.press("F")
    assert _together(viewer) == start
    viewer.keyboard.press("G")
    expect(viewer.get_by_role("button", name="Compare with GT")).to_have_attribute("aria-pressed", "true")
    assert [part for source in _visible(viewer) for part in ("gt", "lr", "teams") if f"/{part}/" in source] == [
        "gt",
        "lr",
        "gt",
    ]
    viewer.keyboard.press("G")
    assert "/teams/" in _visible(viewer)[2]


def _visible(page: Page) -> list[str]:
    """The pictures that the panes show."""
    sources: list[str] = page.eval_on_selector_all(
        ".layer img:not(.exact)",
        "all => all.filter((img) => getComputedStyle(img).visibility === 'visible').map((img) => img.src)",
    )
    return sources


def test_panes_are_called_what_they_show(viewer: Page) -> None:
    """While the GT is in place of samples, no header says that it is a sample, or gives the sample's numbers."""
    before = viewer.locator(".pane figcaption").all_text_contents()
    viewer.get_by_role("button", name="Compare with GT").click()
    titles = viewer.locator(".pane figcaption b")
    expect(titles).to_have_text(["GT", "LR", "GT", "Local best"])
    notes = viewer.locator(".pane figcaption span")
    expect(notes).to_have_text(["", "each pixel enlarged", "in place of Sample 0", "which sample is nearest"])
    assert viewer.locator(".stage").nth(2).get_attribute("aria-label") == "GT of 0801"
    viewer.get_by_role("button", name="Sample 1", exact=True).click()
    expect(titles).to_have_text(["GT", "LR", "GT", "GT", "Local best"])
    viewer.get_by_role("button", name="Sample 1", exact=True).click()
    viewer.get_by_role("button", name="Compare with GT").click()
    assert viewer.locator(".pane figcaption").all_text_contents() == before


def test_digits_mean_samples(viewer: Page) -> None:
    viewer.locator(".stage").nth(2).focus()
    for number in (2, 0, 3):
        viewer.keyboard.press(str(number))
        expect(viewer.locator(".pane figcaption b")).to_have_text(["GT", "LR", f"Sample {number}", "Local best"])
        expect(viewer.get_by_role("button", name=f"Sample {number}", exact=True)).to_have_attribute(
            "aria-pressed", "true"
        )
    viewer.keyboard.press("9")  # there are four samples
    expect(viewer.locator(".pane figcaption b")).to_have_text(["GT", "LR", "Sample 3", "Local best"])


def test_touch_pinch_zooms(browser_touch: Page) -> None:
    page = browser_touch
    before = _together(page)
    box = page.locator(".stage").first.bounding_box()
    assert box is not None
    session = page.context.new_cdp_session(page)
    cx, cy = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def touch(kind: str, spread: float) -> None:
        points = [{"x": cx - spread, "y": cy, "id": 0}, {"x": cx + spread, "y": cy, "id": 1}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [] if kind == "touchEnd" else points})

    touch("touchStart", 20)
    for spread in (30, 40, 50, 60):
        touch("touchMove", spread)
    touch("touchEnd", 0)
    assert _together(page) != before


@pytest.fixture
def browser_touch(context: BrowserContext, site: Path) -> Page:
    page = context.new_page()
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})
    page.goto((site / "x8/viewer/Deepest.html").as_uri())
    page.locator("#panes").scroll_into_view_if_needed()
    return page


def test_panes_images_and_samples_can_be_chosen(viewer: Page, site: Path) -> None:
    viewer.get_by_role("button", name="Sample 3", exact=True).click()
    expect(viewer.locator(".stage")).to_have_count(5)
    viewer.get_by_role("button", name="Next image").click()
    second = viewer.locator("#image option").nth(1).text_content()
    expect(viewer.locator(".stage img").first).to_have_attribute("alt", f"GT of {second}")
    expect(viewer.locator(".stage")).to_have_count(5)
    viewer.wait_for_url(f"**#image={second}&show=gt.lr.s0.s3.map")
    for address in ("#image-2", f"#image={viewer.locator('#image option').nth(2).text_content()}"):
        viewer.goto((site / "index.html").as_uri())
        viewer.goto((site / "x8/viewer/Deepest.html").as_uri() + address)
        assert viewer.locator("#image").evaluate("s => s.selectedIndex") == 2


def test_a_copied_address_shows_the_same_panes(viewer: Page, site: Path) -> None:
    viewer.locator("#strip button").nth(1).click()
    viewer.get_by_role("button", name="Local best", exact=True).click()
    viewer.get_by_role("button", name="Sample 2", exact=True).click()
    viewer.get_by_role("button", name="Compare with GT").click()
    viewer.get_by_role("button", name="Zoom in").click(click_count=5)
    viewer.wait_for_url("**&show=gt.lr.s0.s2&compare=gt&at=*")
    viewer.wait_for_timeout(300)
    shown, zoom, address = viewer.locator(".pane figcaption").all_text_contents(), _together(viewer), viewer.url
    viewer.goto((site / "index.html").as_uri())
    viewer.goto(address)
    assert viewer.locator(".pane figcaption").all_text_contents() == shown
    expect(viewer.locator("#strip button").nth(1)).to_have_attribute("aria-current", "true")

    def numbers(text: str) -> list[float]:
        return [float(number) for number in re.findall(r"-?[\d.]+", text)]

    assert numbers(_together(viewer)) == pytest.approx(numbers(zoom), rel=0.05, abs=8)


def test_nonsense_in_the_address_is_ignored(page: Page, site: Path) -> None:
    page.goto((site / "x8/viewer/Deepest.html").as_uri() + "#image=<b>&show=none&alone=99&at=0.0.0&compare=x")
    assert page.locator("#image").evaluate("s => s.selectedIndex") == 0
    expect(page.locator(".stage")).to_have_count(0)
    page.get_by_role("button", name="GT", exact=True).click()
    expect(page.locator(".stage")).to_have_count(1)


def test_the_next_team_shows_the_same_view(viewer: Page) -> None:
    viewer.locator("#strip button").nth(2).click()
    viewer.get_by_role("button", name="Sample 1", exact=True).click()
    viewer.wait_for_url("**show=gt.lr.s0.s1.map")
    viewer.wait_for_timeout(300)
    link = viewer.locator("a.other-team").first
    name = link.locator("bdi").text_content()
    link.click()
    expect(viewer.locator("h1")).to_have_text(f"Samples of {name}")
    expect(viewer.locator("#strip button").nth(2)).to_have_attribute("aria-current", "true")
    expect(viewer.locator(".pane figcaption b")).to_have_text(["GT", "LR", "Sample 0", "Sample 1", "Local best"])


def test_a_finger_scrolls_the_page_while_nothing_can_be_moved(viewer: Page) -> None:
    stage = viewer.locator(".stage").first
    assert stage.evaluate("e => getComputedStyle(e).touchAction") == "pan-y"
    viewer.get_by_role("button", name="Zoom in").click()
    assert stage.evaluate("e => getComputedStyle(e).touchAction") == "none"


def test_map_names_the_nearest_sample_and_shows_one_alone(viewer: Page) -> None:
    data = viewer.evaluate("JSON.parse(document.getElementById('data').textContent).images[0]")
    assert sum(sample["share"] for sample in data["samples"]) == pytest.approx(1, abs=1e-3)
    assert sorted(set(data["map"]["best"])) == [0, 1, 2, 3]
    stage = viewer.locator(".stage").last
    box = stage.bounding_box()
    assert box is not None
    viewer.mouse.move(box["x"] + 3, box["y"] + 3)
    nearest = data["map"]["best"][0]
    expect(viewer.locator("#readout")).to_have_text(f"Column 0, row 0: sample {nearest} is nearest here")
    colours = """canvas => new Set(new Uint32Array(
        canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size"""
    assert stage.locator("canvas").evaluate(colours) == 4
    viewer.locator("#legend button").first.click()
    assert viewer.locator(".stage canvas").evaluate(colours) == 2


def test_paper_shows_the_same_part(viewer: Page) -> None:
    """Paper is narrower than the window, and no script runs for it."""
    viewer.get_by_role("button", name="Zoom in").click(click_count=4)
    part = "(e) => e.getBoundingClientRect().width / e.parentElement.getBoundingClientRect().width"
    before = viewer.locator(".layer").first.evaluate(part)
    assert before > 2
    viewer.evaluate("document.getElementById('panes').style.width = '300px'")
    assert viewer.locator(".layer").first.evaluate(part) == pytest.approx(before, rel=1e-3)


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_no_picture_moves_when_samples_are_compared_with_the_gt(viewer: Page, width: int) -> None:
    """The GT's note and the sample's numbers differ in length. The panes stay where they are, at any width."""
    viewer.set_viewport_size({"width": width, "height": 900})
    for number in (1, 2, 3):
        viewer.get_by_role("button", name=f"Sample {number}", exact=True).click()
    button = viewer.get_by_role("button", name="Compare with GT")
    where = "all => all.map((one) => Object.values(one.getBoundingClientRect().toJSON()))"
    for pane in (120, 170, 220, 280, 360):
        viewer.evaluate(
            "width => document.getElementById('panes').style.setProperty('max-width', width)", f"{2 * pane}px"
        )
        before = viewer.eval_on_selector_all(".stage, .pane, #readout", where)
        texts = viewer.locator(".pane figcaption").all_text_contents()
        button.click()
        assert viewer.locator(".pane figcaption").all_text_contents() != texts
        assert viewer.eval_on_selector_all(".stage, .pane, #readout", where) == before
        button.click()


@pytest.mark.parametrize("name", ["Deepest", "compare"])
def test_without_javascript_the_pictures_are_there(browser: Browser, site: Path, name: str) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto((site / f"x8/viewer/{name}.html").as_uri())
    expect(page.locator("noscript > .why")).to_be_visible()
    pictures = page.locator(".pane img")
    assert pictures.count() == (5 * (2 + 4) if name == "Deepest" else 5 * (1 + 2))
    box = pictures.nth(2).bounding_box()
    assert box is not None
    assert box["width"] > 100
    assert box["height"] > 75
    for hidden in ("#tools", "#keys", "#map-note", "#duel-box", "#several"):
        assert not page.locator(hidden).count() or page.locator(hidden).is_hidden(), hidden
    for src in pictures.evaluate_all("all => all.map((one) => one.getAttribute('src'))"):
        assert (site / "x8/viewer" / src).is_file()
    page.close()


def test_without_javascript_charts_say_so(browser: Browser, site: Path) -> None:
    page = browser.new_page(java_script_enabled=False)
    for name in ("index", "teams/Deepest"):
        page.goto((site / f"x8/{name}.html").as_uri())
        expect(page.locator("noscript > .why")).to_be_visible()
        assert not [chart for chart in page.locator(".chart").all() if chart.is_visible()]
    page.close()
