from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from srspace_eval.study.answers import AnswerError, largest_answer, parse_answer, read_answer
from srspace_eval.study.key import Key
from tests.helpers.studies import Build, answer_bytes, answer_document

Study = tuple[Path, Key]


def test_a_valid_answer_is_read(study: Study) -> None:
    _, key = study
    document = answer_document(key, "r01")
    answer = parse_answer(answer_bytes(document), key)
    assert answer.rater == "r01"
    assert answer.missing(key) == []
    assert {n: [list(g) for g in groups] for n, groups in answer.rankings.items()} == {
        a["task"]: a["ranking"] for a in document["answers"]
    }
    assert set(answer.seconds.values()) == {12.5}


def test_a_valid_answer_is_far_below_the_size_limit(build: Build) -> None:
    _, key = build(crops=4, size=8, repeats=2)
    document = answer_document(key, "r02")
    for answer in document["answers"]:
        answer["seconds"] = 123456.78901
    assert len(answer_bytes(document)) < largest_answer(key)
    assert len(json.dumps(document, indent=1)) < largest_answer(key)


def change(path: str, value: Any) -> Any:
    def apply(document: dict[str, Any]) -> Any:
        *way, last = path.split(".")
        at: Any = document
        for step in way:
            at = at[int(step)] if step.isdigit() else at[step]
        at[int(last) if last.isdigit() else last] = value
        return document

    return apply


def repeated_item(document: dict[str, Any]) -> Any:
    ranking = document["answers"][0]["ranking"]
    ranking[0] = ranking[1]
    return document


def tie(document: dict[str, Any]) -> Any:
    ranking = document["answers"][0]["ranking"]
    ranking[:2] = [ranking[0] + ranking[1]]
    return document


def twice(document: dict[str, Any]) -> Any:
    document["answers"].append(document["answers"][0])
    return document


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda d: [], "not an answer of a study"),
        (lambda d: None, "not an answer of a study"),
        (lambda d: {**d, "more": 1}, "unknown key more; known are format"),
        (lambda d: {k: v for k, v in d.items() if k != "token"}, "'token' is missing"),
        (change("format", "x"), "not an answer of a study"),
        (change("format", {}), "not an answer of a study"),
        (lambda d: {**d, "id": "0" * 32 + "\n", "revision": 1}, "id: expected 32 hexadecimal digits"),
        (change("study", "0" * 20), "another study"),
        (change("rater", "r99"), "does not have"),
        (change("rater", ["r01"]), "rater: expected a text"),
        (change("rater", "<script>alert(1)</script>"), "does not have"),
        (change("token", "a" * 20), "token is not that rater's"),
        (change("token", "\ud800"), "token is not that rater's"),
        (change("token", None), "token: expected a text"),
        (change("rater", "r02"), "token is not that rater's"),
        (change("started", "x" * 41), "started: expected a time"),
        (change("finished", 5), "finished: expected a time"),
        (change("answers", {}), "answers: expected a list"),
        (change("answers.0", 3), r"answers\[0\]: expected an object"),
        (change("answers.0.task", "nope"), "not given"),
        (change("answers.0.task", {}), r"answers\[0\]\.task: expected a text"),
        (change("answers.0.ranking", "abc"), r"answers\[0\]\.ranking: expected a list"),
        (change("answers.0.ranking", [["a"]]), "exactly once"),
        (change("answers.0.ranking", [[1], [2]]), r"ranking\[0\]\[0\]: expected a text, found 1"),
        (change("answers.0.ranking", [[]]), r"ranking\[0\]: expected a list that is not empty"),
        (change("answers.0.ranking", [[["a"]]]), r"ranking\[0\]\[0\]: expected a text, found a list"),
        (change("answers.0.ranking", []), "exactly once"),
        (change("answers.0.seconds", "5"), r"answers\[0\]\.seconds: expected a number from 0 to 1000000, found '5'"),
        (change("answers.0.seconds", True), "seconds: expected a number from 0 to 1000000"),
        (change("answers.0.seconds", -1), "seconds: expected a number from 0 to 1000000, found -1"),
        (change("answers.0.seconds", 10**300), "seconds: expected a number from 0 to 1000000"),
        (repeated_item, "exactly once"),
        (tie, "does not allow"),
        (twice, "second time"),
    ],
)
def test_an_invalid_field_is_rejected_with_a_reason(study: Study, spoil: Any, message: str) -> None:
    _, key = study
    with pytest.raises(AnswerError, match=message) as caught:
        parse_answer(answer_bytes(spoil(answer_document(key, "r01"))), key)
    assert "script" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not valid JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b'{"seconds": NaN}', "NaN"),
        (b'{"seconds": -Infinity}', "Infinity"),
        (b'{"a": 1, "a": 2}', "the same key is there twice"),
        (b"[" * 4000, "nested too deeply|not valid JSON"),
        (b"1" + b"0" * 5000, "larger than|not valid JSON|not an answer"),
        (b'{"a":' * 700 + b"1" + b"}" * 700, "nested too deeply|not an answer"),
    ],
)
def test_hostile_bytes_are_rejected(study: Study, data: bytes, message: str) -> None:
    with pytest.raises(AnswerError, match=message):
        parse_answer(data, study[1])


def test_deep_nesting_never_ends_the_program(build: Build) -> None:
    _, key = build(crops=6, size=8, raters=1)
    for depth in (500, 900, 1000, 2000, largest_answer(key)):
        for data in (b"[" * depth, b"[" * (depth // 2) + b"]" * (depth // 2)):
            with pytest.raises(AnswerError):
                parse_answer(data, key)


def test_a_large_file_is_not_parsed(study: Study, tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(10**12)  # sparse, so it needs no space
    with pytest.raises(AnswerError, match="larger than"):
        read_answer(path, study[1])


def test_a_path_that_is_not_a_file_is_rejected(study: Study, tmp_path: Path) -> None:
    with pytest.raises(AnswerError, match="no such file"):
        read_answer(tmp_path / "absent.json", study[1])
    with pytest.raises(AnswerError, match="not a file"):
        read_answer(tmp_path, study[1])
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.json")
        with pytest.raises(AnswerError, match="not a file"):
            read_answer(tmp_path / "pipe.json", study[1])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(value=json_values, field=st.sampled_from(["format", "study", "rater", "token", "started", "answers"]))
def test_random_values_in_a_field_are_rejected_or_valid(study: Study, value: Any, field: str) -> None:
    _, key = study
    document = answer_document(key, "r01")
    original = document[field]
    document[field] = value
    try:
        answer = parse_answer(answer_bytes(document), key)
    except AnswerError:
        return
    # Only values that are valid in an answer are accepted.
    assert answer.rater == "r01"
    assert value == original or (field == "started" and (value is None or isinstance(value, str))) or value == []


def test_ties_are_accepted_if_the_study_allows_them(build: Build) -> None:
    _, key = build(ties=True)
    document = tie(answer_document(key, "r01"))
    answer = parse_answer(answer_bytes(document), key)
    assert [len(group) for group in answer.rankings[document["answers"][0]["task"]]] == [2, 1]
