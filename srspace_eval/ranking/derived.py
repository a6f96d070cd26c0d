"""The values that a track's formulas give, for the entries and for resampled test sets. Imports no torch.

``[derived]`` columns are computed from the entries' averages, or image by image. A value that a table gives under the
id of a derived column counts only where the formula gives none.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from srspace_eval._utils.notices import notify
from srspace_eval._utils.untrusted_text import name_key, short_name, spelled
from srspace_eval.errors import RankingError
from srspace_eval.metrics.base import Direction
from srspace_eval.ranking.baselines import baselines_of, unproven
from srspace_eval.ranking.bootstrap import resampled_means
from srspace_eval.ranking.model import Entry
from srspace_eval.ranking.ties_and_plateau import competition_ranks, sort_keys
from srspace_eval.results.record import ImageRecord
from srspace_eval.tracks.formulas import Formula
from srspace_eval.tracks.model import Derived, RankedMetric, Track

Floats = NDArray[np.float64]
Moving = Mapping[int, Floats]
"""Index of an entry -> its value in all replicates."""

_NAMED = 5

MAX_WORK = 1_000_000_000
"""Images of all results times parts of the formulas, where a result of few images counts as :data:`LEAST_IMAGES`. A
hundred results of a thousand images and formulas of a hundred parts take a hundredth."""

LEAST_IMAGES = 1000
"""A part of a formula takes as long for one image as for a thousand: arrays have their own cost."""


class DerivedColumns:
    """The derived columns of a track for some entries.

    Parameters
    ----------
    entries
        All entries.
    paired
        Indices of the measured entries that share their images.
    competing
        Indices of the entries that are ranked if they are eligible. ``per_image_rank`` ranks the paired ones of them.
    excluded
        Indices of the entries that were measured with other settings. None of them is a baseline of formulas, and
        no incomplete entry is one. Nor is one of :func:`srspace_eval.ranking.baselines.unproven`.
    tell
        Whether a notice names given values that are not those of the formula.

    Attributes
    ----------
    entries
        The entries with the derived values.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        track: Track,
        paired: Sequence[int] = (),
        competing: Sequence[int] = (),
        *,
        excluded: Collection[int] = (),
        tell: bool = True,
    ) -> None:
        self.entries = list(entries)
        self._track, self._tell = track, tell
        self._columns = {derived.info.id: derived for derived in track.derived}
        self._paired, self._competing = paired, frozenset(competing)
        self._image_rank_tables: dict[tuple[str, ...], dict[int, Floats]] = {}
        self._per_image: dict[str, dict[int, Floats]] = {}
        self._computed: dict[str, set[int]] = {}
        # Many formulas read the same values of the same images: each is put together once.
        self._sorted_images: dict[int, list[ImageRecord]] = {}
        self._ids_of_images: dict[int, frozenset[str]] = {}
        self._of_each_image: dict[int, dict[str, Floats]] = defaultdict(dict)
        left_out = dict.fromkeys(excluded, "was measured with other settings")
        left_out |= {i: "is incomplete" for i, entry in enumerate(entries) if entry.incomplete}
        left_out |= unproven(entries)
        self._left_out = left_out
        self._places = {(e.team, e.note): i for i, e in reversed(list(enumerate(entries)))}
        found = baselines_of(entries, track.baseline, left_out)
        self._baselines = np.array([-1 if at is None else at for at in found], dtype=np.intp)
        self._require_possible()
        for derived in track.derived:
            self._add(derived)

    @property
    def baseline_missing(self) -> bool:
        """Whether the track names a baseline, and no entry can be it."""
        return bool(self._track.baseline) and not bool((self._baselines >= 0).any())

    @property
    def why_no_baseline(self) -> str:
        """Why no entry is the baseline, if the track names one; empty if there is one."""
        if not self.baseline_missing:
            return ""
        wanted = name_key(self._track.baseline)
        lost = [why for i, why in self._left_out.items() if name_key(self.entries[i].team) == wanted]
        name = repr(self._track.baseline)
        return f"the baseline {name} {lost[0]}" if lost else f"no entry is called {name}"

    def baseline_value(self, metric: str, entry: Entry) -> float | None:
        """The value of an entry's baseline in a column; None if it has none, or is missing."""
        i = self._index(entry)
        at = -1 if i is None else int(self._baselines[i])
        return None if at < 0 else self.entries[at].values.get(metric)

    def images_without(self, metric: str, entry: Entry) -> int:
        """How many images of an entry have no value of a derived column that is computed for each image."""
        i = self._index(entry)
        values = None if i is None else self._per_image.get(metric, {}).get(i)
        return 0 if values is None else int((~np.isfinite(values)).sum())

    def _index(self, entry: Entry) -> int | None:
        return self._places.get((entry.team, entry.note))

    def values(self, metric: str) -> Floats:
        """A column's values, one an entry; NaN: none."""
        found = [entry.values.get(metric) for entry in self.entries]
        return np.array([math.nan if value is None else value for value in found], dtype=np.float64)

    def evaluate(
        self,
        formula: Formula,
        values: Mapping[str, Floats],
        ranks: Mapping[str, Floats] | None = None,
        counts: Floats | None = None,
    ) -> Floats:
        """A formula's values, given those of the ids that it reads: (entries,) or (replicates, entries).

        ``counts``: the replicates, for ``per_image_rank``; None: the images as they are.
        """
        at = self._baselines
        baseline = {k: np.where(at < 0, np.nan, values[k][..., at]) for k in formula.baselines}
        result = formula.evaluate(values, ranks, baseline, self._image_ranks(formula, counts))
        return np.broadcast_to(result, np.broadcast_shapes(result.shape, (len(self.entries),)))

    def resampled(self, metric: str, counts: Floats, moving: Callable[[str], Moving]) -> Moving:
        """A derived column in all replicates, for the entries whose value moves.

        Parameters
        ----------
        counts
            How often each image occurs in each replicate.
        moving
            Gives the same of an earlier column.
        """
        derived = self._columns[metric]
        computed = self._computed[metric]
        if metric in self._per_image:
            known = self._per_image[metric]
            same = [i for i in self._paired if i in known and i in computed]
            if not same:
                return {}
            means = resampled_means(np.array([known[i] for i in same]), counts)
            return {i: means[:, column] for column, i in enumerate(same)}
        moves = {name: moving(name) for name in derived.formula.ids | derived.formula.baselines}
        moved_baselines = {i for name in derived.formula.baselines for i in moves[name]}
        by_baseline = {i for i, at in enumerate(self._baselines.tolist()) if at in moved_baselines}
        moved = {i for name in derived.formula.ids for i in moves[name]}
        moved |= {i for names in derived.formula.per_image for i in self._rank_images(names)}
        indices = sorted(computed & (moved | by_baseline))
        if not indices:
            return {}
        tables = {name: self.table(name, moves[name], counts.shape[0]) for name in moves}
        result = self.evaluate(derived.formula, tables, counts=counts)
        return {i: np.ascontiguousarray(result[:, i]) for i in indices}

    def table(self, metric: str, moves: Moving, replicates: int) -> Floats:
        """A column's values in all replicates, (replicates, entries); what does not move stays."""
        found = np.tile(self.values(metric), (replicates, 1))
        for i, values in moves.items():
            found[:, i] = values
        return found

    def _require_possible(self) -> None:
        """Refuse formulas over more results, or more values of images, than a challenge has."""
        if not any(derived.of == "images" or derived.formula.per_image for derived in self._track.derived):
            return
        counts = [len(entry.result.images) for entry in self.entries if entry.result is not None]
        images = sum(max(count, LEAST_IMAGES) for count in counts if count)
        if (work := images * sum(derived.formula.parts for derived in self._track.derived)) > MAX_WORK:
            raise RankingError(
                f"track {self._track.name}: its formulas would take {work} steps (images of all results, at least "
                f"{LEAST_IMAGES} for each, times parts of the formulas), and at most {MAX_WORK} are computed; leave "
                'out of = "images", or name another track'
            )

    def _add(self, derived: Derived) -> None:
        metric, formula = derived.info.id, derived.formula
        if derived.of == "images":
            found = np.full(len(self.entries), np.nan)
            self._per_image[metric] = self._of_images(formula)
            for i, values in self._per_image[metric].items():
                found[i] = _mean(values, derived.info.direction)
        else:
            found = self.evaluate(formula, {name: self.values(name) for name in formula.ids | formula.baselines})
        known = ~np.isnan(found)
        self._computed[metric] = set(np.flatnonzero(known).tolist())
        if self._tell:
            self._notify_differences(derived, found)
        self.entries = [
            replace(
                e,
                values={**e.values, metric: float(found[i]) if known[i] else e.values.get(metric)},
                joined=self._joined(i, derived) if known[i] else e.joined,
            )
            for i, e in enumerate(self.entries)
        ]

    def _joined(self, i: int, derived: Derived) -> Mapping[str, str]:
        """:attr:`Entry.joined` with a column that the formula gave.

        It is joined if the formula reads values of the entry, or of its baseline, that come from a table.
        """
        entry = self.entries[i]
        others = {metric: where for metric, where in entry.joined.items() if metric != derived.info.id}
        read = [self._track.label(metric) for metric in others if metric in derived.formula.reads]
        if entry.result is not None:
            read += [f"{self._track.label(m)} of the baseline" for m in self._given(i, derived.formula.baselines)]
        return {**others, derived.info.id: f"computed from {', '.join(read)}"} if read else others

    def _given(self, i: int, metrics: Collection[str]) -> list[str]:
        """The columns among ``metrics`` in which entry ``i``'s baseline has a value from a table."""
        at = int(self._baselines[i])
        if at in (-1, i):
            return []
        baseline = self.entries[at]
        return [m for m in metrics if baseline.values.get(m) is not None and baseline.source_of(m) == "given"]

    def baseline_notes(self, formulas: Iterable[Formula]) -> list[str]:
        """A sentence for each baseline whose given values the formulas of measured entries read."""
        wanted = {metric for formula in formulas for metric in formula.baselines}
        wanted |= {metric for derived in self._track.derived for metric in derived.formula.baselines}
        found: dict[int, list[str]] = {}
        for i, entry in enumerate(self.entries):
            if entry.result is not None and wanted and (given := self._given(i, sorted(wanted))):
                found[int(self._baselines[i])] = given
        return [
            f"The formulas of measured rows read {', '.join(map(self._track.label, metrics))} of the baseline "
            f"{spelled(self.entries[at].team)}, which a table gives and which was not measured."
            for at, metrics in found.items()
        ]

    def _notify_differences(self, derived: Derived, found: Floats) -> None:
        given = self.values(derived.info.id)
        with np.errstate(invalid="ignore"):
            differ = np.flatnonzero(np.abs(given - found) > 1.001 * 10.0**-derived.info.digits)
        # Published tables print results of numbers with more digits than they print.
        differ = differ[[self.entries[i].origin != "published" for i in differ.tolist()]]
        if differ.size:
            names = ", ".join(repr(short_name(self.entries[i].team)) for i in differ[:_NAMED].tolist())
            more = f" and {differ.size - _NAMED} more" if differ.size > _NAMED else ""
            notify(
                f"{derived.info.id}: the given values of {names}{more} are not those of the formula; the formula's are "
                "used"
            )

    def _of_images(self, formula: Formula) -> dict[int, Floats]:
        """The formula's values of each image, for the entries with images."""
        return {i: self._formula_of_images(i, formula) for i in range(len(self.entries)) if self._images(i)}

    def _formula_of_images(self, i: int, formula: Formula) -> Floats:
        values = {name: self._image_values(i, name) for name in formula.ids}
        baseline = {}
        for name in formula.baselines:
            at = int(self._baselines[i])
            given = None if at < 0 else self.entries[at].values.get(name)
            baseline[name] = np.full(1, math.nan if given is None else given)
        result = formula.evaluate(values, None, baseline)
        return np.broadcast_to(result, (len(self._images(i)),)).astype(np.float64)

    def _rank_images(self, names: tuple[str, ...]) -> dict[int, Floats]:
        """Each image's rank, mean over the ids, among the entries that have a value of each."""
        if names in self._image_rank_tables:
            return self._image_rank_tables[names]
        competing = [i for i in self._paired if i in self._competing]
        pool = [i for i in competing if all(self.entries[i].values.get(n) is not None for n in names)]
        found = {}
        if pool:
            total = np.zeros((len(self._images(pool[0])), len(pool)))
            for name in names:
                values = np.array([self._image_values(i, name) for i in pool]).T
                better = self._track.columns()[name].direction
                total += competition_ranks(sort_keys(values, RankedMetric(name), better))
            found = {i: total[:, column] / len(names) for column, i in enumerate(pool)}
        self._image_rank_tables[names] = found
        return found

    def _image_ranks(self, formula: Formula, counts: Floats | None) -> dict[tuple[str, ...], Floats]:
        means = {}
        for names in formula.per_image:
            tables = self._rank_images(names)
            found = np.full((1 if counts is None else counts.shape[0], len(self.entries)), np.nan)
            if tables:
                values = np.array(list(tables.values()))
                found[:, list(tables)] = values.mean(axis=1) if counts is None else resampled_means(values, counts)
            means[names] = found[0] if counts is None else found
        return means

    def _image_values(self, i: int, metric: str) -> Floats:
        """A column's values of each image; a column that images do not have has its value in all of them.

        A derived column is its formula over the values of each image, also where its own value is over the averages.
        Both are kept, so that formulas that name earlier ones twice are not computed 2^n times.
        """
        computed = self._per_image.get(metric, {}).get(i)
        if computed is not None:
            return computed
        known = self._of_each_image[i]
        if metric in known:
            return known[metric]
        derived = self._columns.get(metric)
        if derived is not None and not derived.formula.per_image and i in self._computed.get(metric, ()):
            known[metric] = self._formula_of_images(i, derived.formula)
            return known[metric]
        images = self._images(i)
        if metric in self._image_ids(i):
            known[metric] = np.array([image.values.get(metric) for image in images], dtype=np.float64)
            return known[metric]
        value = self.entries[i].values.get(metric)
        return np.full(len(images), math.nan if value is None else value)

    def _images(self, i: int) -> list[ImageRecord]:
        if i not in self._sorted_images:
            result = self.entries[i].result
            images = () if result is None else result.images
            self._sorted_images[i] = sorted(images, key=lambda image: image.image)
        return self._sorted_images[i]

    def _image_ids(self, i: int) -> frozenset[str]:
        """The ids of which an image of an entry has a value."""
        if i not in self._ids_of_images:
            self._ids_of_images[i] = frozenset().union(*(image.values for image in self._images(i)))
        return self._ids_of_images[i]


def _mean(values: Floats, better: Direction) -> float:
    """The mean over the images. Infinite values that are good ones are left out, as in a summary.

    One image without a value, or with an infinitely bad one, makes the mean undefined (NaN): an image cannot be lost.
    """
    worst = -math.inf if better == "higher" else math.inf
    if np.isnan(values).any() or (values == worst).any():
        return math.nan
    finite = values[np.isfinite(values)]
    if finite.size:
        return float(finite.mean())
    return float(values[0]) if values.size else math.nan
