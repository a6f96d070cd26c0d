"""Pages of tests in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, Request


@contextmanager
def watched_page(browser: Browser) -> Iterator[Page]:
    """A page in a new profile. In the end, a script error, a file that was not found or a request to another server
    fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    page = context.new_page()
    trouble: list[str] = []

    def failed(request: Request) -> None:
        # A reload stops the loading of pictures.
        if request.failure != "net::ERR_ABORTED":
            trouble.append(f"{request.url}: {request.failure}")

    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("requestfailed", failed)
    page.on("request", lambda r: trouble.append(r.url) if "127.0.0.1" not in r.url and r.url[:4] == "http" else None)
    yield page
    context.close()
    assert trouble == []


def open_at(page: Page, address: Path, size: tuple[int, int]) -> None:
    """Open a file in a window of a width and a height in pixels."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(address.as_uri())
