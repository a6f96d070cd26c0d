"""A challenge as data: scale, samples, name templates, crop, metrics, and the ranking rule.

:mod:`srspace_eval.tracks.reader` reads tracks from TOML files; the built-in ones are in ``builtin/``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from srspace_eval.metrics.base import Direction, MetricInfo
from srspace_eval.metrics.measures import Measure
from srspace_eval.metrics.registry import columns, measures_of
from srspace_eval.tracks.formulas import Formula
from srspace_eval.tracks.opinion_scale import OpinionScale

Of = Literal["means", "images"]
Reference = Literal["gt", "none"]
Mismatch = Literal["crop", "error"]

MAX_SAMPLES = 10_000
"""Most samples an image may have."""


@dataclass(frozen=True)
class RankedMetric:
    """One criterion of the ranking.

    Attributes
    ----------
    metric
        Id of the metric (:meth:`Track.columns`).
    among
        ``"teams"``: ranked among all complete teams. ``"study"``: ranked among the teams of the human study. An id:
        ranked among the teams that have a value of it.
    plateau
        All values at or beyond it are equal (LR-PSNR: 45 dB). None: no plateau.
    tolerance
        Values that differ by no more than it from the best value of their group are equal.
    """

    metric: str
    among: str = "teams"
    plateau: float | None = None
    tolerance: float = 0.0

    @property
    def needs(self) -> str | None:
        """The id that a team must have a value of, beside the metric itself; None: no other."""
        return None if self.among == "teams" else "mor" if self.among == "study" else self.among


@dataclass(frozen=True)
class OrderKey:
    """One key of ``order_by``.

    Attributes
    ----------
    formula
        Over values and ``rank(id)``.
    tolerance
        Entries whose values differ by no more than it from the best of their group go by the next key.
    better
        Which values come first.
    """

    formula: Formula
    tolerance: float = 0.0
    better: Direction = "lower"


@dataclass(frozen=True)
class Derived:
    """A column whose values a formula gives.

    Attributes
    ----------
    info
        Its id, label, digits and direction.
    formula
        Over measured ids, columns, and derived ones before it.
    of
        ``"means"``: over the averages. ``"images"``: over the values of each image, then averaged.
    """

    info: MetricInfo
    formula: Formula
    of: Of = "means"


@dataclass(frozen=True)
class RankingRule:
    """How teams are ranked.

    Attributes
    ----------
    criteria
        The metrics that get ranks, in the order of the table's columns.
    final
        The final rank is the mean of the ranks of these metrics. A team without one of them gets no final rank.
    show
        Metrics that are shown without a rank.
    eligible
        Conditions. Entries that fail one are listed without ranks, and do not take places.
    order_by
        The keys that decide the places, the first one first. Empty: ``final`` decides.
    baselines_ranked
        Whether baselines get ranks and places too.
    name, title
        Which of several rankings it is: the key in ``[rankings]``, and its heading. Empty: the only one.
    """

    criteria: tuple[RankedMetric, ...]
    final: tuple[str, ...]
    show: tuple[str, ...] = ()
    eligible: tuple[Formula, ...] = ()
    order_by: tuple[OrderKey, ...] = ()
    baselines_ranked: bool = False
    name: str = ""
    title: str = ""

    @property
    def by_ranks_alone(self) -> bool:
        """Whether ``order_by`` is one key that reads nothing but ranks; its value is then the final rank."""
        return len(self.order_by) == 1 and self.order_by[0].formula.reads == self.order_by[0].formula.ranked

    @property
    def named(self) -> frozenset[str]:
        """All ids that it names."""
        formulas = (*self.eligible, *(key.formula for key in self.order_by))
        return frozenset(
            {*(c.metric for c in self.criteria), *self.final, *self.show, *(i for f in formulas for i in f.reads)}
        )


# NTIRE 2021: the final rank is the mean of the MOR rank and the S_10 rank. All LR-PSNR values from 45 dB on are equal.
DEFAULT_RULE = RankingRule(
    criteria=(
        RankedMetric("lr_psnr", plateau=45.0),
        RankedMetric("diversity"),
        RankedMetric("mor", among="study"),
    ),
    final=("mor", "diversity"),
    show=("lpips",),
)


@dataclass(frozen=True)
class Track:
    """A challenge's rules for submissions and for their measurement.

    Attributes
    ----------
    name, title
        Short name (``x8``) and one line for headings.
    scale
        Super-resolution factor.
    samples
        M, the number of samples for each image.
    gt_names, sample_names
        Name templates. Fields: ``{number}`` the GT's own number, ``{index}`` = number − ``first``, ``{stem}`` the
        GT's file name without its suffix, ``{sample}`` the sample's number, counted from 0. A format such as ``:06d``
        fixes the number of digits. All files of a submission follow the same one of ``sample_names``.
    first
        The GT number that has index 0.
    crop
        The GT is cropped to a multiple of this in both directions; its top left corner stays.
    metrics
        What ``score`` measures by default: names of metrics, and ids of ``measures``.
    measures
        Metrics with options, under ids of their own.
    ranking
        The rule that :mod:`srspace_eval.ranking` applies; the first one if there are several.
    more_rankings
        The other rules. Each gives one more table of the same board.
    given
        Columns whose values come from elsewhere (``[columns]``).
    derived
        Columns whose values a formula gives (``[derived]``).
    baseline
        Name of the entry whose values ``baseline(id)`` gives; empty: none.
    reference
        ``"none"``: the challenge has no GT. ``gt_names`` are then the names of the LRs.
    mismatch
        Samples that are larger than their GT are cropped (``"crop"``), or are faults (``"error"``).
    opinion_scale
        The scale on which people rate pictures (``[study]``). None: a scale of ITU-T P.910.
    source
        The documents or programs that the file follows; empty: not said.
    uncertain
        What these sources leave open, one sentence each.
    file
        The user's file that the track was read from; None for a built-in track.

    Examples
    --------
    >>> from srspace_eval import load_track
    >>> track = load_track("x8")
    >>> track.scale, track.samples, track.metrics
    (8, 10, ('lpips', 'lr_psnr', 'diversity'))
    """

    name: str
    title: str
    scale: int
    samples: int = 10
    gt_names: tuple[str, ...] = ("{number:04d}.png",)
    sample_names: tuple[str, ...] = ("{index:06d}_sample{sample:05d}.png",)
    first: int = 0
    crop: int = 8
    metrics: tuple[str, ...] = ("lpips", "lr_psnr", "diversity")
    ranking: RankingRule = DEFAULT_RULE
    measures: tuple[Measure, ...] = ()
    more_rankings: tuple[RankingRule, ...] = ()
    given: tuple[MetricInfo, ...] = ()
    derived: tuple[Derived, ...] = ()
    baseline: str = ""
    reference: Reference = "gt"
    mismatch: Mismatch = "crop"
    opinion_scale: OpinionScale | None = None
    source: str = ""
    uncertain: tuple[str, ...] = ()
    file: Path | None = field(default=None, compare=False, repr=False)

    @property
    def measured(self) -> tuple[str, ...]:
        """What ``score`` measures by default: ``metrics``, then the other ids of ``measures``."""
        return tuple(dict.fromkeys([*self.metrics, *(measure.id for measure in self.measures)]))

    @property
    def unmeasured(self) -> dict[str, MetricInfo]:
        """The columns that ``[columns]`` and ``[derived]`` declare, by id."""
        return {info.id: info for info in (*self.given, *(derived.info for derived in self.derived))}

    def including(self, settings: Mapping[str, Mapping[str, object]]) -> Track:
        """The track with the measures that a result's signature names and the track does not declare.

        Parameters
        ----------
        settings
            The settings of a result's signature (:attr:`Signature.settings`).

        Returns
        -------
        Track
            The track itself if it declares all of them, otherwise a copy.

        Raises
        ------
        InputError
            If the settings name a measure with an id that is not allowed.
        """
        declared = {measure.id for measure in self.measures}
        more = tuple(measure for measure in measures_of(settings) if measure.id not in declared)
        return replace(self, measures=(*self.measures, *more)) if more else self

    def columns(self) -> Mapping[str, MetricInfo]:
        """Every column that the track's tables can have, by id: the registry's, then those that the track declares.

        Returns
        -------
        Mapping[str, MetricInfo]
            Id -> column.
        """
        own = self.unmeasured
        found = columns(self.measures)
        return {**found, **own} if own else found

    def label(self, column: str) -> str:
        """A column's label with the number of samples in it.

        Parameters
        ----------
        column
            Id of one of the track's :meth:`columns`.

        Returns
        -------
        str
            Plain text.

        Examples
        --------
        >>> from srspace_eval.tracks.reader import load_track
        >>> load_track("x4").label("diversity")
        'S_10'
        """
        return self.columns()[column].label.replace("S_M", f"S_{self.samples}")

    @property
    def rankings(self) -> tuple[RankingRule, ...]:
        """All rules, the first one first."""
        return (self.ranking, *self.more_rankings)
