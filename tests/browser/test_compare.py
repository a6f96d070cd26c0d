"""Team against team in a browser: the slider, several teams, the exact region, and an address that keeps it all."""

from __future__ import annotations

import io
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from benchmarks.inputs.boards import make_results, write_pictures
from srspace_eval._utils.png import read_rgb
from srspace_eval._utils.untrusted_text import slug
from srspace_eval.ranking import Entry, rank
from srspace_eval.report.html import Pictures, write_site
from srspace_eval.tracks.reader import load_track
from tests.helpers.sites import HOSTILE

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
    page.wait_for_url("**slider=70*teams=*")
    page.wait_for_timeout(300)
    address, rows = page.url, page.locator("#rows figure").count()
    page.goto((site / "index.html").as_uri())
    page.goto(address)
    assert page.locator("#image").evaluate("e => e.selectedIndex") == 1
    assert page.locator("#left").input_value() == "gt"
    assert page.locator("#slider").input_value() == "70"
    assert page.locator("#rows figure").count() == rows
    assert "GT" in str(page.locator("#left-note").text_content())


def test_the_address_names_images_and_teams(page: Page, site: Path) -> None:
    """It stays right if the board's order or the choice of images changes."""
    page.goto((site / "x8/viewer/compare.html").as_uri())
    page.locator("#after").click()
    second = page.locator("#image option").nth(1).text_content()
    page.wait_for_url(f"**#image={second}&*")
    words = page.url.split("#")[1].split("&")
    assert {word.split("=")[0] for word in words} == {"image", "left", "right", "slider", "sample", "teams"}
    assert "left=Deepest.0" in words or "right=Deepest.0" in words
    page.locator(".stage").first.focus()
    for _ in range(6):
        page.keyboard.press("+")
    page.wait_for_url("**&at=*")
    address = ""
    while address != page.url:  # the address follows some time after the last key
        address = page.url
        page.wait_for_timeout(500)
    zoom = page.locator("#zoom").text_content()
    page.goto((site / "index.html").as_uri())
    page.goto(address)
    assert abs(int(str(zoom).strip("%")) - int(str(page.locator("#zoom").text_content()).strip("%"))) <= 30


def test_a_team_page_leads_to_its_comparison(page: Page, site: Path) -> None:
    page.goto((site / f"x8/teams/{slug(HOSTILE)}.html").as_uri())
    page.get_by_role("link", name="Compare with other teams").click()
    expect(page.locator("#left-note b")).to_have_text(f"{HOSTILE}, sample 0")
    expect(page.locator("#right-note b")).to_have_text("Deepest, sample 0")
    page.locator("#right-note a").click()
    expect(page.locator("h1")).to_have_text("Samples of Deepest")


def test_the_grip_moves_the_border(page: Page, site: Path) -> None:
    page.goto((site / "x8/viewer/compare.html").as_uri())
    grip, stage = page.locator(".grip").bounding_box(), page.locator("#duel .stage").bounding_box()
    assert grip is not None
    assert stage is not None
    page.mouse.move(grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2)
    page.mouse.down()
    page.mouse.move(stage["x"] + stage["width"] / 4, grip["y"], steps=3)
    page.mouse.up()
    assert page.locator("#slider").input_value() == "25"
    assert page.locator("#line").evaluate("e => e.style.left") == "25%"
    slider = page.locator("#slider").bounding_box()
    assert slider is not None
    assert abs(slider["width"] - stage["width"]) < 2, "the slider is as wide as the picture"


def test_nonsense_in_the_address_is_ignored(page: Page, site: Path) -> None:
    page.goto((site / "x8/viewer/compare.html").as_uri() + "#image=99&left=<b>&right=9.9&slider=x&at=1.2&teams=7..a")
    expect(page.locator("#duel .stage")).to_have_count(1)
    assert page.locator("#image").evaluate("e => e.selectedIndex") == 0


@pytest.mark.parametrize("name", ["compare", "Team-01-93736822"])
def test_zooming_in_shows_the_exact_pixels(page: Page, large: Path, name: str) -> None:
    page.goto((large / f"x8/viewer/{name}.html").as_uri())
    page.get_by_role("button", name="Exact region").click()
    exact = page.locator(".stage .exact").first
    expect(exact).to_be_visible()
    page.wait_for_function("document.querySelector('.stage .exact').naturalWidth === 256")
    expect(page.locator("#state")).to_have_text("These are the measured pixels.")
    box, stage = exact.bounding_box(), page.locator(".stage").first.bounding_box()
    assert box is not None
    assert stage is not None
    assert box["x"] <= stage["x"] + 1, "the region fills the pane"
    assert box["x"] + box["width"] >= stage["x"] + stage["width"] - 1
    page.get_by_role("button", name="Fit").click()
    if page.evaluate("devicePixelRatio") * stage["width"] / 528 < 0.7:
        expect(exact).to_be_hidden()


@pytest.mark.parametrize("ratio", [1, 2, 3])
@pytest.mark.parametrize("button", ["1:1", "Exact region"])
def test_the_pixels_on_the_screen_are_those_of_the_file(browser: Browser, large: Path, ratio: int, button: str) -> None:
    """Each pixel of the file is a square of whole size on the screen, and nothing is blurred."""
    size = {"width": 1200 // ratio, "height": 900 // ratio}
    page = browser.new_page(viewport=size, device_scale_factor=ratio)
    page.goto((large / "x8/viewer/Team-01-93736822.html").as_uri() + "#show=gt.lr.s0")
    page.get_by_role("button", name=button).click()
    page.wait_for_function("document.querySelector('.stage .exact').naturalWidth === 256")
    page.locator(".stage").first.scroll_into_view_if_needed()
    page.wait_for_timeout(200)
    exact, pane = page.locator(".exact").first.bounding_box(), page.locator(".stage").first.bounding_box()
    assert exact is not None
    assert pane is not None
    scale = exact["width"] * ratio / 256
    assert scale == pytest.approx(round(scale), abs=1e-3)
    file = page.locator(".exact").first.evaluate("img => img.src.slice(img.src.indexOf('/x8/') + 1)")
    pixels = read_rgb(large / file)
    seen = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))

    def range_of(axis: str, length: str, limit: int) -> np.ndarray:
        first = max(exact[axis], pane[axis], 0) * ratio
        last = min(exact[axis] + exact[length], pane[axis] + pane[length], limit / ratio) * ratio
        return np.arange(int(first) + 8, int(last) - 8)

    rows, columns = range_of("y", "height", seen.shape[0]), range_of("x", "width", seen.shape[1])
    assert min(len(rows), len(columns)) > 100
    wrong = []
    for down, right in product((-1, 0, 1), repeat=2):  # the corner lies between two pixels of the screen
        y = np.floor((rows + 0.5 + down - exact["y"] * ratio) / scale).astype(int)
        x = np.floor((columns + 0.5 + right - exact["x"] * ratio) / scale).astype(int)
        wrong.append((pixels[np.ix_(y, x)] != seen[np.ix_(rows, columns)]).mean())
    assert min(wrong) == 0
    page.close()


def test_the_line_below_says_what_is_seen_and_a_frame_tells_the_preview_apart(page: Page, large: Path) -> None:
    for name, panes in (("compare", 4), ("Team-01-93736822", 2)):
        page.goto((large / f"x8/viewer/{name}.html").as_uri())
        page.evaluate("document.querySelector('main').style.width = '700px'; dispatchEvent(new Event('resize'))")
        state, frames = page.locator("#state"), page.locator(".exact-frame:visible")
        page.get_by_role("button", name="1:1").click()
        near = "Inside the frame are the measured pixels, around it is a preview."
        if state.text_content() != "These are the measured pixels.":
            expect(state).to_have_text(near)
            assert frames.count() >= 1
        page.get_by_role("button", name="Exact region").click()
        expect(state).to_have_text("These are the measured pixels.")
        expect(page.locator(".stage").first.locator(".exact-frame")).to_be_hidden()
        page.locator(".stage").first.focus()
        for _ in range(4):
            page.keyboard.press("ArrowRight")
        expect(state).to_have_text(near)
        assert 1 <= frames.count() <= panes
        for _ in range(20):
            page.keyboard.press("ArrowRight")
        for _ in range(20):
            page.keyboard.press("ArrowDown")
        crop = page.evaluate("JSON.parse(document.getElementById('data').textContent).images[0].crop")
        if crop["x"] + crop["side"] < 400 and crop["y"] + crop["side"] < 400:
            expect(state).to_have_text("This is a preview. “Exact region” shows measured pixels.")
            assert frames.count() == 0
