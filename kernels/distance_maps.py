"""From activations of a trunk to LPIPS maps, their means and running minimum: the dispatcher over the forms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from srspace_eval.kernels import distance_maps_fast, distance_maps_reference
from srspace_eval.kernels.dispatch import choose


class _Form(Protocol):
    """The functions of a module that holds a form."""

    def unit(self, features: Tensor) -> Tensor: ...

    def layer_distance(self, features: Tensor, unit_reference: Tensor, weights: Tensor) -> Tensor: ...

    def full_map(self, layers: Sequence[Tensor], size: tuple[int, int]) -> Tensor: ...

    def reduce_into(
        self, layers: Sequence[Tensor], size: tuple[int, int], running: Tensor | None
    ) -> tuple[float, float, Tensor]: ...


def _form(device: torch.device, form: str | None) -> _Form:
    """The module of the form that runs."""
    match choose("distance maps", device, form):
        case "reference":
            return distance_maps_reference
        case "fast":
            return distance_maps_fast
    from srspace_eval.kernels import distance_maps_triton

    return distance_maps_triton


def unit(features: Tensor, form: str | None = None) -> Tensor:
    """Divide each row by its Euclidean length plus 1e-10: (P, C) activations, one pixel a row -> (P, C) float32.

    >>> unit(torch.tensor([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    return _form(features.device, form).unit(features)


def layer_distance(features: Tensor, unit_reference: Tensor, weights: Tensor, form: str | None = None) -> Tensor:
    """Weighted squared difference of unit activations at each pixel.

    Parameters
    ----------
    features
        (P, C) activations of one layer, one pixel a row.
    unit_reference
        (P, C) float32, the result of :func:`unit` for the reference picture.
    weights
        (C,) float32, the calibrated 1×1 weights of the layer.
    form
        See :func:`srspace_eval.kernels.dispatch.choose`.

    Returns
    -------
    Tensor
        (P,) float32, 0 or more with weights of 0 or more; exactly 0 where the activations are equal.
    """
    return _form(features.device, form).layer_distance(features, unit_reference, weights)


def full_map(layers: Sequence[Tensor], size: tuple[int, int], form: str | None = None) -> Tensor:
    """Sum of all layers' distances, upsampled: (h, w) float32 of each layer -> (H, W) float32, ``size`` = (H, W).

    The upsampling is bilinear with ``align_corners=False``.

    >>> full_map([torch.ones(2, 3), torch.ones(1, 1)], (4, 6)).unique().tolist()
    [2.0]
    """
    return _form(layers[0].device, form).full_map(layers, size)


def reduce_into(
    layers: Sequence[Tensor], size: tuple[int, int], running: Tensor | None, form: str | None = None
) -> tuple[float, float, Tensor]:
    """Mean of the full map, and its pixel-wise minimum with the maps before it. The map itself is not stored.

    Parameters
    ----------
    layers
        (h, w) float32 distances of each layer.
    size
        (H, W) of the full map.
    running
        (H, W) float32, the minimum of the maps before, which may be overwritten; None for the first map.
    form
        See :func:`srspace_eval.kernels.dispatch.choose`.

    Returns
    -------
    mean, best_mean, best:
        Mean of this map, mean of the new minimum, and the new minimum.
    """
    return _form(layers[0].device, form).reduce_into(layers, size, running)
