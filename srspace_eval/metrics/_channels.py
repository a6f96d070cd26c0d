"""Which part of a picture is compared: its channels (RGB or luma) and the border that is cut off."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor

from srspace_eval._utils.whole_numbers import is_whole
from srspace_eval.errors import InputError

Channel: TypeAlias = Literal["rgb", "y", "y8"]

LUMA_WEIGHTS = (299, 587, 114)
"""Weights of R, G and B in luma, in thousandths (ITU-R BT.601)."""
LUMA_STEP = 219 / 255_000
"""One unit of ``299 R + 587 G + 114 B`` in limited-range luma, for 0..255 values."""


def check_part(channel: str, border: int) -> None:
    """Raise :class:`InputError` unless the channel is known and the border is a whole number of at least 0."""
    if channel not in get_args(Channel):
        raise InputError(f"channel {channel!r}: {', '.join(get_args(Channel))} are known")
    if not is_whole(border, 0):
        raise InputError(f"border {border!r}: a whole number of pixels, at least 0, is required")


def inside(pixels: Tensor, border: int) -> Tensor:
    """(H, W, 3) -> the view without ``border`` pixels on each side.

    Raises
    ------
    InputError
        If no pixel remains.
    """
    if border == 0:
        return pixels
    height, width = pixels.shape[:2]
    if min(height, width) <= 2 * border:
        raise InputError(f"border {border}: no pixel remains of a picture of {height}×{width}")
    return pixels[border : height - border, border : width - border]


def planes(pixels: Tensor, channel: Channel) -> Tensor:
    """(H, W, 3), uint8 or floats in [0, 1] -> (C, H, W) float64 on the scale of 0..255 values.

    ``"rgb"``: C is 3. ``"y"``: C is 1, ITU-R BT.601 luma in limited range, not rounded:
    Y = 16 + (65.481 R + 128.553 G + 24.966 B) / 255 for R, G, B in 0..255, as MATLAB's ``rgb2ycbcr`` defines it.
    ``"y8"``: that luma rounded to whole numbers, as ``rgb2ycbcr`` gives it for uint8 pictures.
    """
    if channel == "y8" and pixels.dtype == torch.uint8:
        return luma_8bit(pixels).to(torch.float64)[None]
    values = pixels.permute(2, 0, 1).to(torch.float64)
    if pixels.dtype != torch.uint8:
        values = values * 255
    if channel == "rgb":
        return values
    steps: Tensor = sum(weight * plane for weight, plane in zip(LUMA_WEIGHTS, values, strict=True))
    luma = (steps * LUMA_STEP + 16)[None]
    return torch.floor(luma + 0.5) if channel == "y8" else luma


def luma_8bit(pixels: Tensor) -> Tensor:
    """(H, W, 3) uint8 -> (H, W) int64, 16 to 235: luma rounded to whole numbers, exact halves up.

    All arithmetic is on whole numbers, so that the values are the same on every machine.
    """
    steps: Tensor = sum(  # type: ignore[assignment]
        weight * plane for weight, plane in zip(LUMA_WEIGHTS, pixels.to(torch.int64).unbind(2), strict=True)
    )
    return torch.div(219 * steps + (16 * 255_000 + 127_500), 255_000, rounding_mode="floor")
