"""The diversity score S_M: how much the pixel-wise best of M samples gains on the best single one.

A. Lugmayr, M. Danelljan, R. Timofte, "NTIRE 2021 Learning the Super-Resolution Space Challenge", section 3.
With d_i the distance map of sample i to the GT, g the smallest mean of any d_i ("global best") and l the mean of the
pixel-wise minimum ("local best"): S_M = 100 (g - l) / g. Undefined (NaN) where g is 0.
"""

from __future__ import annotations

import math
import operator
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from srspace_eval._utils.whole_numbers import LARGEST_SEED, is_whole
from srspace_eval.errors import InputError
from srspace_eval.metrics._arrays import Array, ArrayLike, FloatArray, as_tensor, describe, shaped_like, sum_of

_MOST_PATCHES = 1 << 26  # the pixels of the largest picture that is read


@dataclass(frozen=True)
class PatchPlan:
    """K random N×N patches of each image.

    Attributes
    ----------
    patches, size
        K and N.
    seed
        The same seed gives the same patches of an image, whichever images were measured before it. None:
        :func:`srspace_eval.score` takes a seed that participants cannot know until a result is published, and
        functions of arrays take 0.
        At most 2^63 - 1.

    Raises
    ------
    InputError
        If one of them is not a whole number, or out of its range.

    Examples
    --------
    >>> from srspace_eval import PatchPlan
    >>> PatchPlan(patches=100, size=32, seed=7)
    PatchPlan(patches=100, size=32, seed=7)
    """

    patches: int
    size: int
    seed: int | None = None

    def __post_init__(self) -> None:
        if not (
            is_whole(self.patches, 1, _MOST_PATCHES)
            and is_whole(self.size, 1)
            and (self.seed is None or is_whole(self.seed, 0, LARGEST_SEED))
        ):
            raise InputError(
                f"patches: at least 1 patch of at least 1 pixel and a seed of at least 0 are required, at most "
                f"{_MOST_PATCHES} patches and a seed of at most 2^63 - 1, all of them whole numbers, not {self}"
            )
        for name in ("patches", "size"):  # NumPy's small integers overflow in a product
            object.__setattr__(self, name, operator.index(getattr(self, name)))

    def corners(self, height: int, width: int, image: str = "") -> npt.NDArray[np.int64]:
        """Draw the patches' top left corners, each independently of the others.

        Parameters
        ----------
        height
            Rows of the image.
        width
            Columns of the image.
        image
            The image's name, a part of the seed. Each image then has patches of its own.

        Returns
        -------
        NDArray[np.int64]
            (K, 2): row and column of each corner.

        Raises
        ------
        InputError
            If a patch is larger than the image.
        """
        if self.size > min(height, width):
            raise InputError(f"patches of {self.size}×{self.size} do not fit into {height}×{width} pixels")
        generator = np.random.Generator(np.random.Philox(key=[self.seed or 0, zlib.crc32(image.encode())]))
        limits = [height - self.size + 1, width - self.size + 1]
        return generator.integers(0, limits, size=(self.patches, 2))


@dataclass(frozen=True)
class PatchScore:
    """The diversity score over patches.

    Attributes
    ----------
    score
        S_M in percent, at most 100; NaN if it is undefined.
    standard_error
        Its standard error in percentage points; NaN if the score is undefined or there is one patch.

    Examples
    --------
    >>> from srspace_eval import PatchScore
    >>> PatchScore(score=21.5, standard_error=0.4).score
    21.5
    """

    score: float
    standard_error: float


def score(global_best: float, local_best: float) -> float:
    """S_M in percent from g and l; NaN if g is 0.

    >>> score(0.5, 0.25)
    50.0
    """
    # Rounding can make it larger than 100 by one part in 10^16.
    return min(100.0, 100 * (global_best - local_best) / global_best) if global_best != 0 else math.nan


@overload
def diversity_score(distance_maps: Array) -> float | FloatArray: ...
@overload
def diversity_score(distance_maps: Tensor) -> float | Tensor: ...
def diversity_score(distance_maps: ArrayLike) -> float | FloatArray | Tensor:
    """S_M over all pixels, in percent: the challenge's official form.

    A. Lugmayr, M. Danelljan, R. Timofte, "NTIRE 2021 Learning the Super-Resolution Space Challenge", section 3.

    Parameters
    ----------
    distance_maps
        (M, H, W) distances of M samples to the GT, finite and at least 0: spatial LPIPS, or another distance. A batch:
        (..., M, H, W).

    Returns
    -------
    float or FloatArray or Tensor
        0 (a deterministic method) to 100; NaN if a sample equals the GT, where S_M is undefined. A float for one image;
        for a batch float64 values of the batch's shape: an array or a tensor, as ``distance_maps`` is.

    Raises
    ------
    InputError
        If the shape is another, or a distance is negative or not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from srspace_eval import diversity_score
    >>> diversity_score(np.array([[[1.0, 3.0]], [[3.0, 1.0]]]))
    50.0
    """
    images, batch = _images(distance_maps)
    return shaped_like([_curve(maps)[-1] for maps in images], distance_maps, batch)


@overload
def diversity_curve(distance_maps: Array) -> list[float] | FloatArray: ...
@overload
def diversity_curve(distance_maps: Tensor) -> list[float] | Tensor: ...
def diversity_curve(distance_maps: ArrayLike) -> list[float] | FloatArray | Tensor:
    """S_1 .. S_M in percent: the score of the first n samples, for n = 1 to M; see :func:`diversity_score`.

    Parameters
    ----------
    distance_maps
        (M, H, W) distances of one image's M samples to its GT, not negative, or a batch (..., M, H, W), as for
        :func:`diversity_score`.

    Returns
    -------
    list[float] or FloatArray or Tensor
        M values, the first 0 (NaN where the score is undefined): a list for one image; for a batch float64 of shape
        (..., M), an array or a tensor, as ``distance_maps`` is.

    Raises
    ------
    InputError
        As for :func:`diversity_score`.

    Examples
    --------
    >>> import numpy as np
    >>> from srspace_eval import diversity_curve
    >>> diversity_curve(np.array([[[1.0, 3.0]], [[3.0, 1.0]]]))
    [0.0, 50.0]
    """
    images, batch = _images(distance_maps)
    curves = [_curve(maps) for maps in images]
    if not batch:
        return curves[0]
    values = shaped_like([value for curve in curves for value in curve], distance_maps, (*batch, len(curves[0])))
    assert not isinstance(values, float)
    return values


def _curve(maps: Tensor) -> list[float]:
    """(M, H, W) float64 -> S_1 .. S_M."""
    curve, best, global_best = [], maps[0], math.inf
    for distance in maps:
        best = torch.minimum(best, distance)
        global_best = min(global_best, _mean(distance))
        curve.append(score(global_best, _mean(best)))
    return curve


def diversity_score_patches(distance_maps: ArrayLike, plan: PatchPlan, image: str = "") -> PatchScore:
    """S_M over K random N×N patches, as the paper writes it, with its standard error, in percent.

    The distance of a patch is the mean of the map over the patch. With one patch of 1×1 for each pixel the value is
    that of :func:`diversity_score`.

    Parameters
    ----------
    distance_maps
        (M, H, W) of one image, as for :func:`diversity_score`.
    plan
        Number, size and seed of the patches.
    image
        The image's name, a part of the seed; see :meth:`PatchPlan.corners`.

    Returns
    -------
    PatchScore
        The score and its standard error, both in percent. The score is NaN if it is undefined.

    Raises
    ------
    InputError
        As for :func:`diversity_score`, or if a patch is larger than the image.

    Examples
    --------
    >>> import numpy as np
    >>> from srspace_eval import PatchPlan, diversity_score_patches
    >>> maps = np.array([[[1.0, 3.0]], [[3.0, 1.0]]])
    >>> diversity_score_patches(maps, PatchPlan(patches=10, size=1, seed=3)).score
    50.0
    """
    (maps, *others), batch = _images(distance_maps)
    if batch or others:
        raise InputError(f"distance_maps: a batch of shape {batch} given, (M, H, W) of one image wanted")
    corners = torch.from_numpy(plan.corners(maps.shape[1], maps.shape[2], image)).to(maps.device)
    return patch_score(torch.stack([patch_means(distance, corners, plan.size) for distance in maps]))


def patch_means(distance_map: Tensor, corners: Tensor, size: int) -> Tensor:
    """(H, W) map, (K, 2) int64 corners on its device -> (K,) float64 means over size×size patches."""
    height, width = distance_map.shape
    sums = torch.zeros(height + 1, width + 1, dtype=torch.float64, device=distance_map.device)
    torch.cumsum(torch.cumsum(distance_map, 0, dtype=torch.float64), 1, out=sums[1:, 1:])
    top, left = corners.T
    bottom, right = top + size, left + size
    total = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    return (total / size**2).clamp_(min=0)


def patch_score(means: Tensor) -> PatchScore:
    """(M, K) patch means -> S_M with its standard error.

    S_M is 1 - l/g, a ratio of two means over the patches (the best sample held fixed); its standard error is the
    usual one of a ratio estimator: that of the residuals min_i d(k, i) - (l/g) d(k, best), over g.
    """
    best = means[int(means.mean(1).argmin())]
    least = means.amin(0)
    g, local_best = _mean(best), _mean(least)
    if g == 0:
        return PatchScore(math.nan, math.nan)
    if len(least) == 1:
        return PatchScore(score(g, local_best), math.nan)
    residuals = least - (local_best / g) * best
    deviation = float(residuals.std(correction=1))
    return PatchScore(score(g, local_best), 100 * deviation / (g * math.sqrt(means.shape[1])))


def _mean(values: Tensor) -> float:
    return float(sum_of(values) / values.numel() if values.device.type == "cpu" else values.mean())


def _images(distance_maps: ArrayLike) -> tuple[Sequence[Tensor], tuple[int, ...]]:
    """The checked maps of each image, (M, H, W) float64, and the leading axes of the batch."""
    maps = as_tensor(distance_maps, "distance_maps")
    if maps.ndim < 3 or 0 in maps.shape:
        raise InputError(f"distance_maps: {describe(maps)} given, (M, H, W) wanted, or a batch (..., M, H, W)")
    if maps.is_complex() or (maps.dtype.itemsize == 1 and maps.is_floating_point()):
        raise InputError(
            f"distance_maps: {describe(maps)} given, real numbers of at least 16 bits, or whole numbers, wanted"
        )
    maps = (maps.cpu() if maps.device.type == "mps" else maps).to(torch.float64)  # MPS has no float64
    low, high = (float(value) for value in maps.aminmax())
    if not (low >= 0 and math.isfinite(high)):
        raise InputError(f"distance_maps: values from {low:.4g} to {high:.4g}; distances are finite and at least 0")
    batch = tuple(maps.shape[:-3])
    return maps.reshape(math.prod(batch), *maps.shape[-3:]).unbind(), batch
