"""What the fourth attack found in the human study."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from srspace_eval import (
    PlanTarget,
    RaterModel,
    RatingModel,
    StudyOptions,
    collect_ratings,
    collect_study,
    create_study,
    mean_opinion_scores,
    plan_ratings,
    plan_study,
    write_png,
)
from srspace_eval.errors import Notice, StudyError
from srspace_eval.study.collect import answer_files, compute_outcome
from srspace_eval.study.key import Key, load_key
from srspace_eval.study.obvious import is_visible
from srspace_eval.study.places import default_key_path
from srspace_eval.study.rankings import Rankings
from srspace_eval.study.statistics import compare_pairs
from tests.helpers.studies import METHODS, Build, answer_document, make_material, make_study

Study = tuple[Path, Key]
GRADES = np.array([2.0, 2.7, 3.4, 4.1])


def save(folder: Path, name: str, document: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(json.dumps(document))
    return path


def ratings(rng: np.random.Generator, raters: int, pictures: int) -> np.ndarray:
    """Whole grades (raters, pictures, methods): the model of docs/concepts/study.md."""
    bias = rng.normal(0, 0.5, (raters, 1, 1))
    picture = rng.normal(0, 0.5, (1, pictures, len(GRADES)))
    noise = rng.normal(0, 0.7, (raters, pictures, len(GRADES)))
    return np.clip(np.rint(GRADES + bias + picture + noise), 1, 5)


def columns(grades: np.ndarray) -> tuple[list[str], list[str], list[str], list[float]]:
    rater, picture, method = (index.ravel() for index in np.indices(grades.shape))
    return (
        [f"m{i}" for i in method],
        [f"p{i}" for i in picture],
        [f"r{i:02d}" for i in rater],
        grades.ravel().tolist(),
    )


def test_one_crop_gives_no_interval_and_a_notice(build: Build, tmp_path: Path) -> None:
    _, key = build(images=1, crops=1)
    for rater in key.raters:
        save(tmp_path / "answers", f"{rater}.json", answer_document(key, rater))
    with pytest.warns(Notice, match="no intervals, because one crop does not show how crops vary"):
        collect_study(tmp_path / "answers", key, out=tmp_path / "out")
    told = json.loads((tmp_path / "out/study.json").read_text())
    assert {end for m in told["methods"] for end in m["mor_interval"] + m["rank_interval"]} == {None}
    assert {end for pair in told["pairs"] for end in pair["interval"]} == {None}
    assert "one crop does not show" in (tmp_path / "out/report.html").read_text(encoding="utf-8").lower()


def test_one_picture_of_ratings_gives_no_interval_and_a_notice(build: Build, tmp_path: Path) -> None:
    _, key = build(task="rate", images=1, crops=1)
    for rater in key.raters:
        save(tmp_path / "answers", f"{rater}.json", answer_document(key, rater))
    with pytest.warns(Notice, match="no intervals, because one crop"):
        outcome = collect_ratings(tmp_path / "answers", key)
    assert np.isnan([outcome.scores.low, outcome.scores.unbiased_low]).all()


def test_every_interval_comes_with_its_measured_coverage(build: Build, tmp_path: Path) -> None:
    for task, collect in (("rank", collect_study), ("rate", collect_ratings)):
        _, key = build(task=task)
        for rater in key.raters:
            save(tmp_path / task, f"{rater}.json", answer_document(key, rater))
        collect(tmp_path / task, key, out=tmp_path / f"{task}-out")  # type: ignore[operator]
        page = (tmp_path / f"{task}-out/report.html").read_text(encoding="utf-8")
        assert "raters and crops is 2, 95 % intervals held the truth in" in page


def test_intervals_without_biases_of_three_raters_hold_the_truth() -> None:
    """It was 72.7 %: one rater got nearly all the weight."""
    rng = np.random.default_rng(5)
    truth = np.clip(np.rint(GRADES + rng.normal(0, np.sqrt(0.99), (500_000, 1))), 1, 5).mean(axis=0)
    held = []
    for _ in range(60):
        found = mean_opinion_scores(*columns(ratings(rng, 3, 40)))
        held.append((found.unbiased_low <= truth) & (truth <= found.unbiased_high))
    assert np.mean(held) > 0.89


def test_raters_who_agree_beforehand_do_not_get_most_weight() -> None:
    """Two of five moved the score without biases by 1.33 grades, and the plain one by 0.67."""
    rng = np.random.default_rng(1)
    shifts = []
    for _ in range(10):
        honest = ratings(rng, 5, 30)
        agreed = honest.copy()
        agreed[:2] = np.clip(honest[0] + [2, 0, 0, 0], 1, 5)
        before, after = (mean_opinion_scores(*columns(grades)) for grades in (honest, agreed))
        shifts.append([after.mos[0] - before.mos[0], after.unbiased[0] - before.unbiased[0]])
    plain, unbiased = np.mean(shifts, axis=0)
    assert unbiased < 1.25 * plain


def test_a_rater_with_nearly_all_rankings_does_not_hide_how_raters_vary() -> None:
    """One rater ranked 100 crops and another two: the sums of their deviations nearly vanish."""
    rng = np.random.default_rng(0)
    ranks = np.array([[1.0, 2.0]] * 100 + [[2.0, 1.0]] * 2)
    rater = np.array([0] * 100 + [1] * 2)
    [pair] = compare_pairs(Rankings(("a", "b"), ranks, rater, rng.permutation(102)))
    assert pair.high - pair.low > 10, "two raters who disagree know nothing"


def test_the_key_is_not_written_into_another_raters_folder(study: Study, tmp_path: Path) -> None:
    folder, _ = study
    (tmp_path / "new").mkdir()
    material = make_material(tmp_path / "new")
    for out, key in ((tmp_path / "s", folder / "second-key.json"), (folder / "sub", None)):
        with pytest.raises(StudyError, match="raters' folder"):
            create_study(
                [material.submission(name) for name in METHODS], material.gt, out, track="x4",
                options=StudyOptions(size=16, raters=2), key_path=key,
            )  # fmt: skip
    assert not (folder / "second-key.json").exists()
    assert not (folder / "sub").exists()


def test_pictures_of_another_size_or_place_are_told(tmp_path: Path) -> None:
    material = make_material(tmp_path)
    rng = np.random.default_rng(0)
    for method, shape in (("large", (192, 272, 3)), ("small", (92, 136, 3))):
        (tmp_path / method).mkdir()
        for index in range(3):
            write_png(tmp_path / method / f"{index:06d}_sample00000.png", rng.integers(0, 255, shape, dtype=np.uint8))
    options = StudyOptions(size=16, crops=1, raters=2)
    with pytest.warns(Notice) as notices:
        create_study({"a": tmp_path / "large", "b": material.submission("flow")}, material.gt, tmp_path / "s",
                     track="x4", options=options)  # fmt: skip
    told = [str(notice.message) for notice in notices]
    assert any(text.startswith("a: 3 of its 3 pictures are larger than the GT") for text in told)
    assert any(text.startswith("a: the samples do not look like their GT") for text in told)
    with pytest.raises(StudyError, match="smaller than its GT"):
        create_study({"a": tmp_path / "small", "b": material.submission("flow")}, material.gt, tmp_path / "t",
                     track="x4", options=options)  # fmt: skip


@pytest.mark.parametrize("task", ["rank", "rate"])
def test_an_obvious_check_lies_where_something_is_to_be_seen(tmp_path: Path, task: str) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "gt").mkdir()
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    for index in range(2):
        gt = np.full((200, 240, 3), 255, np.uint8)
        gt[40:140, 60:180] = rng.integers(0, 200, (100, 120, 3))
        write_png(tmp_path / "gt" / f"080{index + 1}.png", gt)
        for name in ("a", "b", "c"):
            write_png(tmp_path / name / f"{index:06d}_sample00000.png", gt)
    given = [tmp_path / name for name in ("a", "b", "c")]
    for seed in range(4):
        options = StudyOptions(size=40, crops=2, raters=1, obvious=2, task=task, seed=seed)  # type: ignore[arg-type]
        made = create_study(given, tmp_path / "gt", tmp_path / f"s{seed}", track="x4", options=options)
        for check in (task for task in made.key.tasks.values() if task.kind == "obvious"):
            assert check.crop.x + 40 > 60
            assert check.crop.x < 180
    for path in (tmp_path / "gt").iterdir():
        write_png(path, np.full((200, 240, 3), 255, np.uint8))
    with pytest.raises(StudyError, match="no place for check 1 where raters could see"):
        create_study(given, tmp_path / "gt", tmp_path / "flat", track="x4", options=options)
    assert not (tmp_path / "flat").exists()


def test_pieces_that_look_alike_are_no_check() -> None:
    sky = np.linspace(200, 210, 80).astype(np.uint8)[:, None, None] + np.zeros((80, 80, 3), np.uint8)
    assert not is_visible(sky, (0, 1, 2))
    assert is_visible(np.random.default_rng(0).integers(0, 255, (80, 80, 3), dtype=np.uint8), (0, 1, 2))


def test_the_current_folder_as_a_study(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, _ = study
    (tmp_path / "link").symlink_to(folder, target_is_directory=True)
    expected = folder.with_name(f"{folder.name}-key.json")
    assert default_key_path(tmp_path / "link").resolve() == expected.resolve()
    monkeypatch.chdir(folder / "images")
    assert default_key_path(Path("..")) == expected.resolve()
    monkeypatch.chdir(folder)
    assert default_key_path(Path()) == expected.resolve()
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(StudyError, match="is the current folder"):
        create_study(["x", "y"], "gt", ".", track="x4")


def test_answers_in_folders_and_in_capitals(study: Study, tmp_path: Path) -> None:
    _, key = study
    save(tmp_path, "r01.JSON", answer_document(key, "r01"))
    save(tmp_path / "more", "r02.json", answer_document(key, "r02"))
    with pytest.warns(Notice, match="not read: the .json files in the folders more"):
        assert [path.name for path in answer_files([tmp_path])] == ["r01.JSON"]


def test_the_order_inside_a_tie_is_no_contradiction(build: Build, tmp_path: Path) -> None:
    _, key = build(ties=True)
    files = []
    for number in (0, 1):
        document = answer_document(key, "r01")
        for answer in document["answers"]:
            items = [item for group in answer["ranking"] for item in group]
            answer["ranking"] = [items[::-1] if number else items]
        files.append(save(tmp_path, f"{number}.json", document))
    assert len(compute_outcome(files, key).accepted) == 1


def test_a_key_without_the_settings_of_the_report_is_damaged(tmp_path: Path) -> None:
    make_study(make_material(tmp_path), tmp_path)
    document = json.loads((tmp_path / "key.json").read_text())
    del document["settings"]["track"]
    (tmp_path / "key.json").write_text(json.dumps(document))
    with pytest.raises(StudyError, match="settings has no track"):
        load_key(tmp_path / "key.json")
    with pytest.raises(StudyError, match="the secret must be 32 bytes"):
        create_study(["x", "y"], "gt", tmp_path / "s2", track="x4", secret="x" * 32)  # type: ignore[arg-type]


@pytest.mark.parametrize("target", [PlanTarget(alpha=1e-310), PlanTarget(comparisons=10**400)])
def test_a_plan_out_of_all_measure_is_refused(target: PlanTarget) -> None:
    with pytest.raises(StudyError, match="cannot be planned"):
        plan_study(target)


@pytest.mark.parametrize("model", [RatingModel(entries=10**400), RatingModel(bias=1e-160, noise=1e-160, picture=0)])
def test_a_rating_plan_out_of_all_measure_is_refused(model: RatingModel) -> None:
    with pytest.raises(StudyError, match="cannot be planned"):
        plan_ratings(model=model)
    with pytest.raises(StudyError, match="entries must be at most"):
        plan_study(model=RaterModel(entries=10**400))
