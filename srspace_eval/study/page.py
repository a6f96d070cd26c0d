"""What raters get besides pictures: the page, and its data as a script, because a page opened from the disk may not
read other files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from srspace_eval._utils.png import Pixels
from srspace_eval.study.design import RaterList, Task, expected_minutes
from srspace_eval.study.tasks import Options

STUDY_FORMAT = "srspace-eval/study/1"
ASSETS = ("study.css", "state.js", "board.js", "study.js")
SESSION_FILE = "session.js"


@dataclass(frozen=True)
class Reference:
    """The LR around a crop, and where the crop lies in it, in LR pixels."""

    pixels: Pixels
    x: int
    y: int
    side: int


def page_data(
    tasks: Sequence[Task],
    raters: Sequence[RaterList],
    references: Mapping[str, Reference],
    options: Options,
    entries: int,
) -> dict[str, Any]:
    """Everything that the page knows: ids, positions, sizes. Nothing in it depends on which method an id belongs to."""
    order = {task.id: task for task in sorted(tasks, key=lambda task: task.id)}
    return {
        "format": STUDY_FORMAT,
        "size": options.size,
        "ties": options.ties,
        "tasks": {
            name: {"items": list(task.items), "reference": _reference_data(task.reference, references)}
            for name, task in order.items()
        },
        "raters": {
            rater.id: {
                "check": token_check(rater.token),
                "minutes": round(expected_minutes(len(rater.tasks), entries)),
                "tasks": [[name, list(where)] for name, where in zip(rater.tasks, rater.orders, strict=True)],
            }
            for rater in raters
        },
    }


def _reference_data(name: str, references: Mapping[str, Reference]) -> dict[str, Any]:
    reference = references[name]
    height, width, _ = reference.pixels.shape
    return {"id": name, "width": width, "height": height, "x": reference.x, "y": reference.y, "side": reference.side}


def token_check(token: str) -> int:
    """16 bits of a token (FNV-1a): the page finds a mistyped code by it; 84 of its 100 bits stay unknown.

    >>> token_check("abc")
    62284
    """
    value = 0x811C9DC5
    for byte in token.encode("ascii"):
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return (value ^ value >> 16) & 0xFFFF


def study_digest(data: Mapping[str, Any], pictures: Mapping[str, str]) -> str:
    """The study's id: 20 hexadecimal digits over the page's data and every picture's SHA-256."""
    canonical = json.dumps([data, pictures], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()[:20]


def page_files(study: str, data: Mapping[str, Any], title: str) -> dict[str, str]:
    """The page's files: name -> text."""
    # The template's name ends in .j2, which select_autoescape would not know: escaping is always on.
    environment = Environment(
        loader=PackageLoader("srspace_eval.study"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    template = environment.get_template("index.html.j2")
    assets = files("srspace_eval.study").joinpath("assets")
    script = json.dumps({"study": study, **data}, separators=(",", ":"), ensure_ascii=True)
    return {
        "index.html": template.render(title=title, ties=data["ties"]),
        "data.js": f"window.STUDY = {script};\n",
        # 'study serve' answers with its own: who is asking, and that answers can be sent.
        SESSION_FILE: "window.STUDY_SESSION = null;\n",
        **{f"assets/{name}": assets.joinpath(name).read_text(encoding="utf-8") for name in ASSETS},
    }
