"""A rating study's folder and lists: blind, balanced, with its checks and its scale."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from srspace_eval.errors import Notice, StudyError
from srspace_eval.study.create import create_study
from srspace_eval.study.design import Crop, Task, obvious_levels
from srspace_eval.study.key import Key, load_key
from srspace_eval.study.options import StudyOptions
from srspace_eval.study.pictures import coarsened
from srspace_eval.study.rating_design import make_rating_lists, make_rating_tasks
from srspace_eval.tracks.opinion_scale import ACR, DCR
from srspace_eval.tracks.reader import load_track
from tests.helpers.studies import METHODS, SECRET, Build, Material

Study = tuple[Path, Key]


@pytest.fixture(scope="module")
def rating(build: Build) -> Study:
    return build(task="rate", repeats=2, obvious=1)


def lists(methods: int, crops: int, **options: int) -> tuple[list[Task], list[list[Task]]]:
    """All tasks, and each rater's tasks in their order."""
    settings = StudyOptions(task="rate", **options)  # type: ignore[arg-type]
    drawn = [Crop(str(number), 0, 0, 0) for number in range(crops)]
    obvious = [Crop("0", 1 + number, 9, 9) for number in range(settings.obvious)]
    tasks = make_rating_tasks(drawn, obvious, methods, SECRET, pairs=False)
    repeats, raters = make_rating_lists(tasks, methods, SECRET, settings)
    by_id = {task.id: task for task in [*tasks, *repeats]}
    return tasks, [[by_id[name] for name in rater.tasks] for rater in raters]


def test_each_rater_rates_each_version_of_each_crop_once(rating: Study) -> None:
    _, key = rating
    for rater in key.raters.values():
        own = [key.tasks[name] for name in rater.tasks]
        counted = Counter((task.crop, task.holds[0]) for task in own if task.kind == "rate")
        assert set(counted.values()) == {1}
        assert len(counted) == 6 * len(METHODS)
        assert Counter(task.kind for task in own) == {"rate": 18, "repeat": 2, "obvious": 2}


def test_no_crop_comes_twice_in_a_row_and_methods_are_balanced_over_rounds() -> None:
    methods, crops = 5, 12
    _, raters = lists(methods, crops, raters=10, repeats=3, obvious=2)
    in_round = np.zeros((methods, methods), int)
    for own in raters:
        assert all(one.crop != other.crop for one, other in pairwise(own))
        rated = [task for task in own if task.kind == "rate"]
        for place, task in enumerate(rated):
            in_round[place // crops, task.holds[0]] += 1
        for start in range(0, len(rated), crops):
            assert len({task.crop for task in rated[start : start + crops]}) == crops
    # 120 crops a round: 24 of each method, or one more or less.
    assert in_round.min() >= 23
    assert in_round.max() <= 25
    assert len({tuple((task.crop, task.holds) for task in own) for own in raters}) == 10


def test_shares_hold_all_versions_of_their_crops() -> None:
    _, raters = lists(4, 10, raters=2, tasks_per_rater=17)
    assert len(raters) == 6  # three shares of at most four crops
    counts = Counter((task.crop, task.holds) for own in raters for task in own)
    assert set(counts.values()) == {2}
    for own in raters:
        assert len(own) <= 17
        assert len(own) == 4 * len({task.crop for task in own})
    with pytest.raises(StudyError, match="tasks_per_rater is 3: a rater rates all methods' versions"):
        lists(4, 10, tasks_per_rater=3)


def test_repeats_come_late_and_too_many_give_a_notice() -> None:
    _, raters = lists(3, 10, raters=3, repeats=4)
    for own in raters:
        place = {task.id: number for number, task in enumerate(own)}
        repeats = [task for task in own if task.kind == "repeat"]
        assert len(repeats) == 4
        assert all(place[task.id] - place[str(task.of)] >= 5 for task in repeats)
    with pytest.warns(Notice, match="repeats is 9: a rater with 6 tasks repeats at most 3"):
        lists(3, 2, repeats=9)


def test_single_pictures_show_no_gt_and_no_lr(rating: Study, material: Material) -> None:
    folder, key = rating
    crops = {(task.crop.image, task.crop.x, task.crop.y) for task in key.tasks.values() if task.kind == "rate"}
    gts = {
        np.asarray(Image.open(material.gt / f"{image}.png"))[y : y + 16, x : x + 16].tobytes() for image, x, y in crops
    }
    shown = {path.stem: np.asarray(Image.open(path)).tobytes() for path in (folder / "images").iterdir()}
    assert not gts & set(shown.values())
    assert set(shown) == {item for task in key.tasks.values() for item in task.items}
    assert {task.reference for task in key.tasks.values()} == {None}


def test_pairs_show_the_gt_of_their_crop(build: Build, material: Material) -> None:
    folder, key = build(task="rate", pairs=True, obvious=1)
    assert key.scale == DCR
    for task in key.tasks.values():
        gt = np.asarray(Image.open(material.gt / f"{task.crop.image}.png"))
        square = gt[task.crop.y : task.crop.y + 16, task.crop.x : task.crop.x + 16]
        np.testing.assert_array_equal(np.asarray(Image.open(folder / "images" / f"{task.reference}.png")), square)
        if task.kind == "obvious":
            shown = np.asarray(Image.open(folder / "images" / f"{task.items[0]}.png"))
            np.testing.assert_array_equal(shown, coarsened(square, 1 if task.holds == (0,) else 5))
    assert "How close is this picture to the reference?" in (folder / "index.html").read_text()


def test_nothing_in_the_folder_tells_the_method(build: Build) -> None:
    """Names, sizes and the order of files are independent of the method (chi-squared test, fixed secret)."""
    folder, key = build(task="rate", crops=6, size=8, raters=4, repeats=1, obvious=1, include_gt=True)
    data = (folder / "data.js").read_text()
    for word in [*key.entries, key.secret, *(r.token for r in key.raters.values()), "801", "802"]:
        assert word not in data
    told = json.loads(data.removeprefix("window.STUDY = ").removesuffix(";\n"))
    assert set(told) == {"study", "format", "task", "size", "zoom", "grades", "ties", "tasks", "raters"}
    assert {tuple(sorted(task)) for task in told["tasks"].values()} == {("items", "reference")}
    files = sorted((folder / "images").iterdir())
    assert len({(p.stat().st_size, p.stat().st_mtime, p.stat().st_mode) for p in files}) == 1
    method = {task.items[0]: task.holds[0] for task in key.tasks.values() if task.kind == "rate"}
    order = [method[p.stem] for p in files if p.stem in method]
    quarter = len(order) // 4
    table = [[order[k * quarter : (k + 1) * quarter].count(m) for m in range(4)] for k in range(4)]
    assert stats.chi2_contingency(table).pvalue > 0.001


def test_the_same_secret_builds_the_same_bytes(build: Build, rating: Study) -> None:
    folder, key = rating
    other, other_key = build(task="rate", repeats=2, obvious=1)
    assert key == other_key
    for path in folder.rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (other / path.relative_to(folder)).read_bytes()
    assert load_key(folder.parent / "key.json") == key


def test_the_scale_is_the_track_s_or_that_of_p910(build: Build, rating: Study) -> None:
    assert rating[1].scale == ACR
    words = ["Perfect", "Almost perfect", "Slightly worse", "Worse", "Much worse", "Terrible"]
    x4 = load_track("x4")
    track = replace(load_track("ntire2020-rwsr-1"), sample_names=x4.sample_names, first=801, crop=x4.crop)
    folder, key = build(task="rate", track=track)
    assert key.scale is not None
    assert (key.scale.grades, key.scale.better, list(key.scale.words)) == ((0, 1, 2, 3, 4, 5), "lower", words)
    page = (folder / "index.html").read_text()
    assert "Rate it from 5 (Terrible)\n        to 0 (Perfect)." in page
    assert '<input type="radio" name="grade" value="0"><b>0</b> <span>Perfect</span>' in page


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"task": "rate", "ties": True}, "ties=True is for rankings"),
        ({"task": "rate", "context": 64}, "context is for rankings"),
        ({"pairs": True}, r"pairs is for ratings \(task rate\)"),
        ({"zoom": 0}, "zoom is 0: it must be at least 1"),
        ({"task": "sort"}, "task is 'sort'"),
    ],
)
def test_options_of_the_other_task_are_refused(
    material: Material, tmp_path: Path, options: dict[str, object], message: str
) -> None:
    settings = StudyOptions(size=16, **options)  # type: ignore[arg-type]
    given = [material.submission(name) for name in METHODS]
    with pytest.raises(StudyError, match=message):
        create_study(given, material.gt, tmp_path / "s", track="x4", options=settings, secret=SECRET)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("entries", [2, 3, 8, 20])
def test_the_obvious_task_of_rankings_has_as_many_pieces_as_the_others(entries: int) -> None:
    levels = obvious_levels(entries)
    assert len(levels) == entries
    assert levels.count(0) == 1
    assert levels == sorted(levels)
    assert levels[-1] == 2


def test_the_pieces_of_one_level_are_different_pictures(build: Build) -> None:
    folder, key = build(include_gt=True, obvious=1, crops=1)
    (task,) = [task for task in key.tasks.values() if task.kind == "obvious"]
    assert sorted(task.holds) == [0, 1, 2, 2]
    shown = {(folder / "images" / f"{item}.png").read_bytes() for item in task.items}
    assert len(shown) == 4


def test_an_lr_is_refused_for_ratings(material: Material, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="lr is for rankings; ratings show no LR"):
        create_study(
            [material.submission(name) for name in METHODS],
            material.gt,
            tmp_path / "s",
            lr=material.gt,
            options=StudyOptions(task="rate", size=16),
        )
    assert list(tmp_path.iterdir()) == []
