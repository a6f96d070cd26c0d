"""The scale on which people rate pictures. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

MOST_GRADES = 10
"""Most grades of a scale that a rater's page can show: one for each number key."""


@dataclass(frozen=True)
class OpinionScale:
    """The scale of ratings.

    Attributes
    ----------
    low, high
        Smallest and largest score. The default is absolute category rating (ACR) of ITU-T P.910: 1 bad, 5 excellent.
    step
        Distance of two neighbouring scores.
    better
        Whether a higher or a lower score is better.
    words
        What the scores mean, from ``low`` to ``high``. Empty: numbers alone.

    Examples
    --------
    >>> OpinionScale(0, 5, better="lower").problems([2, 6, float("nan")])
    ['rating 2: 6 is not a score from 0 to 5', 'rating 3: nan is not a score from 0 to 5']
    """

    low: float = 1.0
    high: float = 5.0
    step: float = 1.0
    better: Literal["higher", "lower"] = "higher"
    words: tuple[str, ...] = ()

    def faults(self) -> list[str]:
        """What is wrong with the scale itself; empty: nothing.

        Returns
        -------
        list[str]
            One sentence for each fault.

        Examples
        --------
        >>> OpinionScale(5, 0).faults()
        ['low = 5 must be smaller than high = 0']
        """
        faults = []
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            faults.append(f"low = {self.low:g} and high = {self.high:g} must be finite numbers")
        elif self.low >= self.high:
            faults.append(f"low = {self.low:g} must be smaller than high = {self.high:g}")
        if not 0 < self.step < math.inf:
            faults.append(f"step = {self.step:g} must be a finite number above 0")
        if self.better not in ("higher", "lower"):
            faults.append(f"better is {self.better!r}: it must be 'higher' or 'lower'")
        return faults

    def problems(self, scores: Sequence[float]) -> list[str]:
        """The ratings that are not on the scale, counted from 1. Scores between two steps are allowed.

        Parameters
        ----------
        scores
            Ratings.

        Returns
        -------
        list[str]
            One sentence for each rating that lies outside the scale or is not a number.
        """
        return [
            f"rating {number}: {score:g} is not a score from {self.low:g} to {self.high:g}"
            for number, score in enumerate(scores, start=1)
            if not self.low <= score <= self.high
        ]

    @property
    def grades(self) -> tuple[int, ...]:
        """The scores that a rater can give on a page: whole numbers from ``low`` to ``high``.

        >>> OpinionScale(0, 5, better="lower").grades
        (0, 1, 2, 3, 4, 5)
        """
        return tuple(range(int(self.low), int(self.high) + 1))

    def page_problems(self) -> list[str]:
        """Why a rater's page cannot show the scale; empty: it can. Each grade needs a number key.

        Returns
        -------
        list[str]
            One sentence for each problem.

        Examples
        --------
        >>> OpinionScale(0, 100).page_problems()
        ['low and high must be whole numbers from 0 to 9']
        """
        problems = []
        if not all(value in range(MOST_GRADES) for value in (self.low, self.high)):
            problems.append(f"low and high must be whole numbers from 0 to {MOST_GRADES - 1}")
        elif self.low >= self.high:
            problems.append(f"low = {self.low:g} must be smaller than high = {self.high:g}")
        elif self.words and len(self.words) != len(self.grades):
            problems.append(f"{len(self.words)} words for {len(self.grades)} grades")
        if self.step != 1:
            problems.append(f"step = {self.step:g} must be 1")
        return problems

    def label(self, grade: float) -> str:
        """A grade with its word.

        Parameters
        ----------
        grade
            A grade of the scale.

        Returns
        -------
        str
            The grade, followed by its word in brackets if the scale has one.

        Examples
        --------
        >>> ACR.label(5)
        '5 (Excellent)'
        """
        number = int(grade - self.low)
        return f"{grade:g} ({self.words[number]})" if 0 <= number < len(self.words) else f"{grade:g}"


ACR = OpinionScale(words=("Bad", "Poor", "Fair", "Good", "Excellent"))
"""Absolute category rating of ITU-T P.910, for single pictures."""

DCR = OpinionScale(
    words=("Very annoying", "Annoying", "Slightly annoying", "Perceptible but not annoying", "Imperceptible")
)
"""Degradation category rating of ITU-T P.910, for pairs with the reference: how visible the difference is."""
