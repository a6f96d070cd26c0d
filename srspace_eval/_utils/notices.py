"""Notices: what the user should know although the work goes on."""

from __future__ import annotations

import sys
import warnings

from srspace_eval.errors import Notice, advice


def notify(message: str) -> None:
    """Warn with the category :class:`~srspace_eval.errors.Notice`; the command line prints it to stderr.

    The warning is attributed to the first caller outside this package, so that Python shows the user's own line.
    """
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "srspace_eval":
        level, frame = level + 1, frame.f_back
    warnings.warn(advice(message), Notice, stacklevel=level - 1)
