"""Answers to a rating study: hostile files, careless raters, corrections."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from srspace_eval.errors import StudyError
from srspace_eval.study.answers import AnswerError, largest_answer, parse_answer
from srspace_eval.study.collect import collect_ratings, collect_study, compute_outcome, compute_ratings
from srspace_eval.study.design import Task
from srspace_eval.study.key import Key
from srspace_eval.study.options import CollectOptions
from tests.helpers.studies import Build, answer_bytes, answer_document, rated

Study = tuple[Path, Key]
SCREEN = {"width": 1920, "height": 1080, "ratio": 1.25, "scale": 10}


@pytest.fixture(scope="module")
def rating(build: Build) -> Study:
    return build(task="rate", repeats=2, obvious=1)


def save(folder: Path, name: str, document: Any) -> Path:
    path = folder / name
    path.write_text(json.dumps(document))
    return path


def test_a_valid_answer_is_read(rating: Study) -> None:
    _, key = rating
    document = {**answer_document(key, "r01"), "screens": [SCREEN]}
    answer = parse_answer(answer_bytes(document), key)
    assert answer.missing(key) == []
    assert answer.ratings == {a["task"]: a["rating"] for a in document["answers"]}
    assert answer.rankings == {}
    assert [(s.width, s.height, s.ratio, s.scale) for s in answer.screens] == [(1920, 1080, 1.25, 10)]
    full = {**document, "screens": [SCREEN] * 20}
    for entry in full["answers"]:
        entry["seconds"] = 123456.7
    assert len(answer_bytes(full)) < largest_answer(key)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rating": 0}, "rating 0 is not a grade from 1 to 5"),
        ({"rating": 6}, "rating 6 is not a grade from 1 to 5"),
        ({"rating": 2.5}, "rating 2.5 is not a grade from 1 to 5"),
        ({"rating": 1e300}, "rating: expected"),
        ({"rating": "5"}, "rating: expected"),
        ({"rating": None}, "rating: expected"),
        ({"rating": True}, "rating: expected"),
        ({"ranking": [["a"]]}, "must have a rating, and no ranking"),
        ({"more": 1}, "unknown key more"),
        ({"seconds": -1}, "seconds"),
    ],
)
def test_a_wrong_rating_is_refused(rating: Study, change: dict[str, Any], message: str) -> None:
    _, key = rating
    document = answer_document(key, "r01")
    document["answers"][3] |= change
    with pytest.raises(AnswerError, match=r"answers\[3\]") as caught:
        parse_answer(answer_bytes(document), key)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "screens",
    [
        [SCREEN] * 21,
        [{**SCREEN, "width": 0}],
        [{**SCREEN, "ratio": -1}],
        [{**SCREEN, "scale": 1.5}],
        [{**SCREEN, "os": "x"}],
        {"width": 1},
    ],
)
def test_wrong_screens_are_refused(rating: Study, screens: Any) -> None:
    _, key = rating
    with pytest.raises(AnswerError, match="screens"):
        parse_answer(answer_bytes({**answer_document(key, "r01"), "screens": screens}), key)


def test_a_missing_rating_and_a_ranking_study_s_answer_are_refused(rating: Study, study: Study) -> None:
    _, key = rating
    document = answer_document(key, "r01")
    del document["answers"][0]["rating"]
    with pytest.raises(AnswerError, match=r"answers\[0\]: must have a rating"):
        parse_answer(answer_bytes(document), key)
    ranked = answer_document(study[1], "r01")
    ranked["answers"][0] = {"task": ranked["answers"][0]["task"], "rating": 3, "seconds": 1}
    with pytest.raises(AnswerError, match=r"answers\[0\]: must have a ranking, and no rating"):
        parse_answer(answer_bytes(ranked), study[1])
    with pytest.raises(AnswerError, match="another study"):
        parse_answer(answer_bytes(answer_document(study[1], "r01")), key)


def test_a_torn_answer_is_named(rating: Study, tmp_path: Path) -> None:
    _, key = rating
    data = answer_bytes(answer_document(key, "r01"))
    whole = save(tmp_path, "r02.json", answer_document(key, "r02"))
    for size in (0, 1, len(data) // 2, len(data) - 1):
        torn = tmp_path / "r01.json"
        torn.write_bytes(data[:size])
        outcome = compute_ratings([torn, whole], key)
        assert [a.file for a in outcome.accepted] == [str(whole)]
        assert "not valid JSON" in outcome.rejected[0].reason


@settings(max_examples=150, deadline=None)
@given(
    place=st.integers(0, 21),
    field=st.sampled_from(["task", "rating", "seconds", "ranking"]),
    value=st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    ),
)
def test_any_value_is_read_or_refused(rating: Study, place: int, field: str, value: Any) -> None:
    _, key = rating
    document = answer_document(key, "r01")
    document["answers"][place][field] = value
    try:
        answer = parse_answer(json.dumps(document).encode("utf-8", "surrogatepass"), key)
    except AnswerError:
        return
    assert set(answer.ratings.values()) <= set(map(float, key.rating_scale.grades))


def test_a_rater_who_misses_the_destroyed_picture_does_not_count(rating: Study, tmp_path: Path) -> None:
    _, key = rating
    document = answer_document(key, "r01")
    for answer in document["answers"]:
        if key.tasks[answer["task"]].kind == "obvious":
            answer["rating"] = 3
    careless = save(tmp_path, "r01.json", document)
    outcome = compute_ratings([careless, save(tmp_path, "r02.json", answer_document(key, "r02"))], key)
    assert [r.reason for r in outcome.rejected] == [
        "failed an attention check: a destroyed picture is not rated worse than its original"
    ]
    assert [a.answer.rater for a in outcome.accepted] == ["r02"]


def test_a_rater_who_contradicts_the_own_ratings_does_not_count(rating: Study, tmp_path: Path) -> None:
    _, key = rating

    def moody(task: Task) -> float:
        return 1.0 if task.kind == "repeat" else 5.0

    files = [
        save(tmp_path, "r01.json", answer_document(key, "r01", grade=moody)),
        save(tmp_path, "r02.json", answer_document(key, "r02")),
    ]
    outcome = compute_ratings(files, key)
    assert "repeated pictures were rated differently (by 4.00 grades on average, --tolerance allows 1.5)" in (
        outcome.rejected[0].reason
    )
    assert outcome.accepted[0].agreement == 0
    assert len(compute_ratings(files, key, CollectOptions(tolerance=4)).accepted) == 2


def test_partial_answers_need_answered_checks(rating: Study, tmp_path: Path) -> None:
    _, key = rating
    document = answer_document(key, "r01")
    checks = [i for i, a in enumerate(document["answers"]) if key.tasks[a["task"]].kind == "obvious"]
    part = {**document, "answers": document["answers"][: checks[-1] + 1]}
    file = save(tmp_path, "r01.json", part)
    with pytest.raises(StudyError, match=r"incomplete: \d+ of 22 tasks are not answered"):
        compute_ratings([file], key)
    used = compute_ratings([file], key, CollectOptions(partial="use"))
    assert used.scores.ratings.sum() == sum(key.tasks[a["task"]].kind == "rate" for a in part["answers"])
    evading = {**part, "answers": [a for i, a in enumerate(part["answers"]) if i not in checks]}
    evading["answers"] = evading["answers"] + document["answers"][checks[-1] + 1 :][:1]
    with pytest.raises(StudyError, match=r"attention checks? (is|are) left out"):
        compute_ratings([save(tmp_path, "r01.json", evading)], key, CollectOptions(partial="use"))


def revised(document: dict[str, Any], revision: int) -> dict[str, Any]:
    return {**document, "id": f"{revision:032x}", "revision": revision, "screens": [SCREEN]}


@pytest.mark.filterwarnings("ignore::srspace_eval.errors.Notice")
def test_a_correction_after_sending_counts_and_the_report_has_the_earlier_one(
    rating: Study, study: Study, tmp_path: Path
) -> None:
    """Both kinds of tasks: one changed answer, sent under the same token."""
    kinds: list[tuple[Study, Callable[..., Any]]] = [(rating, collect_ratings), (study, collect_study)]
    for (_, key), collect in kinds:
        folder = tmp_path / key.task
        folder.mkdir()
        first = answer_document(key, "r01")
        changed = json.loads(json.dumps(first))
        repeated = {task.of for task in key.tasks.values()}
        entry = next(
            a for a in changed["answers"] if key.tasks[a["task"]].kind == key.task and a["task"] not in repeated
        )
        if key.task == "rate":
            entry["rating"] = 1 if entry["rating"] != 1 else 2
        else:
            entry["ranking"] = entry["ranking"][::-1]
        save(folder, "r01.json", revised(first, 1))
        save(folder, "r01-2.json", revised(changed, 2))
        outcome = collect(folder, key, out=folder / "out")
        assert [a.answer.revision for a in outcome.accepted] == [2]
        given = outcome.accepted[0].answer.given[entry["task"]]
        assert given == (entry["rating"] if key.task == "rate" else tuple(map(tuple, entry["ranking"])))
        told = json.loads((folder / "out/study.json").read_text())
        # The result is published, so it has no absolute path.
        assert told["rejected"] == [
            {
                "file": str(Path(folder.name, "r01.json")),
                "reason": f"r01 corrected it: revision 2 ({Path(folder.name, 'r01-2.json')}) is later",
            }
        ]
        page = (folder / "out/report.html").read_text()
        assert "Not counted (1)" in page
        assert "1920 × 1080, density 1.25 (10×)" in page


def test_who_saw_the_pictures_in_another_size_is_told(rating: Study, tmp_path: Path) -> None:
    _, key = rating
    assert key.settings["zoom"] == 10  # 16 × 10 = 160
    document = {**answer_document(key, "r01"), "screens": [SCREEN, {**SCREEN, "ratio": 2.0, "scale": 12}]}
    save(tmp_path, "r01.json", document)
    save(tmp_path, "r02.json", {**answer_document(key, "r02"), "screens": [{**SCREEN, "ratio": 2.0, "scale": 20}]})
    with pytest.warns(UserWarning, match="saw the crops in another size than planned: r01;"):
        outcome = collect_ratings(tmp_path, key, out=tmp_path / "out")
    assert [[s["as_planned"] for s in a["screens"]] for a in outcome.to_dict()["accepted"]] == [[True, False], [True]]


def test_the_default_grade_of_the_helper_is_the_place(rating: Study) -> None:
    assert [rated(rating[1], place) for place in range(6)] == [5, 4, 3, 2, 1, 1]


def test_a_ranking_answer_may_tell_its_screens(study: Study, tmp_path: Path) -> None:
    _, key = study
    file = save(tmp_path, "r01.json", {**answer_document(key, "r01"), "screens": [SCREEN]})
    assert compute_outcome([file], key).to_dict()["accepted"][0]["screens"] == [{**SCREEN, "as_planned": True}]


@pytest.mark.parametrize(
    ("value", "found"), [(None, "null"), ("5", '"5"'), (True, "true"), (1e300, "1e+300"), ([1], "[1]")]
)
def test_a_rating_that_is_not_a_number_names_the_grades(rating: Study, value: Any, found: str) -> None:
    _, key = rating
    document = answer_document(key, "r01")
    document["answers"][3]["rating"] = value
    with pytest.raises(AnswerError, match=re.escape(f"answers[3].rating: expected a grade from 1 to 5, found {found}")):
        parse_answer(answer_bytes(document), key)


def test_a_byte_order_mark_is_named(rating: Study) -> None:
    _, key = rating
    with pytest.raises(AnswerError, match="byte order mark; save it as UTF-8"):
        parse_answer(b"\xef\xbb\xbf" + answer_bytes(answer_document(key, "r01")), key)
