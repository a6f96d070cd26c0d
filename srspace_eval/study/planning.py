"""How many raters and crops a study needs, by simulation, and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from srspace_eval.errors import StudyError
from srspace_eval.study.design import expected_minutes

Floats = NDArray[np.float64]

_CALIBRATION = 40_000
_BATCH = 2_000_000  # utilities drawn at once
_MOST_ENTRIES, _LARGEST = 200, 50_000_000  # what about a gigabyte of memory holds


@dataclass(frozen=True)
class World:
    """How raters are taken to rank: by a utility, quality + taste + crop + noise, all normal (Thurstone's model).

    Attributes
    ----------
    entries:
        K, the number of methods.
    taste:
        How much a rater's liking of a method differs from other raters', in units of the noise.
    crop:
        How much a method's quality differs from crop to crop, likewise.
    spread:
        Standard deviation of the methods' qualities, likewise.
    """

    entries: int = 8
    taste: float = 0.3
    crop: float = 1.0
    spread: float = 1.0


@dataclass(frozen=True)
class Question:
    """What the study is to decide.

    Attributes
    ----------
    difference:
        Of two methods' MORs, in ranks.
    level:
        p below which they count as told apart.
    comparisons:
        For how many pairs p is corrected (Bonferroni's bound on Holm's); 1: one pair named beforehand.
    power:
        Wanted chance to tell them apart.
    """

    difference: float = 0.5
    level: float = 0.05
    comparisons: int = 1
    power: float = 0.8


@dataclass(frozen=True)
class Plan:
    """The fewest crops with which so many raters have the wanted power; None if even the largest number falls short."""

    raters: int
    crops: int | None
    power: float
    minutes_each: float
    minutes_all: float


def plan_study(
    world: World,
    question: Question,
    *,
    raters: Sequence[int] = (3, 5, 10, 20),
    most_crops: int = 600,
    studies: int = 400,
    seed: int = 0,
) -> list[Plan]:
    """Simulate studies and find, for each number of raters, the crops needed.

    Each simulated study is tested as ``collect`` does: Wilcoxon's signed-rank test over the crops' mean ranks.

    Parameters
    ----------
    raters:
        Numbers of raters to plan for.
    most_crops:
        Largest number of crops to consider.
    studies:
        Simulated studies; the power's standard error is at most ``0.5 / sqrt(studies)``.

    Raises
    ------
    StudyError
        If the numbers make no sense, or no two of so many methods can differ that much.
    """
    _check(world, question, raters, most_crops, studies)
    rng = np.random.default_rng(seed)
    gap = quality_gap(world, question.difference, rng)
    differences = _simulate(world, gap, max(raters), most_crops, studies, rng)
    plans = []
    for count in sorted(set(raters)):
        means = differences[:, :count].mean(axis=1)
        crops = _fewest(means, question)
        used = crops or most_crops
        each = expected_minutes(used, world.entries)
        plans.append(Plan(count, crops, power(means[:, :used], question), each, each * count))
    return plans


def _check(world: World, question: Question, raters: Sequence[int], most_crops: int, studies: int) -> None:
    problems = []
    if world.entries < 2:
        problems.append("--entries must be at least 2")
    if not all(0 <= value < 1e6 for value in (world.taste, world.crop, world.spread)):
        problems.append("--taste, --crop-effect and --spread must be numbers that are not negative")
    # Two methods next to each other: with K methods MORs differ by K - 1 at most, and only where all agree.
    if not 0 < question.difference <= 0.9 * (world.entries - 1):
        problems.append(f"--difference must lie between 0 and {0.9 * (world.entries - 1):g} for so many methods")
    if not 0 < question.level < 1 or not 0 < question.power < 1:
        problems.append("--alpha and --power must lie between 0 and 1")
    if question.comparisons < 1 or not raters or min(raters) < 1 or most_crops < 6 or studies < 20:
        problems.append("--raters and --comparisons must be at least 1, --most-crops 6, --studies 20")
    elif world.entries > _MOST_ENTRIES or max(raters) * most_crops * max(world.entries, studies) > _LARGEST:
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


def _qualities(world: World, gap: float, shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Qualities (*shape, K): the two in question ``gap`` apart around 0, the others as they come."""
    out = rng.normal(0.0, world.spread, size=(*shape, world.entries))
    out[..., 0], out[..., 1] = gap / 2, -gap / 2
    return out


def quality_gap(world: World, difference: float, rng: np.random.Generator) -> float:
    """The difference of two methods' qualities at which their MORs differ by ``difference`` on average."""
    noise = np.sqrt(1 + world.taste**2 + world.crop**2) * rng.normal(size=(_CALIBRATION, world.entries))
    others = _qualities(world, 0.0, (_CALIBRATION,), rng)

    def reached(gap: float) -> float:
        utilities = others + noise
        utilities[:, 0] += gap / 2
        utilities[:, 1] -= gap / 2
        return float(_rank_difference(utilities).mean())

    low, high = 0.0, 1.0
    while reached(high) < difference:
        high *= 2
        if high > 1e4:
            raise StudyError(f"no two of {world.entries} methods differ by {difference:g} ranks: ask for less")
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if reached(middle) < difference else (low, middle)
    return (low + high) / 2


def _simulate(world: World, gap: float, raters: int, crops: int, studies: int, rng: np.random.Generator) -> Floats:
    """Rank differences (studies, raters, crops); fewer raters or crops are a part of it."""
    k = world.entries
    batch = max(1, _BATCH // (raters * crops * k))
    parts = []
    for start in range(0, studies, batch):
        n = min(batch, studies - start)
        utilities = _qualities(world, gap, (n, 1, 1), rng)
        utilities = utilities + world.taste * rng.normal(size=(n, raters, 1, k))
        utilities = utilities + world.crop * rng.normal(size=(n, 1, crops, k))
        utilities += rng.normal(size=utilities.shape)
        parts.append(_rank_difference(utilities))
    return np.concatenate(parts)


def power(means: Floats, question: Question) -> float:
    """Share of the studies (studies, crops) in which the test tells the methods apart, the right way round."""
    # Where nothing differs at all there is nothing to test.
    some = np.any(means != 0, axis=1)
    p = np.ones(len(means))
    if np.any(some):
        p[some] = stats.wilcoxon(means[some], axis=1, method="asymptotic", keepdims=True).pvalue[:, 0]
    right = (p * question.comparisons < question.level) & (means.mean(axis=1) > 0)
    return float(right.mean())


def _fewest(means: Floats, question: Question) -> int | None:
    """The fewest crops with the wanted power, by bisection; None if all of them do not suffice."""
    most = int(means.shape[1])
    if power(means, question) < question.power:
        return None
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        if power(means[:, :middle], question) >= question.power:
            high = middle
        else:
            low = middle
    return high
