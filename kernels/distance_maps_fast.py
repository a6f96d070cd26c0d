"""The distances of LPIPS and their reduction in torch, on any device, in bands of rows that stay in the CPU's cache.

Bilinear upsampling is separable and linear. Layers of equal size are therefore summed first, and each layer is
stretched to the image's width once. A band of full-resolution rows is then a small matrix times the few stretched rows
that it reads. Mean and running minimum are computed while the band is in the cache, so the map is never stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from srspace_eval.kernels.cuda import fetch
from srspace_eval.kernels.distance_maps_reference import EPSILON

_BAND_VALUES = 1 << 17  # activations or pixels of a band: 512 KiB, which fit a core's cache


def unit(features: Tensor) -> Tensor:
    """See :func:`srspace_eval.kernels.distance_maps.unit`."""
    out = torch.empty_like(features, dtype=torch.float32)
    for band, result in zip(_bands(features), _bands(out), strict=True):
        _unit_into(band, result)
    return out


def layer_distance(features: Tensor, unit_reference: Tensor, weights: Tensor) -> Tensor:
    """See :func:`srspace_eval.kernels.distance_maps.layer_distance`."""
    bands = _bands(features)
    out = torch.empty(len(features), dtype=torch.float32, device=features.device)
    scratch = torch.empty_like(bands[0], dtype=torch.float32)
    start = 0
    for band, reference in zip(bands, _bands(unit_reference), strict=True):
        stop = start + len(band)
        difference = _unit_into(band, scratch[: len(band)]).sub_(reference)
        torch.mv(difference.square_(), weights, out=out[start:stop])
        start = stop
    return out


def _unit_into(band: Tensor, out: Tensor) -> Tensor:
    norm = torch.linalg.vector_norm(band, dim=1, keepdim=True, dtype=torch.float32)
    return torch.div(band, norm.add_(EPSILON), out=out)


def full_map(layers: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
    """See :func:`srspace_eval.kernels.distance_maps.full_map`."""
    full = torch.empty(size, dtype=torch.float32, device=layers[0].device)
    merged = _merged(layers)
    stretched = [_stretch(layer, size[1]) for layer in merged]
    for band in _plan(tuple(len(layer) for layer in merged), size, layers[0].device):
        band.render(stretched, full[band.rows])
    return full


def reduce_into(layers: Sequence[Tensor], size: tuple[int, int], running: Tensor | None) -> tuple[float, float, Tensor]:
    """See :func:`srspace_eval.kernels.distance_maps.reduce_into`; overwrites ``running``."""
    merged = _merged(layers)
    device = layers[0].device
    stretched = [_stretch(layer, size[1]) for layer in merged]
    plan = _plan(tuple(len(layer) for layer in merged), size, device)
    sums = torch.empty(2, len(plan), dtype=torch.float32, device=device)
    first = running is None
    best = torch.empty(size, dtype=torch.float32, device=device) if running is None else running
    scratch = torch.empty_like(best[plan[0].rows])
    for number, band in enumerate(plan):
        place = best[band.rows]
        full = band.render(stretched, place if first else scratch[: len(place)])
        torch.sum(full, dim=(0, 1), out=sums[0, number])
        if not first:
            torch.minimum(place, full, out=place)
            torch.sum(place, dim=(0, 1), out=sums[1, number])
    means = sums.to(torch.float64).sum(1) / (size[0] * size[1])
    mean, best_mean = fetch(means).tolist()
    return mean, mean if first else best_mean, best


class _Band:
    """A range of full-resolution rows; for each layer, the rows that the band reads and their weights."""

    def __init__(self, start: int, stop: int, heights: tuple[int, ...], height: int, device: torch.device) -> None:
        self.rows = slice(start, stop)
        self._parts: list[tuple[slice, Tensor]] = []
        for layer_height in heights:
            low, high, share = _linear_taps(layer_height, height)
            first, last = int(low[start]), int(high[stop - 1]) + 1
            matrix = np.zeros((stop - start, last - first), np.float32)
            here = np.arange(stop - start)
            np.add.at(matrix, (here, low[start:stop] - first), 1 - share[start:stop])
            np.add.at(matrix, (here, high[start:stop] - first), share[start:stop])
            self._parts.append((slice(first, last), torch.from_numpy(matrix).to(device)))

    def render(self, stretched: Sequence[Tensor], out: Tensor) -> Tensor:
        """Write the band's pixels to ``out``."""
        for number, (layer, (rows, matrix)) in enumerate(zip(stretched, self._parts, strict=True)):
            if number == 0:
                torch.mm(matrix, layer[rows], out=out)
            else:
                out.addmm_(matrix, layer[rows])
        return out


@lru_cache(maxsize=16)
def _plan(heights: tuple[int, ...], size: tuple[int, int], device: torch.device) -> tuple[_Band, ...]:
    height, width = size
    step = max(1, _BAND_VALUES // width) if device.type == "cpu" else height
    return tuple(_Band(start, min(start + step, height), heights, height, device) for start in range(0, height, step))


def _linear_taps(length: int, out_length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lower input row, upper input row and the upper one's share, for bilinear resizing without aligned corners.

    Computed in float32 like torch's own resizing: its rounding of the position is visible in the sixth digit.
    """
    half = np.float32(0.5)
    position = (np.arange(out_length, dtype=np.float32) + half) * (np.float32(length) / np.float32(out_length)) - half
    position = np.maximum(position, np.float32(0))
    low = position.astype(np.int64)
    high = np.minimum(low + 1, length - 1)
    return low, high, (position - low).astype(np.float32)


def _merged(layers: Sequence[Tensor]) -> list[Tensor]:
    """The layers, those of equal size summed; in the order of first appearance."""
    merged: dict[tuple[int, ...], Tensor] = {}
    for layer in layers:
        shape = tuple(layer.shape)
        merged[shape] = merged[shape] + layer if shape in merged else layer
    return list(merged.values())


def _stretch(layer: Tensor, width: int) -> Tensor:
    """(h, w) -> (h, width), bilinear along the rows."""
    stretched = F.interpolate(layer[None, None], (len(layer), width), mode="bilinear", align_corners=False)
    return stretched[0, 0]


def _bands(values: Tensor) -> tuple[Tensor, ...]:
    rows = max(1, _BAND_VALUES // values.shape[1]) if values.device.type == "cpu" else len(values)
    return torch.split(values, rows)
