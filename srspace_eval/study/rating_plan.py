"""``plan_ratings``: how narrow the intervals of mean opinion scores are, and how many raters and pictures they need."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from scipy import stats

from srspace_eval.errors import StudyError
from srspace_eval.study.design import expected_minutes

if TYPE_CHECKING:
    import pandas as pd

_MOST = 100_000


@dataclass(frozen=True)
class RatingModel:
    """How people rate: score = quality + bias of the rater + effect of the picture + noise, in grades.

    The defaults are typical of five grades. Take those of a pilot study from its report.

    Attributes
    ----------
    entries
        Number of methods, for the time.
    bias
        Standard deviation of the raters' biases.
    noise
        Standard deviation of a single rating around what its rater gives on average.
    picture
        Standard deviation of a method's quality over pictures.

    Examples
    --------
    >>> from srspace_eval import RatingModel
    >>> RatingModel(entries=5, noise=1.0).bias
    0.5
    """

    entries: int = 8
    bias: float = 0.5
    noise: float = 0.7
    picture: float = 0.5


@dataclass(frozen=True)
class RatingTarget:
    """The interval that a rating study has to reach.

    Attributes
    ----------
    half_width
        Wanted half of the width of a method's interval, in grades.
    pictures
        Number of pictures (crops) that the study has.
    level
        Confidence level, in [0.5, 1).

    Examples
    --------
    >>> from srspace_eval import RatingTarget
    >>> RatingTarget(half_width=0.2).pictures
    100
    """

    half_width: float = 0.25
    pictures: int = 100
    level: float = 0.95


@dataclass(frozen=True)
class PlannedRatings:
    """What a number of raters reaches.

    Attributes
    ----------
    half_width
        With the target's number of pictures.
    pictures
        The smallest number of pictures with the wanted half width. None: no number is enough.
    minutes_each, minutes_all
        Time of one rater, and of all raters together, for the target's number of pictures.
    """

    raters: int
    half_width: float
    pictures: int | None
    minutes_each: float
    minutes_all: float


@dataclass(frozen=True)
class RatingPlan:
    """What was asked for, and what each number of raters reaches.

    Attributes
    ----------
    target
        The interval to reach.
    model
        How people were assumed to rate.
    raters
        The smallest number of raters with the wanted half width, for the target's pictures. None: no number is enough.
    sizes
        One entry for each number of raters: half width, pictures, minutes.

    Examples
    --------
    >>> from srspace_eval import plan_ratings
    >>> plan = plan_ratings(raters=[10, 20])
    >>> plan.raters, [round(size.half_width, 2) for size in plan.sizes]
    (21, [0.37, 0.25])
    """

    target: RatingTarget
    model: RatingModel
    raters: int | None
    sizes: tuple[PlannedRatings, ...]

    def to_frame(self) -> pd.DataFrame:
        """The plan as a pandas DataFrame: one row per number of raters.

        Returns
        -------
        pandas.DataFrame
            Columns: ``raters``, ``half_width`` (on the scale), ``pictures``, ``minutes_each``, ``minutes_all``.
            ``pictures`` is NaN or None where no number is enough.
        """
        import pandas as pd

        frame: pd.DataFrame = pd.DataFrame([asdict(size) for size in self.sizes])
        return frame

    def to_dict(self) -> dict[str, Any]:
        """What ``study plan --task rate --json`` prints.

        Returns
        -------
        dict[str, Any]
            Values that JSON can hold: ``question``, ``world``, ``raters``, ``plans``.
        """
        return {
            "question": asdict(self.target),
            "world": asdict(self.model),
            "raters": self.raters,
            "plans": [asdict(size) for size in self.sizes],
        }


def plan_ratings(
    target: RatingTarget = RatingTarget(),
    model: RatingModel = RatingModel(),
    *,
    raters: Sequence[int] = (5, 10, 20, 40),
) -> RatingPlan:
    """Compute the intervals that ``study collect`` would give: what ``srspace-eval study plan --task rate`` does.

    The variance of a method's mean is bias² / R + picture² / P + noise² / (R P), for R raters and P pictures of which
    each rater rates all. The quantile is Student's, with Satterthwaite's degrees of freedom, as in
    :func:`srspace_eval.mean_opinion_scores`. For two or three raters or pictures, intervals differ from the plan by
    up to a fifth.

    Parameters
    ----------
    target, model
        The interval to reach, and how people rate.
    raters
        Numbers of raters to plan for, at least 2 each.

    Returns
    -------
    RatingPlan
        The half width of the interval for each number of raters, and the smallest number that is enough.

    Raises
    ------
    StudyError
        If a number is out of range. It lists all of them.

    Examples
    --------
    >>> plan = plan_ratings(RatingTarget(half_width=0.25, pictures=100), raters=[10])
    >>> plan.raters, round(plan.sizes[0].half_width, 2), plan.sizes[0].pictures
    (21, 0.37, None)
    """
    _check(target, model, raters)
    sizes = []
    each = expected_minutes(target.pictures * model.entries, 1)
    for count in sorted(set(raters)):
        sizes.append(
            PlannedRatings(
                raters=count,
                half_width=half_width(model, count, target.pictures, target.level),
                pictures=_fewest(partial(half_width, model, count, level=target.level), target.half_width),
                minutes_each=each,
                minutes_all=each * count,
            )
        )
    needed = _fewest(partial(half_width, model, pictures=target.pictures, level=target.level), target.half_width)
    return RatingPlan(target, model, needed, tuple(sizes))


def half_width(model: RatingModel, raters: int, pictures: int, level: float) -> float:
    """Expected half of the width of a method's interval, in grades.

    Parameters
    ----------
    raters, pictures
        R and P, at least 2 each.
    level
        Confidence level.
    """
    bias, noise, picture = model.bias**2, model.noise**2, model.picture**2
    single = (noise + picture) / (raters * pictures)
    by_rater = bias / raters + noise / (raters * pictures)
    by_picture = picture / pictures + noise / (raters * pictures)
    variance = bias / raters + picture / pictures + noise / (raters * pictures)
    if variance == 0:
        return 0.0
    spread = single**2 / (raters * pictures - 1) + by_rater**2 / (raters - 1) + by_picture**2 / (pictures - 1)
    return float(stats.t.ppf(0.5 + level / 2, variance**2 / spread)) * math.sqrt(variance)


def _fewest(width: Callable[[int], float], wanted: float) -> int | None:
    """Smallest number, from 2, with the wanted half width, by bisection. None: 100,000 are not enough."""
    if width(_MOST) > wanted:
        return None
    low, high = 1, _MOST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if width(middle) <= wanted else (middle, high)
    return high


def _check(target: RatingTarget, model: RatingModel, raters: Sequence[int]) -> None:
    problems = []
    if not 1 <= model.entries <= _MOST:
        problems.append(f"--entries must lie between 1 and {_MOST}")
    if not all(value == 0 or 1e-6 <= value < 1e6 for value in (model.bias, model.noise, model.picture)):
        problems.append("--bias, --noise and --picture-effect must be 0, or numbers from 0.000001 to 1000000")
    if not 0 < target.half_width < 1e6:
        problems.append("--half-width must be larger than 0")
    if not 2 <= target.pictures <= _MOST:
        problems.append(f"--pictures must lie between 2 and {_MOST}: one picture does not show how pictures vary")
    if not 0.5 <= target.level < 1:
        problems.append("--level must lie between 0.5 and 1")
    if not raters or not all(2 <= count <= _MOST for count in raters):
        problems.append(f"--raters must lie between 2 and {_MOST}: one rater does not show how raters vary")
    if problems:
        raise StudyError("the study cannot be planned", problems)
