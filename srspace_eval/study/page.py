"""The raters' page: its HTML, scripts and data.

The data is a script, because a page that is opened from the disk may not read other files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from srspace_eval._utils.hashing import sha256_of_text
from srspace_eval._utils.untrusted_text import visible
from srspace_eval.study.cropping import LrContext
from srspace_eval.study.design import RaterList, Task, expected_minutes
from srspace_eval.study.options import StudyOptions

STUDY_FORMAT = "srspace-eval/study/1"
ASSETS = ("study.css", "state.js", "drag.js", "board.js", "study.js")
SESSION_FILE = "session.js"


def page_data(
    tasks: Sequence[Task],
    raters: Sequence[RaterList],
    contexts: Mapping[str, LrContext],
    options: StudyOptions,
    entries: int,
) -> dict[str, Any]:
    """The page's data: ids, positions, sizes. It does not depend on which method an id belongs to."""
    order = {task.id: task for task in sorted(tasks, key=lambda task: task.id)}
    return {
        "format": STUDY_FORMAT,
        "size": options.size,
        "ties": options.ties,
        "tasks": {
            name: {"items": list(task.items), "reference": _reference_data(task.reference, contexts[task.reference])}
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


def _reference_data(name: str, context: LrContext) -> dict[str, Any]:
    height, width, _ = context.pixels.shape
    return {"id": name, "width": width, "height": height, "x": context.x, "y": context.y, "side": context.side}


def token_check(token: str) -> int:
    """16 bits of a token (FNV-1a). The page finds a mistyped code by them; 84 of the token's 100 bits stay unknown.

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
    return sha256_of_text(canonical)[:20]


def page_files(study: str, data: Mapping[str, Any], title: str) -> dict[str, str]:
    """The files of the page: name -> text."""
    # select_autoescape does not know the suffix .j2, so escaping is always on.
    environment = Environment(
        loader=PackageLoader("srspace_eval.study"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    template = environment.get_template("index.html.j2")
    assets = files("srspace_eval.study").joinpath("assets")
    script = json.dumps({"study": study, **data}, separators=(",", ":"), ensure_ascii=True)
    return {
        "index.html": template.render(title=visible(title), ties=data["ties"]),
        "data.js": f"window.STUDY = {script};\n",
        # 'study serve' sends a session of its own: the rater's code, and where answers are sent.
        SESSION_FILE: "window.STUDY_SESSION = null;\n",
        **{f"assets/{name}": assets.joinpath(name).read_text(encoding="utf-8") for name in ASSETS},
    }
