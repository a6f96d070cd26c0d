"""One rater's answers: from a file of unknown origin to checked rankings or ratings."""

from __future__ import annotations

import codecs
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from srspace_eval._utils import strict_json
from srspace_eval._utils.documents import DocumentError, convert
from srspace_eval._utils.untrusted_text import visible
from srspace_eval.errors import StudyError
from srspace_eval.study.key import Key

ANSWER_FORMAT = "srspace-eval/answer/1"
MOST_SCREENS = 20

_LARGEST_RATING = 1e6
_LONGEST_QUOTE = 60

Time = Annotated[str, Meta(max_length=40, description="a time (a text of at most 40 characters)")]


class TaskAnswerDocument(Struct, frozen=True, forbid_unknown_fields=True):
    """The answer to one task, and the time it took.

    ``ranking``: groups of item ids, best first (a ranking study). ``rating``: a grade of the scale (a rating study).
    """

    task: str
    seconds: Annotated[float, Meta(ge=0, le=1_000_000)]
    ranking: list[Annotated[list[str], Meta(min_length=1)]] | UnsetType = UNSET
    rating: Annotated[float, Meta(ge=-_LARGEST_RATING, le=_LARGEST_RATING)] | UnsetType = UNSET


class Screen(Struct, frozen=True, forbid_unknown_fields=True):
    """A screen on which tasks were answered.

    ``width`` and ``height`` are in CSS pixels. ``ratio`` is the browser's devicePixelRatio. ``scale`` is the number of
    the screen's pixels that show one pixel of a crop, in each direction.
    """

    width: Annotated[int, Meta(ge=1, le=100_000)]
    height: Annotated[int, Meta(ge=1, le=100_000)]
    ratio: Annotated[float, Meta(gt=0, le=1000)]
    scale: Annotated[int, Meta(ge=1, le=10_000)]

    def as_planned(self, key: Key) -> bool:
        """Whether it showed crops as large as the study says: ``zoom``, times the density of the screen."""
        zoom = key.settings.get("zoom")
        return isinstance(zoom, int) and self.scale == zoom * max(1, int(self.ratio + 0.5))


class AnswerDocument(Struct, frozen=True, forbid_unknown_fields=True):
    """The file that a rater sends back.

    ``id``, ``revision`` and ``screens`` are absent in files of version 0.1.0. The id is random. The revision grows by
    one when answers are changed after they were sent or saved.
    """

    format: Literal["srspace-eval/answer/1"]
    study: str
    rater: str
    token: str
    started: Time | None
    finished: Time | None
    answers: list[TaskAnswerDocument]
    id: Annotated[str, Meta(pattern="^[0-9a-f]{32}$", max_length=32, description="32 hexadecimal digits")] | None = None
    revision: Annotated[int, Meta(ge=1, le=1_000_000)] = 0
    screens: Annotated[tuple[Screen, ...], Meta(max_length=MOST_SCREENS)] = ()


Groups = tuple[tuple[str, ...], ...]
"""A ranking: groups of item ids, best first; a group of several items is a tie."""


class AnswerError(StudyError):
    """An answer file that cannot be used. The message says why; what it quotes of the file is escaped."""


@dataclass(frozen=True)
class Answer:
    """Checked rankings or ratings of one rater.

    Attributes
    ----------
    rankings
        Task id -> ranking, in a ranking study.
    seconds
        Task id -> the seconds that it took.
    id
        Random id of the answer. None: a file of version 0.1.0.
    revision
        Number of the rater's revision, from 1. 0: a file of version 0.1.0.
    ratings
        Task id -> grade, in a rating study.
    screens
        The screens on which tasks were answered. Empty: a file of version 0.1.0.
    """

    rater: str
    rankings: Mapping[str, Groups]
    seconds: Mapping[str, float]
    id: str | None = None
    revision: int = 0
    ratings: Mapping[str, float] = field(default_factory=dict)
    screens: tuple[Screen, ...] = ()

    @property
    def given(self) -> Mapping[str, Groups | float]:
        """Task id -> ranking or grade."""
        return {**self.rankings, **self.ratings}

    def missing(self, key: Key) -> list[str]:
        """The rater's tasks that are not answered."""
        given = self.given
        return [task for task in key.raters[self.rater].tasks if task not in given]


def largest_answer(key: Key) -> int:
    """An upper bound on the bytes of an answer to a study. A larger file is not parsed."""
    return key.largest_answer


def read_answer(path: Path, key: Key) -> Answer:
    """Read and check an answer file.

    Raises
    ------
    AnswerError
        If it is not a readable answer to this study.
    """
    limit = largest_answer(key)
    try:
        # Opening a pipe or a device could block.
        if not path.is_file():
            raise AnswerError("not a file" if path.exists() else "there is no such file")
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(handle, "rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise AnswerError(f"cannot be read ({error.strerror or error})") from error
    return parse_answer(data, key)


def parse_answer(data: bytes, key: Key) -> Answer:
    """Check an answer's bytes against the study.

    Raises
    ------
    AnswerError
        If it is too large, no JSON, of another study or rater, or what it answers does not fit the rater's tasks.
    """
    limit = largest_answer(key)
    if len(data) > limit:
        raise AnswerError(f"larger than {limit} bytes, more than any answer to this study")
    document = _document(data, key)
    if document.study != key.study:
        raise AnswerError("an answer to another study, or to another build of this one")
    rater = document.rater
    if rater not in key.raters:
        raise AnswerError("names a rater whom this study does not have")
    if not hmac.compare_digest(
        document.token.encode("utf-8", "surrogatepass"), key.raters[rater].token.encode("ascii")
    ):
        raise AnswerError(f"says that it is from {rater}, but its token is not that rater's")
    own = set(key.raters[rater].tasks)
    rankings: dict[str, Groups] = {}
    ratings: dict[str, float] = {}
    seconds: dict[str, float] = {}
    for number, answer in enumerate(document.answers):
        what = f"answers[{number}]"
        if answer.task not in own:
            raise AnswerError(f"{what}: is to a task that this rater was not given")
        if answer.task in seconds:
            raise AnswerError(f"{what}: answers a task for the second time")
        if key.task == "rate":
            ratings[answer.task] = _rating(answer, key, what)
        else:
            rankings[answer.task] = _ranking(answer, key, what)
        seconds[answer.task] = answer.seconds
    return Answer(rater, rankings, seconds, document.id, document.revision, ratings, document.screens)


def _document(data: bytes, key: Key) -> AnswerDocument:
    if data.startswith(codecs.BOM_UTF8):
        raise AnswerError("starts with a byte order mark; save it as UTF-8 without one")
    try:
        value = strict_json.loads(data, unique_keys=True)
    except UnicodeDecodeError as error:
        raise AnswerError("not UTF-8 text") from error
    except RecursionError as error:
        raise AnswerError("nested too deeply") from error
    except ValueError as error:
        raise AnswerError(f"not valid JSON ({error}); the file may be incomplete") from error
    if not isinstance(value, dict) or value.get("format") != ANSWER_FORMAT:
        raise AnswerError(f"not an answer of a study (format {ANSWER_FORMAT})")
    if key.task == "rate":
        _check_numbers(value.get("answers"), key)
    try:
        return convert(value, AnswerDocument)
    except DocumentError as error:
        raise AnswerError(str(error)) from error


def _check_numbers(answers: object, key: Key) -> None:
    """Name a rating that cannot be a grade by the scale; the document's type only knows its own limits."""
    for number, answer in enumerate(answers if isinstance(answers, list) else []):
        if not isinstance(answer, dict) or "rating" not in answer:
            continue
        found = answer["rating"]
        if isinstance(found, bool) or not isinstance(found, (int, float)) or abs(found) > _LARGEST_RATING:
            grades = key.rating_scale.grades
            try:  # what writes a value recurses
                text = visible(strict_json.dumps(strict_json.bounded(found), indent=None))
            except ValueError:
                text = "a value that is nested too deeply"
            raise AnswerError(
                f"answers[{number}].rating: expected a grade from {grades[0]} to {grades[-1]}, found "
                f"{text if len(text) <= _LONGEST_QUOTE else text[:_LONGEST_QUOTE] + '…'}"
            )


def _ranking(answer: TaskAnswerDocument, key: Key, what: str) -> Groups:
    if answer.ranking is UNSET or answer.rating is not UNSET:
        raise AnswerError(f"{what}: must have a ranking, and no rating")
    groups, task = answer.ranking, key.tasks[answer.task]
    flat = [item for group in groups for item in group]
    if len(flat) != len(task.items) or set(flat) != set(task.items):
        raise AnswerError(f"{what}: its ranking does not contain each of the task's items exactly once")
    if not key.ties and len(groups) != len(flat):
        raise AnswerError(f"{what}: contains a tie, which this study does not allow")
    return tuple(tuple(sorted(group)) for group in groups)  # the order in a tie says nothing


def _rating(answer: TaskAnswerDocument, key: Key, what: str) -> float:
    if answer.rating is UNSET or answer.ranking is not UNSET:
        raise AnswerError(f"{what}: must have a rating, and no ranking")
    grades = key.rating_scale.grades
    if answer.rating not in grades:
        raise AnswerError(f"{what}: rating {answer.rating:g} is not a grade from {grades[0]} to {grades[-1]}")
    return float(answer.rating)
