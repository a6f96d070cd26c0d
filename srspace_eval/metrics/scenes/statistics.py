"""Statistics of natural scenes: what NIQE, BRISQUE and PIQE are made of.

MSCN coefficients and the (asymmetric) generalised Gaussian distributions that are fitted to them.
A. Mittal et al., "No-reference image quality assessment in the spatial domain", 2012; "Making a completely blind image
quality analyzer", 2013. Arrays are float64.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
from scipy.ndimage import correlate1d
from scipy.special import gammaln

from srspace_eval._utils.whole_numbers import is_whole
from srspace_eval.errors import InputError
from srspace_eval.kernels.cubic import taps

Floats: TypeAlias = npt.NDArray[np.float64]
Pixels: TypeAlias = npt.NDArray[np.uint8]
Channel: TypeAlias = Literal["grey", "y8"]

DIGITS = 6
"""Scores are rounded to this many decimals: round-off that differs between machines does not show in the files."""

_FLAT = 1e-9  # |x - mean| below it is round-off: the window is constant


def plane(picture: Pixels, channel: Channel, border: int) -> Floats:
    """The grey or luma plane of an RGB picture, inside a border.

    Parameters
    ----------
    picture
        (H, W, 3) uint8.
    channel
        ``"grey"``: MATLAB's ``rgb2gray``. ``"y8"``: luma, ITU-R BT.601 in limited range, as MATLAB's ``rgb2ycbcr``.
        Both are rounded to 8 bits.
    border
        Pixels that are cut off on each side.

    Returns
    -------
    Floats
        (H - 2 border, W - 2 border) float64: whole numbers from 0 to 255.

    Raises
    ------
    InputError
        If the picture is not 8-bit RGB, an option is unknown, or no pixel remains.

    Examples
    --------
    >>> plane(np.full((8, 8, 3), 255, dtype=np.uint8), "y8", 3).tolist()
    [[235.0, 235.0], [235.0, 235.0]]
    """
    given: object = picture  # callers may pass anything
    if not isinstance(given, np.ndarray):
        raise InputError(f"picture: {type(given).__name__} given, a NumPy array wanted")
    if isinstance(given, np.ma.MaskedArray):
        raise InputError("picture: masked pixels cannot be left out; pass an array without a mask, such as x.filled()")
    if given.dtype != np.uint8 or given.ndim != 3 or given.shape[2] != 3:
        raise InputError(f"picture: {given.dtype} {given.shape} given, uint8 (H, W, 3) wanted")
    check_options(channel, border)
    height, width = picture.shape[:2]
    if min(height, width) <= 2 * border:
        raise InputError(f"border {border}: no pixel remains of a picture of {height}×{width}")
    inside = picture[border : height - border, border : width - border]
    return grey(inside) if channel == "grey" else luma(inside)


def check_options(channel: str, border: int) -> None:
    """Raise :class:`InputError` unless the channel is known and the border is at least 0."""
    if channel not in get_args(Channel):
        raise InputError(f"channel {channel!r}: {', '.join(get_args(Channel))} are known")
    if not is_whole(border, 0):
        raise InputError(f"border {border!r}: a whole number of pixels, at least 0, is required")


def grey(pixels: Pixels) -> Floats:
    """MATLAB's ``rgb2gray`` of uint8 pixels: (H, W, 3) -> (H, W), whole numbers from 0 to 255.

    >>> grey(np.array([[[255, 0, 0]]], dtype=np.uint8)).tolist()
    [[76.0]]
    """
    r, g, b = (pixels[..., channel].astype(np.float64) for channel in range(3))
    return np.floor(0.298936021293776 * r + 0.587043074451121 * g + 0.114020904255103 * b + 0.5)


def luma(pixels: Pixels) -> Floats:
    """Y of MATLAB's ``rgb2ycbcr`` of uint8 pixels: (H, W, 3) -> (H, W), whole numbers from 16 to 235.

    >>> luma(np.full((1, 1, 3), 255, dtype=np.uint8)).tolist()
    [[235.0]]
    """
    r, g, b = (pixels[..., channel].astype(np.float64) for channel in range(3))
    return np.floor(16 + (65.481 * r + 128.553 * g + 24.966 * b) / 255 + 0.5)


@lru_cache(maxsize=1)
def _window() -> Floats:
    x = np.arange(-3, 4, dtype=np.float64)
    weights = np.exp(-(x**2) / (2 * (7 / 6) ** 2))
    return np.asarray(weights / weights.sum())


def mscn(image: Floats, border: Literal["nearest", "constant"]) -> tuple[Floats, Floats]:
    """Mean-subtracted contrast-normalised coefficients.

    Parameters
    ----------
    image
        (H, W), 0 to 255.
    border
        ``"nearest"`` repeats the edge (NIQE, PIQE). ``"constant"`` continues with 0 (BRISQUE).

    Returns
    -------
    coefficients, deviation:
        (x − μ) / (σ + 1) and σ, both (H, W), over 7×7 Gaussian windows with σ = 7/6. Where a window is constant, the
        coefficient is exactly 0, whatever the round-off.
    """
    weights = _window()

    def blur(x: Floats) -> Floats:
        down = correlate1d(x, weights, axis=0, mode=border)
        return np.asarray(correlate1d(down, weights, axis=1, mode=border))

    mean = blur(image)
    deviation = np.sqrt(np.abs(blur(image * image) - mean * mean))
    difference = image - mean
    difference[np.abs(difference) < _FLAT] = 0
    return difference / (deviation + 1), deviation


def halved(image: Floats) -> Floats:
    """MATLAB's antialiased bicubic ``imresize(image, 0.5)`` of a float image: (H, W) -> (⌈H/2⌉, ⌈W/2⌉)."""
    for axis in (0, 1):
        length = image.shape[axis]
        weights, index = taps(length, -(-length // 2), 0.5, "mirror")
        moved = np.moveaxis(image, axis, 0)
        total = np.zeros((len(index), *moved.shape[1:]))
        for tap in range(weights.shape[1]):
            total += weights[:, tap, None] * moved[index[:, tap]]
        image = np.moveaxis(total, 0, axis)
    return image


_SHAPES = np.arange(200, 10_001) / 1000  # the grid on which shapes are looked up


@lru_cache(maxsize=2)
def _ratios(one_sided: bool) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Moment ratios of all shapes, sorted, and the order that sorts them."""
    a = _SHAPES
    if one_sided:  # Γ(1/α) Γ(3/α) / Γ(2/α)², falls with α
        values = np.exp(gammaln(1 / a) + gammaln(3 / a) - 2 * gammaln(2 / a))
    else:
        values = np.exp(2 * gammaln(2 / a) - gammaln(1 / a) - gammaln(3 / a))
    order = np.argsort(values, kind="stable")
    return values[order], order


def shape_of(ratio: Floats, *, one_sided: bool = False) -> Floats:
    """The shape α from the grid 0.2, 0.201, …, 10 whose moment ratio is nearest to each of ``ratio``; NaN stays NaN."""
    values, order = _ratios(one_sided)
    right = np.searchsorted(values, np.nan_to_num(ratio)).clip(1, len(values) - 1)
    left = right - 1
    nearest = np.where(np.abs(ratio - values[left]) <= np.abs(ratio - values[right]), left, right)
    return np.where(np.isnan(ratio), np.nan, _SHAPES[order[nearest]])


def blocks(image: Floats, side: int) -> Floats:
    """The whole blocks of an image, from the top left: (H, W) -> (B, side, side)."""
    rows, columns = (length // side for length in image.shape)
    cut = image[: rows * side, : columns * side].reshape(rows, side, columns, side)
    return np.asarray(cut.swapaxes(1, 2).reshape(rows * columns, side, side))


def aggd(x: Floats) -> tuple[Floats, Floats, Floats]:
    """Asymmetric generalised Gaussian fitted to each row: (B, N) -> shape α, σ_left, σ_right, each (B,)."""
    negative, positive = x < 0, x > 0
    squares = x * x
    with np.errstate(divide="ignore", invalid="ignore"):
        left = np.sqrt((squares * negative).sum(axis=1) / negative.sum(axis=1))
        right = np.sqrt((squares * positive).sum(axis=1) / positive.sum(axis=1))
        gamma = left / right
        r = np.abs(x).mean(axis=1) ** 2 / squares.mean(axis=1)
        ratio = r * (gamma**3 + 1) * (gamma + 1) / (gamma**2 + 1) ** 2
    return shape_of(ratio), left, right
