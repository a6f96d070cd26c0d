"""NIQE: how far a picture's statistics are from those of natural pictures."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from scipy.special import gammaln

from srspace_eval.errors import InputError
from srspace_eval.metrics.scenes.models import NiqeModel, niqe_model
from srspace_eval.metrics.scenes.statistics import (
    DIGITS,
    Channel,
    Floats,
    Pixels,
    aggd,
    blocks,
    halved,
    mscn,
    plane,
)

BLOCK = 96
"""Side of the blocks, in pixels; half of it at the second scale."""
_SHIFTS = ((0, 1), (1, 0), (1, 1), (1, -1))


def niqe(
    picture: Pixels, *, channel: Channel = "grey", border: int = 0, model: NiqeModel | Path | str | None = None
) -> float:
    """NIQE of a picture, without a reference; lower is better.

    A. Mittal, R. Soundararajan, A. C. Bovik, "Making a completely blind image quality analyzer", 2013: 36 features of
    each 96×96 block, and the distance of their mean and covariance from a model of natural pictures. The rest at the
    right and at the bottom is left out.

    Parameters
    ----------
    picture
        (H, W, 3) uint8 RGB, with at least two blocks inside the border.
    channel
        ``"grey"``: MATLAB's ``rgb2gray``. ``"y8"``: luma as MATLAB's ``rgb2ycbcr``. Both are rounded to 8 bits.
    border
        Pixels that are cut off on each side.
    model
        A model, or its file (:func:`srspace_eval.metrics.scenes.models.niqe_model`); None: the authors' model.

    Returns
    -------
    float
        The score, rounded to 6 decimals. NaN if it is undefined: fewer than two blocks have all features, as in a
        picture of one colour.

    Raises
    ------
    InputError
        If the picture is not 8-bit RGB or too small, or the model's file cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> from srspace_eval import niqe
    >>> noise = np.random.default_rng(0).integers(0, 256, (192, 192, 3), dtype=np.uint8)
    >>> 10 < niqe(noise) < 100
    True
    """
    natural = model if isinstance(model, NiqeModel) else niqe_model(model)
    image = plane(picture, channel, border)
    height, width = (length // BLOCK * BLOCK for length in image.shape)
    if height * width < 2 * BLOCK**2:
        raise InputError(
            f"NIQE needs at least {BLOCK}×{2 * BLOCK} pixels (two blocks of {BLOCK}×{BLOCK}); this picture has "
            f"{image.shape[0]}×{image.shape[1]} after cropping"
        )
    image = image[:height, :width]
    scales = ((image, BLOCK), (halved(image), BLOCK // 2))
    features = np.concatenate([_features(blocks(mscn(x, "nearest")[0], side)) for x, side in scales], axis=1)
    defined = ~np.isnan(features)
    complete = features[defined.all(axis=1)]
    if len(complete) < 2:
        return math.nan
    difference = np.nanmean(features, axis=0) - natural.mean
    pooled = (natural.covariance + np.cov(complete.T)) / 2
    return round(float(np.sqrt(difference @ np.linalg.pinv(pooled) @ difference)), DIGITS)


def _features(parts: Floats) -> Floats:
    """18 features of each block: (B, n, n) -> (B, 18); NaN where one is undefined."""
    alpha, left, right = aggd(parts.reshape(len(parts), -1))
    scale = np.exp(0.5 * (gammaln(1 / alpha) - gammaln(3 / alpha)))
    found = [alpha, (left * scale + right * scale) / 2]
    for shift in _SHIFTS:
        products = parts * np.roll(parts, shift, axis=(1, 2))
        alpha, left, right = aggd(products.reshape(len(parts), -1))
        scale = np.exp(0.5 * (gammaln(1 / alpha) - gammaln(3 / alpha)))
        left, right = left * scale, right * scale
        found += [alpha, (right - left) * np.exp(gammaln(2 / alpha) - gammaln(1 / alpha)), left, right]
    return np.stack(found, axis=1)
