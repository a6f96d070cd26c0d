"""Bootstrap intervals of values, ranks and final ranks, and neighbours that cannot be told apart. Imports no torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from srspace_eval.metrics.base import Direction
from srspace_eval.ranking.bootstrap import BootstrapPlan, draw_counts, interval, rank_interval, resampled_means
from srspace_eval.ranking.model import FINAL, Entry
from srspace_eval.ranking.ranks import competition_ranks, sort_keys
from srspace_eval.results.record import ImageRecord, Result
from srspace_eval.tracks.model import RankedMetric, RankingRule, Track

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Intervals:
    """What the bootstrap found: index of the entry -> metric id (or ``"final_rank"``) -> finding.

    Attributes
    ----------
    images:
        How many images were resampled; 0: there was nothing to resample.
    values, ranks:
        Intervals of the values and of the ranks.
    indistinguishable:
        Whether the data cannot tell the entry from the next one in the column.
    """

    images: int = 0
    values: dict[int, dict[str, tuple[float, float]]] = field(default_factory=dict)
    ranks: dict[int, dict[str, tuple[int, int]]] = field(default_factory=dict)
    indistinguishable: dict[int, dict[str, bool]] = field(default_factory=dict)


def bootstrap_intervals(
    entries: Sequence[Entry],
    track: Track,
    pools: Mapping[str, Sequence[int]],
    finals: Sequence[float | None],
    metrics: Sequence[str],
    plan: BootstrapPlan,
    order: Sequence[int],
    left_out: Set[int] = frozenset(),
) -> Intervals:
    """Resample the images of all measured entries together.

    A value with draws of its own (a MOR from a study's folder) moves by them, independently of the images: replicate k
    takes draw k of all such values. A value with neither images nor draws (from a given table) is fixed while the
    others move. It gets no interval, and two fixed values are not compared.

    Parameters
    ----------
    track:
        Its rule, and the directions of its metrics.
    pools:
        Metric id -> indices of the entries that the rule ranks on it.
    finals:
        The entries' final ranks.
    metrics:
        Metric ids that get intervals, besides those that are ranked.
    order:
        All indices in the order of the table's rows. Neighbours in a column are next to each other by the column's
        ranks; equal ranks go by the rows' order, so that a reader can tell which two rows are meant.
    left_out:
        Indices of entries that were measured with other settings.
    """
    places = {i: place for place, i in enumerate(order)}
    measured = _same_images(entries, left_out)
    images = len(_images(entries[measured[0]].result)) if measured else 0
    if images < 2:
        return Intervals()
    found = Intervals(images=images)
    counts = draw_counts(images, plan)
    criteria = {c.metric: c for c in track.ranking.criteria}
    ranks: dict[str, dict[int, Floats]] = {}
    for metric in dict.fromkeys([*metrics, *criteria]):
        means = _resampled(entries, measured, metric, counts) | _drawn(entries, metric, plan.replicates)
        for i, replicates in means.items():
            low, high = interval(replicates, plan.level)
            found.values.setdefault(i, {})[metric] = (float(low), float(high))
        if metric in criteria:
            info = track.columns()[metric]
            ranks[metric] = _rank(entries, pools[metric], criteria[metric], means, places, found, plan, info.direction)
    _final(track.ranking, ranks, finals, places, found, plan)
    return found


def _rank(
    entries: Sequence[Entry],
    pool: Sequence[int],
    criterion: RankedMetric,
    means: Mapping[int, Floats],
    places: Mapping[int, int],
    found: Intervals,
    plan: BootstrapPlan,
    better: Direction,
) -> dict[int, Floats]:
    """Rank intervals and neighbours of one criterion; returns index -> the ranks in all replicates."""
    metric = criterion.metric
    if not pool:
        return {}
    fixed = np.array([entries[i].values[metric] for i in pool], dtype=np.float64)
    table = np.tile(fixed, (plan.replicates, 1))
    for column, i in enumerate(pool):
        if i in means:
            table[:, column] = means[i]
    keys = sort_keys(table, criterion, better)
    ranks = competition_ranks(keys)
    low, high = rank_interval(ranks, plan.level)
    for column, i in enumerate(pool):
        if i in means:
            found.ranks.setdefault(i, {})[metric] = (int(low[column]), int(high[column]))
    points = sort_keys(fixed, criterion, better).tolist()
    order = sorted(range(len(pool)), key=lambda c: (points[c], places[pool[c]]))
    _compare(metric, [(pool[c], points[c], keys[:, c]) for c in order], set(means), found, plan)
    return {i: ranks[:, column] for column, i in enumerate(pool)}


def _final(
    rule: RankingRule,
    ranks: Mapping[str, Mapping[int, Floats]],
    finals: Sequence[float | None],
    places: Mapping[int, int],
    found: Intervals,
    plan: BootstrapPlan,
) -> None:
    """Intervals and neighbours of the final rank: the rule's ranks are averaged within each replicate."""
    points = {i: final for i, final in enumerate(finals) if final is not None}
    tables = {i: np.mean([ranks[metric][i] for metric in rule.final], axis=0) for i in points}
    moving = {i for i in points if any(metric in found.ranks.get(i, {}) for metric in rule.final)}
    for i in moving:
        low, high = interval(tables[i], plan.level)
        found.values[i][FINAL] = (float(low), float(high))
    # The rows' order is the order of the final ranks.
    ordered = [(i, points[i], tables[i]) for i in sorted(points, key=places.__getitem__)]
    _compare(FINAL, ordered, moving, found, plan)


def _compare(
    column: str, ordered: Sequence[tuple[int, float, Floats]], moving: set[int], found: Intervals, plan: BootstrapPlan
) -> None:
    """Note for each two neighbours whether the interval of their paired difference holds zero.

    ``ordered``: index, key, keys in all replicates. Neighbours of equal keys share a rank and are not compared.
    """
    for (i, key, mine), (j, next_key, theirs) in pairwise(ordered):
        if key == next_key or (i not in moving and j not in moving):
            continue
        tied = mine == theirs  # also where both are infinite, whose difference is not a number
        difference = np.zeros_like(mine)
        np.subtract(mine, theirs, out=difference, where=~tied)
        low, high = interval(difference, plan.level)
        found.indistinguishable.setdefault(i, {})[column] = bool(low <= 0 <= high)


def _resampled(entries: Sequence[Entry], measured: Sequence[int], metric: str, counts: Floats) -> dict[int, Floats]:
    """Index -> the metric's mean in all replicates, for the measured entries that have per-image values of it."""
    holders = [i for i in measured if entries[i].values.get(metric) is not None]
    tables = [[image.values.get(metric) for image in _images(entries[i].result)] for i in holders]
    values = np.array(tables, dtype=np.float64)  # None becomes NaN
    if not holders:
        return {}
    known = np.isfinite(values).any(axis=1)
    means = resampled_means(values[known], counts)
    return {i: means[:, column] for column, i in enumerate(np.asarray(holders)[known].tolist())}


def _drawn(entries: Sequence[Entry], metric: str, replicates: int) -> dict[int, Floats]:
    """Index -> the metric's own draws, repeated if they are fewer than the replicates."""
    return {
        i: np.resize(np.array(entry.draws[metric], dtype=np.float64), replicates)
        for i, entry in enumerate(entries)
        if entry.draws.get(metric)
    }


def _same_images(entries: Sequence[Entry], left_out: Set[int]) -> list[int]:
    """The measured, complete entries over the set of images that most of them have: only those can be paired."""
    names = {
        i: tuple(image.image for image in _images(e.result))
        for i, e in enumerate(entries)
        if e.result is not None and not e.incomplete and i not in left_out
    }
    if not names:
        return []
    ((most, _),) = Counter(names.values()).most_common(1)
    return [i for i, mine in names.items() if mine == most]


def _images(result: Result | None) -> list[ImageRecord]:
    return [] if result is None else sorted(result.images, key=lambda image: image.image)
