from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from srspace_eval.kernels import distance_maps


def layers_of(shapes: list[tuple[int, int]], seed: int = 0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.rand(shape, generator=generator) for shape in shapes]


@pytest.mark.parametrize("channels", [1, 64, 192, 512])
def test_layer_distance_equals_the_reference(channels: int) -> None:
    features, other = torch.randn(2, 5000, channels).abs()
    features[7] = 0  # a pixel without any activation
    weights = torch.rand(channels)
    kept = features.clone()
    unit = distance_maps.unit(other)
    torch.testing.assert_close(unit, distance_maps.unit(other, "reference"), rtol=1e-6, atol=1e-7)
    fast = distance_maps.layer_distance(features, unit, weights)
    torch.testing.assert_close(
        fast, distance_maps.layer_distance(features, unit, weights, "reference"), rtol=1e-5, atol=1e-7
    )
    assert torch.equal(features, kept)
    assert (distance_maps.layer_distance(other, unit, weights) == 0).all()


@settings(max_examples=40, deadline=None)
@given(
    size=st.tuples(st.integers(1, 150), st.integers(1, 150)),
    shapes=st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=1, max_size=4),
    seed=st.integers(0, 99),
)
def test_full_map_equals_the_reference(size: tuple[int, int], shapes: list[tuple[int, int]], seed: int) -> None:
    layers = layers_of([*shapes, shapes[0]], seed)
    fast, reference = (distance_maps.full_map(layers, size, form) for form in ("fast", "reference"))
    torch.testing.assert_close(fast, reference, rtol=0, atol=5e-6)


def test_wide_maps_are_reduced_band_by_band() -> None:
    size = (700, 2040)  # more rows than a band holds, and a last band that is shorter
    sets = [layers_of([(170, 509), (84, 254), (42, 126), (42, 126)], seed) for seed in range(3)]
    fast = reference = None
    for layers in sets:
        mean, best_mean, fast = distance_maps.reduce_into(layers, size, fast)
        expected_mean, expected_best, reference = distance_maps.reduce_into(layers, size, reference, "reference")
        assert mean == pytest.approx(expected_mean, rel=1e-6)
        assert best_mean == pytest.approx(expected_best, rel=1e-6)
        torch.testing.assert_close(fast, reference, rtol=0, atol=2e-6)


def test_equal_maps_give_equal_means_to_the_last_bit() -> None:
    layers = layers_of([(30, 40), (15, 20)])
    mean, _, running = distance_maps.reduce_into(layers, (121, 163), None)
    again, best, _ = distance_maps.reduce_into(layers, (121, 163), running)
    assert mean == again == best
