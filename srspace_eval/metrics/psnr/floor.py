"""The finite value that stands for an infinite PSNR in means. Imports no torch.

A PSNR is infinite where two pictures are equal. A mean with an infinite value says nothing of the others, and a mean
without it falls when a sample gets better. In means, an MSE of 0 therefore counts as the least MSE above 0 that 8-bit
pictures can have: one step in one value. It is the only value with two properties: an exact sample is never worth less
than another one, and a mean without exact samples does not change.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from srspace_eval.metrics.base import renamed_key

ONE_STEP = "one step"
"""The setting ``floor`` in signatures."""

CHANNEL_NAMES = {"rgb": "RGB", "y": "Y", "y8": "Y, 8 bits"}
"""Channels as signatures name them."""

_LONGEST_SIDE = 1 << 26  # of the largest picture that is read, if it is one pixel high

_GROUPS = {"psnr": ("psnr",), "lr_psnr": ("lr_psnr", "lr_psnr_worst")}
"""Metric -> its columns that have a floor."""


def largest_psnr(height: int, width: int, channel: str = "rgb") -> float:
    """The PSNR in dB of two 8-bit pictures that differ by one step in one value.

    For ``"rgb"`` and ``"y8"`` that is 10 log10(255² N) for N values. For ``"y"`` it is the smallest difference of the
    luma that a change of the RGB values can make, 219/255000, in one pixel.

    Parameters
    ----------
    height, width
        The size of the compared pictures in pixels.
    channel
        As for :func:`srspace_eval.psnr`.

    Examples
    --------
    >>> round(largest_psnr(340, 510), 2)
    105.29
    """
    pixels = height * width
    error = {"rgb": 1 / (pixels * 3), "y": 219**2 / (pixels * 255_000**2), "y8": 1 / pixels}[channel]
    return 10 * math.log10(255**2 / error)


def floored_columns(settings: Mapping[str, Mapping[str, Any]], height: int, width: int) -> dict[str, float]:
    """The columns of a result whose means have a floor, with the largest value that a sample counts as.

    Parameters
    ----------
    settings
        The settings of the result's signature.
    height, width
        The size of the image.
    """
    found = {}
    for measure_id, group in settings.items():
        metric = str(group.get("metric", measure_id))
        if metric not in _GROUPS or group.get("floor") != ONE_STEP:
            continue
        size = _compared(settings, group, metric, height, width)
        if size is not None:
            channel = next((key for key, name in CHANNEL_NAMES.items() if name == group.get("channels")), "rgb")
            for column in _GROUPS[metric]:
                found[renamed_key(column, metric, measure_id)] = largest_psnr(*size, channel)
    return found


def psnr_columns(settings: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    """The columns of a result that are a PSNR or an LR-PSNR, with a floor or without one.

    >>> sorted(psnr_columns({"psnr_y": {"metric": "psnr", "channels": "Y"}, "ssim": {}}))
    ['psnr_y']
    """
    return frozenset(
        renamed_key(column, metric, measure_id)
        for measure_id, group in settings.items()
        if (metric := str(group.get("metric", measure_id))) in _GROUPS
        for column in _GROUPS[metric]
    )


def _compared(
    settings: Mapping[str, Mapping[str, Any]], group: Mapping[str, Any], metric: str, height: int, width: int
) -> tuple[int, int] | None:
    """The size of the pictures that are compared; None if the settings do not give a possible one."""
    if max(height, width) > _LONGEST_SIDE:
        return None
    if metric == "lr_psnr":
        scale = settings.get("common", {}).get("scale")
        return (-(height // -scale), -(width // -scale)) if type(scale) is int and scale > 0 else None
    border = group.get("border", 0)
    size = (height - 2 * border, width - 2 * border) if type(border) is int else (0, 0)
    return size if min(size) > 0 else None
