"""A rating study in Chromium: by keyboard, by touch, from creation to the leaderboard; and what raters see."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import Browser, BrowserContext, Page

from srspace_eval.cli import main
from srspace_eval.study.collect import compute_ratings
from srspace_eval.study.key import Key
from srspace_eval.study.rating_report import write_ratings
from srspace_eval.study.serve import StudyServer
from tests.helpers.browsing import watched_page
from tests.helpers.rater import document
from tests.helpers.studies import Build, answer_document, rated

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]

Study = tuple[Path, Key]
PHONE = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True, "device_scale_factor": 3}


@pytest.fixture(scope="module")
def rating(build: Build) -> Study:
    return build(task="rate", crops=1, repeats=1, obvious=1)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in a new profile. A script error or a network request fails the test."""
    with watched_page(browser) as page:
        yield page


def link(study: Study, rater: str = "r01") -> str:
    folder, key = study
    return f"{(folder / 'index.html').as_uri()}#{rater}-{key.raters[rater].token}"


def grade_of(page: Page, key: Key) -> int:
    """The grade of the picture that the page shows, by its method or level."""
    page.locator('#screen-task[aria-busy="false"]').wait_for()
    page.locator("#picture:not(.loading)").wait_for()
    name = str(page.get_attribute("#picture", "src"))[len("images/") : -len(".png")]
    (place,) = {task.holds[0] for task in key.tasks.values() if task.items == (name,)}
    return rated(key, 4 if place == 2 and _obvious(key, name) else place)


def _obvious(key: Key, name: str) -> bool:
    return any(task.kind == "obvious" and task.items == (name,) for task in key.tasks.values())


def saved(page: Page, button: str, folder: Path) -> Path:
    with page.expect_download() as caught:
        page.click(button)
    path = folder / caught.value.suggested_filename
    caught.value.save_as(path)
    return path


def test_a_study_by_keyboard_and_by_touch_gives_a_leaderboard(
    browser: Browser, page: Page, rating: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, key = rating
    count = len(key.raters["r01"].tasks)
    assert count == 12
    with StudyServer(folder, key, tmp_path / "answers") as server:
        # r01 uses the keyboard alone, and reloads in the middle.
        page.goto(server.links["r01"])
        page.keyboard.press("Enter")
        for done in range(count):
            assert page.inner_text("#progress-text") == f"Task {done + 1} of {count}"
            grade = grade_of(page, key)
            if done == 4:
                page.keyboard.press("Enter")  # nothing is rated yet
                assert page.inner_text("#said") == "Rate the picture first"
                page.keyboard.press(str(1 if grade == 5 else 5))
                page.reload()
                page.keyboard.press("Enter")
                assert page.inner_text("#progress-text") == f"Task 5 of {count}"
                grade_of(page, key)
                assert page.input_value("#grades input:checked") == str(1 if grade == 5 else 5)
            page.keyboard.press(str(grade))
            page.keyboard.press("Enter")
        page.locator("#send-state", has_text="have arrived").wait_for()

        # r02 taps on a phone.
        context = browser.new_context(**PHONE)  # type: ignore[arg-type]
        phone = context.new_page()
        phone.goto(server.links["r02"])
        phone.tap("#begin")
        for _ in range(count):
            grade = grade_of(phone, key)
            phone.tap(f"#grades label:has([value='{grade}'])")
            assert phone.evaluate("document.documentElement.scrollWidth") == 390
            phone.tap("#next")
        phone.locator("#send-state", has_text="have arrived").wait_for()
        context.close()

    files = sorted((tmp_path / "answers").iterdir())
    assert [path.name for path in files] == ["r01.json", "r02.json"]
    outcome = compute_ratings(files, key)
    assert outcome.rejected == ()
    mos = dict(zip(outcome.scores.methods, outcome.scores.mos.tolist(), strict=True))
    assert mos == {"flow": 5, "gan<b>": 4, "blur": 3}
    screens = [(s.ratio, s.scale) for a in outcome.accepted for s in a.answer.screens]
    assert screens == [(1, 10), (3, 30)]
    assert all(s.as_planned(key) for a in outcome.accepted for s in a.answer.screens)

    write_ratings(outcome, tmp_path)
    track = tmp_path / "own.toml"
    track.write_text(
        'name = "own"\ntitle = "Own"\nscale = 4\n[columns]\nruntime = { better = "lower" }\n'
        'mos = { better = "higher" }\n[ranking]\ncriteria = [{ metric = "mos" }]\nfinal = ["mos"]\n'
    )
    table = tmp_path / "teams.csv"
    table.write_text("team,kind,runtime\n" + "".join(f"{name},team,1\n" for name in key.entries))
    with pytest.raises(SystemExit) as caught_exit:
        main(["rank", "--track", str(track), "--table", str(table), "--values", str(tmp_path / "MOS.csv"), "--json"])
    assert caught_exit.value.code == 0
    ranked = json.loads(capsys.readouterr().out)["rows"]
    assert [(row["team"], row["mos"], row["final_rank"]) for row in ranked] == [
        ("flow", 5, 1),
        ("gan<b>", 4, 2),
        ("blur", 3, 3),
    ]


def test_a_grade_can_be_changed_and_saved(page: Page, rating: Study, tmp_path: Path) -> None:
    page.goto(link(rating))
    page.click("#begin")
    grade_of(page, rating[1])
    page.keyboard.press("7")  # not a grade
    assert page.locator("#grades input:checked").count() == 0
    page.keyboard.press("2")
    page.keyboard.press("ArrowRight")  # as in any group of radio buttons
    assert page.input_value("#grades input:checked") == "3"
    page.keyboard.press("Enter")
    page.click("#back")
    assert page.input_value("#grades input:checked") == "3"
    page.keyboard.press("5")
    page.click("#next")
    told = document(saved(page, "#save-so-far", tmp_path))
    assert [answer["rating"] for answer in told["answers"]] == [5]
    assert told["screens"][0]["scale"] == 10


def test_a_stale_tab_takes_over_newer_grades_and_a_correction_counts(
    browser: Browser, rating: Study, tmp_path: Path
) -> None:
    folder, key = rating
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    with StudyServer(folder, key, tmp_path / "answers") as server:
        old, new = context.new_page(), context.new_page()
        for tab in (old, new):
            tab.goto(server.links["r01"])
            tab.click("#begin")
        first = grade_of(new, key)
        for _ in range(12):
            new.keyboard.press(str(grade_of(new, key)))
            new.keyboard.press("Enter")
        new.locator("#send-state", has_text="have arrived").wait_for()
        assert old.input_value("#grades input:checked") == str(first)  # it has followed the new tab
        task = key.tasks[key.raters["r01"].tasks[0]]
        assert task.kind == "rate"
        other = first - 1 if first > 1 else 2
        old.keyboard.press(str(other))
        old.keyboard.press("Enter")
        old.locator("#send-state", has_text="have arrived").wait_for()
    context.close()
    files = sorted((tmp_path / "answers").iterdir())
    assert [json.loads(path.read_text())["revision"] for path in files] == [2, 1]
    outcome = compute_ratings(files, key)
    assert outcome.accepted[0].answer.ratings[task.id] == other
    assert "revision 2" in outcome.rejected[0].reason


def test_damaged_storage_is_ignored(page: Page, rating: Study) -> None:
    _, key = rating
    page.goto(link(rating))
    name, task = f"srspace-eval/{key.study}/r01", key.raters["r01"].tasks[0]
    for saved_task in ({"rating": 99, "done": True}, {"rating": "<b>", "done": True}, {"ranking": [], "done": True}):
        text = json.dumps({"version": 9, "tasks": {task: saved_task}, "screens": "x", "at": -3})
        page.evaluate("([name, text]) => localStorage.setItem(name, text)", [name, text])
        page.reload()
        page.click("#begin")
        assert page.inner_text("#progress-text") == "Task 1 of 12"
        assert page.locator("#grades input:checked").count() == 0


@pytest.mark.parametrize("task", ["rank", "rate"])
def test_the_surround_and_the_size_are_the_same_for_all(browser: Browser, build: Build, task: str) -> None:
    """One grey, whatever the system's theme; the same number of CSS pixels for a crop on every screen."""
    study = build(task=task, crops=1, raters=1, zoom=5)
    found = set()
    for scheme in ("light", "dark"):
        for width, ratio in ((390, 3), (800, 2), (1280, 1), (1920, 1)):
            context = browser.new_context(
                viewport={"width": width, "height": 800},
                color_scheme=scheme,
                device_scale_factor=ratio,
            )
            page = context.new_page()
            page.goto(link(study))
            page.click("#begin")
            box = page.locator("#picture, #pool img").first.bounding_box()
            assert box is not None
            grey = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
            scheme_of = page.evaluate("getComputedStyle(document.documentElement).colorScheme")
            found.add((grey, scheme_of, round(box["width"], 3), round(box["height"], 3)))
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            context.close()
    assert {(grey, width, height) for grey, _, width, height in found} == {("rgb(128, 128, 128)", 80, 80)}
    assert all("only" in scheme for _, scheme, _, _ in found)


@pytest.mark.parametrize("task", ["rank", "rate"])
def test_a_crop_that_does_not_fit_is_smaller_and_the_answer_tells(
    browser: Browser, build: Build, task: str, tmp_path: Path
) -> None:
    study = build(task=task, crops=1, raters=1, zoom=40)
    context = browser.new_context(**PHONE, accept_downloads=True)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(link(study))
    page.click("#begin")
    box = page.locator("#picture, #pool img").first.bounding_box()
    assert box is not None
    assert 300 < box["width"] < 390  # 16 × 40 = 640 is too wide
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    if task == "rate":
        grade_of(page, study[1])
        page.keyboard.press("3")
    else:
        for _ in study[1].entries:
            page.locator("#pool .pick").first.click()
    page.click("#next")
    (screen,) = document(saved(page, "#save-so-far", tmp_path))["screens"]
    context.close()
    assert screen == {"width": 390, "height": 800, "ratio": 3, "scale": round(box["width"] * 3 / 16)}
    assert screen["scale"] < 120


@pytest.mark.parametrize("pairs", [False, True])
@pytest.mark.parametrize("device", ["desktop", "phone"])
def test_no_screen_has_an_accessibility_fault(browser: Browser, build: Build, pairs: bool, device: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    study = build(task="rate", raters=1, crops=1, pairs=pairs)
    context: BrowserContext = browser.new_context(**(PHONE if device == "phone" else {}))  # type: ignore[arg-type]
    page = context.new_page()

    def check(screen: str) -> None:
        page.wait_for_timeout(200)
        found = axe.Axe().run(page, options={"runOnly": TAGS}).response["violations"]
        assert [(v["id"], [n["html"] for n in v["nodes"]]) for v in found] == [], screen

    page.goto(link(study))
    check("start")
    page.click("#begin")
    grade_of(page, study[1])
    check("task")
    page.keyboard.press("3")
    check("rated")
    if pairs:
        assert page.is_visible("#reference")
    context.close()


def test_the_report_draws_its_plots(page: Page, rating: Study, tmp_path: Path) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    for rater in ("r01", "r02"):
        (tmp_path / f"{rater}.json").write_text(json.dumps(answer_document(rating[1], rater)))
    write_ratings(compute_ratings(sorted(tmp_path.glob("*.json")), rating[1]), tmp_path)
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto((tmp_path / "report.html").as_uri())
        page.wait_for_selector("[data-figure=mos] .main-svg")
        page.wait_for_selector("[data-figure=shares] .main-svg")
        assert "gan<b>" in page.inner_text("[data-figure=mos]")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.eval_on_selector_all("details", "all => all.forEach((one) => (one.open = true))")
        cut = """() => [...document.querySelectorAll('.xtitle')].filter((title) => {
            const box = title.closest('.plot').getBoundingClientRect(), own = title.getBoundingClientRect();
            return own.left < box.left || own.right > box.right;
        }).map((title) => title.textContent)"""
        assert page.evaluate(cut) == [], "the titles of axes are whole"
        found = axe.Axe().run(page, options={"runOnly": TAGS}).response
        assert [(v["id"], [n["html"][:200] for n in v["nodes"]]) for v in found["violations"]] == []


def test_no_grade_is_broken_inside_a_word_on_a_phone(browser: Browser, build: Build) -> None:
    """Only at a hyphen: "Impercep-tible"."""
    study = build(task="rate", raters=1, crops=1, pairs=True)
    for width in (360, 390):
        page = browser.new_page(viewport={"width": width, "height": 800})
        page.goto(link(study))
        page.click("#begin")
        page.wait_for_selector("#grades label")
        wide = page.evaluate(
            """() => {
                const pen = document.createElement("canvas").getContext("2d");
                return [...document.querySelectorAll("#grades label span")].flatMap((one) => {
                    const style = getComputedStyle(one.parentElement);
                    const room = one.parentElement.clientWidth - parseFloat(style.paddingLeft) * 2;
                    pen.font = getComputedStyle(one).font;
                    const parts = one.textContent.split(/[ \u00ad]/);
                    return parts.filter((part) => pen.measureText(part + "-").width > room);
                });
            }"""
        )
        assert wide == [], width
        page.close()
