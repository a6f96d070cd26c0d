"""What the organiser chooses: how a study is made, and how its answers are collected.

The defaults of ``study create`` and ``study collect`` are the defaults here. This module imports no pictures or arrays.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Literal

from srspace_eval.errors import StudyError

PartialAnswers = Literal["refuse", "use"]
IntervalUnit = Literal["crops", "images"]


@dataclass(frozen=True)
class StudyOptions:
    """How a study is made. The key records these options.

    Attributes
    ----------
    crops, size:
        Number of crops of each image, and side of a crop in GT pixels.
    raters:
        Number of people who do each task.
    tasks_per_rater:
        Largest number of tasks for one person. The tasks are then shared among more people. None: everyone does all.
    images:
        Number of images, drawn by seed. None: all.
    ties:
        Whether crops may share a rank.
    repeats, obvious:
        Attention checks for each rater: tasks that are shown twice, and tasks with an obvious order.
    context:
        Side of the LR region that is shown around a crop, in GT pixels. None: six times ``size``.
    seed:
        Decides images, crops and samples. None: it follows from the secret, so nobody can predict what is shown. The
        key records it.
    title:
        Heading of the page.

    >>> StudyOptions(size=160).context_size
    960
    """

    crops: int = 3
    size: int = 80
    raters: int = 5
    tasks_per_rater: int | None = None
    images: int | None = None
    ties: bool = False
    repeats: int = 0
    obvious: int = 0
    context: int | None = None
    seed: int | None = None
    title: str = "Which looks most like a photograph?"

    @property
    def context_size(self) -> int:
        """Side of the LR region that is shown around a crop, in GT pixels."""
        return 6 * self.size if self.context is None else self.context

    @property
    def fixed_seed(self) -> int:
        """The seed.

        Raises
        ------
        StudyError
            If it is None: :meth:`with_seed` draws it.
        """
        if self.seed is None:
            raise StudyError("the study has no seed yet; give one, or create it with a secret")
        return self.seed

    def with_seed(self, secret: bytes) -> StudyOptions:
        """These options with a seed. A seed that is not given follows from the secret.

        >>> StudyOptions().with_seed(bytes(32)).seed == StudyOptions().with_seed(bytes(32)).seed
        True
        >>> StudyOptions(seed=3).with_seed(bytes(32)).seed
        3
        """
        if self.seed is not None:
            return self
        return replace(self, seed=int.from_bytes(hashlib.sha256(b"seed of the study" + secret).digest()[:4], "big"))

    def check(self, scale: int) -> None:
        """Check the options for a scale.

        Raises
        ------
        StudyError
            If options are out of range or do not fit the scale. It lists all of them.
        """
        at_least = [
            ("crops", self.crops, 1),
            ("size", self.size, 1),
            ("raters", self.raters, 1),
            ("tasks-per-rater", self.tasks_per_rater, 1),
            ("images", self.images, 1),
            ("repeats", self.repeats, 0),
            ("obvious", self.obvious, 0),
        ]
        problems = [
            f"--{name} is {value}: it must be at least {least}"
            for name, value, least in at_least
            if value is not None and value < least
        ]
        if not self.title.strip():
            problems.append("--title is empty: the page needs a heading")
        if self.size % scale:
            problems.append(
                f"--size is {self.size}: it must be a multiple of the scale {scale}, so that a crop has whole LR pixels"
            )
        if self.context is not None and self.context < self.size:
            problems.append(f"--context is {self.context}: it must not be smaller than --size {self.size}")
        if problems:
            raise StudyError("the study cannot be created with these options", problems)


@dataclass(frozen=True)
class CollectOptions:
    """Which answers count, and how intervals are computed.

    Attributes
    ----------
    partial:
        Whether answers with missing tasks are refused or used.
    agreement:
        Least mean Kendall tau between a rater's first and second ranking of the repeated tasks, in [-1, 1].
    over:
        What intervals and tests generalise over besides raters. ``"images"`` keeps the crops of an image together.
    level:
        Confidence level of the intervals, in [0.5, 1).
    draws, seed:
        Number of draws of the bootstrap, at least 100, and its seed.

    Examples
    --------
    >>> from srspace_eval import CollectOptions
    >>> CollectOptions(partial="use", over="images").level
    0.95
    """

    partial: PartialAnswers = "refuse"
    agreement: float = 0.3
    over: IntervalUnit = "crops"
    level: float = 0.95
    draws: int = 2000
    seed: int = 0

    def problems(self) -> dict[str, str]:
        """The options that are out of range: name -> what the value must be.

        >>> CollectOptions(level=2).problems()
        {'level': 'must lie between 0.5 and 1'}
        """
        valid = {
            "partial": (self.partial in ("refuse", "use"), "must be 'refuse' or 'use'"),
            "agreement": (-1 <= self.agreement <= 1, "must lie between -1 and 1"),
            "over": (self.over in ("crops", "images"), "must be 'crops' or 'images'"),
            "level": (0.5 <= self.level < 1, "must lie between 0.5 and 1"),
            "draws": (self.draws >= 100, "must be at least 100"),
            "seed": (self.seed >= 0, "must not be negative"),
        }
        return {name: demand for name, (holds, demand) in valid.items() if not holds}

    def check(self) -> None:
        """Check the ranges of the options.

        Raises
        ------
        StudyError
            If options are out of range. It lists all of them.
        """
        problems = [f"--{name} is {getattr(self, name)!r}: it {demand}" for name, demand in self.problems().items()]
        if problems:
            raise StudyError("the answers cannot be collected with these options", problems)
