"""What an attacker found in `study collect` and `study create`: hostile answers, wrong numbers, lost files."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from srspace_eval.errors import Notice, RankingError, StudyError
from srspace_eval.ranking.draws import draws_csv
from srspace_eval.ranking.entries import add_mor
from srspace_eval.study.collect import answer_files, collect_ratings, collect_study, compute_outcome
from srspace_eval.study.key import Key, load_key
from srspace_eval.study.opinion_scores import mean_opinion_scores
from srspace_eval.study.options import CollectOptions, StudyOptions
from srspace_eval.study.randomization import draw_corners
from srspace_eval.study.screening import short_path
from tests.helpers.studies import Build, answer_document, make_material, make_study

Study = tuple[Path, Key]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    material = make_material(tmp_path_factory.mktemp("material"))

    def make(**settings: Any) -> Study:
        return make_study(material, tmp_path_factory.mktemp("built"), **settings)

    return make


@pytest.fixture(scope="module")
def study(build: Build) -> Study:
    return build(repeats=1, obvious=1)


def save(folder: Path, name: str, document: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(json.dumps(document))
    return path


def both(folder: Path, key: Key) -> Path:
    """Two raters whose orders differ."""
    for rater, order in zip(key.raters, ([2, 0, 1], [0, 2, 1]), strict=True):
        save(folder, f"{rater}.json", answer_document(key, rater, order=order.__getitem__))
    return folder


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
def test_a_pipe_among_the_answers_is_not_opened(study: Study, tmp_path: Path) -> None:
    _, key = study
    folder = both(tmp_path / "answers", key)
    os.mkfifo(folder / "study.json")
    with pytest.warns(Notice, match=r"study\.json: not a file"):
        assert collect_study(folder, key).rankings.raters == 2


def test_contradictory_answers_give_short_reasons(study: Study, tmp_path: Path) -> None:
    _, key = study
    rng = np.random.default_rng(0)
    folder = both(tmp_path / "answers", key)
    for number in range(60):
        document = answer_document(key, "r02")
        for answer in document["answers"]:
            rng.shuffle(answer["ranking"])
        save(folder, f"x{number:02d}.json", document)
    rejected = compute_outcome(answer_files([folder]), key).rejected
    assert len(rejected) == 61
    assert all("and 57 more: ask r02 which counts" in r.reason for r in rejected)
    assert max(len(r.reason) for r in rejected) < 4 * (len(str(folder)) + 100)


def test_half_of_an_obvious_check_shows_nothing(build: Build, tmp_path: Path) -> None:
    _, key = build(task="rate", obvious=1)
    for rater, own in key.raters.items():
        document = answer_document(key, rater)
        first = min(i for i, task in enumerate(own.tasks) if key.tasks[task].kind == "obvious")
        document["answers"] = [{"task": task, "rating": 3, "seconds": 1} for task in own.tasks[: first + 1]]
        save(tmp_path, f"{rater}.json", document)
    with pytest.raises(StudyError, match="no attention check is answered"):
        collect_ratings(tmp_path, key, options=CollectOptions(partial="use"))


def test_a_deeply_nested_rating_is_one_refused_answer(build: Build, tmp_path: Path) -> None:
    _, key = build(task="rate")
    for rater in key.raters:
        save(tmp_path, f"{rater}.json", answer_document(key, rater))
    deep = '{"format":"srspace-eval/answer/1","answers":[{"rating":' + "[" * 600 + "]" * 600 + "}]}"
    (tmp_path / "deep.json").write_text(deep)
    with pytest.warns(Notice, match=r"deep\.json: answers\[0\]\.rating: .*nested too deeply"):
        assert len(collect_ratings(tmp_path, key).accepted) == 2


def test_an_agreement_of_exactly_the_threshold_passes(build: Build, tmp_path: Path) -> None:
    """Three repeats with the taus 1, 1/3 and -1/3 have the mean 1/3. As floats their mean is a little less or more."""
    _, key = build(repeats=3)
    document, swaps = answer_document(key, "r01"), iter((0, 1, 2))
    for answer in document["answers"]:
        task = key.tasks[answer["task"]]
        if task.kind == "repeat":
            order = ([0, 1, 2], [1, 0, 2], [1, 2, 0])[next(swaps)]
            answer["ranking"] = [[task.items[task.holds.index(held)]] for held in order]
        elif any(other.of == task.id for other in key.tasks.values()):
            answer["ranking"] = [[task.items[task.holds.index(held)]] for held in (0, 1, 2)]
    path = save(tmp_path, "r01.json", document)
    mean = compute_outcome([path], key, CollectOptions(agreement=-1)).accepted[0].agreement
    assert mean == pytest.approx(1 / 3)
    above = float(np.nextafter(max(mean or 0, 1 / 3), 1))
    assert compute_outcome([path], key, CollectOptions(agreement=above)).rejected == ()


def test_a_later_partial_answer_does_not_replace_a_complete_one(study: Study, tmp_path: Path) -> None:
    _, key = study
    complete = {**answer_document(key, "r01"), "id": "0" * 32, "revision": 1}
    later = {**answer_document(key, "r01", order=lambda m: -m), "id": "1" * 32, "revision": 2}
    later["answers"] = later["answers"][:-1]
    files = [save(tmp_path, "r01.json", complete), save(tmp_path, "other.json", later)]
    outcome = compute_outcome(files, key, CollectOptions(partial="use", agreement=-1))
    assert [a.answer.revision for a in outcome.accepted] == [1]
    assert "r01 also sent a complete answer" in outcome.rejected[0].reason


def test_one_rater_of_rankings_gives_no_interval_and_a_notice(study: Study, tmp_path: Path) -> None:
    _, key = study
    save(tmp_path / "answers", "r01.json", answer_document(key, "r01"))
    with pytest.warns(Notice, match="one rater does not show"):
        outcome = collect_study(tmp_path / "answers", key, out=tmp_path / "out")
    told = json.loads((tmp_path / "out/study.json").read_text())
    assert {end for m in told["methods"] for end in m["mor_interval"] + m["rank_interval"]} == {None}
    assert {end for pair in told["pairs"] for end in pair["interval"]} == {None}
    assert np.isnan(outcome.to_frame()["mor_low"]).all()


@pytest.mark.parametrize("name", ["report.html", "study.json", "MOR.csv", "plotly.min.js"])
def test_files_of_others_are_not_replaced(study: Study, tmp_path: Path, name: str) -> None:
    _, key = study
    answers, out = both(tmp_path / "answers", key), tmp_path / "out"
    out.mkdir()
    (out / name).write_text("precious")
    with pytest.raises(StudyError, match="not a study's result") as caught:
        collect_study(answers, key, out=out)
    assert name in str(caught.value)
    assert [(path.name, path.read_text()) for path in out.iterdir()] == [(name, "precious")]


def test_a_result_of_another_kind_is_not_mixed_with_this_one(study: Study, build: Build, tmp_path: Path) -> None:
    _, key = study
    _, rating = build(task="rate")
    collect_study(both(tmp_path / "answers", key), key, out=tmp_path / "out")
    for rater in rating.raters:
        save(tmp_path / "ratings", f"{rater}.json", answer_document(rating, rater))
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    with pytest.raises(StudyError, match="another kind"):
        collect_ratings(tmp_path / "ratings", rating, out=tmp_path / "out")
    assert before == {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}


def test_no_result_lies_in_the_raters_folder(study: Study, tmp_path: Path) -> None:
    folder, key = study
    answers = both(tmp_path / "answers", key)
    for out in (folder, folder / "images", folder / "new"):
        with pytest.raises(StudyError, match="raters' folder"):
            collect_study(answers, key, out=out)
    assert not (folder / "study.json").exists()
    assert not (folder / "new").exists()


def test_a_result_is_written_whole_or_not_at_all(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, key = study
    answers, out = both(tmp_path / "answers", key), tmp_path / "out"
    collect_study(answers, key, out=out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    save(answers, "r02.json", answer_document(key, "r02", order=lambda m: -m))
    calls = iter(range(100))

    def full(handle: int) -> None:
        if next(calls) == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StudyError, match="No space left"):
        collect_study(answers, key, out=out)
    monkeypatch.undo()
    assert before == {path.name: path.read_bytes() for path in out.iterdir()}
    collect_study(answers, key, out=out)
    assert (out / "MOR.csv").read_bytes() != before["MOR.csv"]


def test_draws_of_another_result_are_refused(study: Study, tmp_path: Path) -> None:
    _, key = study
    answers = both(tmp_path / "answers", key)
    collect_study(answers, key, out=tmp_path / "out")
    collect_study(answers, key, out=tmp_path / "other", options=CollectOptions(level=0.8, seed=1))
    assert add_mor([], tmp_path / "out")[0][0].draws
    for name in ("MOR-draws.csv", "MOR.csv"):
        before = (tmp_path / "out" / name).read_bytes()
        (tmp_path / "out" / name).write_bytes((tmp_path / "other" / name).read_bytes() + b"\r\n" * (name == "MOR.csv"))
        with pytest.raises(RankingError, match=rf"{name} does not belong to the study\.json"):
            add_mor([], tmp_path / "out")
        (tmp_path / "out" / name).write_bytes(before.replace(b"\n", b"\r\n"))
    assert add_mor([], tmp_path / "out")[0][0].draws, "version control may change the ends of lines"


def test_draws_without_a_document_must_have_the_intervals_as_quantiles(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    draws = rng.normal(1.5, 0.1, (500, 1)) * [1, -1] + [0, 3]
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    lines = [f"{name},1.5,{low[i]:.6f},{high[i]:.6f},9" for i, name in enumerate("ab")]
    (tmp_path / "MOR.csv").write_text("\n".join(["team,mor,mor_low,mor_high,n", *lines, ""]))
    (tmp_path / "MOR-draws.csv").write_text(draws_csv("ab", draws.tolist()))
    assert len(add_mor([], tmp_path)[0][0].draws["mor"]) == 500
    # One level has no quantile at the ends of both intervals when only one method's draws are others.
    mixed = np.column_stack([draws[:, 0], (draws[:, 1] - 1.5) * 0.9 + 1.5])
    (tmp_path / "MOR-draws.csv").write_text(draws_csv("ab", mixed.tolist()))
    with pytest.raises(RankingError, match="does not belong"):
        add_mor([], tmp_path)


def test_results_have_no_absolute_path(study: Study, tmp_path: Path) -> None:
    _, key = study
    answers = both(tmp_path / "answers", key)
    (answers / "damaged.json").write_text("{")
    save(answers, "again.json", answer_document(key, "r01", order=lambda m: [2, 0, 1][m]))
    with pytest.warns(Notice) as notices:
        collect_study(answers, key, out=tmp_path / "out")
    assert any(str(answers / "damaged.json") in str(notice.message) for notice in notices), "the organiser sees it"
    for name in ("study.json", "report.html"):
        text = (tmp_path / "out" / name).read_text(encoding="utf-8")
        assert str(tmp_path) not in text
        assert short_path(str(answers / "damaged.json")) in text


def test_a_drawn_seed_has_64_bits(tmp_path: Path) -> None:
    seeds = [StudyOptions().with_seed(bytes([number]) * 32).fixed_seed for number in range(40)]
    assert max(seeds) >= 1 << 62
    assert len(set(seeds)) == 40
    _, key = make_study(make_material(tmp_path), tmp_path, seed=max(seeds))
    assert load_key(tmp_path / "key.json").settings["seed"] == max(seeds) == key.settings["seed"]


def test_options_from_numpy_and_of_wrong_types(tmp_path: Path) -> None:
    material = make_material(tmp_path)
    wrongs: list[dict[str, Any]] = [
        {"raters": 1.5},
        {"seed": "a"},
        {"seed": 1.5},
        {"size": "16"},
        {"crops": True},
    ]
    for wrong in wrongs:
        with pytest.raises(StudyError, match=f"{next(iter(wrong))} is .*it must be a whole number"):
            make_study(material, tmp_path, **wrong)
        assert not (tmp_path / "key.json").exists()
    unfits: list[dict[str, Any]] = [
        {"level": "a"},
        {"draws": 100.5},
        {"draws": True},
        {"seed": 1.5},
        {"agreement": None},
    ]
    for unfit in unfits:
        assert list(CollectOptions(**unfit).problems()) == list(unfit)
    assert CollectOptions(draws=np.int64(200), level=np.float64(0.9)).problems() == {}
    _, key = make_study(material, tmp_path, raters=np.int64(2), size=np.int32(16))
    assert load_key(tmp_path / "key.json").raters == key.raters


def test_a_key_that_cannot_be_written_does_not_block_the_next_try(study: Study, tmp_path: Path) -> None:
    _, key = study
    with pytest.raises(TypeError):
        replace(key, settings={"x": object()}).write(tmp_path / "key.json")
    assert list(tmp_path.iterdir()) == []
    key.write(tmp_path / "key.json")


def test_many_crops_fit_into_a_large_picture() -> None:
    corners = np.array(draw_corners(0, "0801", 1400, 2000, count=350, size=40, step=4))
    assert len(corners) == 350
    near = (np.abs(corners[:, None] - corners[None]) < 40).all(axis=2)
    assert near.sum() == 350, "each overlaps only itself"


def test_a_score_of_hundreds_of_digits_is_named() -> None:
    with pytest.raises(StudyError, match="rating 2: the score is larger than any number on a scale"):
        mean_opinion_scores(["a"] * 2, ["p"] * 2, ["r", "s"], [1, 10**400])
