"""A commented track file to begin with. Imports no torch."""

from __future__ import annotations

from pathlib import Path

from srspace_eval._utils.files import write_atomic
from srspace_eval.errors import TrackError

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


def write_track_template(path: Path) -> None:
    """Write the commented file.

    Parameters
    ----------
    path
        The file to write. Its name must end in ``.toml``.

    Raises
    ------
    TrackError
        If the path does not end in ``.toml``, there is a file already, or it cannot be written.

    Examples
    --------
    >>> from pathlib import Path
    >>> from srspace_eval import load_track, write_track_template
    >>> write_track_template(Path("mine.toml"))
    >>> load_track("mine.toml").scale
    4
    """
    if path.suffix != ".toml":
        raise TrackError(f"{path}: the name of a track file must end in .toml")
    if path.exists():
        raise TrackError(f"{path}: there is a file already; name another one")
    try:
        write_atomic(path, TEMPLATE)
    except OSError as error:
        raise TrackError(f"{path}: cannot be written ({error.strerror or error}); choose another place") from error
