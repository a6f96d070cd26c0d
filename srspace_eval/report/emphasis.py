"""Which numbers of a column are the best and the second best. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from srspace_eval.metrics.base import MetricInfo
from srspace_eval.ranking.model import Row, is_ground_truth
from srspace_eval.ranking.ties_and_plateau import sort_keys
from srspace_eval.report.numbers import shown_value
from srspace_eval.tracks.model import RankedMetric

Emphasis = Literal["", "best", "second"]


def metric_emphases(
    rows: Sequence[Row], info: MetricInfo, criterion: RankedMetric | None, *, short: bool = True
) -> list[Emphasis]:
    """The emphasis of a metric's value in each row.

    Values of the same kind (measured, given, published) compete with each other, those of baselines included. The GT
    does not compete, nor does a row that was measured with other settings. Values that look equal in the table are
    equal. If values reach the rule's plateau, all of them are the best, and there is no second best: a value below the
    plateau is behind all of them.

    Parameters
    ----------
    short
        Whether the table shows large values short.
    """
    values = [row.entry.values.get(info.id) for row in rows]
    found: list[Emphasis] = [""] * len(rows)
    for origin in dict.fromkeys(row.entry.source_of(info.id) for row in rows):
        numbers = [
            i
            for i, row in enumerate(rows)
            if row.entry.source_of(info.id) == origin
            and values[i] is not None
            and not row.other_settings
            and not row.entry.incomplete
            and not is_ground_truth(row.entry)
        ]
        words = value_emphases([values[i] for i in numbers], info, criterion, short=short)
        for i, word in zip(numbers, words, strict=True):
            found[i] = word
    return found


def value_emphases(
    values: Sequence[float | None], info: MetricInfo, criterion: RankedMetric | None = None, *, short: bool = True
) -> list[Emphasis]:
    """The emphasis of values that compete with each other; None does not compete.

    Values that look equal in a table are marked alike. If all of them do, none is marked. If values reach the rule's
    plateau, all of them are the best, and there is no second best: a value below it is behind all of them.

    Parameters
    ----------
    criterion
        How the rule ranks these values; None: it does not.
    short
        Whether the table shows large values short.

    Examples
    --------
    >>> from srspace_eval.metrics.registry import column
    >>> value_emphases([0.0081, 0.0079, 0.02, None], column("lpips"))
    ['best', 'best', 'second', '']
    >>> value_emphases([0.0081, 0.0079], column("lpips"))
    ['', '']
    """
    known = [i for i, value in enumerate(values) if value is not None]
    shown = [_as_shown(value, info, short=short) for value in values if value is not None]
    keys = sort_keys(shown, criterion or RankedMetric(info.id), info.direction).tolist()
    found: list[Emphasis] = [""] * len(values)
    plateau = None if criterion is None else criterion.plateau
    reached = plateau is not None and any(not info.better(plateau, value) for value in shown)
    for i, word in zip(known, emphases(keys), strict=True):
        found[i] = "" if reached and word == "second" else word
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


def _as_shown(value: float, info: MetricInfo, *, short: bool) -> float:
    """The value with the digits that tables show."""
    if short:
        return shown_value(info, value)
    return round(value, info.digits) if math.isfinite(value) else value
