"""Large LRs are decoded in overlapping tiles, which bound the memory.

A tile is decoded with :attr:`~srspace_eval.models.protocol.Decoder.halo` LR pixels of context on each side; the
decoded context is cut off. All tiles read the latents of the whole LR, so that neighbouring tiles fit together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from srspace_eval.errors import SamplingError
from srspace_eval.models.memory import measured_within, size_text
from srspace_eval.models.protocol import Decoder, LatentShape
from srspace_eval.models.sampling.latents import latent_field

STEP = 16
"""Tiles begin at multiples of this many LR pixels. A model's own padding must divide it."""


@dataclass(frozen=True)
class Span:
    """One side of a tile in LR pixels: ``start:stop`` is read, ``keep_start:keep_stop`` of it is kept."""

    start: int
    stop: int
    keep_start: int
    keep_stop: int


@dataclass(frozen=True)
class Tile:
    """A rectangle of an LR: its rows and its columns."""

    rows: Span
    columns: Span

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in LR pixels, with the context."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start


def halo_of(model: Decoder) -> int:
    """LR pixels of context around the tiles of a model: its halo in whole steps, at least one step."""
    return _steps_up(max(model.halo, STEP))


def tiles(height: int, width: int, tile_size: int, halo: int) -> Iterator[Tile]:
    """The tiles of an LR of height × width, row by row. Each keeps at most tile_size × tile_size LR pixels.

    >>> [t.columns for t in tiles(16, 40, 32, 16)]  # doctest: +NORMALIZE_WHITESPACE
    [Span(start=0, stop=40, keep_start=0, keep_stop=32), Span(start=16, stop=40, keep_start=32, keep_stop=40)]
    """
    for rows in _spans(height, tile_size, halo):
        for columns in _spans(width, tile_size, halo):
            yield Tile(rows, columns)


def whole(height: int, width: int) -> Tile:
    """The one tile that covers the whole LR."""
    return Tile(Span(0, height, 0, height), Span(0, width, 0, width))


def _spans(length: int, tile_size: int, halo: int) -> list[Span]:
    return [
        Span(max(0, at - halo), min(length, at + tile_size + halo), at, min(length, at + tile_size))
        for at in range(0, length, tile_size)
    ]


def choose_tile_size(model: Decoder, height: int, width: int, memory_limit: int, image: str) -> int | None:
    """The largest tile size whose decoding stays within a memory limit; None if the whole LR does.

    Parameters
    ----------
    model, height, width
        The model and the LR's size.
    memory_limit
        Bytes on the model's device.
    image
        The LR's name, for the message.

    Returns
    -------
    int or None
        The side of the tiles in LR pixels, without context; a multiple of :data:`STEP`.

    Raises
    ------
    SamplingError
        If even the smallest tile does not fit.
    """
    with measured_within(memory_limit):
        if model.memory_estimate(height, width, 1) <= memory_limit:
            return None
    halo = halo_of(model)
    size = _steps_up(max(height, width)) - STEP
    while size >= STEP:
        if tile_memory(model, height, width, size, halo) <= memory_limit:
            return size
        size -= STEP
    least = tile_memory(model, height, width, STEP, halo)
    raise SamplingError(
        f"{image}: a tile of {STEP}×{STEP} LR pixels with {halo} pixels of context needs {size_text(least)}, "
        f"and {size_text(memory_limit)} may be used; free memory, give a larger --memory, or choose another device"
    )


def tile_memory(model: Decoder, height: int, width: int, tile_size: int, halo: int) -> int:
    """Bytes that the largest tile of an LR needs."""
    return model.memory_estimate(min(height, tile_size + 2 * halo), min(width, tile_size + 2 * halo), 1)


def tile_latents(
    model: Decoder, size: tuple[int, int], tile: Tile, *, seed: int, image: str, sample: int, heat: float
) -> list[NDArray[np.float32]]:
    """The windows of the whole LR's latents that belong to a tile.

    Parameters
    ----------
    model
        The model; it sets the shapes of the latents.
    size
        Height and width of the whole LR.
    tile
        The tile.
    seed, image, sample
        See :func:`~srspace_eval.models.sampling.latents.latent_field`.
    heat
        Standard deviation τ of the latents. At 0 they are zeros whatever the seed. Other heats scale the same numbers.

    Returns
    -------
    list[NDArray[np.float32]]
        One array (C, H, W) of float32 for each latent, in encoding order.

    Raises
    ------
    SamplingError
        If the model's padding does not divide :data:`STEP`: the tiles are then not aligned with the latents.
    """
    shapes = model.latent_shapes(*size)
    wanted = model.latent_shapes(*tile.shape)
    found = []
    for index, (shape, tile_shape, ratios) in enumerate(zip(shapes, wanted, _ratios(model), strict=True)):
        top, left = tile.rows.start * ratios[0], tile.columns.start * ratios[1]
        rows = (int(top), int(top) + tile_shape[1])
        columns = (int(left), int(left) + tile_shape[2])
        if top.denominator != 1 or left.denominator != 1 or rows[1] > shape[1] or columns[1] > shape[2]:
            raise SamplingError(
                f"{image}: latent {index} of {model.config.name} does not follow the LR in steps of {STEP} pixels, so "
                "it cannot be cut into tiles; use --tile off, or a plug-in whose padding divides it"
            )
        if heat == 0:
            found.append(np.zeros(tile_shape, np.float32))
            continue
        window = latent_field(shape, seed=seed, image=image, sample=sample, latent=index, rows=rows, columns=columns)
        found.append(window * np.float32(heat))
    return found


def _ratios(model: Decoder) -> list[tuple[Fraction, Fraction]]:
    """Latent pixels per LR pixel, down and across, measured on an LR that needs no padding."""
    side = 4 * STEP
    shapes: tuple[LatentShape, ...] = model.latent_shapes(side, side)
    return [(Fraction(height, side), Fraction(width, side)) for _, height, width in shapes]


def _steps_up(length: int) -> int:
    return -(-length // STEP) * STEP
