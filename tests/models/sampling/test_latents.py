from __future__ import annotations

import hashlib
from statistics import NormalDist

import numpy as np
import pytest

from srspace_eval.errors import InputError
from srspace_eval.models.sampling.latents import latent_field

WHERE = {"seed": 0, "image": "0801", "sample": 0, "latent": 0}


def test_numbers_are_pinned() -> None:
    # Samples made by one release must be made by the next.
    field = latent_field((3, 4, 5), seed=7, image="0801", sample=2, latent=1)
    assert field.dtype == np.float32
    np.testing.assert_allclose(field[0, 0, :3], [-0.1630893, -0.5310715, 1.1847039], rtol=0, atol=1e-6)


def test_stream_follows_its_definition() -> None:
    text = b"srspace-eval/latent/1\x007\x000801\x002\x001"
    key = int.from_bytes(hashlib.sha256(text).digest()[:16], "little")
    raw = np.random.Philox(key=key).random_raw(2)
    words = [int(raw[0]) & 0xFFFFFFFF, int(raw[0]) >> 32, int(raw[1]) & 0xFFFFFFFF]
    expected = [NormalDist().inv_cdf((word + 0.5) / 2**32) for word in words]
    field = latent_field((3, 4, 5), seed=7, image="0801", sample=2, latent=1)
    np.testing.assert_allclose(field[0, 0, :3], expected, rtol=1e-6)


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"seed": -1}, {"seed": 2**70}, {"image": "0802"}, {"sample": 1}, {"latent": 1}]
)
def test_each_part_of_the_key_matters(change: dict[str, object]) -> None:
    shape = (6, 20, 30)
    a = latent_field(shape, **WHERE)
    b = latent_field(shape, **{**WHERE, **change})
    assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.06


def test_parts_of_the_key_are_separated() -> None:
    a = latent_field((1, 2, 8), seed=1, image="2", sample=3, latent=4)
    b = latent_field((1, 2, 8), seed=12, image="", sample=3, latent=4)
    assert not np.array_equal(a, b)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 7, 5), (6, 12, 9), (48, 3, 4)])
def test_windows_are_parts_of_the_whole(shape: tuple[int, int, int]) -> None:
    whole = latent_field(shape, **WHERE)
    for top in range(shape[1]):
        for left in range(shape[2]):
            rows, columns = (top, min(top + 2, shape[1])), (left, min(left + 3, shape[2]))
            window = latent_field(shape, **WHERE, rows=rows, columns=columns)
            np.testing.assert_array_equal(window, whole[:, slice(*rows), slice(*columns)])


def test_normal_moments() -> None:
    z = latent_field((16, 200, 250), **WHERE).astype(float)
    assert abs(z.mean()) < 5e-3
    assert abs(z.std() - 1) < 5e-3
    assert abs((z**4).mean() - 3) < 0.03
    # Neighbours along each axis are independent.
    for axis in range(3):
        a, b = np.delete(z, 0, axis), np.delete(z, -1, axis)
        assert abs((a * b).mean()) < 6e-3


@pytest.mark.parametrize(("rows", "columns"), [((-1, 2), None), ((2, 2), None), ((0, 5), None), (None, (0, 6))])
def test_window_outside_is_refused(rows: tuple[int, int] | None, columns: tuple[int, int] | None) -> None:
    with pytest.raises(InputError, match="window"):
        latent_field((3, 4, 5), **WHERE, rows=rows, columns=columns)
