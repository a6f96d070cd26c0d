"""Spatial LPIPS v0.1 as pure functions: of one picture or of a batch, with a model that is kept between calls."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias, overload

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from srspace_eval.errors import InputError
from srspace_eval.kernels import distance_maps
from srspace_eval.metrics._arrays import (
    Array,
    ArrayLike,
    FloatArray,
    Pictures,
    picture_pair,
    same_size,
    shaped_like,
)
from srspace_eval.metrics.lpips import weights as weight_files
from srspace_eval.metrics.lpips.network import LPIPS, Reference
from srspace_eval.metrics.lpips.trunks import ARCHITECTURES

Float32Array: TypeAlias = npt.NDArray[np.float32]


@overload
def lpips(sr: Array, gt: ArrayLike, net: str = "alex", weights: str | Path | None = None) -> float | FloatArray: ...
@overload
def lpips(sr: Tensor, gt: ArrayLike, net: str = "alex", weights: str | Path | None = None) -> float | Tensor: ...
def lpips(
    sr: ArrayLike, gt: ArrayLike, net: str = "alex", weights: str | Path | None = None
) -> float | FloatArray | Tensor:
    """Spatial LPIPS v0.1: the mean of :func:`lpips_map`, at least 0, lower is closer.

    ``srspace-eval score`` reports this number for each sample. It differs from non-spatial LPIPS.

    Parameters
    ----------
    sr, gt, net, weights
        As for :func:`lpips_map`.

    Returns
    -------
    float or FloatArray or Tensor
        A float for one pair. For a batch float64 values of the batch's shape: an array or a tensor, as ``sr`` is.

    Raises
    ------
    InputError, WeightsError
        As for :func:`lpips_map`.

    Examples
    --------
    >>> from pathlib import Path
    >>> import numpy as np
    >>> import torch
    >>> from srspace_eval import lpips
    >>> from srspace_eval.metrics.lpips.trunk_files import parameter_shapes
    >>> trunk = {name: torch.full(shape, 0.01) for name, shape in parameter_shapes("alex").items()}
    >>> torch.save(trunk, "trunk.pth")
    >>> gt = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    >>> lpips(gt, gt, weights=Path("trunk.pth")), lpips(255 - gt, gt, weights=Path("trunk.pth")) > 0
    (0.0, True)
    """
    first, second = picture_pair(sr, gt, ("sr", "gt"))
    model = _model(first.pixels, net, weights)
    means = []
    for sample, reference in _references(model, first, second):
        mean, _, _ = distance_maps.reduce_into(model.distances(reference, sample), reference.size, None)
        means.append(mean)
    return shaped_like(means, sr, first.batch)


@overload
def lpips_map(sr: Array, gt: ArrayLike, net: str = "alex", weights: str | Path | None = None) -> Float32Array: ...
@overload
def lpips_map(sr: Tensor, gt: ArrayLike, net: str = "alex", weights: str | Path | None = None) -> Tensor: ...
def lpips_map(
    sr: ArrayLike, gt: ArrayLike, net: str = "alex", weights: str | Path | None = None
) -> Float32Array | Tensor:
    """Spatial LPIPS v0.1: how different ``sr`` looks from ``gt`` at each pixel.

    R. Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", 2018, equation 1; each
    layer's distances are upsampled to the picture's size (bilinear) and summed over the layers.

    Parameters
    ----------
    sr, gt
        RGB pictures of equal size, uint8 or floats in [0, 1]: (H, W, 3) or a batch (..., H, W, 3) as NumPy arrays,
        (3, H, W), (H, W, 3) or a batch (N, 3, H, W) as torch tensors. ``gt`` may be one picture for a whole batch; its
        activations are then computed once. The network runs on the device of ``sr``.
    net
        Trunk: ``"alex"`` (the challenge's), ``"vgg"`` or ``"squeeze"``.
    weights
        The trunk's file; None: torchvision's file, searched as for :class:`LPIPS`.

    Returns
    -------
    Float32Array or Tensor
        (H, W) float32, or (..., H, W) for a batch, at least 0, lower is closer; an array or a tensor, as ``sr`` is. The
        mean of a map is spatial LPIPS, see :func:`lpips`. Values may differ by about 1e-9 between numbers of torch
        threads, because the convolutions' sums are split among them. ``score`` gives each convolution one thread.
        On a CPU with bf16 arithmetic, ``torch.set_float32_matmul_precision("medium")`` changes values by about 1e-7;
        leave it at torch's default, ``"highest"``.

    Raises
    ------
    InputError
        If a shape, dtype or range is another, such as [-1, 1] or NaN, or sizes are unequal or too small.
    WeightsError
        If weights are missing or damaged.

    Examples
    --------
    >>> from pathlib import Path
    >>> import numpy as np
    >>> import torch
    >>> from srspace_eval import lpips_map
    >>> from srspace_eval.metrics.lpips.trunk_files import parameter_shapes
    >>> trunk = {name: torch.full(shape, 0.01) for name, shape in parameter_shapes("alex").items()}
    >>> torch.save(trunk, "trunk.pth")
    >>> gt = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    >>> lpips_map(255 - gt, gt, weights=Path("trunk.pth")).shape
    (64, 64)
    """
    first, second = picture_pair(sr, gt, ("sr", "gt"))
    model = _model(first.pixels, net, weights)
    maps = [
        distance_maps.full_map(model.distances(reference, sample), reference.size)
        for sample, reference in _references(model, first, second)
    ]
    result = torch.stack(maps).reshape(*first.batch, *maps[0].shape)
    return result if isinstance(sr, Tensor) else result.numpy()


def _references(model: LPIPS, samples: Pictures, gts: Pictures) -> Iterator[tuple[Tensor, Reference]]:
    """Each sample with its prepared GT; a GT that serves the whole batch is prepared once."""
    prepared = None
    for number, sample in enumerate(samples.pixels):
        if prepared is None or gts.batch:
            gt = gts.pixels[number if gts.batch else 0]
            same_size(sample, gt, "lpips")
            prepared = model.prepare(gt)
        yield sample, prepared


def _model(samples: Tensor, net: str, weights: str | Path | None) -> LPIPS:
    if net not in ARCHITECTURES:
        raise InputError(f"no LPIPS trunk {net!r}: {', '.join(ARCHITECTURES)}")
    path = weight_files.weights_path(net) if weights is None else Path(weights)
    return _cached(net, path, weight_files.sha256(path), str(samples.device))


@lru_cache(maxsize=3)
def _cached(net: str, weights: Path, sha256: str, device: str) -> LPIPS:
    """One model, kept from call to call until its file changes."""
    return LPIPS(net, weights=weights, device=device)
