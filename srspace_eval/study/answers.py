"""One rater's answers, from a stranger's file to checked rankings. Nothing in the file is taken on trust."""

from __future__ import annotations

import hmac
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from srspace_eval.errors import StudyError
from srspace_eval.study.design import Task
from srspace_eval.study.key import Key

ANSWER_FORMAT = "srspace-eval/answer/1"

_FIELDS = {"format", "study", "rater", "token", "started", "finished", "answers"}
_ANSWER_FIELDS = {"task", "ranking", "seconds"}
_LONGEST_TASK_SECONDS = 1e6

Groups = tuple[tuple[str, ...], ...]
"""A ranking: groups of item ids, best first; a group of several items is a tie."""


class AnswerError(StudyError):
    """An answer file that cannot be used; the message says why, and quotes nothing of a stranger's unescaped."""


@dataclass(frozen=True)
class Answer:
    """Checked rankings of one rater: task id -> ranking, and the seconds each took."""

    rater: str
    rankings: Mapping[str, Groups]
    seconds: Mapping[str, float]

    def missing(self, key: Key) -> list[str]:
        """The rater's tasks that have no ranking."""
        return [task for task in key.raters[self.rater].tasks if task not in self.rankings]


def largest_answer(key: Key) -> int:
    """A bound on an honest answer's bytes; what is larger is not even parsed."""
    pieces = max((sum(len(key.tasks[task].items) for task in rater.tasks) for rater in key.raters.values()), default=0)
    tasks = max((len(rater.tasks) for rater in key.raters.values()), default=0)
    return 4096 + 256 * tasks + 32 * pieces


def read_answer(path: Path, key: Key) -> Answer:
    """Read and check an answer file.

    Raises
    ------
    AnswerError
        If it is not a readable answer to this study.
    """
    limit = largest_answer(key)
    try:
        # A pipe or device put among the answers must not be waited for.
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
        If it is too large, no JSON, of another study or rater, or its rankings do not fit the rater's tasks.
    """
    limit = largest_answer(key)
    if len(data) > limit:
        raise AnswerError(f"larger than {limit} bytes, more than any answer to this study")
    document = _load(data)
    _fields(document, _FIELDS, "it")
    if document["format"] != ANSWER_FORMAT:
        raise AnswerError(f"not an answer of a study (format {ANSWER_FORMAT})")
    if document["study"] != key.study:
        raise AnswerError("an answer to another study, or to another build of this one")
    rater = document["rater"]
    if not isinstance(rater, str) or rater not in key.raters:
        raise AnswerError("names a rater whom this study does not have")
    token = document["token"]
    if not isinstance(token, str) or not hmac.compare_digest(
        token.encode("utf-8", "surrogatepass"), key.raters[rater].token.encode("ascii")
    ):
        raise AnswerError(f"says that it is from {rater}, but its token is not that rater's")
    for name in ("started", "finished"):
        if document[name] is not None and not (isinstance(document[name], str) and len(document[name]) <= 40):
            raise AnswerError(f"its {name} is not a time")
    answers = document["answers"]
    if not isinstance(answers, list):
        raise AnswerError("its answers are not a list")
    own = set(key.raters[rater].tasks)
    rankings: dict[str, Groups] = {}
    seconds: dict[str, float] = {}
    for number, answer in enumerate(answers, start=1):
        what = f"its answer {number}"
        _fields(answer, _ANSWER_FIELDS, what)
        name = answer["task"]
        if not isinstance(name, str) or name not in own:
            raise AnswerError(f"{what} is to a task that this rater was not given")
        if name in rankings:
            raise AnswerError(f"{what} answers a task for the second time")
        rankings[name] = _ranking(answer["ranking"], key.tasks[name], key.ties, what)
        seconds[name] = _seconds(answer["seconds"], what)
    return Answer(rater, rankings, seconds)


def _load(data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except AnswerError:
        raise
    except UnicodeDecodeError as error:
        raise AnswerError("not UTF-8 text") from error
    except RecursionError as error:
        raise AnswerError("nested too deeply") from error
    except ValueError as error:
        raise AnswerError("not valid JSON; was it cut off on its way?") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise AnswerError("names the same field twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise AnswerError(f"holds {name}, which is not a number")


def _fields(value: Any, wanted: set[str], what: str) -> None:
    if not isinstance(value, dict):
        raise AnswerError(f"{what} is not an object")
    if set(value) != wanted:
        raise AnswerError(f"{what} must have exactly the fields {', '.join(sorted(wanted))}")


def _ranking(value: Any, task: Task, ties: bool, what: str) -> Groups:
    if not isinstance(value, list) or not all(
        isinstance(group, list) and group and all(isinstance(item, str) for item in group) for group in value
    ):
        raise AnswerError(f"{what}: its ranking is not a list of lists of ids")
    flat = [item for group in value for item in group]
    if len(flat) != len(task.items) or set(flat) != set(task.items):
        raise AnswerError(f"{what}: its ranking does not hold each of the task's pieces exactly once")
    if not ties and len(value) != len(flat):
        raise AnswerError(f"{what}: holds a tie, which this study does not allow")
    return tuple(tuple(group) for group in value)


def _seconds(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise AnswerError(f"{what}: its seconds are not a number")
    if not 0 <= value <= _LONGEST_TASK_SECONDS or not math.isfinite(value):
        raise AnswerError(f"{what}: its seconds are out of range")
    return float(value)
