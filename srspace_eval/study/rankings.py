"""Rankings as arrays, and their mean: the mean opinion rank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from srspace_eval.study.answers import Answer, Groups
from srspace_eval.study.design import Task
from srspace_eval.study.key import Key

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Rankings:
    """N rankings of K methods.

    Attributes
    ----------
    methods
        The K names.
    ranks
        (N, K): ranks, 1: most like a photograph. Tied methods share the mean of their ranks.
    rater, unit
        (N,): index of the rater and of the crop (or image) of each ranking, counted from 0.
    """

    methods: tuple[str, ...]
    ranks: Floats
    rater: Ints
    unit: Ints

    @property
    def raters(self) -> int:
        """Number of raters."""
        return int(self.rater.max()) + 1 if len(self.rater) else 0

    @property
    def units(self) -> int:
        """Number of crops (or images)."""
        return int(self.unit.max()) + 1 if len(self.unit) else 0

    def exact_differences(self, first: int, second: int) -> list[Fraction]:
        """Mean rank of the second method minus that of the first, by :attr:`unit`, without rounding.

        Quotients of floats are rounded: 14/5 - 9/5 and 8/5 - 3/5 are not the same number. Ranks are halves, so sums of
        doubled ranks are whole numbers.
        """
        doubled = np.rint(2 * (self.ranks[:, second] - self.ranks[:, first])).astype(np.int64)
        totals = np.zeros(self.units, dtype=np.int64)
        np.add.at(totals, self.unit, doubled)
        counts = np.bincount(self.unit, minlength=self.units)
        return [Fraction(int(total), 2 * int(count)) for total, count in zip(totals, counts, strict=True)]

    def means(self, of: Ints) -> Floats:
        """Mean ranks (groups, K), grouped by :attr:`rater` or :attr:`unit`."""
        totals = np.zeros((int(of.max()) + 1, self.ranks.shape[1]))
        np.add.at(totals, of, self.ranks)
        means: Floats = totals / np.bincount(of)[:, None]
        return means


def mean_opinion_rank(ranks: Floats) -> Floats:
    """MOR: each method's mean rank over all rankings.

    Parameters
    ----------
    ranks
        (N, K). 1 is the best rank.

    Returns
    -------
    Floats
        (K,), in [1, K]. Lower is better.

    >>> mean_opinion_rank(np.array([[1.0, 2.0, 3.0], [2.0, 1.0, 3.0]])).tolist()
    [1.5, 1.5, 3.0]
    """
    return np.asarray(ranks.mean(axis=0), dtype=np.float64)


def item_ranks(groups: Groups) -> dict[str, float]:
    """Item -> rank. Tied items share the mean of their ranks.

    >>> item_ranks((("a",), ("b", "c")))
    {'a': 1.0, 'b': 2.5, 'c': 2.5}
    """
    items = [item for group in groups for item in group]
    places = [place for place, group in enumerate(groups) for _ in group]
    return dict(zip(items, stats.rankdata(places).tolist(), strict=True))


def held_ranks(task: Task, groups: Groups) -> Floats:
    """Ranks by method, or by level of an obvious task."""
    ranks = item_ranks(groups)
    out = np.empty(len(task.items))
    for item, held in zip(task.items, task.holds, strict=True):
        out[held] = ranks[item]
    return out


def as_rankings(answers: Sequence[Answer], key: Key, *, by_image: bool = False) -> Rankings:
    """The rankings that count for the MOR, without the attention checks.

    Parameters
    ----------
    answers
        One answer a rater.
    by_image
        Whether a unit is an image with all its crops, rather than a crop.
    """
    rows, raters, units = [], [], []
    unit_of = _numbered({t.id: t.crop.image if by_image else t.id for t in key.tasks.values() if t.kind == "rank"})
    for number, answer in enumerate(answers):
        for name, groups in answer.rankings.items():
            if key.tasks[name].kind == "rank":
                rows.append(held_ranks(key.tasks[name], groups))
                raters.append(number)
                units.append(unit_of[name])
    ranks = np.array(rows, dtype=np.float64).reshape(len(rows), len(key.entries))
    # Crops without rankings leave no gap in the numbering.
    _, unit = np.unique(np.array(units, dtype=np.int64), return_inverse=True)
    _, rater = np.unique(np.array(raters, dtype=np.int64), return_inverse=True)
    return Rankings(key.entries, ranks, rater.astype(np.int64), unit.astype(np.int64))


def _numbered(names: Mapping[str, str]) -> dict[str, int]:
    number = {unit: i for i, unit in enumerate(dict.fromkeys(names.values()))}
    return {name: number[unit] for name, unit in names.items()}
