"""What the organiser chooses: how a study is made, and how its answers are collected.

The defaults of ``study create`` and ``study collect`` are the defaults here. This module imports no pictures or arrays.
It is long because most of it is documentation.
"""

from __future__ import annotations

import hashlib
import operator
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from numbers import Integral, Real
from typing import Literal, get_args

from srspace_eval.errors import StudyError

StudyTask = Literal["rank", "rate"]
PartialAnswers = Literal["refuse", "use"]
IntervalUnit = Literal["crops", "images"]

TITLES = {
    "rank": "Which looks most like a photograph?",
    "rate": "How good does this picture look?",
    "pairs": "How close is this picture to the reference?",
}
"""Headings of the page, where the organiser gives none."""

_MOST_DRAWS = 100_000  # of more, `rank --mor` reads none
_WIDEST = 3840  # pixels of a 4K screen
_LEGIBLE = 160  # smaller pieces are too small to judge


@dataclass(frozen=True)
class StudyOptions:
    """How a study is made. The key records these options.

    Attributes
    ----------
    task
        ``"rank"``: people put the methods' crops in order (MOR). ``"rate"``: people rate single crops (MOS).
    pairs
        Ratings: show the GT beside each picture as its reference.
    crops, size
        Number of crops of each image, and side of a crop in GT pixels.
    zoom
        Each pixel of a crop is shown as ``zoom × zoom`` pixels, the same for all raters. On a screen of high density,
        such a pixel is a whole number of the screen's pixels. None: the smallest at which a crop is at least 160 wide.
    raters
        Number of people who do each task.
    tasks_per_rater
        Largest number of tasks for one person, without attention checks. The tasks are then shared among more people.
        A person rates all methods' versions of a crop. None: everyone does all.
    images
        Number of images, drawn by seed. None: all.
    ties
        Rankings: whether crops may share a rank.
    repeats, obvious
        Attention checks for each rater: tasks that are shown twice, and tasks with an obvious order. An obvious check
        of a rating study is two pictures to rate: a hidden GT, and the same in large cells. Without a GT, it is a
        method's picture.
    context
        Rankings: side of the LR region that is shown around a crop, in GT pixels. None: six times ``size``.
    seed
        Decides images, crops and samples. None: it follows from the secret, so nobody can predict what is shown. The
        key records it.
    title
        Heading of the page. None: the one of the task in :data:`TITLES`.

    Examples
    --------
    >>> StudyOptions(size=160).context_size
    960
    >>> StudyOptions(size=80).shown_zoom, StudyOptions(size=320).shown_zoom
    (2, 1)
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
    title: str | None = None
    task: StudyTask = "rank"
    pairs: bool = False
    zoom: int | None = None

    @property
    def context_size(self) -> int:
        """Side of the LR region that is shown around a crop, in GT pixels."""
        return 6 * self.size if self.context is None else self.context

    @property
    def shown_zoom(self) -> int:
        """Pixels of the screen for each pixel of a crop, in each direction."""
        return -(-_LEGIBLE // max(self.size, 1)) if self.zoom is None else self.zoom

    @property
    def heading(self) -> str:
        """Heading of the page."""
        return TITLES["pairs" if self.pairs else self.task] if self.title is None else self.title

    @property
    def pictures_at_once(self) -> int:
        """Rating tasks: number of pictures that are shown."""
        return 2 if self.pairs else 1

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

        Parameters
        ----------
        secret
            32 random bytes.

        Returns
        -------
        StudyOptions
            The options themselves if they have a seed, otherwise a copy with one.

        Examples
        --------
        >>> StudyOptions().with_seed(bytes(32)).seed == StudyOptions().with_seed(bytes(32)).seed
        True
        >>> StudyOptions(seed=3).with_seed(bytes(32)).seed
        3
        """
        if self.seed is not None:
            return self
        # 64 bits: the places of the crops are in the raters' folder, and tell which of few seeds it was.
        return replace(self, seed=int.from_bytes(hashlib.sha256(b"seed of the study" + secret).digest()[:8], "big"))

    def __post_init__(self) -> None:
        """NumPy's whole numbers become Python's, because the key is JSON."""
        for option in fields(self):
            value: object = getattr(self, option.name)
            if hasattr(value, "__index__") and type(value) not in (int, bool):
                with suppress(TypeError):
                    object.__setattr__(self, option.name, operator.index(value))

    def _wrong_types(self) -> list[str]:
        """Options of a wrong type, by their names."""
        kinds: dict[str, tuple[str, type | tuple[type, ...]]] = {
            **dict.fromkeys(("ties", "pairs"), ("true or false", bool)),
            **dict.fromkeys(("title", "task"), ("a text", str)),
        }
        may_be_none = {option.name for option in fields(self) if option.default is None}
        problems = []
        for option in fields(self):
            value, name = getattr(self, option.name), option.name
            expected, kind = kinds.get(name, ("a whole number", int))
            fits = isinstance(value, kind) and isinstance(value, bool) == (kind is bool)
            if not fits and not (value is None and name in may_be_none):
                problems.append(f"--{name.replace('_', '-')} is {value!r:.60}: it must be {expected}")
        return problems

    def check(self, scale: int) -> None:
        """Check the options for a scale.

        Parameters
        ----------
        scale
            The super-resolution factor.

        Raises
        ------
        StudyError
            If options are out of range or do not fit the scale. It lists all of them.
        """
        if faults := self._wrong_types():
            raise StudyError("the study cannot be created with these options", faults)
        at_least = [
            ("crops", self.crops, 1),
            ("size", self.size, 1),
            ("raters", self.raters, 1),
            ("tasks-per-rater", self.tasks_per_rater, 1),
            ("images", self.images, 1),
            ("repeats", self.repeats, 0),
            ("obvious", self.obvious, 0),
            ("zoom", self.zoom, 1),
        ]
        problems = [
            f"--{name} is {value}: it must be at least {least}"
            for name, value, least in at_least
            if value is not None and value < least
        ]
        if self.zoom is not None and self.zoom > 1 and self.size * self.zoom > _WIDEST:
            problems.append(
                f"--zoom is {self.zoom}: a crop of {self.size} pixels would be {self.size * self.zoom} pixels wide on "
                f"the screen; at most {max(_WIDEST // self.size, 1)} is allowed ({_WIDEST} pixels)"
            )
        if self.title is not None and not self.title.strip():
            problems.append("--title is empty: the page needs a heading")
        if self.size % scale:
            problems.append(
                f"--size is {self.size}: it must be a multiple of the scale {scale}, so that a crop has whole LR pixels"
            )
        if self.context is not None and self.context < self.size:
            problems.append(f"--context is {self.context}: it must not be smaller than --size {self.size}")
        if self.task not in get_args(StudyTask):
            problems.append(f"--task is {self.task!r}: it must be 'rank' or 'rate'")
        if self.task == "rate":
            problems += ["--ties is for rankings; ratings are never ordered"] if self.ties else []
            problems += ["--context is for rankings; ratings show no LR"] if self.context is not None else []
        elif self.pairs:
            problems.append("--pairs is for ratings (--task rate); rankings show the LR as the reference")
        if problems:
            raise StudyError("the study cannot be created with these options", problems)


@dataclass(frozen=True)
class CollectOptions:
    """Which answers count, and how intervals are computed.

    Attributes
    ----------
    partial
        Whether answers with missing tasks are refused or used.
    agreement
        Rankings: least mean Kendall tau between a rater's first and second ranking of the repeated tasks, in [-1, 1].
    tolerance
        Ratings: largest mean difference between a rater's first and second rating of the repeated pictures, in grades.
    over
        What intervals and tests generalise over besides raters. ``"images"`` keeps the crops of an image together.
    level
        Confidence level of the intervals, in [0.5, 1).
    draws, seed
        Rankings: number of draws of the bootstrap, from 100 to 100 000, and its seed.

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
    tolerance: float = 1.5

    def __post_init__(self) -> None:
        """Numbers of NumPy and of ``fractions`` become Python's, because the result is JSON."""
        for name in ("agreement", "tolerance", "level"):
            value = getattr(self, name)
            if type(value) not in (int, float, bool) and isinstance(value, Real):
                with suppress(OverflowError):
                    object.__setattr__(self, name, float(value))
        for name in ("draws", "seed"):
            value = getattr(self, name)
            if type(value) not in (int, bool) and isinstance(value, Integral):
                object.__setattr__(self, name, operator.index(value))

    def problems(self) -> dict[str, str]:
        """The options that are out of range: name -> what the value must be.

        Returns
        -------
        dict[str, str]
            It is empty if all options are in range.

        Examples
        --------
        >>> CollectOptions(level=2).problems()
        {'level': 'must lie between 0.5 and 1'}
        """
        numbers = {
            name: isinstance(value, kind) and not isinstance(value, bool)
            for kind, names in ((Real, ("agreement", "tolerance", "level")), (Integral, ("draws", "seed")))
            for name, value in ((name, getattr(self, name)) for name in names)
        }
        if wrong := {name: "must be a number" for name, fits in numbers.items() if not fits}:
            return {
                name: "must be a whole number" if name in ("draws", "seed") else told for name, told in wrong.items()
            }
        valid = {
            "partial": (self.partial in ("refuse", "use"), "must be 'refuse' or 'use'"),
            "agreement": (-1 <= self.agreement <= 1, "must lie between -1 and 1"),
            "tolerance": (self.tolerance >= 0, "must not be negative"),
            "over": (self.over in ("crops", "images"), "must be 'crops' or 'images'"),
            "level": (0.5 <= self.level < 1, "must lie between 0.5 and 1"),
            "draws": (100 <= self.draws <= _MOST_DRAWS, f"must lie between 100 and {_MOST_DRAWS}"),
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
