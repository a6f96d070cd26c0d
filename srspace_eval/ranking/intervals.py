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
from srspace_eval.ranking.derived import DerivedColumns
from srspace_eval.ranking.model import FINAL, Entry
from srspace_eval.ranking.places import places_by
from srspace_eval.ranking.ties_and_plateau import competition_ranks, rounded, sort_keys
from srspace_eval.results.record import ImageRecord, Result
from srspace_eval.tracks.formulas import Formula
from srspace_eval.tracks.model import OrderKey, RankedMetric, RankingRule, Track

Floats = NDArray[np.float64]

MAX_NUMBERS = 50_000_000
"""The largest number of values that the bootstrap may compute. They take about 1 GB.

A ranking needs replicates × images, or replicates × rows × columns if that is more. The images count once more for each
derived column of images and for each ``per_image_rank`` of a formula.
"""


@dataclass(frozen=True)
class Intervals:
    """What the bootstrap found: index of the entry -> metric id (or ``"final_rank"``) -> finding.

    Attributes
    ----------
    images
        How many images were resampled; 0: there was nothing to resample.
    values, ranks
        Intervals of the values and of the ranks.
    indistinguishable
        Whether the data cannot tell the entry from the next one in the column.
    """

    images: int = 0
    values: dict[int, dict[str, tuple[float, float]]] = field(default_factory=dict)
    ranks: dict[int, dict[str, tuple[int, int]]] = field(default_factory=dict)
    indistinguishable: dict[int, dict[str, bool]] = field(default_factory=dict)


def bootstrap_intervals(
    derived: DerivedColumns,
    track: Track,
    pools: Mapping[str, Sequence[int]],
    finals: Sequence[float | None],
    metrics: Sequence[str],
    plan: BootstrapPlan,
    order: Sequence[int],
    paired: Sequence[int],
) -> Intervals:
    """Resample the images of all measured entries together.

    A value with draws of its own (a MOR from a study's folder) moves by them, independently of the images: replicate k
    takes draw k of all such values. A value with neither images nor draws (from a given table) is fixed while the
    others move. It gets no interval, and two fixed values are not compared. Formulas are evaluated again in each
    replicate. Who is eligible stays as it is.

    Parameters
    ----------
    derived
        The entries, with the values of the track's formulas.
    track
        Its rule, and the directions of its metrics.
    pools
        Metric id -> indices of the entries that the rule ranks on it.
    finals
        The entries' final ranks.
    metrics
        Metric ids that get intervals, besides those that are ranked.
    order
        All indices in the order of the table's rows. Neighbours in a column are next to each other by the column's
        ranks; equal ranks go by the rows' order, so that a reader can tell which two rows are meant.
    paired
        Indices of the measured entries that share their images (:func:`paired_entries`).
    """
    entries = derived.entries
    places = {i: place for place, i in enumerate(order)}
    images = len(_images(entries[paired[0]].result)) if paired else 0
    if images < 2:
        return Intervals()
    found = Intervals(images=images)
    replicates = _Replicates(derived, track, paired, draw_counts(images, plan))
    criteria = {c.metric: c for c in track.ranking.criteria}
    ranks: dict[str, dict[int, Floats]] = {}
    for metric in dict.fromkeys([*metrics, *criteria]):
        means = replicates.moving(metric)
        for i, values in means.items():
            low, high = interval(values, plan.level)
            found.values.setdefault(i, {})[metric] = (float(low), float(high))
        if metric in criteria:
            info = track.columns()[metric]
            ranks[metric] = _rank(entries, pools[metric], criteria[metric], means, places, found, plan, info.direction)
    if track.ranking.order_by:
        _ordered(replicates, track.ranking, ranks, finals, places, found, plan)
    else:
        _final(track.ranking, ranks, finals, places, found, plan)
    return found


def resampled_numbers(
    results: Sequence[Result], entries: Sequence[Entry], tracks: Sequence[Track], plan: BootstrapPlan
) -> int:
    """How many numbers the bootstrap of all rankings computes at most; 0: there is nothing to resample.

    Parameters
    ----------
    results
        The measured results, without those that are left out.
    entries
        All entries.
    tracks
        One track for each ranking.
    """
    images = max((len(result.images) for result in results), default=0)
    if images < 2:
        return 0
    columns = {metric for entry in entries for metric, value in entry.values.items() if value is not None}
    wide = [
        len(columns | track.ranking.named | {derived.info.id for derived in track.derived})
        + len(track.ranking.order_by)
        # Ten parts of formulas take as long as one number.
        + sum(formula.parts for formula in _formulas(track)) // 10
        for track in tracks
    ]
    of_images = [
        sum(derived.of == "images" for derived in track.derived)
        + sum(len(formula.per_image) for formula in _formulas(track))
        for track in tracks
    ]
    return sum(
        plan.replicates * max(images * (1 + times), len(entries) * width)
        for width, times in zip(wide, of_images, strict=True)
    )


def _formulas(track: Track) -> list[Formula]:
    """The formulas that each replicate evaluates."""
    return [*(derived.formula for derived in track.derived), *(key.formula for key in track.ranking.order_by)]


def order_keys(
    derived: DerivedColumns, ranks: Sequence[Mapping[str, float]], rule: RankingRule
) -> list[tuple[Floats, float]]:
    """The keys of ``order_by`` for all entries: (lower first, NaN: none; tolerance)."""
    given = {
        metric: np.array([row.get(metric, np.nan) for row in ranks], dtype=np.float64)
        for metric in {metric for key in rule.order_by for metric in key.formula.ranked}
    }
    return [_key(derived, key, {m: derived.values(m) for m in _read(key)}, given) for key in rule.order_by]


def paired_entries(entries: Sequence[Entry], left_out: Set[int]) -> list[int]:
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


class _Replicates:
    """The values of all columns in all replicates."""

    def __init__(self, derived: DerivedColumns, track: Track, paired: Sequence[int], counts: Floats) -> None:
        self.derived, self._paired, self._counts = derived, paired, counts
        self._formulas = {column.info.id for column in track.derived}
        self._known: dict[str, Mapping[int, Floats]] = {}

    @property
    def number(self) -> int:
        return int(self._counts.shape[0])

    def moving(self, metric: str) -> Mapping[int, Floats]:
        """Index -> the values in all replicates, for the entries whose value moves."""
        if metric not in self._known:
            entries = self.derived.entries
            found = _resampled(entries, self._paired, metric, self._counts) | _drawn(entries, metric, self.number)
            if metric in self._formulas:
                found = {**self.derived.resampled(metric, self._counts, self.moving), **found}
            self._known[metric] = found
        return self._known[metric]

    def table(self, metric: str) -> Floats:
        return self.derived.table(metric, self.moving(metric), self.number)


def _read(key: OrderKey) -> frozenset[str]:
    return key.formula.ids | key.formula.baselines


def _key(
    derived: DerivedColumns, key: OrderKey, values: Mapping[str, Floats], ranks: Mapping[str, Floats]
) -> tuple[Floats, float]:
    sign = -1.0 if key.better == "higher" else 1.0
    return rounded(sign * derived.evaluate(key.formula, values, ranks)), key.tolerance


def _ordered(
    replicates: _Replicates,
    rule: RankingRule,
    ranks: Mapping[str, Mapping[int, Floats]],
    finals: Sequence[float | None],
    places: Mapping[int, int],
    found: Intervals,
    plan: BootstrapPlan,
) -> None:
    """Intervals and neighbours of the places: ``order_by`` is evaluated again in each replicate."""
    ordered = sorted((i for i, final in enumerate(finals) if final is not None), key=places.__getitem__)
    if not ordered:
        return
    tables = {}
    for metric in {metric for key in rule.order_by for metric in key.formula.ranked}:
        tables[metric] = np.full((plan.replicates, len(finals)), np.nan)
        for i, values in ranks[metric].items():
            tables[metric][:, i] = values
    keys = [
        _key(replicates.derived, key, {m: replicates.table(m) for m in _read(key)}, tables) for key in rule.order_by
    ]
    wide = [np.broadcast_to(values, (plan.replicates, len(finals)))[:, ordered] for values, _ in keys]
    alone = rule.by_ranks_alone
    points = wide[0] if alone else places_by([(w, tolerance) for w, (_, tolerance) in zip(wide, keys, strict=True)])
    moving = {
        i
        for i in ordered
        if any(i in replicates.moving(m) for key in rule.order_by for m in (*_read(key), *key.formula.ranked))
    }
    sign = -1.0 if alone and rule.order_by[0].better == "higher" else 1.0
    for column, i in enumerate(ordered):
        if i in moving:
            low, high = (interval if alone else rank_interval)(sign * points[:, column], plan.level)
            found.values.setdefault(i, {})[FINAL] = (float(low), float(high))
    neighbours = [(i, sign * float(finals[i] or 0.0), points[:, column]) for column, i in enumerate(ordered)]
    _compare(FINAL, neighbours, moving, found, plan)


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
        # Without a number for an end, nothing says that they differ.
        found.indistinguishable.setdefault(i, {})[column] = not bool(low > 0 or high < 0)


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


def _images(result: Result | None) -> list[ImageRecord]:
    return [] if result is None else sorted(result.images, key=lambda image: image.image)
