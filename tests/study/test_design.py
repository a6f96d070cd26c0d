from __future__ import annotations

import numpy as np
import pytest

from srspace_eval.errors import StudyError
from srspace_eval.study.design import (
    RaterList,
    balanced_orders,
    draw_crops,
    draw_sample,
    latin_square,
    random_id,
    share_tasks,
    spread_checks,
)
from srspace_eval.study.tasks import Options, make_lists, make_tasks, place_crops, position_counts


@pytest.mark.parametrize("n", [1, 2, 7, 40])
def test_a_latin_square_has_each_symbol_once_in_each_row_and_column(n: int) -> None:
    square = latin_square(n, np.random.default_rng(n))
    assert all(sorted(row) == list(range(n)) for row in square)
    assert all(sorted(column) == list(range(n)) for column in square.T)


@pytest.mark.parametrize(("shares", "entries"), [([6, 6], 4), ([5, 5, 5], 8), ([300] * 5, 8), ([7, 6, 7, 6], 3)])
def test_positions_are_balanced_over_the_study_within_one(shares: list[int], entries: int) -> None:
    orders = balanced_orders(shares, entries, np.random.default_rng(0))
    assert [len(part) for part in orders] == shares
    rows = np.concatenate(orders)
    counts = np.array([np.bincount(rows[:, p], minlength=entries) for p in range(entries)])
    assert counts.max() - counts.min() <= 1
    assert all(sorted(row) == list(range(entries)) for row in rows)


@pytest.mark.parametrize("entries", [4, 8])
def test_a_raters_positions_do_not_tie_crops_of_different_tasks_to_one_method(entries: int) -> None:
    # Lists as long as there are methods: each would be a Latin square if balanced for itself, and then one method's
    # crops in two tasks would never stand at the same position.
    shares = [entries] * 600
    orders = balanced_orders(shares, entries, np.random.default_rng(1))
    first, second = np.triu_indices(entries, 1)
    same = np.mean([part[first] == part[second] for part in orders])
    assert same == pytest.approx(1 / entries, rel=0.05)


@pytest.mark.parametrize(("entries", "crops", "raters", "per_rater"), [(8, 30, 5, None), (5, 7, 3, 3), (40, 12, 5, 5)])
def test_the_lists_of_a_whole_study_are_balanced(entries: int, crops: int, raters: int, per_rater: int | None) -> None:
    options = Options(raters=raters, tasks_per_rater=per_rater, crops=1, repeats=1, obvious=1)
    sizes = {f"{i:04d}": (400, 400) for i in range(crops)}
    places, obvious = place_crops(sizes, 8, options)
    tasks = make_tasks(places, obvious, [f"m{i}" for i in range(entries)], b"s" * 32)
    repeats, lists = make_lists(tasks, entries, b"s" * 32, options)
    every = {task.id: task for task in [*tasks, *repeats]}
    counts = position_counts(lists, every, entries)
    assert counts.sum() == crops * raters * entries
    assert counts.max() - counts.min() <= 1
    # Each task is done by as many people as asked for, and by nobody twice.
    done = [name for rater in lists for name in rater.tasks if every[name].kind == "rank"]
    assert sorted(done) == sorted([t.id for t in tasks if t.kind == "rank"] * raters)
    for rater in lists:
        assert len(set(rater.tasks)) == len(rater.tasks)
        assert per_rater is None or sum(every[n].kind == "rank" for n in rater.tasks) <= per_rater
        assert _repeats_follow_their_originals(rater, {r.id: r.of for r in repeats})


def _repeats_follow_their_originals(rater: RaterList, of: dict[str, str | None]) -> bool:
    place = {name: i for i, name in enumerate(rater.tasks)}
    return all(place[str(of[name])] < place[name] for name in rater.tasks if name in of)


def test_crops_do_not_overlap_and_lie_on_the_grid() -> None:
    for seed in range(20):
        crops = draw_crops(seed, "0801", 200, 304, count=3, size=80, step=8)
        assert all(c.x % 8 == 0 and c.y % 8 == 0 and c.x <= 224 and c.y <= 120 for c in crops)
        for i, a in enumerate(crops):
            assert all(abs(a.x - b.x) >= 80 or abs(a.y - b.y) >= 80 for b in crops[:i])


def test_crops_of_an_image_depend_on_seed_and_image_alone() -> None:
    one = draw_crops(0, "0801", 400, 400, count=3, size=80, step=8)
    assert one == draw_crops(0, "0801", 400, 400, count=3, size=80, step=8)
    # A further crop, of an obvious task, does not move those that are ranked.
    assert one == draw_crops(0, "0801", 400, 400, count=4, size=80, step=8)[:3]
    assert one != draw_crops(1, "0801", 400, 400, count=3, size=80, step=8)
    assert [(c.x, c.y) for c in one] != [(c.x, c.y) for c in draw_crops(0, "0802", 400, 400, count=3, size=80, step=8)]


def test_every_place_of_a_crop_is_possible() -> None:
    corners = {(c.x, c.y) for s in range(300) for c in draw_crops(s, "a", 24, 32, count=1, size=16, step=8)}
    assert corners == {(x, y) for x in (0, 8, 16) for y in (0, 8)}


@pytest.mark.parametrize(("height", "width", "count"), [(79, 400, 1), (80, 159, 2), (160, 160, 5)])
def test_an_image_without_room_is_named(height: int, width: int, count: int) -> None:
    with pytest.raises(StudyError, match=r"0877 .* no room"):
        draw_crops(0, "0877", height, width, count=count, size=80, step=1)


def test_samples_are_drawn_evenly_and_repeatably() -> None:
    drawn = [draw_sample(0, "team", f"{i:04d}", range(10)) for i in range(1000)]
    assert drawn == [draw_sample(0, "team", f"{i:04d}", range(10)) for i in range(1000)]
    assert np.bincount(drawn, minlength=10).min() > 60
    assert drawn != [draw_sample(0, "other", f"{i:04d}", range(10)) for i in range(1000)]


def test_ids_need_the_secret() -> None:
    assert random_id(b"a" * 32, "item", "flow") == random_id(b"a" * 32, "item", "flow")
    assert random_id(b"a" * 32, "item", "flow") != random_id(b"b" * 32, "item", "flow")
    # Labels that read the same when joined stay apart.
    assert random_id(b"a" * 32, "ab", "c") != random_id(b"a" * 32, "a", "bc")


def test_shares_hold_each_task_once() -> None:
    parts = share_tasks(10, 4, np.random.default_rng(0))
    assert sorted(int(i) for part in parts for i in part) == list(range(10))
    assert max(len(part) for part in parts) <= 4


@pytest.mark.parametrize("tasks", [1, 2, 3, 9, 60])
def test_checks_find_a_place_in_any_list(tasks: int) -> None:
    for seed in range(30):
        repeated, slots = spread_checks(tasks, 3, 2, np.random.default_rng(seed))
        assert len(repeated) == min(3, max(tasks // 2, 1))
        assert len(slots) == len(repeated) + 2
        for task, slot in zip(repeated, slots, strict=False):
            assert task < slot <= tasks
