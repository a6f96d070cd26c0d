"""Noise in float64, in 8-bit levels: Gaussian, Poisson, and noise of a pool."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from srspace_eval.degrade.randomness import FloatArray, Randomness

HIGHEST_PEAK = 700.0
"""The largest Poisson peak: exp(-700) is still a number."""


def add_gaussian(image: FloatArray, sigma: float, randomness: Randomness) -> FloatArray:
    """Add normal noise, independent for each pixel and channel.

    Parameters
    ----------
    image
        (H, W, C) float64.
    sigma
        Standard deviation in 8-bit levels.
    randomness
        The image's random numbers.

    Examples
    --------
    >>> add_gaussian(np.zeros((1, 1, 3)), 5.0, Randomness(0, "0801")).round(2).tolist()
    [[[-8.71, -1.34, -1.16]]]
    """
    uniform = randomness.uniform("gaussian noise", image.size).reshape(image.shape)
    noisy: FloatArray = image + sigma * ndtri(uniform)
    return noisy


def poisson(image: FloatArray, peak: float, randomness: Randomness) -> FloatArray:
    """Replace each value x by a Poisson count of mean ``peak * x / 255``, divided by ``peak / 255``.

    The peak is the mean count of white. Half of white then has a standard deviation of 255 sqrt(0.5 / peak) levels: 25
    at peak 50, 15 at peak 150. Values outside 0 … 255 are clipped first. The counts are found by inverting the
    distribution function, term by term.

    Parameters
    ----------
    image
        (H, W, C) float64 in 8-bit levels.
    peak
        At most :data:`HIGHEST_PEAK`.
    randomness
        The image's random numbers.

    Examples
    --------
    >>> poisson(np.full((1, 1, 3), 255.0), 51.0, Randomness(0, "0801")).tolist()
    [[[330.0, 240.0, 245.0]]]
    """
    mean = (image.clip(0.0, 255.0) * (peak / 255.0)).ravel()
    uniform = randomness.uniform("poisson noise", mean.size)
    counts = np.zeros(mean.size)
    left = np.arange(mean.size)  # the pixels whose count is not yet found
    term = np.exp(-mean)
    below = term.copy()  # the probability of a count of at most k
    k = 0
    while left.size:
        keep = uniform > below
        # Beyond the mean, a term that no longer changes the sum ends the search.
        k += 1
        keep &= (term > 2.0**-80) | (k <= mean + 1)
        left, mean, uniform, term, below = left[keep], mean[keep], uniform[keep], term[keep], below[keep]
        counts[left] = k
        term = term * (mean / k)
        below = below + term
    return counts.reshape(image.shape) * (255.0 / peak)
