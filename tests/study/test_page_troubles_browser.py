"""The raters' page when something fails: pictures, the browser's storage, the way to the server."""

from __future__ import annotations

import json
import shutil
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

Study = tuple[Path, Key]

FILL = """() => {
  let text = "x".repeat(1 << 20), number = 0;
  while (text.length) {
    try { localStorage.setItem(`filler${number++}`, text); } catch { text = text.slice(0, text.length >> 1); }
  }
}"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in a new profile. A script error fails the test; failed requests are part of it."""
    errors: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert errors == []


@pytest.fixture
def small(build: Build) -> Study:
    return build(crops=1, raters=1)  # three tasks


@pytest.fixture
def server(small: Study, tmp_path: Path) -> Iterator[StudyServer]:
    with StudyServer(*small, tmp_path / "answers") as server:
        yield server


def rank(page: Page) -> None:
    """Rank all pieces of the task, once they are there."""
    page.locator('#screen-task[aria-busy="false"]').wait_for()
    while page.locator("#pool .pick").count():
        page.locator("#pool .pick").first.click()


def rank_all(page: Page) -> None:
    for _ in range(3):
        rank(page)
        page.click("#next")


def test_answers_that_did_not_arrive_are_sent_when_the_page_is_opened_again(
    page: Page, server: StudyServer, tmp_path: Path
) -> None:
    answers = tmp_path / "answers"
    page.goto(server.links["r01"])
    page.click("#begin")
    shutil.rmtree(answers)
    rank_all(page)
    page.locator("#send-state", has_text="could not be sent").wait_for()
    page.goto("about:blank")
    page.goto(server.links["r01"])
    page.click("#begin")
    page.locator("#send-state", has_text="could not be sent").wait_for()
    assert page.is_visible("#send")
    assert "are now sent" not in page.inner_text("#done-text")
    answers.mkdir()
    page.reload()
    page.click("#begin")
    page.locator("#send-state", has_text="have arrived").wait_for()
    assert page.is_hidden("#send")
    assert [path.name for path in answers.iterdir()] == ["r01.json"]
    # A change in a review, after which the page is closed: the next visit sends it.
    page.click("#review")
    page.locator("#ranking .worse").first.click()
    page.goto("about:blank")
    page.goto(server.links["r01"])
    page.click("#begin")
    page.locator("#send-state", has_text="have arrived").wait_for()
    assert json.loads((answers / "r01-2.json").read_text())["revision"] == 2


def test_a_server_that_never_replies_is_told(page: Page, server: StudyServer, tmp_path: Path) -> None:
    """The page said "Sending", without a button, until the rater loaded it again."""
    silent: list[Route] = []
    page.clock.install()
    page.route("**/answer", lambda route: route.continue_() if silent else silent.append(route))
    page.goto(server.links["r01"])
    page.click("#begin")
    rank_all(page)
    page.locator("#send-state", has_text="Sending").wait_for()
    page.clock.fast_forward(121_000)
    page.locator("#send-state", has_text="could not be sent (the server has not replied)").wait_for()
    page.click("#send")
    page.locator("#send-state", has_text="have arrived").wait_for()
    assert [path.name for path in (tmp_path / "answers").iterdir()] == ["r01.json"]


def test_a_review_reaches_every_task_and_can_end_early(page: Page, server: StudyServer) -> None:
    page.goto(server.links["r01"])
    page.click("#begin")
    rank_all(page)
    page.locator("#send-state", has_text="have arrived").wait_for()
    page.click("#review")
    for number in (1, 2, 3):
        assert page.inner_text("#progress-text") == f"Task {number} of 3"
        page.click("#next")
    assert page.inner_text("#done-heading") == "Thank you, you have finished"
    page.click("#review")
    page.click("#next")
    page.click("#end-review")
    assert page.inner_text("#done-heading") == "Thank you, you have finished"
    assert "have arrived" in page.inner_text("#send-state")


@pytest.mark.parametrize("task", ["rank", "rate"])
def test_a_task_whose_pictures_have_not_loaded_cannot_be_finished(
    page: Page, build: Build, tmp_path: Path, task: str
) -> None:
    study = build(task=task, crops=1, raters=1)
    failing = [True]

    def answer(route: Route) -> None:
        if failing[0]:
            route.abort()
        else:
            route.continue_()

    with StudyServer(*study, tmp_path / "answers") as server:
        page.route("**/images/*.png", answer)
        page.goto(server.links["r01"])
        page.click("#begin")
        page.locator("#trouble", has_text="has not loaded").wait_for()
        if task == "rank":
            while page.locator("#pool .pick").count():
                page.locator("#pool .pick").first.click(force=True)
        else:
            page.keyboard.press("3")
        page.click("#next", force=True)
        assert page.inner_text("#progress-text").startswith("Task 1 of")
        # The page asks again by itself.
        failing[0] = False
        page.locator('#screen-task[aria-busy="false"]').wait_for()
        page.locator("#trouble").wait_for(state="hidden")
        if task == "rate":
            page.keyboard.press("3")
        page.click("#next")
        assert page.inner_text("#progress-text").startswith("Task 2 of")


def test_a_full_storage_is_told_at_once(page: Page, server: StudyServer, tmp_path: Path) -> None:
    page.goto(server.links["r01"])
    page.click("#begin")
    rank(page)
    page.evaluate(FILL)
    page.click("#next")
    rank(page)
    page.locator("#trouble", has_text="does not store your answers now").wait_for()
    assert page.inner_text("#progress-text") == "Task 2 of 3"
    # The answers are still sent, and the notice goes when there is room again.
    page.click("#next")
    page.evaluate(
        "() => Object.keys(localStorage).forEach((key) => key.startsWith('filler') && localStorage.removeItem(key))"
    )
    rank(page)
    page.locator("#trouble").wait_for(state="hidden")
    page.click("#next")
    page.locator("#send-state", has_text="have arrived").wait_for()
    (stored,) = (tmp_path / "answers").glob("*.json")
    assert len(json.loads(stored.read_bytes())["answers"]) == 3


def test_a_stored_place_behind_the_last_task_is_the_last_task(page: Page, small: Study, server: StudyServer) -> None:
    page.goto(server.links["r01"])
    text = json.dumps({"version": 1, "at": 99, "tasks": {}})
    page.evaluate("([name, text]) => localStorage.setItem(name, text)", [f"srspace-eval/{small[1].study}/r01", text])
    page.reload()
    page.click("#begin")
    assert page.inner_text("#progress-text") == "Task 3 of 3"


def test_a_tab_that_could_not_store_does_not_replace_later_work(
    page: Page, server: StudyServer, tmp_path: Path
) -> None:
    """One tab cannot write. Another does all tasks and sends them. Then the first writes again."""
    page.goto(server.links["r01"])
    page.click("#begin")
    rank(page)
    page.evaluate("() => { window.kept = Storage.prototype.setItem; Storage.prototype.setItem = () => { throw 0; }; }")
    page.click("#next")
    rank(page)
    page.locator("#trouble", has_text="does not store your answers now").wait_for()
    other = page.context.new_page()
    other.goto(server.links["r01"])
    other.click("#begin")
    while other.is_hidden("#screen-done"):
        rank(other)
        other.click("#next")
    other.locator("#send-state", has_text="have arrived").wait_for()
    page.evaluate("() => { Storage.prototype.setItem = window.kept; }")
    page.locator("#ranking .worse").first.click()
    stored = page.evaluate("() => JSON.parse(localStorage.getItem(Object.keys(localStorage)[0]))")
    assert len(stored["tasks"]) == 3
    assert all(task["done"] for task in stored["tasks"].values())
    assert (stored["revision"], stored["sent"]) == (2, False)
    other.reload()
    other.click("#begin")
    other.locator("#send-state", has_text="have arrived").wait_for()
    revisions = [json.loads(path.read_text())["revision"] for path in sorted((tmp_path / "answers").iterdir())]
    assert sorted(revisions) == [1, 2]


def test_what_one_tab_could_not_store_is_kept_beside_the_work_of_another(page: Page, server: StudyServer) -> None:
    page.goto(server.links["r01"])
    page.click("#begin")
    done = page.evaluate("""() => {
      const code = readCode(window.STUDY_SESSION.code, window.STUDY);
      const screen = { width: 9, height: 9, scale: 100, ratio: 1 };
      const order = (progress, index) => progress.items(index).map((item) => [item]);
      const [one, two] = [new Progress(window.STUDY, code), new Progress(window.STUDY, code)];
      const kept = Storage.prototype.setItem;
      Storage.prototype.setItem = () => { throw 0; };
      one.record(0, order(one, 0), 1, screen, true);
      one.issue();
      Storage.prototype.setItem = kept;
      two.record(1, order(two, 1), 1, screen, true);
      two.issue();
      one.record(2, order(one, 2), 1, screen, true);
      two.sync();
      return [one.done, two.done, one.data.revision, one.data.sent, one.data.issued];
    }""")
    assert done == [3, 3, 2, False, False]


def test_a_picture_is_not_asked_for_again_when_another_is_shown(page: Page, server: StudyServer) -> None:
    """It was: two tasks whose pictures had failed equally often, and the first picture then replaced the second."""
    page.goto(server.links["r01"])
    page.route("**/images/*", lambda route: route.abort())
    asked = page.evaluate("""async () => {
      const asked = [], image = new Image(), pictures = new Pictures(() => {});
      const src = Object.getOwnPropertyDescriptor(HTMLImageElement.prototype, "src");
      Object.defineProperty(image, "src", { set(name) { asked.push(name); src.set.call(image, name); } });
      pictures.show(image, "first");
      await new Promise((done) => setTimeout(done, 200));
      pictures.begin();
      pictures.show(image, "second");
      await new Promise((done) => setTimeout(done, 900));
      return asked;
    }""")
    assert asked == ["images/first.png", "images/second.png", "images/second.png"]


BLOCKED = "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('', 'SecurityError'); } })"
FULL = "Storage.prototype.setItem = () => { throw new DOMException('', 'QuotaExceededError'); }"


@pytest.mark.parametrize("script", [BLOCKED, FULL])
def test_a_look_at_the_help_loses_nothing_where_nothing_is_stored(page: Page, server: StudyServer, script: str) -> None:
    """It did: the help made the progress anew from the storage, which had nothing."""
    page.add_init_script(script)
    page.goto(server.links["r01"])
    page.click("#begin")
    for _ in range(2):
        rank(page)
        page.click("#next")
    rank(page)
    page.click("#show-help")
    assert "2 of 3" in page.inner_text("#facts")
    assert "does not store" in page.inner_text("#trouble")
    page.click("#begin")
    assert page.inner_text("#progress-text") == "Task 3 of 3"
    assert page.locator("#ranking .card").count() == 3
    page.click("#next")
    page.locator("#send-state", has_text="have arrived").wait_for()


def test_no_change_of_the_address_loses_what_is_not_stored(page: Page, build: Build) -> None:
    folder, key = build(crops=1, raters=2)
    first, second = (f"{name}-{rater.token}" for name, rater in key.raters.items())
    page.add_init_script(BLOCKED)
    page.goto(f"{(folder / 'index.html').as_uri()}#{first}")
    page.click("#begin")
    rank(page)
    page.click("#next")
    # The link "Skip to the task" changed the address, which holds the code.
    page.locator(".skip").focus()
    page.keyboard.press("Enter")
    assert page.url.endswith(first)
    assert page.inner_text("#progress-text") == "Task 2 of 3"
    for code, done in ((second, 0), ("nonsense", None), (first, 1)):
        page.evaluate("(code) => { location.hash = code; }", code)
        page.locator("#screen-start").wait_for()
        if done is not None:
            page.locator("#begin", has_text="Continue" if done else "Start").wait_for()
    page.click("#begin")
    assert page.inner_text("#progress-text") == "Task 2 of 3"


@pytest.mark.parametrize("script", [None, FULL])
def test_the_browser_asks_before_it_closes_a_page_whose_answers_are_nowhere_else(
    page: Page, server: StudyServer, script: str | None
) -> None:
    if script:
        page.add_init_script(script)
    page.goto(server.links["r01"])
    page.click("#begin")
    asks = "() => !dispatchEvent(new Event('beforeunload', { cancelable: true }))"
    assert not page.evaluate(asks)
    rank(page)
    assert page.evaluate(asks) is bool(script)
    page.click("#next")
    for _ in range(2):
        rank(page)
        page.click("#next")
    page.locator("#send-state", has_text="have arrived").wait_for()
    assert not page.evaluate(asks)


@pytest.mark.parametrize("together", [False, True])
def test_a_rater_who_answers_in_two_browsers_counts(
    browser: Browser, small: Study, server: StudyServer, tmp_path: Path, together: bool
) -> None:
    """The later answer counts. Both had revision 1, and neither counted."""
    pages = [browser.new_context().new_page() for _ in range(2)]
    told = []
    try:
        if together:
            for page in pages:
                page.goto(server.links["r01"])
        for page in pages:
            if not together:
                page.goto(server.links["r01"])
            told.append("arrived before" in page.inner_text("#trouble"))
            page.click("#begin")
            assert page.is_hidden("#trouble")
            for _ in range(3):
                rank(page)
                if page is pages[1]:
                    page.locator("#ranking .worse").first.click()
                page.click("#next")
            page.locator("#send-state", has_text="have arrived").wait_for()
    finally:
        for page in pages:
            page.context.close()
    assert told == [False, not together]
    files = sorted((tmp_path / "answers").iterdir())
    answers = {path: json.loads(path.read_text()) for path in files}
    assert len(files) == 2
    (accepted,) = compute_outcome(files, small[1]).accepted
    latest = max(files, key=lambda path: answers[path]["revision"])
    assert accepted.file == str(latest)
    assert answers[latest]["answers"] != answers[tmp_path / "answers" / "r01.json"]["answers"]


def test_answers_of_an_earlier_visit_do_not_replace_those_of_another_browser_unasked(
    browser: Browser, server: StudyServer, tmp_path: Path
) -> None:
    first, second = (browser.new_context().new_page() for _ in range(2))
    try:
        first.goto(server.links["r01"])
        first.click("#begin")
        first.route("**/answer", lambda route: route.abort())
        rank_all(first)
        first.locator("#send-state", has_text="could not be sent").wait_for()
        second.goto(server.links["r01"])
        second.click("#begin")
        rank_all(second)
        second.locator("#send-state", has_text="have arrived").wait_for()
        first.unroute("**/answer")
        first.reload()
        first.locator("#begin", has_text="Go to your answers").wait_for()
        first.wait_for_timeout(300)
        assert [path.name for path in (tmp_path / "answers").iterdir()] == ["r01.json"]
    finally:
        first.context.close()
        second.context.close()


def test_a_correction_that_was_not_sent_is_sent_by_the_next_visit_alone(
    page: Page, server: StudyServer, tmp_path: Path
) -> None:
    page.goto(server.links["r01"])
    page.click("#begin")
    rank_all(page)
    page.locator("#send-state", has_text="have arrived").wait_for()
    page.click("#review")
    page.locator("#ranking .worse").first.click()
    with page.expect_response("**/answer") as reply:
        page.reload()
    assert reply.value.status == 201
    assert json.loads((tmp_path / "answers" / "r01-2.json").read_text())["revision"] == 2
