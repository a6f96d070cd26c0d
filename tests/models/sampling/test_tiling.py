"""Tiles: how large they are, and which latents belong to them."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.inputs.synth import picture
from srspace_eval.errors import SamplingError
from srspace_eval.models.sampling.samples import sample_array
from srspace_eval.models.sampling.tiling import choose_tile_size, tile_latents, tiles, whole
from tests.helpers.toy_model import Toy

LR = picture(37, 51, 1)


def test_memory_bounds_the_tiles() -> None:
    model = Toy(pixel_bytes=1000)
    assert choose_tile_size(model, 100, 100, 100 * 100 * 1000, "x") is None
    tile = choose_tile_size(model, 100, 100, 100 * 100 * 1000 - 1, "x")
    assert tile is not None
    assert tile % 16 == 0
    # The largest: an inner tile with its context fits, the next larger would not.
    assert min(100, tile + 32) ** 2 * 1000 < 100 * 100 * 1000 <= min(100, tile + 48) ** 2 * 1000
    model = Toy(pixel_bytes=1000)
    tiled = sample_array(model, LR, n=1, memory_limit=45 * 48 * 1000 // 2 * 2)
    assert max(h * w for h, w in model.conditioned) <= 45 * 48
    np.testing.assert_array_equal(tiled, sample_array(Toy(), LR, n=1))


def test_models_off_the_grid_cannot_be_tiled() -> None:
    class Odd(Toy):
        def latent_shapes(self, height, width):
            return tuple((3, -(-height // 5) * 5, -(-width // 5) * 5) for _ in range(2))

    tile = list(tiles(64, 64, 32, 16))[-1]
    with pytest.raises(SamplingError, match="tile=off"):
        tile_latents(Odd(), (64, 64), tile, seed=0, image="x", sample=0, heat=1.0)
    assert tile_latents(Odd(), (64, 64), whole(64, 64), seed=0, image="x", sample=0, heat=1.0)[0].shape == (3, 65, 65)
