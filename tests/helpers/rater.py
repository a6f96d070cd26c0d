"""A rater of the study, driven in a browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from srspace_eval.study.key import Key


class Rater:
    """Operates the page, knows the methods, and ranks them by number."""

    def __init__(self, page: Page, key: Key) -> None:
        self.page, self.key = page, key

    def place_of(self, item: str) -> int:
        """The item's rank: its method's index, or its level in an obvious task."""
        (held,) = {
            held
            for task in self.key.tasks.values()
            for other, held in zip(task.items, task.holds, strict=True)
            if other == item
        }
        return held

    def pool(self) -> list[str]:
        """The unranked items in the order of the page."""
        return [str(card.get_attribute("data-item")) for card in self.page.locator("#pool .card").all()]

    def ranking(self) -> list[str]:
        return [str(card.get_attribute("data-item")) for card in self.page.locator("#ranking .card").all()]

    def best_first(self) -> list[str]:
        self.page.locator('#screen-task[aria-busy="false"]').wait_for()  # a task cannot be finished before
        return sorted(self.pool(), key=self.place_of)

    def focused(self) -> str:
        """The id of the focused item or element."""
        return str(
            self.page.evaluate("document.activeElement.closest('.card')?.dataset.item ?? document.activeElement.id")
        )

    def rank_by_keyboard(self) -> None:
        """Move to the best remaining item with the arrow keys and press Enter; then press Enter on Next."""
        for item in self.best_first():
            self.arrow_to(item)
            self.page.keyboard.press("Enter")
        assert self.focused() == "next"
        self.page.keyboard.press("Enter")

    def arrow_to(self, item: str) -> None:
        pool = self.pool()
        step = pool.index(item) - pool.index(self.focused())
        for _ in range(abs(step)):
            self.page.keyboard.press("ArrowRight" if step > 0 else "ArrowLeft")
        assert self.focused() == item

    def rank_by_dragging(self) -> None:
        """Drag the worst item into the ranking, then each better item before the first."""
        for item in reversed(self.best_first()):
            self.drag(item, before=self.ranking()[0] if self.ranking() else None)
        self.page.click("#next")

    def drag(self, item: str, before: str | None) -> None:
        start = self.page.locator(f'[data-item="{item}"] img').bounding_box()
        card = f'[data-item="{before}"] img' if before else "#ranking"
        end = self.page.locator(card).bounding_box()
        assert start is not None
        assert end is not None
        mouse = self.page.mouse
        mouse.move(start["x"] + 20, start["y"] + 20)
        mouse.down()
        mouse.move(start["x"] + 40, start["y"] + 10, steps=3)
        mouse.move(end["x"] + 8, end["y"] + 30, steps=5)
        mouse.up()

    def saved(self, button: str, folder: Path) -> Path:
        """Press a button that saves answers as a file."""
        with self.page.expect_download() as caught:
            self.page.click(button)
        path = folder / caught.value.suggested_filename
        caught.value.save_as(path)
        return path


def document(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found
