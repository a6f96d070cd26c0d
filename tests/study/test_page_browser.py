from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import Browser, Page

from srspace_eval.cli import main
from srspace_eval.study.answers import parse_answer
from srspace_eval.study.collect import compute_outcome
from srspace_eval.study.key import Key
from srspace_eval.study.options import CollectOptions
from srspace_eval.study.report import write_outcome
from srspace_eval.study.serve import StudyServer
from tests.helpers.browsing import watched_page
from tests.helpers.rater import Rater, document
from tests.helpers.studies import Build

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

pytestmark = [
    pytest.mark.browser,
    # Playwright's event loop and pipes end with the process.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

Study = tuple[Path, Key]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in a new profile. A script error or a network request fails the test."""
    with watched_page(browser) as page:
        yield page


def link(study: Study, rater: str = "r01") -> str:
    folder, key = study
    return f"{(folder / 'index.html').as_uri()}#{rater}-{key.raters[rater].token}"


def facts(page: Page) -> str:
    return " ".join(page.inner_text("#facts").split())


def test_a_study_by_keyboard_and_by_pointer_gives_a_leaderboard(
    browser: Browser, page: Page, study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = study[1]
    # r01 uses the keyboard alone, from the first screen to the saved file, and reloads in the middle.
    rater = Rater(page, key)
    page.goto(link(study))
    assert "8 tasks" in facts(page)
    page.keyboard.press("Enter")
    for done in range(8):
        assert page.inner_text("#progress-text") == f"Task {done + 1} of 8"
        if done == 3:
            first = rater.best_first()[0]
            rater.arrow_to(first)
            page.keyboard.press("Enter")
            page.reload()
            assert "3 of 8 tasks done" in facts(page)
            page.keyboard.press("Enter")
            assert page.inner_text("#progress-text") == "Task 4 of 8"
            assert rater.ranking() == [first]
        rater.rank_by_keyboard()
    assert page.inner_text("#done-heading") == "Thank you, you have finished"
    page.keyboard.press("Tab")
    assert rater.focused() == "save"
    with page.expect_download() as caught:
        page.keyboard.press("Enter")
    first_file = tmp_path / caught.value.suggested_filename
    caught.value.save_as(first_file)
    assert first_file.name == f"answers-r01-{key.study[:8]}.json"

    # r02 uses the mouse alone.
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    second = Rater(context.new_page(), key)
    second.page.goto(link(study, "r02"))
    second.page.click("#begin")
    for _ in range(8):
        second.rank_by_dragging()
    second_file = second.saved("#save", tmp_path)
    context.close()

    outcome = compute_outcome([first_file, second_file], key)
    assert outcome.rejected == ()
    assert outcome.mor.tolist() == [1, 2, 3]
    assert outcome.agreement.overall == 1
    seconds = [answer["seconds"] for answer in document(first_file)["answers"]]  # keys may take under 50 ms here
    assert min(seconds) >= 0
    assert sum(seconds) > 0
    assert first_file.stat().st_size < 4000

    write_outcome(outcome, tmp_path)
    table = tmp_path / "teams.csv"
    rows = [f"{name},team,0.2,50,{20 - i},\n" for i, name in enumerate(key.entries)]
    table.write_text("team,kind,lpips,lr_psnr,diversity,mor\n" + "".join(rows))
    with pytest.raises(SystemExit) as caught_exit:
        main(["rank", "--track", "x4", "--table", str(table), "--mor", str(tmp_path / "MOR.csv"), "--json"])
    assert caught_exit.value.code == 0
    ranked = json.loads(capsys.readouterr().out)["rows"]
    assert [(row["team"], row["mor"], row["final_rank"]) for row in ranked] == [
        (name, i, i) for i, name in enumerate(key.entries, start=1)
    ]


def test_ranked_pieces_move_by_keys_and_by_buttons(page: Page, study: Study) -> None:
    rater = Rater(page, study[1])
    page.goto(link(study))
    page.click("#begin")
    a, b, c = rater.pool()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.keyboard.press("1")  # the last one gets rank 1
    assert rater.ranking() == [c, a, b]
    page.focus(f'[data-item="{c}"] .pick')
    page.keyboard.press("Shift+ArrowRight")
    assert rater.ranking() == [a, c, b]
    assert rater.focused() == c
    page.keyboard.press("3")
    assert rater.ranking() == [a, b, c]
    page.keyboard.press("Delete")
    assert (rater.ranking(), rater.pool()) == ([a, b], [c])
    assert rater.focused() == b
    page.click(f'[data-item="{b}"] .better')
    assert rater.ranking() == [b, a]
    # The button is now disabled, and the focus is on its card.
    assert rater.focused() == b
    page.click(f'[data-item="{b}"] .take')
    assert (rater.ranking(), rater.pool()) == ([a], [b, c])
    page.click(f'[data-item="{c}"] .pick')
    rater.drag(c, before=a)
    assert page.locator(f'[data-item="{c}"] .pick').get_attribute("aria-label") == "Rank 1: piece C"
    # A task cannot be finished while pieces are left, and the page tells why.
    page.click("#next", force=True)
    assert page.inner_text("#progress-text") == "Task 1 of 8"
    assert page.inner_text("#said") == "Still to rank: 1"


def test_dropping_outside_changes_nothing_and_escape_ends_a_drag(page: Page, study: Study) -> None:
    rater = Rater(page, study[1])
    page.goto(link(study))
    page.click("#begin")
    before = rater.pool()
    box = page.locator("#pool img").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 9, box["y"] + 9)
    page.mouse.down()
    page.mouse.move(600, 20, steps=4)
    assert page.locator(".ghost").count() == 1
    page.mouse.up()
    assert (rater.pool(), rater.ranking(), page.locator(".ghost").count()) == (before, [], 0)
    page.mouse.move(box["x"] + 9, box["y"] + 9)
    page.mouse.down()
    page.mouse.move(box["x"] + 9, box["y"] - 60, steps=4)
    page.keyboard.press("Escape")
    page.mouse.up()
    assert (rater.pool(), rater.ranking()) == (before, [])


def test_a_finger_taps_and_drags_after_resting(browser: Browser, study: Study) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    page = context.new_page()
    rater = Rater(page, study[1])
    page.goto(link(study))
    page.tap("#begin")
    a, b, c = rater.pool()
    page.tap(f'[data-item="{a}"] .pick')
    assert rater.ranking() == [a]
    # A long press and a move, as input events of the browser.
    cdp = context.new_cdp_session(page)

    def touch(kind: str, x: float, y: float) -> None:
        points = [] if kind == "touchEnd" else [{"x": x, "y": y}]
        cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    page.locator(f'[data-item="{b}"]').scroll_into_view_if_needed()
    start = page.locator(f'[data-item="{b}"] img').bounding_box()
    end = page.locator(f'[data-item="{a}"] img').bounding_box()
    assert start is not None
    assert end is not None
    touch("touchStart", start["x"] + 20, start["y"] + 20)
    page.wait_for_selector(".ghost", state="attached")
    for part in range(1, 6):
        touch(
            "touchMove",
            start["x"] + 20 + (end["x"] - start["x"] - 15) * part / 5,
            start["y"] + 20 + (end["y"] - start["y"]) * part / 5,
        )
    touch("touchEnd", 0, 0)
    page.locator("#ranking .card").nth(1).wait_for()
    assert (rater.ranking(), rater.pool()) == ([b, a], [c])
    context.close()


def test_ties_only_where_they_are_allowed(page: Page, study: Study, build: Build, tmp_path: Path) -> None:
    page.goto(link(study))
    page.click("#begin")
    assert page.locator(".tie").count() == 0
    tied = build(ties=True, raters=1)
    rater = Rater(page, tied[1])
    page.goto(link(tied))
    page.click("#begin")
    for _ in range(6):
        for item in rater.best_first():
            page.click(f'[data-item="{item}"] .pick')
        second, third = rater.ranking()[1:]
        page.click(f'[data-item="{second}"] .tie')
        page.focus(f'[data-item="{third}"] .pick')
        page.keyboard.press("=")
        page.keyboard.press("=")
        page.click("#next")
    outcome = compute_outcome([rater.saved("#save", tmp_path)], tied[1])
    assert outcome.mor.tolist() == [1.5, 1.5, 3]


def test_finished_tasks_can_be_saved_and_changed(page: Page, study: Study, tmp_path: Path) -> None:
    rater = Rater(page, study[1])
    page.goto(link(study))
    page.click("#begin")
    rater.rank_by_keyboard()
    page.click("#back")
    ranked = rater.ranking()
    assert len(ranked) == 3
    page.click(f'[data-item="{ranked[2]}"] .better')
    page.click("#next")
    assert page.inner_text("#progress-text") == "Task 2 of 8"
    saved = document(rater.saved("#save-so-far", tmp_path))
    assert [a["ranking"] for a in saved["answers"]] == [[[ranked[0]], [ranked[2]], [ranked[1]]]]
    # Another rater in the same browser starts from the beginning.
    page.goto("about:blank")
    page.goto(link(study, "r02"))
    assert "8 tasks" in facts(page)


def test_damaged_storage_is_ignored(page: Page, study: Study) -> None:
    key = study[1]
    page.goto(link(study))
    name = f"srspace-eval/{key.study}/r01"
    for text in (
        "{",
        "null",
        '{"tasks": {"x": 1}, "at": 99}',
        json.dumps({"tasks": {key.raters["r01"].tasks[0]: {"ranking": [["<img>"]], "done": True}}, "at": -3}),
    ):
        page.evaluate("([name, text]) => localStorage.setItem(name, text)", [name, text])
        page.reload()
        page.click("#begin")
        assert page.inner_text("#progress-text").startswith("Task 1 of 8")
        assert page.locator("#pool .card").count() == 3


@pytest.mark.parametrize("seconds", [None, "x", -1, 1e9, {}])
def test_what_is_wrong_in_the_storage_does_not_reach_the_answers(
    page: Page, study: Study, tmp_path: Path, seconds: object
) -> None:
    """The server would refuse such answers each time, and the rater could not send any."""
    key = study[1]
    page.goto(link(study))
    tasks = {}
    for number, name in enumerate(key.raters["r01"].tasks):
        order: list[object] = [[item] for item in key.tasks[name].items]
        tied = [list(key.tasks[name].items)]
        value = {0: [[], *order], 1: tied, 2: "abc"}.get(number, order)
        tasks[name] = {"ranking": value, "seconds": seconds, "done": "yes", "more": 1}
    screens = [{"width": -1, "height": 1, "ratio": 1, "scale": 1}, "x", None]
    stored = {"version": 3, "revision": 1e300, "id": 5, "issued": True, "started": {}, "sent": "x", "screens": screens}
    text = json.dumps({**stored, "tasks": tasks})
    page.evaluate("([n, t]) => localStorage.setItem(n, t)", [f"srspace-eval/{key.study}/r01", text])
    page.reload()
    page.click("#begin")
    saved = Rater(page, key).saved("#save-so-far", tmp_path)
    answer = parse_answer(saved.read_bytes(), key)
    assert len(answer.rankings) == 8 - 3
    assert answer.screens == ()


def test_a_wrong_code_is_reported(page: Page, study: Study) -> None:
    folder, key = study
    page.goto((folder / "index.html").as_uri())
    assert page.is_hidden("#begin")
    page.fill("#code", "r01-" + "a" * 20)
    page.keyboard.press("Enter")
    assert "not a code of this study" in page.inner_text("#code-fault")
    page.fill("#code", f" R02-{key.raters['r02'].token.upper()} ")
    page.keyboard.press("Enter")
    page.wait_for_selector("#begin:visible")
    page.goto("about:blank")
    page.goto(f"{(folder / 'index.html').as_uri()}#r99-<img src=x onerror=alert(1)>%E0")
    assert page.is_visible("#code-form")


@pytest.mark.parametrize("ratio", [1, 1.5, 2])
def test_a_pixel_of_a_crop_is_a_whole_number_of_the_screens(browser: Browser, study: Study, ratio: float) -> None:
    for width in (360, 800, 1280, 1920):
        context = browser.new_context(viewport={"width": width, "height": 900}, device_scale_factor=ratio)
        page = context.new_page()
        page.goto(link(study))
        page.click("#begin")
        for selector, pixels in (("#pool img", 16), ("#lr", 4)):
            box = page.locator(selector).first.bounding_box()
            assert box is not None
            factor = box["width"] * ratio / pixels
            assert factor == pytest.approx(round(factor), abs=0.02)
            if selector == "#pool img":  # ten pixels for one of a crop, times the density, on every screen
                assert round(factor) == 10 * round(ratio + 0.01)
            style = page.locator(selector).first.evaluate("e => getComputedStyle(e).imageRendering")
            assert style == "pixelated"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_no_screen_has_an_accessibility_fault(browser: Browser, build: Build, scheme: str, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    study = build(ties=True, raters=1, crops=1)
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    rater = Rater(page, study[1])

    def check(screen: str) -> None:
        # Colours change over an eighth of a second.
        page.wait_for_timeout(200)
        found = axe.Axe().run(page, options={"runOnly": TAGS}).response["violations"]
        assert [(v["id"], [n["html"] for n in v["nodes"]]) for v in found] == [], screen

    page.goto((study[0] / "index.html").as_uri())
    check("code")
    page.goto("about:blank")
    page.goto(link(study))
    check("start")
    page.click("#begin")
    check("task, empty")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("=")
    check("task, half")
    page.goto("about:blank")
    page.goto(link(study))
    page.click("#begin")
    for _ in range(3):
        for item in rater.best_first():
            page.click(f'[data-item="{item}"] .pick')
        page.click("#next")
    check("done")
    context.close()


def test_the_report_draws_its_plots(page: Page, study: Study, tmp_path: Path) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    from tests.helpers.studies import answer_document

    (tmp_path / "a.json").write_text(json.dumps(answer_document(study[1], "r01")))
    write_outcome(compute_outcome([tmp_path / "a.json"], study[1]), tmp_path)
    page.goto((tmp_path / "report.html").as_uri())
    page.wait_for_selector("[data-figure=mor] .main-svg")
    page.wait_for_selector("[data-figure=shares] .main-svg")
    assert "gan<b>" in page.inner_text("[data-figure=mor]")
    page.eval_on_selector_all("details", "all => all.forEach((one) => (one.open = true))")
    found = axe.Axe().run(page, options={"runOnly": TAGS}).response
    assert [(v["id"], [n["html"][:200] for n in v["nodes"]]) for v in found["violations"]] == []


def test_the_served_page_sends_its_answers(page: Page, study: Study, tmp_path: Path) -> None:
    folder, key = study
    with StudyServer(folder, key, tmp_path / "answers") as server:
        rater = Rater(page, key)
        page.goto(server.links["r02"])
        page.click("#begin")
        for _ in range(8):
            rater.rank_by_keyboard()
        # Not wait_for_function: it evaluates a text, which the page's Content-Security-Policy forbids.
        page.locator("#send-state", has_text="have arrived").wait_for()
        assert page.is_hidden("#send")
        page.reload()
        page.click("#begin")
        assert "have arrived" in page.inner_text("#send-state")
    assert [p.name for p in (tmp_path / "answers").iterdir()] == ["r02.json"]
    assert compute_outcome([tmp_path / "answers/r02.json"], key).mor.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, '{"kept": true}'),
        (201, '{"kept": true}'),
        (201, '{"kept": true, "id": "00000000000000000000000000000000"}'),
        (201, "<html>of a proxy"),
        (507, "the answer could not be stored; save it as a file"),
    ],
)
def test_only_a_reply_to_these_answers_counts_as_kept(
    browser: Browser, study: Study, tmp_path: Path, status: int, body: str
) -> None:
    folder, key = study
    context = browser.new_context()
    page = context.new_page()
    with StudyServer(folder, key, tmp_path / "answers") as server:
        rater = Rater(page, key)
        page.goto(server.links["r01"])
        page.route("**/answer", lambda route: route.fulfill(status=status, body=body))
        page.click("#begin")
        for _ in range(8):
            rater.rank_by_keyboard()
        page.locator("#send-state", has_text="could not be sent").wait_for()
        assert page.is_visible("#send")
        # The answers are still there, and are sent once the server takes them.
        page.unroute("**/answer")
        page.click("#send")
        page.locator("#send-state", has_text="have arrived").wait_for()
    context.close()
    assert compute_outcome([tmp_path / "answers/r01.json"], key).mor.tolist() == [1, 2, 3]


def test_a_stale_tab_does_not_undo_newer_work_and_a_correction_counts(
    browser: Browser, study: Study, tmp_path: Path
) -> None:
    folder, key = study
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    with StudyServer(folder, key, tmp_path / "answers") as server:
        old, new = context.new_page(), context.new_page()
        for page in (old, new):
            page.goto(server.links["r01"])
            page.click("#begin")
        # The new tab does all tasks. Then the old one, which showed the first task all the time, is used and hidden.
        rater = Rater(new, key)
        for _ in range(8):
            rater.rank_by_keyboard()
        new.locator("#send-state", has_text="have arrived").wait_for()
        old.locator("#ranking .card").nth(2).wait_for()  # it has followed the new tab
        old.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        new.reload()
        assert new.inner_text("#begin") == "Go to your answers"
        # A correction in the old tab: the worst piece of its task becomes the best.
        assert key.tasks[key.raters["r01"].tasks[0]].kind == "rank"
        last = Rater(old, key).ranking()[-1]
        for _ in range(2):
            old.locator(f'[data-item="{last}"] .better').click()
        old.click("#next")
        old.locator("#send-state", has_text="have arrived").wait_for()
    context.close()
    files = sorted((tmp_path / "answers").iterdir())
    assert [path.name for path in files] == ["r01-2.json", "r01.json"]
    assert [json.loads(path.read_text())["revision"] for path in files] == [2, 1]
    outcome = compute_outcome(files, key, CollectOptions(agreement=-1))
    assert [a.answer.revision for a in outcome.accepted] == [2]
    assert "revision 2" in outcome.rejected[0].reason
    assert outcome.mor.tolist() != [1, 2, 3]
