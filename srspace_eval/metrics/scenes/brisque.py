"""BRISQUE: a picture's quality from its statistics, learnt from people's opinion."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import gammaln

from srspace_eval.metrics.scenes.models import brisque_model
from srspace_eval.metrics.scenes.statistics import DIGITS, Channel, Floats, Pixels, aggd, halved, mscn, plane, shape_of

_SHIFTS = ((0, 1), (1, 0), (1, 1), (-1, 1))


def brisque(picture: Pixels, *, channel: Channel = "grey", border: int = 0) -> float:
    """BRISQUE of a picture, without a reference; about 0 to 100, lower is better.

    A. Mittal, A. K. Moorthy, A. C. Bovik, "No-reference image quality assessment in the spatial domain", 2012, with the
    authors' model. As in their program, features pass through text with 6 decimals, and scaled ones with 6 digits.

    Parameters
    ----------
    picture
        (H, W, 3) uint8 RGB.
    channel, border
        As for :func:`srspace_eval.niqe`.

    Returns
    -------
    float
        The score, rounded to 6 decimals. NaN if a feature is undefined: in a black picture, and
        in many pictures with a side of less than 20 pixels.

    Raises
    ------
    InputError
        If the picture is not 8-bit RGB, or no pixel remains inside the border.

    Examples
    --------
    >>> import numpy as np
    >>> from srspace_eval import brisque
    >>> noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    >>> 50 < brisque(noise) < 200
    True
    """
    model = brisque_model()
    features = np.array([float(f"{value:.6f}") for value in _features(plane(picture, channel, border))])
    if np.isnan(features).any():
        return math.nan
    low, high = model.ranges.T
    scaled = np.array([float(f"{value:.6g}") for value in 2 * (features - low) / (high - low) - 1])
    kernel = np.exp(-model.gamma * ((scaled - model.vectors) ** 2).sum(axis=1))
    return round(math.fsum(model.coefficients * kernel) - model.rho, DIGITS)


def _features(image: Floats) -> Floats:
    """36 features of a picture, 18 at each of two scales; NaN where one is undefined."""
    found: list[Floats] = []
    for _ in range(2):
        coefficients = mscn(image, "constant")[0]
        energy = np.array([(coefficients**2).mean()])
        with np.errstate(divide="ignore", invalid="ignore"):
            found += [shape_of(energy / np.abs(coefficients).mean() ** 2, one_sided=True), energy]
        for shift in _SHIFTS:
            products = coefficients * np.roll(coefficients, shift, axis=(0, 1))
            alpha, left, right = aggd(products.reshape(1, -1))
            scale = np.exp(gammaln(2 / alpha) - gammaln(1 / alpha) + 0.5 * (gammaln(1 / alpha) - gammaln(3 / alpha)))
            found += [alpha, (right - left) * scale, left**2, right**2]
        image = halved(image)
    return np.concatenate(found)
