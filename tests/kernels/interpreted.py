"""Triton forms compared with the references. ``test_triton.py`` runs this file in a separate process.

On a CUDA device the kernels are compiled; elsewhere the process runs with ``TRITON_INTERPRET=1``.
"""

from __future__ import annotations

import pytest
import torch

from srspace_eval.kernels import distance_maps, error_boxes
from srspace_eval.kernels.dispatch import choose
from srspace_eval.metrics.resize import CONVENTIONS, imresize

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def rand(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)).to(DEVICE)


def test_the_triton_form_is_what_runs() -> None:
    assert choose("anything", DEVICE, "triton") == "triton"


@pytest.mark.parametrize("convention", sorted(CONVENTIONS))
@pytest.mark.parametrize("scale", [1 / 2, 1 / 3, 1 / 4, 1 / 8, 1 / 6, 0.37, 2.0])
def test_resampling_gives_the_references_bits(convention: str, scale: float) -> None:
    picture = (rand(23, 18, 3) * 255.99).to(torch.uint8)
    picture[12:] = picture[12:] // 128 * 255  # the largest sums, and ties
    for image in (picture, picture[..., 0].double() / 255):
        found = imresize(image, scale, convention=convention, form="triton")
        expected = imresize(image.cpu(), scale, convention=convention, form="reference")
        assert found.dtype == image.dtype
        assert torch.equal(found.cpu(), expected)


@pytest.mark.parametrize("channels", [1, 64, 192, 384])
def test_layer_distance(channels: int) -> None:
    features, other, weights = rand(77, channels), rand(77, channels, seed=1), rand(channels, seed=2)
    features[7] = 0
    unit = distance_maps.unit(other, "triton")
    torch.testing.assert_close(unit, distance_maps.unit(other, "reference"), rtol=1e-6, atol=1e-7)
    found = distance_maps.layer_distance(features, unit, weights, "triton")
    expected = distance_maps.layer_distance(features, unit, weights, "reference")
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-7)
    assert (distance_maps.layer_distance(other, unit, weights, "triton") == 0).all()


@pytest.mark.parametrize("size", [(1, 1), (8, 128), (70, 195)])
def test_full_map_and_its_reduction(size: tuple[int, int]) -> None:
    shapes = [(17, 23), (8, 11), (4, 5), (4, 5)]
    running: dict[str, torch.Tensor | None] = {"triton": None, "reference": None}
    for sample in range(3):
        layers = [rand(*shape, seed=10 * sample + i) for i, shape in enumerate(shapes)]
        maps = [distance_maps.full_map(layers, size, form) for form in running]
        torch.testing.assert_close(*maps, rtol=0, atol=5e-6)
        means = {}
        for form in running:
            *means[form], running[form] = distance_maps.reduce_into(layers, size, running[form], form)
        assert means["triton"] == pytest.approx(means["reference"], rel=1e-6)
        torch.testing.assert_close(running["triton"], running["reference"], rtol=0, atol=5e-6)


def test_equal_maps_give_equal_means_to_the_last_bit() -> None:
    layers = [rand(17, 23), rand(8, 11)]
    mean, _, running = distance_maps.reduce_into(layers, (70, 195), None, "triton")
    again, best, _ = distance_maps.reduce_into(layers, (70, 195), running, "triton")
    assert mean == again == best


@pytest.mark.parametrize("size", [(1, 1), (40, 31), (3, 600)])
@pytest.mark.parametrize("form", [None, "fast", "triton"])
def test_error_boxes_have_the_references_bits(size: tuple[int, int], form: str | None) -> None:
    gt = (rand(*size, 3, seed=1) * 255.99).to(torch.uint8)
    boxes = reference = None
    for seed in (2, 3):
        sr = (rand(*size, 3, seed=seed) * 255.99).to(torch.uint8)
        *found, boxes = error_boxes.reduce_into(sr, gt, boxes, form)
        *expected, reference = error_boxes.reduce_into(sr.cpu(), gt.cpu(), reference, "reference")
        assert found == expected
        assert torch.equal(boxes.cpu(), reference)


def test_the_largest_error_fits() -> None:
    black = torch.zeros(40, 40, 3, dtype=torch.uint8, device=DEVICE)
    *_, boxes = error_boxes.reduce_into(black + 255, black, None, "triton")
    assert int(boxes.max()) == 255**2 * 768
