"""``plan_study``: how many raters and crops a study needs, by simulation, and how much time they take.

The module is long because much of it is documentation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from srspace_eval.errors import StudyError
from srspace_eval.study.design import expected_minutes
from srspace_eval.study.statistics import signed_rank_ps

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

_CALIBRATION = 40_000
_BATCH = 2_000_000  # utilities drawn at once
_NEARBY = 4  # crops below the result of the bisection
_MOST_ENTRIES, _LARGEST = 200, 50_000_000  # about a gigabyte of memory


@dataclass(frozen=True)
class RaterModel:
    """How simulated raters rank: by a utility, quality + taste + crop effect + noise, all normal (Thurstone's model).

    Attributes
    ----------
    entries
        K, the number of methods.
    taste
        Standard deviation of a rater's liking of a method. That of the noise is 1.
    crop_effect
        Standard deviation of a method's quality over crops.
    quality_sd
        Standard deviation of the methods' qualities.

    Examples
    --------
    >>> from srspace_eval import RaterModel
    >>> RaterModel(entries=5, taste=0.5).crop_effect
    1.0
    """

    entries: int = 8
    taste: float = 0.3
    crop_effect: float = 1.0
    quality_sd: float = 1.0


@dataclass(frozen=True)
class PlanTarget:
    """The difference that a study has to find.

    Attributes
    ----------
    difference
        Difference of two methods' MORs, in ranks.
    alpha
        The difference is found if p is below this value.
    comparisons
        Number of pairs for which p is corrected (Bonferroni, an upper bound of Holm's correction). 1: one pair, chosen
        before the study.
    power
        Wanted probability to find the difference.

    Examples
    --------
    >>> from srspace_eval import PlanTarget
    >>> PlanTarget(difference=1.0, comparisons=28).power
    0.8
    """

    difference: float = 0.5
    alpha: float = 0.05
    comparisons: int = 1
    power: float = 0.8


@dataclass(frozen=True)
class PlannedSize:
    """The smallest number of crops that gives the wanted power with a number of raters.

    Attributes
    ----------
    crops
        None: the largest number of crops is not enough.
    power
        The power that is reached.
    minutes_each, minutes_all
        Time of one rater, and of all raters together.
    """

    raters: int
    crops: int | None
    power: float
    minutes_each: float
    minutes_all: float


@dataclass(frozen=True)
class StudyPlan:
    """What was asked for, and a planned size for each number of raters.

    Attributes
    ----------
    target
        The difference to find.
    model
        How people were assumed to rank.
    sizes
        One entry for each number of raters: crops, power, minutes.

    Examples
    --------
    >>> from srspace_eval import PlanTarget, plan_study
    >>> plan = plan_study(PlanTarget(difference=1.5), raters=[5, 10], most_crops=60, studies=50)
    >>> plan.cheapest.raters, plan.fewest_significant
    (5, 6)
    """

    target: PlanTarget
    model: RaterModel
    sizes: tuple[PlannedSize, ...]

    @property
    def cheapest(self) -> PlannedSize | None:
        """The size that takes the least time of all raters; None if no size has the wanted power."""
        return min(
            (s for s in self.sizes if s.crops is not None), key=lambda s: (s.minutes_all, s.raters), default=None
        )

    @property
    def fewest_significant(self) -> int:
        """The smallest number of crops n for which p can be below alpha: the smallest p of the test is 2^(1 - n)."""
        return 1 + math.ceil(math.log2(self.target.comparisons / self.target.alpha) + 1e-9)

    def to_frame(self) -> pd.DataFrame:
        """The plan as a pandas DataFrame: one row per number of raters.

        Returns
        -------
        pandas.DataFrame
            Columns: ``raters``, ``crops``, ``power``, ``minutes_each``, ``minutes_all``. ``crops`` is NaN or None where
            the largest number is not enough.
        """
        import pandas as pd

        frame: pd.DataFrame = pd.DataFrame([asdict(size) for size in self.sizes])
        return frame

    def to_dict(self) -> dict[str, Any]:
        """What ``study plan --json`` prints.

        Returns
        -------
        dict[str, Any]
            Values that JSON can hold: ``question``, ``world``, ``plans``.
        """
        target, model = self.target, self.model
        return {
            "question": {
                "difference": target.difference,
                "level": target.alpha,
                "comparisons": target.comparisons,
                "power": target.power,
            },
            "world": {
                "entries": model.entries,
                "taste": model.taste,
                "crop": model.crop_effect,
                "spread": model.quality_sd,
            },
            "plans": [asdict(size) for size in self.sizes],
        }


def plan_study(
    target: PlanTarget = PlanTarget(),
    model: RaterModel = RaterModel(),
    *,
    raters: Sequence[int] = (3, 5, 10, 20),
    most_crops: int = 600,
    studies: int = 400,
    seed: int = 0,
) -> StudyPlan:
    """Simulate studies and find, for each number of raters, the number of crops: what ``srspace-eval study plan`` does.

    Each simulated study is tested as ``study collect`` does: Wilcoxon's signed-rank test over the crops' mean ranks.

    Parameters
    ----------
    target, model
        The difference to find, and how raters rank.
    raters
        Numbers of raters to plan for.
    most_crops
        Largest number of crops to consider.
    studies
        Number of simulated studies. The standard error of the power is at most ``0.5 / sqrt(studies)``.
    seed
        Seed of the simulation.

    Returns
    -------
    StudyPlan
        The number of crops and the power for each number of raters.

    Raises
    ------
    StudyError
        If a number is out of range, or two of K methods cannot differ that much.

    Examples
    --------
    >>> plan = plan_study(PlanTarget(difference=1.5), raters=[5], most_crops=60, studies=50)
    >>> plan.sizes[0].raters, plan.sizes[0].crops
    (5, 22)
    """
    _check(target, model, raters, most_crops, studies)
    rng = np.random.default_rng(seed)
    gap = quality_gap(model, target.difference, rng)
    differences = _simulate(model, gap, max(raters), most_crops, studies, rng)
    sizes = []
    for count in sorted(set(raters)):
        means = differences[:, :count].mean(axis=1)
        crops = _fewest(means, target)
        used = crops or most_crops
        each = expected_minutes(used, model.entries)
        sizes.append(PlannedSize(count, crops, power(means[:, :used], target), each, each * count))
    return StudyPlan(target, model, tuple(sizes))


def _check(target: PlanTarget, model: RaterModel, raters: Sequence[int], most_crops: int, studies: int) -> None:
    problems = []
    if model.entries < 2:
        problems.append("--entries must be at least 2")
    if not all(0 <= value < 1e6 for value in (model.taste, model.crop_effect, model.quality_sd)):
        problems.append("--taste, --crop-effect and --spread must be numbers of at least 0")
    # With K methods MORs differ by K - 1 at most, if all rankings are equal.
    most = 0.9 * (min(model.entries, _MOST_ENTRIES) - 1)
    if not 0 < target.difference <= most:
        problems.append(f"--difference must lie between 0 and {most:g} for {model.entries} methods")
    if not 1e-9 <= target.alpha < 1 or not 0 < target.power < 1:
        problems.append("--alpha must lie between 1e-9 and 1, and --power between 0 and 1")
    if target.comparisons > 1_000_000:
        problems.append("--comparisons must be at most 1000000")
    if target.comparisons < 1 or not raters or min(raters) < 1 or most_crops < 6 or studies < 20:
        problems.append("--raters and --comparisons must be at least 1, --most-crops 6, --studies 20")
    elif model.entries > _MOST_ENTRIES or max(raters) * most_crops * max(model.entries, studies) > _LARGEST:
        problems.append(
            f"too large to simulate: --entries must be at most {_MOST_ENTRIES}, and --raters × --most-crops × "
            f"(--entries or --studies) at most {_LARGEST}"
        )
    if problems:
        raise StudyError("the study cannot be planned", problems)


def _rank_difference(utilities: Floats) -> Floats:
    """Rank of method 1 minus rank of method 0 along the last axis (a larger utility is a better rank)."""
    better = [(utilities > utilities[..., i : i + 1]).sum(axis=-1) for i in (0, 1)]
    return np.asarray(better[1] - better[0], dtype=np.float64)


def _qualities(model: RaterModel, gap: float, shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Qualities (*shape, K): the first two at ``± gap / 2``, the others random."""
    out = rng.normal(0.0, model.quality_sd, size=(*shape, model.entries))
    out[..., 0], out[..., 1] = gap / 2, -gap / 2
    return out


def quality_gap(model: RaterModel, difference: float, rng: np.random.Generator) -> float:
    """The difference of two methods' qualities at which their MORs differ by ``difference`` on average.

    Raises
    ------
    StudyError
        If the MORs cannot differ that much.
    """
    noise = np.sqrt(1 + model.taste**2 + model.crop_effect**2) * rng.normal(size=(_CALIBRATION, model.entries))
    others = _qualities(model, 0.0, (_CALIBRATION,), rng)

    def reached(gap: float) -> float:
        utilities = others + noise
        utilities[:, 0] += gap / 2
        utilities[:, 1] -= gap / 2
        return float(_rank_difference(utilities).mean())

    low, high = 0.0, 1.0
    while reached(high) < difference:
        high *= 2
        if high > 1e4:
            raise StudyError(
                f"two of {model.entries} methods cannot differ by {difference:g} ranks; choose a smaller --difference"
            )
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if reached(middle) < difference else (low, middle)
    return (low + high) / 2


def _simulate(model: RaterModel, gap: float, raters: int, crops: int, studies: int, rng: np.random.Generator) -> Floats:
    """Rank differences (studies, raters, crops). A part of the array is a study with fewer raters or crops."""
    k = model.entries
    batch = max(1, _BATCH // (raters * crops * k))
    parts = []
    for start in range(0, studies, batch):
        n = min(batch, studies - start)
        utilities = _qualities(model, gap, (n, 1, 1), rng)
        utilities = utilities + model.taste * rng.normal(size=(n, raters, 1, k))
        utilities = utilities + model.crop_effect * rng.normal(size=(n, 1, crops, k))
        utilities += rng.normal(size=utilities.shape)
        parts.append(_rank_difference(utilities))
    return np.concatenate(parts)


def power(means: Floats, target: PlanTarget) -> float:
    """Share of the studies in which the test finds the difference, with the right sign.

    Parameters
    ----------
    means
        (studies, crops): differences of the mean ranks.
    """
    right = means.mean(axis=1) > 0
    p = signed_rank_ps(means[right])
    return float((p * target.comparisons < target.alpha).sum() / len(means))


def _fewest(means: Floats, target: PlanTarget) -> int | None:
    """Smallest number of crops with the wanted power, by bisection. None: all crops are not enough.

    The power of an exact test may fall a little where a crop is added, so that the numbers just below are tried too.
    """
    if power(means, target) < target.power:
        return None
    low, high = 0, int(means.shape[1])
    while high - low > 1:
        middle = (low + high) // 2
        if power(means[:, :middle], target) >= target.power:
            high = middle
        else:
            low = middle
    below = range(max(1, high - _NEARBY), high)
    return next((crops for crops in below if power(means[:, :crops], target) >= target.power), high)
