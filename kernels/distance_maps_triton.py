"""The distances of LPIPS and their reduction in Triton, for CUDA.

A program of the first kernel computes the distances of a few pixels; their activations are read once. A program of the
second one computes a tile of full-resolution pixels and its part of the sums. The map is never stored, and the sums
are added in a fixed order.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch
import triton
import triton.language as tl
from torch import Tensor

from srspace_eval.kernels.cuda import EXACT, fetch, launching
from srspace_eval.kernels.distance_maps_reference import EPSILON

_TILE_ROWS, _TILE_COLUMNS = 8, 128


@triton.jit(do_not_specialize=["distance"])
def _unit_kernel(
    features, reference, weights, out, pixels, distance, CHANNELS: tl.constexpr, BLOCK: tl.constexpr,
    PIXELS: tl.constexpr, EPS: tl.constexpr,
):  # fmt: skip
    """Unit activations of PIXELS pixels, or, with ``distance``, their weighted squared difference from the reference.

    One compiled kernel computes both, so that equal activations have equal units to the last bit and distance 0.
    """
    pixel = tl.program_id(0).to(tl.int64) * PIXELS + tl.arange(0, PIXELS)
    channel = tl.arange(0, BLOCK)
    inside = (pixel < pixels)[:, None] & (channel < CHANNELS)[None, :]
    place = pixel[:, None] * CHANNELS + channel[None, :]
    values = tl.load(features + place, mask=inside, other=0).to(tl.float32)
    norm = tl.sqrt(tl.sum(values * values, axis=1)) + EPS
    unit = values / norm[:, None]
    if distance != 0:
        difference = unit - tl.load(reference + place, mask=inside, other=0)
        weight = tl.load(weights + channel, mask=channel < CHANNELS, other=0)
        tl.store(out + pixel, tl.sum(difference * difference * weight[None, :], axis=1), mask=pixel < pixels)
    else:
        tl.store(out + place, unit, mask=inside)


@triton.jit
def _linear_taps(position, length, scale):
    """Lower index, upper index and the upper one's share, for bilinear resizing without aligned corners."""
    source = tl.maximum((position.to(tl.float32) + 0.5) * scale - 0.5, 0.0)
    low = tl.minimum(source.to(tl.int32), length - 1)
    high = tl.minimum(low + 1, length - 1)
    return low, high, source - low.to(tl.float32)


@triton.jit
def _full_kernel(
    layers, shapes, scales, best, sums, height, width, LAYERS: tl.constexpr, MODE: tl.constexpr,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    """A tile of the full map (MODE 0, 1), or its minimum with the stored one (MODE 2); sums in MODE 1 and 2."""
    row = (tl.program_id(0) * ROWS + tl.arange(0, ROWS))[:, None]
    column = (tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS))[None, :]
    inside = (row < height) & (column < width)
    full = tl.zeros((ROWS, COLUMNS), tl.float32)
    for number in range(LAYERS):
        start = tl.load(shapes + 3 * number)
        layer_height = tl.load(shapes + 3 * number + 1)
        layer_width = tl.load(shapes + 3 * number + 2)
        top, bottom, down = _linear_taps(row, layer_height, tl.load(scales + 2 * number))
        left, right, across = _linear_taps(column, layer_width, tl.load(scales + 2 * number + 1))
        upper, lower = layers + start + top * layer_width, layers + start + bottom * layer_width
        above = tl.load(upper + left, mask=inside, other=0) * (1 - across)
        above += tl.load(upper + right, mask=inside, other=0) * across
        below = tl.load(lower + left, mask=inside, other=0) * (1 - across)
        below += tl.load(lower + right, mask=inside, other=0) * across
        full += above * (1 - down) + below * down
    place = row.to(tl.int64) * width + column
    least = full
    if MODE == 2:
        least = tl.minimum(full, tl.load(best + place, mask=inside, other=0))
    tl.store(best + place, least, mask=inside)
    if MODE != 0:
        tile = tl.program_id(0) * tl.num_programs(1) + tl.program_id(1)
        tl.store(sums + 2 * tile, tl.sum(tl.sum(tl.where(inside, full, 0.0), axis=1), axis=0))
        tl.store(sums + 2 * tile + 1, tl.sum(tl.sum(tl.where(inside, least, 0.0), axis=1), axis=0))


def unit(features: Tensor) -> Tensor:
    """See :func:`srspace_eval.kernels.distance_maps.unit`."""
    out = torch.empty_like(features, dtype=torch.float32)
    _launch_unit(features, out, out, out, distance=False)
    return out


def layer_distance(features: Tensor, unit_reference: Tensor, weights: Tensor) -> Tensor:
    """See :func:`srspace_eval.kernels.distance_maps.layer_distance`."""
    out = torch.empty(len(features), dtype=torch.float32, device=features.device)
    _launch_unit(features, unit_reference, weights, out, distance=True)
    return out


def full_map(layers: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
    """See :func:`srspace_eval.kernels.distance_maps.full_map`."""
    full = torch.empty(size, dtype=torch.float32, device=layers[0].device)
    _launch_full(layers, full, full, mode=0)
    return full


def reduce_into(layers: Sequence[Tensor], size: tuple[int, int], running: Tensor | None) -> tuple[float, float, Tensor]:
    """See :func:`srspace_eval.kernels.distance_maps.reduce_into`; overwrites ``running``."""
    device = layers[0].device
    best = torch.empty(size, dtype=torch.float32, device=device) if running is None else running
    tiles = triton.cdiv(size[0], _TILE_ROWS) * triton.cdiv(size[1], _TILE_COLUMNS)
    sums = torch.empty(tiles, 2, dtype=torch.float32, device=device)
    _launch_full(layers, best, sums, mode=1 if running is None else 2)
    means = sums.to(torch.float64).sum(0) / (size[0] * size[1])
    mean, best_mean = fetch(means).tolist()
    return mean, best_mean, best


def _launch_unit(features: Tensor, reference: Tensor, weights: Tensor, out: Tensor, *, distance: bool) -> None:
    features = features.contiguous()
    pixels, channels = features.shape
    block = triton.next_power_of_2(channels)
    at_once = max(1, 2048 // block)
    with launching(features):
        _unit_kernel[(triton.cdiv(pixels, at_once),)](
            features, reference, weights, out, pixels, int(distance),
            CHANNELS=channels, BLOCK=block, PIXELS=at_once, EPS=EPSILON, **EXACT,
        )  # fmt: skip


def _launch_full(layers: Sequence[Tensor], best: Tensor, sums: Tensor, *, mode: int) -> None:
    height, width = best.shape
    shapes, scales = _geometry(tuple((len(layer), layer.shape[1]) for layer in layers), (height, width), best.device)
    values = torch.cat([layer.reshape(-1) for layer in layers])
    with launching(best):
        _full_kernel[(triton.cdiv(height, _TILE_ROWS), triton.cdiv(width, _TILE_COLUMNS))](
            values, shapes, scales, best, sums, height, width,
            LAYERS=len(layers), MODE=mode, ROWS=_TILE_ROWS, COLUMNS=_TILE_COLUMNS, **EXACT,
        )  # fmt: skip


@lru_cache(maxsize=64)
def _geometry(
    layers: tuple[tuple[int, int], ...], size: tuple[int, int], device: torch.device
) -> tuple[Tensor, Tensor]:
    """Each layer's (start, height, width), and its (rows, columns) per full-resolution one; on the device, cached."""
    starts = [sum(h * w for h, w in layers[:number]) for number in range(len(layers))]
    shapes = [[start, *layer] for start, layer in zip(starts, layers, strict=True)]
    scales = [[h / size[0], w / size[1]] for h, w in layers]
    return (
        torch.tensor(shapes, dtype=torch.int32, device=device),
        torch.tensor(scales, dtype=torch.float32, device=device),
    )
