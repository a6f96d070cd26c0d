from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from srspace_eval.errors import StudyError
from srspace_eval.study.collect import compute_outcome
from srspace_eval.study.key import Key
from srspace_eval.study.options import CollectOptions
from srspace_eval.study.report import write_outcome
from srspace_eval.study.statistics import rank_shares, rater_agreement
from tests.helpers.studies import Build, answer_document

Study = tuple[Path, Key]


def save(folder: Path, name: str, document: Any) -> Path:
    path = folder / name
    path.write_text(json.dumps(document))
    return path


def without(document: dict[str, Any], count: int) -> dict[str, Any]:
    return {**document, "answers": document["answers"][count:]}


def reverse(method: int) -> float:
    return -method


@pytest.fixture
def honest(study: Study, tmp_path: Path) -> list[Path]:
    _, key = study
    return [
        save(tmp_path, "one.json", answer_document(key, "r01")),
        save(tmp_path, "two.json", answer_document(key, "r02", order=lambda m: [1, 0, 2][m])),
    ]


def test_numbers_come_from_all_rankings_but_not_from_checks(study: Study, honest: list[Path]) -> None:
    outcome = compute_outcome(honest, study[1])
    assert outcome.rejected == ()
    # Six crops, two raters: r01 ranks 1 2 3, r02 ranks 2 1 3; repeats and obvious tasks do not count.
    assert outcome.rankings.ranks.shape == (12, 3)
    assert outcome.mor.tolist() == [1.5, 1.5, 3.0]
    w = stats.friedmanchisquare(*np.array([[1, 2, 3], [2, 1, 3]]).T).statistic / (2 * 2)
    assert outcome.agreement.overall == pytest.approx(w)
    assert outcome.agreement.crops == pytest.approx(w)
    assert outcome.friedman.blocks == 6
    assert outcome.friedman.chi2 == pytest.approx(
        stats.friedmanchisquare(*np.tile([1.5, 1.5, 3.0], (6, 1)).T).statistic
    )
    assert outcome.shares.tolist() == [[0.5, 0.5, 0], [0.5, 0.5, 0], [0, 0, 1]]
    assert outcome.seconds == 12.5
    assert [a.agreement for a in outcome.accepted] == [1, 1]


def test_images_can_be_the_unit(study: Study, honest: list[Path]) -> None:
    outcome = compute_outcome(honest, study[1], CollectOptions(over="images"))
    assert outcome.rankings.units == 3
    assert outcome.friedman.blocks == 3
    assert outcome.mor.tolist() == [1.5, 1.5, 3.0]


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
    # A part of what was said later in full is no contradiction, whichever comes first.
    part = save(tmp_path, "part.json", without(answer_document(key, "r01"), 3))
    outcome = compute_outcome([part, *honest], key, CollectOptions(partial="use"))
    assert [r.file for r in outcome.rejected] == [str(part)]
    # Two different answers: nobody can know which one is meant.
    other = save(tmp_path, "other.json", answer_document(key, "r01", order=reverse))
    outcome = compute_outcome([*honest, other], key)
    assert {r.file for r in outcome.rejected} == {str(honest[0]), str(other)}
    tasks = sum(key.tasks[task].kind != "obvious" for task in key.raters["r01"].tasks)
    assert [r.reason for r in outcome.rejected] == [
        f"r01 also sent {file} ({tasks} tasks ranked differently): ask r01 which counts, and collect without the other "
        "file"
        for file in (other, honest[0])
    ]
    # Two parts that have no task in common say nothing different, but neither of them counts alone.
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


def test_an_obvious_task_in_the_wrong_order_rejects(study: Study, honest: list[Path], tmp_path: Path) -> None:
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


def test_contradicting_oneself_rejects_below_the_threshold(study: Study, honest: list[Path], tmp_path: Path) -> None:
    _, key = study
    document = answer_document(key, "r02")
    for answer in document["answers"]:
        if key.tasks[answer["task"]].kind == "repeat":
            answer["ranking"].reverse()
    bad = save(tmp_path, "bad.json", document)
    outcome = compute_outcome([honest[0], bad], key)
    assert "repeated tasks were ranked differently (Kendall tau -1.00" in outcome.rejected[0].reason
    assert compute_outcome([honest[0], bad], key, CollectOptions(agreement=-1)).rejected == ()


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
def test_a_files_name_cannot_forge_a_line_or_break_the_report(study: Study, honest: list[Path], tmp_path: Path) -> None:
    odd = [tmp_path / "a\nerror: b.json", Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.json"))]
    for path in odd:
        path.write_text("x")
    outcome = compute_outcome([*honest, *odd], study[1])
    assert [r.file for r in outcome.rejected] == [f"{tmp_path}/a\\u000aerror: b.json", f"{tmp_path}/\\udcff.json"]
    write_outcome(outcome, tmp_path / "out")
    assert "udcff.json" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_no_answer_is_an_error_that_lists_why(study: Study, tmp_path: Path) -> None:
    with pytest.raises(StudyError) as caught:
        compute_outcome([tmp_path / "absent.json"], study[1])
    assert caught.value.problems == (f"{tmp_path / 'absent.json'}: there is no such file",)


def test_the_order_of_the_files_does_not_matter(study: Study, honest: list[Path]) -> None:
    one, two = (
        compute_outcome(honest, study[1]),
        compute_outcome(honest[::-1], study[1]),
    )
    np.testing.assert_array_equal(one.intervals.low, two.intervals.low)
    assert one.pairs == two.pairs


def test_ties_share_ranks_and_shares(build: Build, tmp_path: Path) -> None:
    _, key = build(ties=True, raters=1)
    document = answer_document(key, "r01")
    for answer in document["answers"]:
        first, second, third = answer["ranking"]
        answer["ranking"] = [first + second, third]
    outcome = compute_outcome([save(tmp_path, "a.json", document)], key)
    assert outcome.mor.tolist() == [1.5, 1.5, 3]
    assert outcome.shares.tolist() == [[0.5, 0.5, 0], [0.5, 0.5, 0], [0, 0, 1]]
    assert np.isnan(rater_agreement(outcome.rankings).overall)


def test_shares_of_each_method_and_rank_sum_to_one() -> None:
    ranks = stats.rankdata(np.random.default_rng(0).integers(0, 4, size=(50, 6)), axis=1)
    shares = rank_shares(np.asarray(ranks))
    np.testing.assert_allclose(shares.sum(axis=0), 1)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    np.testing.assert_allclose(shares @ np.arange(1, 7), ranks.mean(axis=0))
