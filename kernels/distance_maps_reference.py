"""The distances of LPIPS and their reduction, as their definition reads. The specification of ``distance_maps``."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

EPSILON = 1e-10
"""LPIPS adds it to the norm of the activations."""


def unit(features: Tensor) -> Tensor:
    """(P, C) -> each row divided by its Euclidean length plus 1e-10."""
    features = features.to(torch.float32)
    return features / (features.square().sum(1, keepdim=True).sqrt() + EPSILON)


def layer_distance(features: Tensor, unit_reference: Tensor, weights: Tensor) -> Tensor:
    """(P, C) activations, (P, C) unit activations of the reference, (C,) weights -> (P,) distances."""
    return ((unit(features) - unit_reference).square() * weights).sum(1)


def full_map(layers: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
    """(h, w) distances of each layer -> (H, W): bilinear upsampling (align_corners false), summed over layers."""
    total = torch.zeros(size, dtype=torch.float32, device=layers[0].device)
    for layer in layers:
        total += F.interpolate(layer[None, None], size, mode="bilinear", align_corners=False)[0, 0]
    return total


def reduce_into(layers: Sequence[Tensor], size: tuple[int, int], running: Tensor | None) -> tuple[float, float, Tensor]:
    """Mean of the full map, mean of the new pixel-wise minimum, and that minimum; see the dispatcher."""
    full = full_map(layers, size)
    best = full if running is None else torch.minimum(running, full)
    return full.mean(dtype=torch.float64).item(), best.mean(dtype=torch.float64).item(), best
