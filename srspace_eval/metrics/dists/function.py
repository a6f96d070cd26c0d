"""DISTS as a pure function: of one picture or of a batch, with a model that is kept between calls."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import overload

from torch import Tensor

from srspace_eval.metrics._arrays import Array, ArrayLike, FloatArray, picture_pair, same_size, shaped_like
from srspace_eval.metrics.dists.network import DISTS, NET
from srspace_eval.metrics.lpips import weights as weight_files


@overload
def dists(sr: Array, gt: ArrayLike, weights: str | Path | None = None) -> float | FloatArray: ...
@overload
def dists(sr: Tensor, gt: ArrayLike, weights: str | Path | None = None) -> float | Tensor: ...
def dists(sr: ArrayLike, gt: ArrayLike, weights: str | Path | None = None) -> float | FloatArray | Tensor:
    """DISTS, 0 to 1; 0 for identical pictures, lower is closer.

    K. Ding, K. Ma, S. Wang, E. P. Simoncelli, "Image Quality Assessment: Unifying Structure and Texture Similarity",
    2020, at the pictures' own size, with the authors' weights. Statistics are summed in float64.

    Parameters
    ----------
    sr, gt
        RGB pictures of equal size, at least 16×16, uint8 or floats in [0, 1]: (H, W, 3) or a batch (..., H, W, 3) as
        NumPy arrays, (3, H, W), (H, W, 3) or a batch (N, 3, H, W) as torch tensors. ``gt`` may be one picture for a
        whole batch. The network runs on the device of ``sr``.
    weights
        The file of VGG-16's weights; None: torchvision's file, searched as for :class:`srspace_eval.LPIPS`.

    Returns
    -------
    float or FloatArray or Tensor
        A float for one pair. For a batch float64 values of the batch's shape: an array or a tensor, as ``sr`` is.

    Raises
    ------
    InputError
        If a shape, dtype or range is another, or sizes are unequal or too small.
    WeightsError
        If weights are missing or damaged.

    Examples
    --------
    >>> from pathlib import Path
    >>> import numpy as np
    >>> import torch
    >>> from srspace_eval import dists
    >>> from srspace_eval.metrics.lpips.trunk_files import parameter_shapes
    >>> trunk = {name: torch.full(shape, 0.01) for name, shape in parameter_shapes("vgg").items()}
    >>> torch.save(trunk, "vgg.pth")
    >>> gt = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    >>> round(dists(gt, gt, weights=Path("vgg.pth")), 6)
    0.0
    """
    first, second = picture_pair(sr, gt, ("sr", "gt"))
    path = weight_files.weights_path(NET) if weights is None else Path(weights)
    model = _cached(path, weight_files.sha256(path), str(first.pixels.device))
    values: list[float] = []
    features = None
    for number, sample in enumerate(first.pixels):
        if features is None or second.batch:
            other = second.pixels[number if second.batch else 0]
            same_size(sample, other, "dists")
            features = model.prepare(other)
        values.append(model.distance(features, sample))
    return shaped_like(values, sr, first.batch)


@lru_cache(maxsize=2)
def _cached(weights: Path, sha256: str, device: str) -> DISTS:
    """One model, kept from call to call until its file changes."""
    return DISTS(weights=weights, device=device)
