"""A challenge as data: scale, samples, name templates, crop, distances, and the rule that ranks.

The built-in tracks are the TOML files of ``tracks/``; a user's own file has the same form. Imports no torch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Among = Literal["teams", "study"]

MAX_SAMPLES = 10_000
"""Most samples an image may have."""


@dataclass(frozen=True)
class RankedMetric:
    """One criterion of the ranking.

    Attributes
    ----------
    metric:
        Id of the metric (:data:`srspace_eval.metrics.base.METRICS`).
    among:
        ``"teams"``: ranked among all complete teams; ``"study"``: among the teams that took part in the human study.
    plateau:
        All values at or beyond it count as equal (LR-PSNR: 45 dB); None: no plateau.
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
        The metrics whose ranks' mean is the final rank. A team that lacks one of them gets no final rank.
    show:
        Metrics shown without a rank.
    """

    criteria: tuple[RankedMetric, ...]
    final: tuple[str, ...]
    show: tuple[str, ...] = ()


# NTIRE 2021: the final rank is the mean of the MOR rank and the S_10 rank; LR-PSNR at or above 45 dB is all one.
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
        GT's file name without its suffix, ``{sample}`` the sample's number from 0; a format such as ``:06d`` fixes the
        digits. A submission follows one of ``sample_names`` throughout.
    first:
        The GT number that has index 0.
    crop:
        The GT is cropped, top left kept, to a multiple of this in both directions.
    metrics:
        What ``score`` measures unless told otherwise.
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
    file: Path | None = field(default=None, compare=False, repr=False)
