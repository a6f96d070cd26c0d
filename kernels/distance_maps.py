"""From trunk activations to LPIPS maps, means and the running minimum: the dispatcher over the forms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from srspace_eval.kernels import distance_maps_fast, distance_maps_reference
from srspace_eval.kernels.dispatch import choose


def _form(device: torch.device, form: str | None) -> Any:
    """The module that holds the form which runs; each has the functions below."""
    match choose("distance maps", device, form):
        case "reference":
            return distance_maps_reference
        case "fast":
            return distance_maps_fast
    from srspace_eval.kernels import distance_maps_triton

    return distance_maps_triton


def unit(features: Tensor, form: str | None = None) -> Tensor:
    """(P, C) -> float32, each row divided by its Euclidean length plus 1e-10."""
    result: Tensor = _form(features.device, form).unit(features)
    return result


def layer_distance(features: Tensor, unit_reference: Tensor, weights: Tensor, form: str | None = None) -> Tensor:
    """Weighted squared difference of unit activations, pixel by pixel.

    Parameters
    ----------
    features:
        (P, C), one pixel a row.
    unit_reference:
        (P, C) float32, what :func:`unit` made of the reference.
    weights:
        (C,), the calibrated 1×1 weights.

    Returns
    -------
    (P,) float32; exactly 0 where the two agree.
    """
    result: Tensor = _form(features.device, form).layer_distance(features, unit_reference, weights)
    return result


def full_map(layers: Sequence[Tensor], size: tuple[int, int], form: str | None = None) -> Tensor:
    """(h, w) distances of each layer -> the (H, W) map: bilinear upsampling (align_corners false), summed."""
    result: Tensor = _form(layers[0].device, form).full_map(layers, size)
    return result


def reduce_into(
    layers: Sequence[Tensor], size: tuple[int, int], running: Tensor | None, form: str | None = None
) -> tuple[float, float, Tensor]:
    """The full map's mean and its pixel-wise minimum with the maps before it, without storing the map.

    Parameters
    ----------
    layers:
        (h, w) float32 distances of each layer.
    size:
        (H, W) of the full map.
    running:
        (H, W) minimum so far, which may be overwritten; None for the first map.

    Returns
    -------
    Mean of this map, mean of the new minimum, the new minimum.
    """
    result: tuple[float, float, Tensor] = _form(layers[0].device, form).reduce_into(layers, size, running)
    return result
