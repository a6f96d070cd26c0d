"""A track file to begin with: a commented example, or a copy of a track. Imports no torch."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from srspace_eval._utils import toml
from srspace_eval._utils.files import write_atomic
from srspace_eval._utils.untrusted_text import visible
from srspace_eval.errors import TrackError
from srspace_eval.tracks.reader import load_track, parse_track, track_text

TEMPLATE = """# A track: what is measured, which values come from elsewhere, and how teams are ranked.
# `srspace-eval tracks show THIS_FILE` says in words what it means.
# The page "Track files" of the documentation explains every key.
name = "my-challenge"
title = "My challenge, x4"
scale = 4
samples = 1                               # pictures of a team for each image

# {number}: the GT's own number. {index}: number - first. {stem}: the GT's name without suffix. {sample}: from 0.
gt_names = ["{number:04d}.png"]
sample_names = ["{number:04d}x4.png"]
# first = 801                             # the GT number that has index 0
# crop = 4                                # the GT is cropped to a multiple of this
# baseline = "EFDN"                       # the entry whose values baseline(id) gives

# What is measured. `srspace-eval score --help` lists the metrics.
[measure.psnr]
border = 4

[measure.ssim]
border = 4

# Values from elsewhere, given by `rank --table` or `rank --values`. better is required.
[columns]
runtime_ms = { label = "Runtime", unit = "ms", digits = 2, better = "lower" }

# Values of formulas over the averages; with of = "images" over each image's values, then averaged.
[derived]
score = { formula = "psnr - 0.01 * runtime_ms", label = "Score", digits = 3, better = "higher" }

# How teams are ranked. Several rankings: [rankings.NAME] instead of [ranking].
[ranking]
eligible = ["round(psnr, 2) >= 20"]       # others are listed without ranks
criteria = [{ metric = "score" }, { metric = "psnr", tolerance = 0.005 }]
order_by = ["rank(score)", { by = "psnr", better = "higher" }]
show = ["ssim", "runtime_ms"]

# The scale of `study create --task rate`. Without it: 1 (Bad) to 5 (Excellent) of ITU-T P.910.
# [study.scale]
# low = 0
# high = 5
# better = "lower"
# words = ["Perfect", "Almost perfect", "Slightly worse", "Worse", "Much worse", "Terrible"]
"""


_COPY = (
    "# A copy of the track {name}, to be changed. `srspace-eval tracks show THIS_FILE` says in words what it means.\n"
)


def write_track_template(path: Path | str, like: Path | str | None = None, title: str = "") -> None:
    """Write a track file to begin with.

    Parameters
    ----------
    path
        The file to write. Its name must end in ``.toml``.
    like
        A built-in track's name or a track file: a complete copy with its comments is written. The copy's ``name`` is
        the new file's name without suffix. None: a commented example with all kinds of keys.
    title
        The new track's title, which leaderboards show; empty: that of the example or of the copied track.

    Raises
    ------
    TrackError
        If the path does not end in ``.toml``, there is a file already, or it cannot be written; or if there is no such
        track to copy.

    Examples
    --------
    >>> from srspace_eval import load_track, write_track_template
    >>> write_track_template("mine.toml")
    >>> load_track("mine.toml").scale
    4
    >>> write_track_template("faces-x8.toml", like="x8", title="Faces, x8")
    >>> track = load_track("faces-x8.toml")
    >>> track.name, track.title, track.scale, track.ranking.final
    ('faces-x8', 'Faces, x8', 8, ('mor', 'diversity'))
    """
    path = Path(path)
    if path.suffix != ".toml":
        raise TrackError(f"{path}: the name of a track file must end in .toml")
    if path.exists():
        raise TrackError(f"{path}: there is a file already; name another one")
    if like is None:
        text, changes = TEMPLATE, {}
    else:
        load_track(like)  # a faulty file is named, not its copy
        text, changes = track_text(like), {"name": path.stem}
    text = _with_values(text, changes | ({"title": title} if title else {}), str(path if like is None else like))
    parse_track(text, str(path))
    if like is not None:
        text = _COPY.format(name=visible(Path(like).name)) + text.rstrip("\r\n") + "\n"
    try:
        write_atomic(path, text)
    except OSError as error:
        raise TrackError(f"{path}: cannot be written ({error.strerror or error}); choose another place") from error


def _with_values(text: str, values: Mapping[str, str], where: str) -> str:
    """The text of a track file with other values of some keys; everything else stays as it is."""
    wanted = {**toml.loads(text), **values}
    table = re.search(r"^[ \t]*\[", text, re.MULTILINE)
    head, tables = (text[: table.start()], text[table.start() :]) if table else (text, "")
    for key, value in values.items():
        line = re.compile(rf"^([ \t]*{key}[ \t]*=[ \t]*)(?:\"(?:[^\"\\\r\n]|\\.)*\"|'[^'\r\n]*')", re.MULTILINE)
        written = json.dumps(value, ensure_ascii=False).replace("\x7f", r"\u007f")
        head = line.sub(lambda found, written=written: f"{found[1]}{written}", head, count=1)  # type: ignore[misc]
    try:
        if toml.loads(head + tables) == wanted:
            return head + tables
    except ValueError:
        pass
    raise TrackError(
        f"{where}: {' and '.join(values)} cannot be replaced; in this file, write each as a quoted text on one line"
    )
