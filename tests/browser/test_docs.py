"""The documentation's pages in Chromium. ``$SRSPACE_EVAL_DOCS`` names the built site, as ``.ci/run`` sets it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

BUILT = os.environ.get("SRSPACE_EVAL_DOCS")
PAGES = (
    "index.html",
    "guides/quickstart.html",
    "concepts/diversity.html",
    "concepts/bicubic.html",
    "reference/commands.html",
    "reference/api/metrics-as-functions.html",
    "challenges/table-ntire2021-x4.html",
)
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}

pytestmark = [pytest.mark.browser, pytest.mark.skipif(BUILT is None, reason="the documentation is not built")]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 1440), ("dark", 390)])
def test_pages_are_accessible_fit_and_request_nothing_from_elsewhere(browser: Browser, scheme: str, width: int) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = context.new_page()
    outside: list[str] = []
    page.on("request", lambda asked: outside.append(asked.url) if asked.url.startswith("http") else None)
    faults = {}
    for name in PAGES:
        page.goto((Path(str(BUILT)).resolve() / name).as_uri())
        violations = [found["id"] for found in Axe().run(page, options=RULES).response["violations"]]
        overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if violations or overflow > 0:
            faults[name] = (violations, overflow)
    context.close()
    assert (faults, outside) == ({}, [])
