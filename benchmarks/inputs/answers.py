"""Answers to a study, as documents."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from srspace_eval.study.design import Task
from srspace_eval.study.key import Key


def answer_document(
    key: Key,
    rater: str,
    *,
    order: Callable[[int], float] = float,
    grade: Callable[[Task], float] | None = None,
) -> dict[str, Any]:
    """The answer of a rater who passes all attention checks.

    He or she ranks by ``order(method)``, lowest first, or rates by ``grade(task)``: by default the first method gets
    the best grade, the second the next, and so on.
    """
    answers: list[dict[str, Any]] = []
    for name in key.raters[rater].tasks:
        task = key.tasks[name]
        if key.task == "rate":
            given = grade(task) if grade and task.kind != "obvious" else rated(key, task.holds[0])
            answers.append({"task": name, "rating": given, "seconds": 4.5})
            continue
        value = (lambda held: held) if task.kind == "obvious" else order
        ranked = sorted(range(len(task.items)), key=lambda i: value(task.holds[i]))
        answers.append({"task": name, "ranking": [[task.items[i]] for i in ranked], "seconds": 12.5})
    return {
        "format": "srspace-eval/answer/1",
        "study": key.study,
        "rater": rater,
        "token": key.raters[rater].token,
        "started": "2026-01-01T10:00:00.000Z",
        "finished": None,
        "answers": answers,
    }


def rated(key: Key, place: int) -> int:
    """The grade of a place: 0 is the best one."""
    grades = list(key.rating_scale.grades)
    best_first = grades[::-1] if key.rating_scale.better == "higher" else grades
    return best_first[min(place, len(grades) - 1)]


def answer_bytes(document: Any) -> bytes:
    return json.dumps(document).encode("utf-8")
