from __future__ import annotations

import numpy as np
import pytest

from srspace_eval.study.design import RaterList, make_lists, make_tasks, place_crops
from srspace_eval.study.options import StudyOptions


@pytest.mark.parametrize(("entries", "crops", "raters", "per_rater"), [(8, 30, 5, None), (5, 7, 3, 3), (40, 12, 5, 5)])
def test_the_lists_of_a_whole_study_are_balanced(entries: int, crops: int, raters: int, per_rater: int | None) -> None:
    options = StudyOptions(raters=raters, tasks_per_rater=per_rater, crops=1, repeats=1, obvious=1, seed=0)
    sizes = {f"{i:04d}": (400, 400) for i in range(crops)}
    places, obvious = place_crops(sizes, 8, options)
    tasks = make_tasks(places, obvious, [f"m{i}" for i in range(entries)], b"s" * 32)
    repeats, lists = make_lists(tasks, entries, b"s" * 32, options)
    every = {task.id: task for task in [*tasks, *repeats]}
    counts = np.zeros((entries, entries), dtype=int)
    for rater in lists:
        for name, order in zip(rater.tasks, rater.orders, strict=True):
            if every[name].kind == "rank":
                for position, item in enumerate(order):
                    counts[every[name].holds[item], position] += 1
    assert counts.sum() == crops * raters * entries
    assert counts.max() - counts.min() <= 1
    # Each task is done by the wanted number of people, and by each of them once.
    done = [name for rater in lists for name in rater.tasks if every[name].kind == "rank"]
    assert sorted(done) == sorted([t.id for t in tasks if t.kind == "rank"] * raters)
    for rater in lists:
        assert len(set(rater.tasks)) == len(rater.tasks)
        assert per_rater is None or sum(every[n].kind == "rank" for n in rater.tasks) <= per_rater
        assert _repeats_follow_their_originals(rater, {r.id: r.of for r in repeats})


def _repeats_follow_their_originals(rater: RaterList, of: dict[str, str | None]) -> bool:
    place = {name: i for i, name in enumerate(rater.tasks)}
    return all(place[str(of[name])] < place[name] for name in rater.tasks if name in of)
