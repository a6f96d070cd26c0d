"""The key of a study: everything that raters must not know. It never lies in the folder that they get."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from srspace_eval._utils import strict_json
from srspace_eval.errors import StudyError
from srspace_eval.study.design import Crop, RaterList, Task

KEY_FORMAT = "srspace-eval/study-key/1"


@dataclass(frozen=True)
class Key:
    """What ties a study's random ids to methods.

    Attributes
    ----------
    study:
        Id of the study: a digest of its page's data and of every picture.
    secret:
        256 bits, hexadecimal: names, positions and tokens follow from it; ``create --secret`` builds the same again.
    entries:
        Names of the methods; ``Task.holds`` are indices into it.
    tasks, raters:
        By id.
    settings:
        How it was built, for the record.
    """

    study: str
    secret: str
    title: str
    ties: bool
    entries: tuple[str, ...]
    tasks: Mapping[str, Task]
    raters: Mapping[str, RaterList]
    settings: Mapping[str, Any] = field(default_factory=dict)

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
            "ties": self.ties,
            "entries": list(self.entries),
            "settings": dict(self.settings),
            "tasks": [asdict(task) for task in self.tasks.values()],
            "raters": [asdict(rater) for rater in self.raters.values()],
            "secret": self.secret,
        }
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(strict_json.dumps(document) + "\n")
        except FileExistsError as error:
            raise StudyError(f"{path}: there is a key already; move it away, or name another with --key") from error
        except OSError as error:
            raise StudyError(f"{path}: the key cannot be written ({error.strerror or error})") from error


def load_key(path: Path) -> Key:
    """Read a key that ``study create`` wrote.

    Raises
    ------
    StudyError
        If it cannot be read or is not such a file.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StudyError(f"{path}: the key cannot be read ({error.strerror or error}); name it with --key") from error
    except (ValueError, RecursionError) as error:
        raise StudyError(f"{path}: not a key of a study: {error}") from error
    if not isinstance(document, dict) or document.get("format") != KEY_FORMAT:
        raise StudyError(f"{path}: not a key of a study (format {KEY_FORMAT}); give the file that 'study create' wrote")
    try:
        tasks = [
            Task(t["id"], t["kind"], Crop(**t["crop"]), tuple(t["items"]), tuple(t["holds"]), t["reference"], t["of"])
            for t in document["tasks"]
        ]
        raters = [
            RaterList(r["id"], r["token"], tuple(r["tasks"]), tuple(tuple(order) for order in r["orders"]))
            for r in document["raters"]
        ]
        key = Key(
            study=document["study"],
            secret=document["secret"],
            title=document["title"],
            ties=document["ties"],
            entries=tuple(document["entries"]),
            tasks={task.id: task for task in tasks},
            raters={rater.id: rater for rater in raters},
            settings=document["settings"],
        )
        lost = [t for rater in raters for t in rater.tasks if t not in key.tasks]
        if lost or any(len(task.items) != len(task.holds) for task in tasks):
            raise ValueError("its tasks do not fit together")
    except (KeyError, TypeError, ValueError) as error:
        raise StudyError(f"{path}: the key is damaged ({type(error).__name__}: {error})") from error
    return key
