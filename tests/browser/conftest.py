"""Headless Chromium on a site made for these tests. Every page is watched: a console message, an uncaught error or a
request that leaves the folder fails the test that met it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

from benchmarks.inputs.boards import make_results, write_pictures
from srspace_eval.ranking import BootstrapPlan, Entry, rank
from srspace_eval.ranking.published_tables import load_published
from srspace_eval.report.html import Pictures, write_site
from srspace_eval.results.record import Result
from srspace_eval.tracks.reader import load_track
from tests.helpers.sites import NAMES


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """x8: hostile names, a study, an incomplete team, published baselines, a viewer. x4: no study, 42 teams.
    x8-2022: numbers from a table, no records."""
    out = tmp_path_factory.mktemp("site")
    x8, x4, later = load_track("x8"), load_track("x4"), load_track("x8-2022")
    results = make_results(x8, 10, 8, 4, seed=0, names=NAMES, incomplete=1, size=(72, 96))
    gt, folders, pictured = write_pictures(tmp_path_factory.mktemp("pictures"), results[:2])
    # The pictures' GTs are those of all teams.
    results = [*pictured, *(replace(result, signature=pictured[0].signature) for result in results[2:])]
    entries = [_entry(result, None if n % 4 == 3 else 2.5 + n / 7) for n, result in enumerate(results)]
    entries += [entry for entry in load_published("ntire2021-x8", "x8").entries() if entry.kind == "baseline"]
    many = [_entry(result, None) for result in make_results(x4, 42, 6, 3, seed=1)]
    plan = BootstrapPlan(replicates=200)
    values = {"lpips": 0.2, "lr_psnr": 46.0}
    table = [Entry(name, "team", {**values, "diversity": n}, "given") for n, name in enumerate(NAMES)]
    rankings = [rank(entries, x8, bootstrap=plan), rank(many, x4, bootstrap=plan), rank(table, later)]
    write_site(out, [rank(entries[1:9], x8), rank(table[1:], later)])  # an earlier board, for the history
    write_site(out, rankings, pictures={"x8": Pictures(gt, folders, images=5)})
    return out


def _entry(result: Result, mor: float | None) -> Entry:
    values = {**result.summary, "mor": None if result.incomplete else mor}
    return Entry(result.team, result.kind, values, "measured", result, result.incomplete)


@pytest.fixture
def context(browser: Browser, site: Path) -> Iterator[BrowserContext]:
    """A fresh profile, watched."""
    made = browser.new_context(viewport={"width": 1300, "height": 900})
    made.set_default_timeout(10_000)
    complaints: list[str] = []
    inside = site.as_uri()

    def said(message: ConsoleMessage) -> None:
        complaints.append(f"console {message.type}: {message.text}")

    def asked(request: Request) -> None:
        if not request.url.startswith((inside + "/", "data:", "blob:")):
            complaints.append(f"request: {request.url}")

    made.on("console", said)
    made.on("weberror", lambda error: complaints.append(f"error: {error.error}"))
    made.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
    made.on("request", asked)
    yield made
    made.close()
    assert complaints == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def board(browser: Browser) -> Iterator[Page]:
    """A page for sites of a test's own. It is not watched."""
    page = browser.new_page()
    page.set_default_timeout(10_000)
    yield page
    page.close()
