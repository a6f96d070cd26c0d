"""A challenge as data: scale, samples, name templates, crop, metrics, and the ranking rule.

:mod:`srspace_eval.tracks.reader` reads tracks from TOML files; the built-in ones are in ``builtin/``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from srspace_eval.metrics.base import MetricInfo
from srspace_eval.metrics.measures import Measure
from srspace_eval.metrics.registry import columns, measures_of

Among = Literal["teams", "study"]

MAX_SAMPLES = 10_000
"""Most samples an image may have."""


@dataclass(frozen=True)
class RankedMetric:
    """One criterion of the ranking.

    Attributes
    ----------
    metric:
        Id of the metric (:meth:`Track.columns`).
    among:
        ``"teams"``: ranked among all complete teams. ``"study"``: ranked among the teams of the human study.
    plateau:
        All values at or beyond it are equal (LR-PSNR: 45 dB). None: no plateau.
    """

    metric: str
    among: Among = "teams"
    plateau: float | None = None


@dataclass(frozen=True)
class RankingRule:
    """How teams are ranked.

    Attributes
    ----------
    criteria:
        The metrics that get ranks, in the order of the table's columns.
    final:
        The final rank is the mean of the ranks of these metrics. A team without one of them gets no final rank.
    show:
        Metrics that are shown without a rank.
    """

    criteria: tuple[RankedMetric, ...]
    final: tuple[str, ...]
    show: tuple[str, ...] = ()


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
    name, title:
        Short name (``x8``) and one line for headings.
    scale:
        Super-resolution factor.
    samples:
        M, the number of samples for each image.
    gt_names, sample_names:
        Name templates. Fields: ``{number}`` the GT's own number, ``{index}`` = number − ``first``, ``{stem}`` the
        GT's file name without its suffix, ``{sample}`` the sample's number, counted from 0. A format such as ``:06d``
        fixes the number of digits. All files of a submission follow the same one of ``sample_names``.
    first:
        The GT number that has index 0.
    crop:
        The GT is cropped to a multiple of this in both directions; its top left corner stays.
    metrics:
        What ``score`` measures by default: names of metrics, and ids of ``measures``.
    measures:
        Metrics with options, under ids of their own.
    ranking:
        The rule that :mod:`srspace_eval.ranking` applies.
    file:
        The user's file that the track was read from; None for a built-in track.
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
    file: Path | None = field(default=None, compare=False, repr=False)

    @property
    def measured(self) -> tuple[str, ...]:
        """What ``score`` measures by default: ``metrics``, then the other ids of ``measures``."""
        return tuple(dict.fromkeys([*self.metrics, *(measure.id for measure in self.measures)]))

    def including(self, settings: Mapping[str, Mapping[str, object]]) -> Track:
        """The track with the measures that a result's signature names and the track does not declare."""
        declared = {measure.id for measure in self.measures}
        more = tuple(measure for measure in measures_of(settings) if measure.id not in declared)
        return replace(self, measures=(*self.measures, *more)) if more else self

    def columns(self) -> Mapping[str, MetricInfo]:
        """Every column that the track's tables can have, by id: the registry's, and those of ``measures``."""
        return columns(self.measures)
