"""What tests of a whole site in a browser share: the names of its teams, and waiting until its charts are drawn."""

from __future__ import annotations

from playwright.sync_api import Page

HOSTILE = '<script>alert(1)</script>"&'
NAMES = ("Deepest", HOSTILE, "con", "\u202eesrever", "../../up", "a" * 300, "שלום", "%{x}<b>bold</b>")


def wait_for_charts(page: Page) -> None:
    """Return when every chart of the page is drawn."""
    page.wait_for_selector("html[data-charts=drawn]", state="attached")
