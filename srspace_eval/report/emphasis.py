"""Which numbers of a column are the best and the second best. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from srspace_eval.metrics.base import MetricInfo
from srspace_eval.ranking.model import Row
from srspace_eval.ranking.ties_and_plateau import sort_keys
from srspace_eval.tracks.model import RankedMetric

Emphasis = Literal["", "best", "second"]


def sort_keys_of(rows: Sequence[Row], info: MetricInfo, criterion: RankedMetric | None) -> list[float | None]:
    """What decides best and second best in a column: lower is better; None: the row does not compete.

    Where the rule ranks the column, the rows with a rank in it compete, else all rows with any rank.
    """
    values = [row.entry.values.get(info.id) for row in rows]
    competes = [info.id in row.ranks if criterion else bool(row.ranks) for row in rows]
    given = [math.nan if value is None or not there else value for value, there in zip(values, competes, strict=True)]
    keys = sort_keys(given, criterion or RankedMetric(info.id), info.direction)
    return [
        key if there and value is not None else None
        for key, value, there in zip(keys.tolist(), values, competes, strict=True)
    ]


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
