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
from srspace_eval.tracks.opinion_scale import OpinionScale

STUDY_FORMAT = "srspace-eval/study/1"
ASSETS = {
    "rank": ("study.css", "state.js", "pictures.js", "drag.js", "board.js", "study.js"),
    "rate": ("study.css", "state.js", "pictures.js", "rating.js", "study.js"),
}
SESSION_FILE = "session.js"


def page_data(
    tasks: Sequence[Task],
    raters: Sequence[RaterList],
    contexts: Mapping[str, LrContext],
    options: StudyOptions,
    pictures: int,
    scale: OpinionScale | None = None,
) -> dict[str, Any]:
    """The page's data: ids, positions, sizes. It does not depend on which method an id belongs to.

    Parameters
    ----------
    tasks, raters, contexts, options
        The study. ``contexts`` has the LR contexts of a ranking study.
    pictures
        Number of pictures that a task shows, for the estimated time.
    scale
        The scale of a rating study.
    """
    order = {task.id: task for task in sorted(tasks, key=lambda task: task.id)}
    return {
        "format": STUDY_FORMAT,
        "task": options.task,
        "size": options.size,
        "zoom": options.shown_zoom,
        **({} if scale is None else {"grades": [[grade, scale.label(grade)] for grade in scale.grades]}),
        "ties": options.ties,
        "tasks": {
            name: {"items": list(task.items), "reference": _reference_data(task.reference, contexts)}
            for name, task in order.items()
        },
        "raters": {
            rater.id: {
                "check": token_check(rater.token),
                "minutes": round(expected_minutes(len(rater.tasks), pictures)),
                "tasks": [[name, list(where)] for name, where in zip(rater.tasks, rater.orders, strict=True)],
            }
            for rater in raters
        },
    }


def _reference_data(name: str | None, contexts: Mapping[str, LrContext]) -> dict[str, Any] | None:
    if name is None or name not in contexts:  # a rating study: no reference, or the GT's crop
        return None if name is None else {"id": name}
    context = contexts[name]
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


def page_files(
    study: str, data: Mapping[str, Any], options: StudyOptions, scale: OpinionScale | None
) -> dict[str, str]:
    """The files of the page: name -> text."""
    # select_autoescape does not know the suffix .j2, so escaping is always on.
    environment = Environment(
        loader=PackageLoader("srspace_eval.study"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    template = environment.get_template("index.html.j2")
    assets = files("srspace_eval.study").joinpath("assets")
    script = json.dumps({"study": study, **data}, separators=(",", ":"), ensure_ascii=True)
    return {
        "index.html": template.render(
            title=visible(options.heading),
            task=options.task,
            pairs=options.pairs,
            ties=options.ties,
            assets=[name for name in ASSETS[options.task] if name.endswith(".js")],
            grades=[] if scale is None else [(grade, _word(scale, grade)) for grade in scale.grades],
            ends=("", "") if scale is None else _ends(scale),
        ),
        "data.js": f"window.STUDY = {script};\n",
        # 'study serve' sends a session of its own: the rater's code, and where answers are sent.
        SESSION_FILE: "window.STUDY_SESSION = null;\n",
        **{f"assets/{name}": assets.joinpath(name).read_text(encoding="utf-8") for name in ASSETS[options.task]},
    }


def _word(scale: OpinionScale, grade: int) -> str:
    """What a grade means. Without words, the ends of the scale are named."""
    if scale.words:
        return scale.words[grade - int(scale.low)]
    best, worst = (scale.high, scale.low) if scale.better == "higher" else (scale.low, scale.high)
    return "best" if grade == best else "worst" if grade == worst else ""


def _ends(scale: OpinionScale) -> tuple[str, str]:
    """The worst and the best grade, with their words."""
    ends = [f"{grade:g} ({_word(scale, int(grade))})" for grade in (scale.low, scale.high)]
    return (ends[0], ends[1]) if scale.better == "higher" else (ends[1], ends[0])
