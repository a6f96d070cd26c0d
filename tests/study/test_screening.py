from __future__ import annotations

import json
import os
import sys
from itertools import permutations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from srspace_eval.study.collect import compute_outcome
from srspace_eval.study.key import Key
from srspace_eval.study.options import CollectOptions
from srspace_eval.study.report import write_outcome
from srspace_eval.study.screening import probability_of_chance
from tests.helpers.studies import Build, answer_document

Study = tuple[Path, Key]


def save(folder: Path, name: str, document: Any) -> Path:
    path = folder / name
    path.write_text(json.dumps(document))
    return path


@pytest.fixture
def honest(study: Study, tmp_path: Path) -> list[Path]:
    _, key = study
    return [
        save(tmp_path, "one.json", answer_document(key, "r01")),
        save(tmp_path, "two.json", answer_document(key, "r02", order=lambda m: [1, 0, 2][m])),
    ]


def without(document: dict[str, Any], count: int) -> dict[str, Any]:
    return {**document, "answers": document["answers"][count:]}


def reverse(method: int) -> float:
    return -method


def test_incomplete_answers_are_refused_or_used_as_asked(study: Study, honest: list[Path], tmp_path: Path) -> None:
    _, key = study
    part = save(tmp_path, "part.json", without(answer_document(key, "r02", order=reverse), 2))
    refused = compute_outcome([honest[0], part], key)
    assert refused.mor.tolist() == [1, 2, 3]
    assert [(r.file, r.reason) for r in refused.rejected] == [
        (str(part), "incomplete: 2 of 8 tasks are not answered (--partial use takes it)")
    ]
    used = compute_outcome([honest[0], part], key, CollectOptions(partial="use"))
    assert used.rejected == ()
    assert used.mor[0] > 1
    empty = save(tmp_path, "empty.json", without(answer_document(key, "r02"), 99))
    assert (
        compute_outcome([honest[0], empty], key, CollectOptions(partial="use")).rejected[0].reason
        == "it has no answered task"
    )


def test_a_rater_counts_once(study: Study, honest: list[Path], tmp_path: Path) -> None:
    _, key = study
    again = save(tmp_path, "again.json", {**answer_document(key, "r01"), "finished": "later"})
    outcome = compute_outcome([*honest, again], key)
    assert outcome.mor.tolist() == [1.5, 1.5, 3.0]
    assert [r.file for r in outcome.rejected] == [str(again)]
    assert "r01 again" in outcome.rejected[0].reason
    # A part of a complete answer does not contradict it, in any order.
    part = save(tmp_path, "part.json", without(answer_document(key, "r01"), 3))
    outcome = compute_outcome([part, *honest], key, CollectOptions(partial="use"))
    assert [r.file for r in outcome.rejected] == [str(part)]
    # Two different answers: only the rater knows which one is meant.
    other = save(tmp_path, "other.json", answer_document(key, "r01", order=reverse))
    outcome = compute_outcome([*honest, other], key)
    assert {r.file for r in outcome.rejected} == {str(honest[0]), str(other)}
    tasks = sum(key.tasks[task].kind != "obvious" for task in key.raters["r01"].tasks)
    assert [r.reason for r in outcome.rejected] == [
        f"r01 also sent {file} ({tasks} tasks ranked differently): ask r01 which counts, and collect without the other "
        "file"
        for file in (other, honest[0])
    ]
    # Two parts without a common task do not contradict each other, but none of them counts alone.
    first, rest = (
        save(tmp_path, name, {**document, "answers": document["answers"][half]})
        for name, half, document in [
            ("first.json", slice(0, 2), answer_document(key, "r01")),
            ("rest.json", slice(2, None), answer_document(key, "r01")),
        ]
    )
    outcome = compute_outcome([honest[1], first, rest], key, CollectOptions(partial="use"))
    assert [r.reason.split(":")[0] for r in outcome.rejected] == [
        f"r01 also sent {file} (answers other tasks)" for file in (rest, first)
    ]
    outcome = compute_outcome([*honest, other], key)
    assert outcome.mor.tolist() == [2, 1, 3]


def revised(document: dict[str, Any], revision: int) -> dict[str, Any]:
    return {**document, "id": f"{revision:032x}", "revision": revision}


def test_the_latest_revision_of_a_rater_counts(study: Study, honest: list[Path], tmp_path: Path) -> None:
    _, key = study
    first, second = answer_document(key, "r01", order=reverse), answer_document(key, "r01")
    files = [
        save(tmp_path, "r01.json", revised(first, 1)),
        save(tmp_path, "r01-2.json", revised(second, 2)),
    ]
    for order in (files, files[::-1]):
        outcome = compute_outcome([honest[1], *order], key)
        assert [a.file for a in outcome.accepted if a.answer.rater == "r01"] == [str(files[1])]
        assert [(r.file, r.reason) for r in outcome.rejected] == [
            (str(files[0]), f"r01 corrected it: revision 2 ({files[1]}) is later")
        ]
    # A correction in the other direction, and one of a file of version 0.1.0, which has no revision.
    assert compute_outcome([save(tmp_path, "x.json", revised(first, 3)), *files], key).accepted[0].answer.revision == 3
    assert compute_outcome([save(tmp_path, "old.json", first), *files], key).accepted[0].answer.revision == 2
    # Two browsers: the same revision twice, and only the rater knows which one is meant.
    outcome = compute_outcome([honest[1], files[1], save(tmp_path, "other.json", revised(first, 2))], key)
    assert [a.answer.rater for a in outcome.accepted] == ["r02"]
    assert all("r01 also sent" in r.reason for r in outcome.rejected)


@pytest.mark.parametrize("revision", [0, -1, 1.5, "2", None, 10**7])
def test_an_impossible_revision_is_refused(study: Study, honest: list[Path], tmp_path: Path, revision: object) -> None:
    _, key = study
    bad = save(tmp_path, "bad.json", {**answer_document(key, "r01"), "revision": revision})
    assert "revision" in compute_outcome([honest[1], bad], key).rejected[0].reason


def test_a_partial_answer_without_attention_checks_does_not_count(
    study: Study, honest: list[Path], tmp_path: Path
) -> None:
    _, key = study
    use = CollectOptions(partial="use")
    document = answer_document(key, "r02", order=reverse)
    kinds = {name: task.kind for name, task in key.tasks.items()}
    plain = [a for a in document["answers"] if kinds[a["task"]] == "rank"]
    none = save(tmp_path, "none.json", {**document, "answers": plain[:1]})
    left_out = save(tmp_path, "left-out.json", {**document, "answers": plain})
    for path in (none, left_out):
        (rejected,) = compute_outcome([honest[0], path], key, use).rejected
        assert "attention check" in rejected.reason
    # One of several checks is left out in the middle.
    checks = [a for a in document["answers"] if kinds[a["task"]] != "rank"]
    assert len(checks) > 1
    some = [a for a in document["answers"] if a is not checks[0]]
    path = save(tmp_path, "some.json", {**document, "answers": some})
    assert "left out before the last answer" in compute_outcome([honest[0], path], key, use).rejected[0].reason


def test_a_wrong_order_of_an_obvious_task_rejects_the_answer(study: Study, honest: list[Path], tmp_path: Path) -> None:
    _, key = study
    document = answer_document(key, "r02")
    for answer in document["answers"]:
        if key.tasks[answer["task"]].kind == "obvious":
            answer["ranking"].reverse()
    bad = save(tmp_path, "bad.json", document)
    outcome = compute_outcome([honest[0], bad], key)
    assert [(r.file, r.reason) for r in outcome.rejected] == [
        (str(bad), "failed an attention check: the order of an obvious task is wrong")
    ]


def test_low_agreement_on_repeated_tasks_rejects_the_answer(study: Study, honest: list[Path], tmp_path: Path) -> None:
    _, key = study
    document = answer_document(key, "r02")
    for answer in document["answers"]:
        if key.tasks[answer["task"]].kind == "repeat":
            answer["ranking"].reverse()
    bad = save(tmp_path, "bad.json", document)
    outcome = compute_outcome([honest[0], bad], key)
    assert "repeated tasks were ranked differently (Kendall tau -1.00" in outcome.rejected[0].reason
    assert compute_outcome([honest[0], bad], key, CollectOptions(agreement=-1)).rejected == ()


def test_a_tie_of_everything_agrees_with_nothing(build: Build, tmp_path: Path) -> None:
    _, key = build(ties=True, raters=1, repeats=1)
    document = answer_document(key, "r01")
    (repeat,) = [a for a in document["answers"] if key.tasks[a["task"]].kind == "repeat"]
    (first,) = [a for a in document["answers"] if a["task"] == key.tasks[repeat["task"]].of]
    repeat["ranking"] = [[item for group in repeat["ranking"] for item in group]]
    path = save(tmp_path, "a.json", document)
    assert compute_outcome([path], key, CollectOptions(agreement=-1)).accepted[0].agreement == 0
    first["ranking"] = repeat["ranking"]
    path = save(tmp_path, "a.json", document)
    # Also not with itself: else who ties everything in each repeated task would pass.
    assert compute_outcome([path], key, CollectOptions(agreement=-1)).accepted[0].agreement == 0


@pytest.mark.parametrize(("entries", "repeats"), [(3, 1), (3, 2), (4, 2)])
def test_the_probability_of_chance_is_that_of_all_rankings(entries: int, repeats: int) -> None:
    orders = list(permutations(range(entries)))
    taus = [stats.kendalltau(orders[0], order).statistic for order in orders]
    passed = np.mean([np.mean(drawn) >= 0.3 for drawn in product(taus, repeat=repeats)])
    assert probability_of_chance(entries, repeats, 0.3) == pytest.approx(passed)
    assert probability_of_chance(entries, 0, 0.3) == 1


def test_hostile_files_are_named_and_change_nothing(study: Study, honest: list[Path], tmp_path: Path) -> None:
    _, key = study
    alone = compute_outcome(honest, key)
    hostile = {
        "another-study.json": {**answer_document(key, "r01"), "study": "f" * 20},
        "stolen.json": {**answer_document(key, "r01", order=reverse), "token": "a" * 20},
        "markup.json": {**answer_document(key, "r01"), "rater": "<img src=x onerror=alert(1)>"},
        "types.json": {**answer_document(key, "r02"), "answers": {"0": None}},
        "number.json": 7,
    }
    files = [save(tmp_path, name, document) for name, document in hostile.items()]
    (tmp_path / "huge.json").write_bytes(b" " * 10_000_000)
    (tmp_path / "nan.json").write_text('{"seconds": NaN}')
    (tmp_path / "deep.json").write_text("[" * 3000)
    files += [tmp_path / "huge.json", tmp_path / "nan.json", tmp_path / "deep.json", tmp_path / "absent.json"]
    outcome = compute_outcome([*files[:4], *honest, *files[4:]], key)
    assert [r.file for r in outcome.rejected] == [str(f) for f in files]
    assert len({r.reason for r in outcome.rejected}) >= 7
    np.testing.assert_array_equal(outcome.mor, alone.mor)
    np.testing.assert_array_equal(outcome.intervals.low, alone.intervals.low)
    assert outcome.pairs == alone.pairs
    assert [a.file for a in outcome.accepted] == [str(f) for f in honest]


@pytest.mark.skipif(sys.platform != "linux", reason="file names of any bytes")
def test_file_names_with_line_breaks_and_any_bytes_are_shown_as_text(
    study: Study, honest: list[Path], tmp_path: Path
) -> None:
    odd = [tmp_path / "a\nerror: b.json", Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.json"))]
    for path in odd:
        path.write_text("x")
    outcome = compute_outcome([*honest, *odd], study[1])
    assert [r.file for r in outcome.rejected] == [f"{tmp_path}/a\\u000aerror: b.json", f"{tmp_path}/\\udcff.json"]
    write_outcome(outcome, tmp_path / "out")
    assert "udcff.json" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
