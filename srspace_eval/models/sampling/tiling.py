"""Large LRs: how much memory they need, and the overlapping tiles that bound it.

A tile is decoded with :attr:`~srspace_eval.models.base.Model.halo` LR pixels of context on each side, which are
then cut off. All tiles read one field of latents, so that they continue each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from srspace_eval.errors import SamplingError
from srspace_eval.models.base import LatentShape, Model
from srspace_eval.models.sampling.latents import latent_field

STEP = 16
"""Tiles begin at multiples of this many LR pixels; a model's own padding must divide it."""


@dataclass(frozen=True)
class Span:
    """One side of a tile, in LR pixels: what is read (``start:stop``) and what of it is kept."""

    start: int
    stop: int
    keep_start: int
    keep_stop: int


@dataclass(frozen=True)
class Tile:
    """A tile of an LR."""

    rows: Span
    columns: Span


def halo_of(model: Model) -> int:
    """The context that tiles of this model are read with: its halo, at least one step, in whole steps."""
    return _steps_up(max(model.halo, STEP))


def tiles(height: int, width: int, tile: int, halo: int) -> Iterator[Tile]:
    """The tiles that cover an LR of height × width, row by row; each keeps at most tile × tile LR pixels.

    >>> [t.columns for t in tiles(16, 40, 32, 16)]  # doctest: +NORMALIZE_WHITESPACE
    [Span(start=0, stop=40, keep_start=0, keep_stop=32), Span(start=16, stop=40, keep_start=32, keep_stop=40)]
    """
    for rows in _spans(height, tile, halo):
        for columns in _spans(width, tile, halo):
            yield Tile(rows, columns)


def whole(height: int, width: int) -> Tile:
    """The one tile that is the whole LR."""
    return Tile(Span(0, height, 0, height), Span(0, width, 0, width))


def _spans(length: int, tile: int, halo: int) -> list[Span]:
    return [
        Span(max(0, at - halo), min(length, at + tile + halo), at, min(length, at + tile))
        for at in range(0, length, tile)
    ]


def choose_tile(model: Model, height: int, width: int, budget: int, image: str) -> int | None:
    """The largest tile whose decoding stays within a memory budget; None if the whole LR does.

    Parameters
    ----------
    model, height, width:
        The model and the LR's size.
    budget:
        Bytes on the model's device.
    image:
        The LR's name, for the message.

    Raises
    ------
    SamplingError
        If even the smallest tile does not fit.
    """
    if model.memory_estimate(height, width, 1) <= budget:
        return None
    halo = halo_of(model)
    size = _steps_up(max(height, width)) - STEP
    while size >= STEP:
        if tile_memory(model, height, width, size, halo) <= budget:
            return size
        size -= STEP
    least = tile_memory(model, height, width, STEP, halo)
    raise SamplingError(
        f"{image}: a tile of {STEP}×{STEP} LR pixels with {halo} pixels of context needs {size_text(least)}, "
        f"and {size_text(budget)} may be used; free memory, give a larger --memory, or choose another device"
    )


def tile_memory(model: Model, height: int, width: int, tile: int, halo: int) -> int:
    """Bytes that the largest tile of an LR needs."""
    return model.memory_estimate(min(height, tile + 2 * halo), min(width, tile + 2 * halo), 1)


def size_text(size: int) -> str:
    """A number of bytes for messages, in the unit of ``--memory``: its 8G are 8 GiB.

    >>> size_text(5 << 29), size_text(3 << 18), size_text(1000)
    ('2.50 GiB', '768.00 KiB', '0.98 KiB')
    """
    unit = next((unit for unit in ("GiB", "MiB") if size >= _UNITS[unit]), "KiB")
    return f"{size / _UNITS[unit]:.2f} {unit}"


_UNITS = {"GiB": 1 << 30, "MiB": 1 << 20, "KiB": 1 << 10}


def tile_latents(
    model: Model, size: tuple[int, int], tile: Tile, *, seed: int, image: str, sample: int, heat: float
) -> list[NDArray[np.float32]]:
    """A tile's windows of the latents of the whole LR: a list of (C, H, W) float32.

    Heat is the standard deviation τ of the latents; at 0 they are zeros, whatever the seed. Two heats scale the same
    numbers.

    Raises
    ------
    SamplingError
        If the model's padding does not divide :data:`STEP`, so that its tiles do not lie on its latents' grid.
    """
    shapes = model.latent_shapes(*size)
    wanted = model.latent_shapes(tile.rows.stop - tile.rows.start, tile.columns.stop - tile.columns.start)
    found = []
    for index, (shape, tile_shape, ratios) in enumerate(zip(shapes, wanted, _ratios(model), strict=True)):
        top, left = tile.rows.start * ratios[0], tile.columns.start * ratios[1]
        rows = (int(top), int(top) + tile_shape[1])
        columns = (int(left), int(left) + tile_shape[2])
        if top.denominator != 1 or left.denominator != 1 or rows[1] > shape[1] or columns[1] > shape[2]:
            raise SamplingError(
                f"{image}: latent {index} of {model.config.name} does not follow the LR in steps of {STEP} pixels, so "
                "it cannot be cut into tiles; use --tile off, or a plugin whose padding divides it"
            )
        if heat == 0:
            found.append(np.zeros(tile_shape, np.float32))
            continue
        window = latent_field(shape, seed=seed, image=image, sample=sample, latent=index, rows=rows, columns=columns)
        found.append(window * np.float32(heat))
    return found


def _ratios(model: Model) -> list[tuple[Fraction, Fraction]]:
    """Latent pixels for each LR pixel, down and across, from an LR that needs no padding."""
    side = 4 * STEP
    shapes: tuple[LatentShape, ...] = model.latent_shapes(side, side)
    return [(Fraction(height, side), Fraction(width, side)) for _, height, width in shapes]


def _steps_up(length: int) -> int:
    return -(-length // STEP) * STEP
