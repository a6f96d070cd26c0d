"""Which entries a rule does not rank, and which condition each fails. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Sequence

from srspace_eval._utils.untrusted_text import short_name
from srspace_eval.ranking.derived import DerivedColumns
from srspace_eval.ranking.notes import metric_label
from srspace_eval.tracks.formula_words import formula_words
from srspace_eval.tracks.formulas import Formula
from srspace_eval.tracks.model import Track

_NAMED, _LONGEST = 10, 500  # conditions; letters of a condition's values


def failed_conditions(derived: DerivedColumns, track: Track, able: Sequence[int]) -> dict[int, str]:
    """Index -> the conditions that the entry fails, with its values; entries that pass are not in it.

    A condition with a missing value is not met. The first ten conditions that an entry fails are named.

    Parameters
    ----------
    able
        Indices of the entries that are ranked if they are eligible.
    """
    found: dict[int, list[str]] = {}
    for condition in track.ranking.eligible:
        values = {metric: derived.values(metric) for metric in condition.ids | condition.baselines}
        met = derived.evaluate(condition, values)
        words = formula_words(condition, track.label)
        for i in able:
            if not met[i] > 0:  # NaN: a value is missing
                if len(told := found.setdefault(i, [])) == _NAMED:
                    continue
                named = (metric for metric in track.columns() if metric in condition.ids)
                about = [_value(metric, values[metric][i], track) for metric in named]
                text = _lost_baseline(condition, derived)
                told.append(f"{words} ({short_name(', '.join([*about, *text]), _LONGEST)})")
    return {i: f"not eligible: {'; '.join(texts)}" for i, texts in found.items()}


def _value(metric: str, value: float, track: Track) -> str:
    label = metric_label(metric, track)
    if math.isnan(value):
        return f"{label} has no value"
    # More digits than tables show where the value has them: it may be shown as the threshold, and lie below it.
    shown = track.columns()[metric].format(value)
    return f"{label} is {shown if math.isinf(value) or float(shown) == value else f'{value:.9g}'}"


def _lost_baseline(condition: Formula, derived: DerivedColumns) -> list[str]:
    return [derived.why_no_baseline] if condition.baselines and derived.baseline_missing else []
