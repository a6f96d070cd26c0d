"""A page with several tables: each is sorted and filtered alone, on a desk and on a telephone."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from srspace_eval.ranking import rank
from srspace_eval.report.html import write_site

pytestmark = pytest.mark.browser


@pytest.fixture(scope="session")
def address(site: Path) -> str:
    """Efficient SR 2022: three rankings, eight excluded entries, two baselines."""
    write_site(site / "several", [rank(None, "esr-2022", published="esr-2022", bootstrap=None)])
    return (site / "several/esr-2022/index.html").as_uri()


def _teams(page: Page, board: str) -> list[str]:
    rows = f"#{board} tbody tr:not([hidden])"
    names: list[str] = page.eval_on_selector_all(rows, "rows => rows.map((row) => row.dataset.name)")
    return names


BOARDS = ("board", "board-sub1", "board-sub2")


def test_each_table_is_filtered_and_sorted_alone(page: Page, address: str) -> None:
    page.goto(address)
    before = {board: _teams(page, board) for board in BOARDS}
    assert [len(teams) for teams in before.values()] == [45, 45, 45]
    assert [before[board][0] for board in BOARDS] == ["ByteESR", "XPixel", "NEESR"]

    page.locator("#filter-sub1").fill("team")
    shown = _teams(page, "board-sub1")
    assert shown == [name for name in before["board-sub1"] if "team" in name.casefold()]
    page.locator("#filter-sub1").fill("")

    page.locator('form[data-for="board-sub2"]').get_by_label("Not ranked").uncheck()
    assert len(_teams(page, "board-sub2")) == 37

    page.locator("#board thead th").filter(has_text="Parameters").get_by_role("button").click()
    assert _teams(page, "board")[:2] == ["XPixel", "VAP"]
    assert _teams(page, "board-sub1") == before["board-sub1"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_the_page_is_not_wider_than_the_window(page: Page, address: str, width: int, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(address)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    # The column that decides is visible without scrolling.
    for board in BOARDS:
        cell = page.locator(f"#{board} thead th").nth(2).bounding_box()
        assert cell is not None
        assert cell["x"] < width
