"""The key of a study: everything that raters must not know. It never lies in the folder that they get."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from srspace_eval._utils import strict_json
from srspace_eval._utils.documents import DocumentError, convert
from srspace_eval._utils.files import read_bounded
from srspace_eval.errors import StudyError
from srspace_eval.study.design import RaterList, Task
from srspace_eval.study.options import StudyTask
from srspace_eval.tracks.opinion_scale import OpinionScale

KEY_FORMAT = "srspace-eval/study-key/1"

_MAX_BYTES = 1 << 27


class KeyDocument(Struct, frozen=True):
    """The key's document: which method is behind each random id of a study.

    ``task`` and ``scale`` are absent in files of version 0.1.0, whose studies are rankings.
    """

    format: Literal["srspace-eval/study-key/1"]
    study: str
    title: str
    ties: bool
    entries: tuple[str, ...]
    settings: dict[str, Any]
    tasks: tuple[Task, ...]
    raters: tuple[RaterList, ...]
    secret: Annotated[str, Meta(pattern="^[0-9a-f]*$(?!\\n)", description="hexadecimal digits")]
    task: StudyTask = "rank"
    scale: OpinionScale | None = None


@dataclass(frozen=True)
class Key:
    """What ties a study's random ids to methods.

    Attributes
    ----------
    study
        Id of the study: a digest of its page's data and of every picture.
    secret
        256 bits, hexadecimal: names, positions and tokens follow from it; ``create --secret`` builds the same again.
    entries
        Names of the methods; ``Task.holds`` are indices into it.
    tasks, raters
        By id.
    settings
        How it was built, for the record.
    task, scale
        Whether raters rank or rate, and the scale of the ratings. None: a ranking study.
    """

    study: str
    secret: str
    title: str
    ties: bool
    entries: tuple[str, ...]
    tasks: Mapping[str, Task]
    raters: Mapping[str, RaterList]
    settings: Mapping[str, Any] = field(default_factory=dict)
    task: StudyTask = "rank"
    scale: OpinionScale | None = None

    @property
    def rating_scale(self) -> OpinionScale:
        """The scale of a rating study.

        Raises
        ------
        StudyError
            If it is a ranking study.
        """
        if self.scale is None:
            raise StudyError("a ranking study has no scale")
        return self.scale

    @cached_property
    def largest_answer(self) -> int:
        """An upper bound on the bytes of an answer to the study."""
        pieces = max((sum(len(self.tasks[task].items) for task in r.tasks) for r in self.raters.values()), default=0)
        tasks = max((len(rater.tasks) for rater in self.raters.values()), default=0)
        return 4096 + 256 * tasks + 32 * pieces

    def write(self, path: Path) -> None:
        """Write the key, readable by its owner only; never over another.

        Raises
        ------
        StudyError
            If there is a file already, or it cannot be written.
        """
        document = {
            "format": KEY_FORMAT,
            "study": self.study,
            "title": self.title,
            **({} if self.scale is None else {"task": self.task, "scale": asdict(self.scale)}),
            "ties": self.ties,
            "entries": list(self.entries),
            "settings": dict(self.settings),
            "tasks": [asdict(task) for task in self.tasks.values()],
            "raters": [asdict(rater) for rater in self.raters.values()],
            "secret": self.secret,
        }
        text = strict_json.dumps(document) + "\n"
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError as error:
            raise StudyError(f"{path}: there is a key already; move it away, or name another with --key") from error
        except OSError as error:
            raise StudyError(f"{path}: the key cannot be written ({error.strerror or error})") from error
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
        except OSError as error:
            path.unlink(missing_ok=True)  # a part of a key would block the next try
            raise StudyError(f"{path}: the key cannot be written ({error.strerror or error})") from error


def load_key(path: Path) -> Key:
    """Read a key that ``study create`` wrote.

    Raises
    ------
    StudyError
        If it cannot be read or is not such a file.
    """
    try:
        data = strict_json.loads(read_bounded(path, _MAX_BYTES))
    except OSError as error:
        raise StudyError(f"{path}: the key cannot be read ({error.strerror or error}); name it with --key") from error
    except (ValueError, RecursionError) as error:
        raise StudyError(f"{path}: not a key of a study: {error}") from error
    if not isinstance(data, dict) or data.get("format") != KEY_FORMAT:
        raise StudyError(f"{path}: not a key of a study (format {KEY_FORMAT}); give the file that 'study create' wrote")
    try:
        document = convert(data, KeyDocument)
        tasks = {task.id: task for task in document.tasks}
        if lost := [name for name in _settings_shown(document) if name not in document.settings]:
            raise DocumentError(f"settings has no {', '.join(lost)}")
        _check_scale(document)
        for task in document.tasks:
            _check_task(task, document)
            if task.of is not None and task.of not in tasks:
                raise DocumentError(f"task {task.id!r} repeats {task.of!r}, which is not there")
        for rater in document.raters:
            if lost := [task for task in rater.tasks if task not in tasks]:
                raise DocumentError(f"rater {rater.id!r} has the task {lost[0]!r}, which is not there")
            if not rater.token.isascii():
                raise DocumentError(f"rater {rater.id!r} has a token that is not ASCII")
    except DocumentError as error:
        raise StudyError(f"{path}: the key is damaged ({error}); give the file that 'study create' wrote") from error
    return Key(
        study=document.study,
        secret=document.secret,
        title=document.title,
        ties=document.ties,
        entries=document.entries,
        tasks=tasks,
        raters={rater.id: rater for rater in document.raters},
        settings=document.settings,
        task=document.task,
        scale=document.scale,
    )


def _settings_shown(document: KeyDocument) -> tuple[str, ...]:
    """Settings that the report shows."""
    return ("track", "created_with", "size", "seed", "lr" if document.task == "rank" else "pairs")


def _check_scale(document: KeyDocument) -> None:
    if (document.task == "rate") != (document.scale is not None):
        raise DocumentError(f"task is {document.task!r}, and scale is {'missing' if document.scale is None else 'set'}")
    if document.scale is not None and (problems := document.scale.page_problems()):
        raise DocumentError(f"scale: {'; '.join(problems)}")


def _check_task(task: Task, document: KeyDocument) -> None:
    """Check that a task fits the study. Wrong indices would otherwise be errors of the arithmetic."""
    name, rating, entries = task.id, document.task == "rate", len(document.entries)
    if len(task.items) != len(task.holds):
        raise DocumentError(f"task {name!r} has {len(task.items)} items and {len(task.holds)} holds")
    if rating and len(task.items) != 1:
        raise DocumentError(f"task {name!r} has {len(task.items)} items; a rating is of one")
    if task.kind in ("rank", "rate") and (task.kind == "rate") != rating:
        raise DocumentError(f"task {name!r} is of kind {task.kind!r} in a study of task {document.task!r}")
    if task.kind == "obvious":
        if min(task.holds, default=0) < 0:
            raise DocumentError(f"task {name!r} holds a negative place")
    elif not all(held in range(entries) for held in task.holds):
        raise DocumentError(f"task {name!r} holds a method that is not there")
    elif not rating and sorted(task.holds) != list(range(entries)):
        raise DocumentError(f"task {name!r} does not hold each method once")
