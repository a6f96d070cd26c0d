"""Which numbers of a column are the best and the second best. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from srspace_eval.metrics.base import MetricInfo
from srspace_eval.ranking.model import Row, is_ground_truth
from srspace_eval.ranking.ties_and_plateau import sort_keys
from srspace_eval.tracks.model import RankedMetric

Emphasis = Literal["", "best", "second"]


def metric_emphases(rows: Sequence[Row], info: MetricInfo, criterion: RankedMetric | None) -> list[Emphasis]:
    """The emphasis of a metric's value in each row.

    Rows with the same kind of numbers (measured, given, published) compete with each other, baselines included. The GT
    does not compete, nor does a row that was measured with other settings. Values that look equal in the table are
    equal. If values reach the rule's plateau, all of them are the best, and there is no second best: a value below the
    plateau is behind all of them.
    """
    values = [_as_shown(row.entry.values.get(info.id), info) for row in rows]
    given = [math.nan if value is None else value for value in values]
    keys = sort_keys(given, criterion or RankedMetric(info.id), info.direction).tolist()
    found: list[Emphasis] = [""] * len(rows)
    for origin in dict.fromkeys(row.entry.origin for row in rows):
        numbers = [
            i
            for i, row in enumerate(rows)
            if row.entry.origin == origin
            and values[i] is not None
            and not row.other_settings
            and not row.entry.incomplete
            and not is_ground_truth(row.entry)
        ]
        on_plateau = [i for i in numbers if _reaches(values[i], info, criterion)]
        for i, word in zip(numbers, emphases([keys[i] for i in numbers]), strict=True):
            found[i] = "" if on_plateau and word == "second" else word
    return found


def emphases(keys: Sequence[float | None]) -> list[Emphasis]:
    """The emphasis of each key; equal keys share theirs.

    >>> emphases([0.2, 0.1, None, 0.1, 0.3])
    ['second', 'best', '', 'best', '']
    >>> emphases([0.1, 0.1])
    ['', '']
    """
    steps = sorted({key for key in keys if key is not None})[:2]
    # With one competitor, or all equal, no value stands out.
    words: dict[float | None, Emphasis] = {steps[0]: "best", steps[1]: "second"} if len(steps) == 2 else {}
    return [words.get(key, "") for key in keys]


def _reaches(value: float | None, info: MetricInfo, criterion: RankedMetric | None) -> bool:
    plateau = None if criterion is None else criterion.plateau
    return plateau is not None and value is not None and not info.better(plateau, value)


def _as_shown(value: float | None, info: MetricInfo) -> float | None:
    """The value with the digits that tables show."""
    return value if value is None or not math.isfinite(value) else round(value, info.digits)
