"""A rater who answers on two devices, and one who reviews: what the page says has arrived counts."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import Browser, Page, Route

from srspace_eval.study.collect import compute_outcome
from srspace_eval.study.key import Key
from srspace_eval.study.serve import StudyServer
from tests.helpers.studies import Build

pytestmark = [
    pytest.mark.browser,
    # Playwright's event loop and pipes end with the process.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture
def small(build: Build) -> tuple[Path, Key]:
    return build(crops=1, raters=1)  # three tasks


@pytest.fixture
def server(small: tuple[Path, Key], tmp_path: Path) -> Iterator[StudyServer]:
    with StudyServer(*small, tmp_path / "answers") as server:
        yield server


@pytest.fixture
def pages(browser: Browser) -> Iterator[list[Page]]:
    """Pages of two devices."""
    contexts = [browser.new_context(viewport={"width": 1280, "height": 900}) for _ in range(2)]
    yield [context.new_page() for context in contexts]
    for context in contexts:
        context.close()


def rank_all(page: Page, *, reverse: bool = False) -> None:
    for _ in range(3):
        page.locator('#screen-task[aria-busy="false"]').wait_for()
        while page.locator("#pool .pick").count():
            page.locator("#pool .pick").nth(-1 if reverse else 0).click()
        page.click("#next")


def finish(page: Page, server: StudyServer) -> None:
    """Open the study, answer all tasks, and wait until the answers have arrived."""
    page.goto(server.links["r01"])
    page.click("#begin")
    rank_all(page)
    page.locator("#send-state", has_text="have arrived").wait_for()


def sent(folder: Path) -> list[tuple[int, int]]:
    """The revision and the number of tasks of each stored answer."""
    documents = [json.loads(path.read_text()) for path in sorted(folder.iterdir())]
    return [(document["revision"], len(document["answers"])) for document in documents]


@pytest.mark.parametrize("arrives", [True, False])
def test_a_review_that_ends_with_an_open_task_sends_nothing(
    pages: list[Page], server: StudyServer, tmp_path: Path, arrives: bool
) -> None:
    """The page said that all had arrived, and sent two of three tasks."""
    page, _ = pages
    page.goto(server.links["r01"])
    page.click("#begin")
    if not arrives:
        page.route("**/answer", lambda route: route.abort())
    rank_all(page)
    page.locator("#send-state", has_text="have arrived" if arrives else "could not be sent").wait_for()
    page.unroute("**/answer")
    page.click("#review")
    page.click("#next")
    page.locator("#ranking .take").first.click()
    page.click("#back")
    page.locator('#screen-task[aria-busy="false"]').wait_for()
    page.click("#end-review")
    assert page.inner_text("#progress-text") == "Task 2 of 3"  # the open one
    assert page.is_hidden("#screen-done")
    page.locator('#screen-task[aria-busy="false"]').wait_for()
    page.locator("#pool .pick").first.click()
    page.click("#end-review")
    page.locator("#send-state", has_text="have arrived").wait_for()
    assert sent(tmp_path / "answers") == ([(2, 3), (1, 3)] if arrives else [(2, 3)])


def test_a_tab_whose_answers_another_tab_opens_again_is_not_finished(pages: list[Page], server: StudyServer) -> None:
    page, _ = pages
    finish(page, server)
    other = page.context.new_page()
    other.goto(server.links["r01"])
    other.click("#begin")
    other.click("#review")
    other.locator('#screen-task[aria-busy="false"]').wait_for()
    other.locator("#ranking .take").first.click()
    page.bring_to_front()
    page.locator("#begin", has_text="Continue").wait_for()
    assert page.is_hidden("#screen-done")


def test_a_change_without_its_pictures_opens_the_task_again(pages: list[Page], server: StudyServer) -> None:
    page, _ = pages
    finish(page, server)
    page.route("**/images/*", lambda route: route.abort())
    page.reload()
    page.click("#begin")
    page.click("#review")
    page.click("#next")
    page.locator("#ranking .worse").first.click()
    page.click("#back")
    page.click("#end-review")
    assert page.inner_text("#progress-text") == "Task 2 of 3"
    assert page.is_hidden("#screen-done")


def test_an_answer_whose_reply_is_lost_makes_no_earlier_one_worthless(
    pages: list[Page], server: StudyServer, small: tuple[Path, Key], tmp_path: Path
) -> None:
    """Both had revision 1, ``collect`` counted neither, and the first device said that its answers had arrived."""
    one, two = pages
    answers = tmp_path / "answers"
    for page in pages:
        page.goto(server.links["r01"])
        page.click("#begin")
    rank_all(one)
    one.locator("#send-state", has_text="have arrived").wait_for()
    first = sorted(answers.iterdir())

    def lost(route: Route) -> None:
        sending = route.request
        data, kind = sending.post_data_buffer, {"Content-Type": "application/json"}
        with pytest.raises(urllib.error.HTTPError, match="409"):
            urllib.request.urlopen(urllib.request.Request(sending.url, data=data, headers=kind))
        route.abort()

    two.route("**/answer", lost)
    rank_all(two, reverse=True)
    two.locator("#send-state", has_text="could not be sent").wait_for()
    assert [a.file for a in compute_outcome(sorted(answers.iterdir()), small[1]).accepted] == [str(first[0])]
    two.unroute("**/answer")
    two.reload()
    two.locator("#trouble", has_text="Those in this browser have not").wait_for()
    two.click("#begin")
    two.locator("#send-state", has_text="have arrived").wait_for()
    assert sorted(revision for revision, _ in sent(answers)) == [1, 2]
    (accepted,) = compute_outcome(sorted(answers.iterdir()), small[1]).accepted
    assert accepted.answer.revision == 2


def test_an_answer_that_arrived_without_a_reply_is_known_on_the_next_visit(
    pages: list[Page], server: StudyServer, tmp_path: Path
) -> None:
    page, _ = pages

    def lost(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route("**/answer", lost)
    page.goto(server.links["r01"])
    page.click("#begin")
    rank_all(page)
    page.locator("#send-state", has_text="could not be sent").wait_for()
    page.reload()
    page.click("#begin")
    page.locator("#send-state", has_text="have arrived").wait_for()
    assert sent(tmp_path / "answers") == [(1, 3)]
