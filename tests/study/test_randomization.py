from __future__ import annotations

import numpy as np
import pytest

from srspace_eval.errors import StudyError
from srspace_eval.study.randomization import (
    balanced_orders,
    draw_corners,
    draw_sample,
    latin_square,
    place_checks,
    random_id,
    share_tasks,
)


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
    # Each list has as many tasks as there are methods. If each list were a Latin square, the crops of one method in two
    # tasks would never be at the same position.
    shares = [entries] * 600
    orders = balanced_orders(shares, entries, np.random.default_rng(1))
    first, second = np.triu_indices(entries, 1)
    same = np.mean([part[first] == part[second] for part in orders])
    assert same == pytest.approx(1 / entries, rel=0.05)


def test_crops_do_not_overlap_and_lie_on_the_grid() -> None:
    for seed in range(20):
        corners = draw_corners(seed, "0801", 200, 304, count=3, size=80, step=8)
        assert all(x % 8 == 0 and y % 8 == 0 and x <= 224 and y <= 120 for x, y in corners)
        for i, (x, y) in enumerate(corners):
            assert all(abs(x - left) >= 80 or abs(y - top) >= 80 for left, top in corners[:i])


def test_crops_of_an_image_depend_on_seed_and_image_alone() -> None:
    one = draw_corners(0, "0801", 400, 400, count=3, size=80, step=8)
    assert one == draw_corners(0, "0801", 400, 400, count=3, size=80, step=8)
    # The crop of an obvious task does not move the ranked crops.
    assert one == draw_corners(0, "0801", 400, 400, count=4, size=80, step=8)[:3]
    assert one != draw_corners(1, "0801", 400, 400, count=3, size=80, step=8)
    assert one != draw_corners(0, "0802", 400, 400, count=3, size=80, step=8)


def test_every_position_of_a_crop_is_possible() -> None:
    corners = {corner for s in range(300) for corner in draw_corners(s, "a", 24, 32, count=1, size=16, step=8)}
    assert corners == {(x, y) for x in (0, 8, 16) for y in (0, 8)}


@pytest.mark.parametrize(("height", "width", "count"), [(79, 400, 1), (80, 159, 2), (160, 160, 5)])
def test_the_error_names_an_image_without_room(height: int, width: int, count: int) -> None:
    with pytest.raises(StudyError, match=r"0877 .* no room"):
        draw_corners(0, "0877", height, width, count=count, size=80, step=1)


def test_samples_are_drawn_evenly_and_repeatably() -> None:
    drawn = [draw_sample(0, "team", f"{i:04d}", 10) for i in range(1000)]
    assert drawn == [draw_sample(0, "team", f"{i:04d}", 10) for i in range(1000)]
    assert np.bincount(drawn, minlength=10).min() > 60
    assert drawn != [draw_sample(0, "other", f"{i:04d}", 10) for i in range(1000)]


def test_ids_need_the_secret() -> None:
    assert random_id(b"a" * 32, "item", "flow") == random_id(b"a" * 32, "item", "flow")
    assert random_id(b"a" * 32, "item", "flow") != random_id(b"b" * 32, "item", "flow")
    # Labels that are equal when joined have different ids.
    assert random_id(b"a" * 32, "ab", "c") != random_id(b"a" * 32, "a", "bc")


def test_shares_hold_each_task_once() -> None:
    parts = share_tasks(10, 4, np.random.default_rng(0))
    assert sorted(int(i) for part in parts for i in part) == list(range(10))
    assert max(len(part) for part in parts) <= 4


@pytest.mark.parametrize("tasks", [1, 2, 3, 9, 60])
def test_checks_fit_into_lists_of_any_length(tasks: int) -> None:
    for seed in range(30):
        repeated, slots = place_checks(tasks, 3, 2, np.random.default_rng(seed))
        assert len(repeated) == min(3, max(tasks // 2, 1))
        assert len(slots) == len(repeated) + 2
        for task, slot in zip(repeated, slots, strict=False):
            assert task < slot <= tasks
