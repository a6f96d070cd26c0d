"""Samples of one LR: independent of each other, of tiles and of batches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.inputs.synth import picture
from benchmarks.inputs.weights import write_small_checkpoint
from srspace_eval.errors import InputError, SamplingError
from srspace_eval.models import load_model
from srspace_eval.models.sampling.latents import latent_field
from srspace_eval.models.sampling.samples import iterate_samples, sample_array
from srspace_eval.models.sampling.settings import SampleRequest, SamplingSettings
from srspace_eval.models.sampling.tiling import halo_of, tiles
from tests.helpers.toy_model import Toy

LIMIT = 1 << 30
LR = picture(37, 51, 1)


def test_shape_and_type() -> None:
    samples = Toy().sample(LR, n=3)
    assert samples.shape == (3, 148, 204, 3)
    assert samples.dtype == np.uint8
    assert not np.array_equal(samples[0], samples[1])


def test_a_sample_is_the_same_whatever_else_is_sampled() -> None:
    ten = sample_array(Toy(), LR, n=10, seed=3, image="0801")
    model = Toy()
    lone = [p for _, p in iterate_samples(model, LR, [SampleRequest(7, 0.9)], "0801", SamplingSettings(3), None, LIMIT)]
    assert model.decoded == 1
    np.testing.assert_array_equal(lone[0], ten[7])
    backwards = [SampleRequest(i, heat) for i in (9, 2, 7) for heat in (0.3, 0.9)]
    for request, pixels in iterate_samples(Toy(), LR, backwards, "0801", SamplingSettings(3), None, LIMIT):
        if request.heat == 0.9:
            np.testing.assert_array_equal(pixels, ten[request.sample])


def test_conditioning_is_computed_once() -> None:
    model = Toy()
    model.sample(LR, n=5)
    assert model.conditioned == [(37, 51)]
    assert model.decoded == 5


def test_batches_only_if_exact_and_within_the_memory_limit() -> None:
    expected = Toy().sample(LR, n=5)
    model = Toy()
    sample_array(model, LR, n=5)
    assert model.calls == [1] * 5
    model = Toy(exact=True)
    np.testing.assert_array_equal(sample_array(model, LR, n=5), expected)
    assert model.calls == [5]
    model = Toy(exact=True, pixel_bytes=1000)
    np.testing.assert_array_equal(sample_array(model, LR, n=5, memory_limit=37 * 51 * 1000 * 2), expected)
    assert model.calls == [2, 2, 1]


def test_seed_image_and_heat_matter() -> None:
    first = sample_array(Toy(), LR, n=1, image="a")
    assert not np.array_equal(first, sample_array(Toy(), LR, n=1, image="b"))
    assert not np.array_equal(first, sample_array(Toy(), LR, n=1, image="a", seed=1))
    assert not np.array_equal(first, sample_array(Toy(), LR, n=1, image="a", heat=0.8))


def test_lrs_without_a_name_get_different_latents() -> None:
    def noise_of(lr: np.ndarray) -> np.ndarray:
        # Toy adds its latents to the LR, so the difference of two heats shows them.
        warm, cold = (sample_array(Toy(), lr, n=1, heat=heat)[0].astype(int) for heat in (0.5, 0.0))
        return warm - cold

    grey = [np.full_like(LR, level) for level in (120, 121)]
    assert np.array_equal(noise_of(grey[0]), noise_of(grey[0].copy()))
    assert not np.array_equal(noise_of(grey[0]), noise_of(grey[1]))
    # A name that is given counts, whatever the LR is; the method has the same default.
    named = sample_array(Toy(), grey[0], n=1, image="0801")
    assert not np.array_equal(named, sample_array(Toy(), grey[0], n=1))
    assert np.array_equal(Toy().sample(LR, n=2), sample_array(Toy(), LR, n=2))


def test_heat_0_is_deterministic() -> None:
    cold = sample_array(Toy(), LR, n=2, heat=0.0, seed=1)
    np.testing.assert_array_equal(cold[0], cold[1])
    np.testing.assert_array_equal(cold, sample_array(Toy(), LR, n=2, heat=0, seed=2))


def test_latents_are_scaled_by_heat_and_decoded_as_given() -> None:
    model = Toy()
    lr = torch.from_numpy(LR.transpose(2, 0, 1)[None].astype(np.float32) / 255)
    latents = [
        0.7 * torch.from_numpy(latent_field(shape, seed=5, image="x", sample=1, latent=k))[None]
        for k, shape in enumerate(model.latent_shapes(37, 51))
    ]
    sr, _ = model.decode(lr, latents)
    expected = (sr.clamp(0, 1) * 255).to(torch.uint8)[0].permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(sample_array(model, LR, n=2, heat=0.7, seed=5, image="x")[1], expected)


def test_truncated_or_rounded() -> None:
    class Constant(Toy):
        def decode(self, lr, latents):
            levels = torch.tensor([99.4, 99.5, 100.6, 254.99, 300.0, -7.0]) / 255
            return levels.repeat(1, 3, 4, 1)[..., :4], None

    model = Constant()
    lr = np.zeros((1, 1, 3), np.uint8)
    assert sample_array(model, lr, n=1)[0, 0, :, 0].tolist() == [99, 99, 100, 254]
    assert sample_array(model, lr, n=1, quantize="round")[0, 0, :, 0].tolist() == [99, 100, 101, 255]


def test_values_beyond_the_range_are_clamped() -> None:
    class Far(Toy):
        def decode(self, lr, latents):
            return torch.tensor([1.2, 400.0, -0.1, -400.0]).repeat(1, 3, 4, 1), None

    assert sample_array(Far(), np.zeros((1, 1, 3), np.uint8), n=1)[0, 0, :, 0].tolist() == [255, 255, 0, 0]


@pytest.mark.parametrize("tile", [16, 32, 48])
@pytest.mark.parametrize("size", [(37, 51), (16, 33), (49, 17), (64, 64)])
def test_tiles_equal_the_whole(tile: int, size: tuple[int, int]) -> None:
    lr = picture(*size, 2)
    requests = [SampleRequest(0, 0.9), SampleRequest(3, 0.9), SampleRequest(1, 0.0)]
    plain = list(iterate_samples(Toy(), lr, requests, "x", SamplingSettings(1), None, LIMIT))
    model = Toy()
    tiled = list(iterate_samples(model, lr, requests, "x", SamplingSettings(1), tile, LIMIT))
    assert [request for request, _ in tiled] == requests
    for (_, a), (_, b) in zip(plain, tiled, strict=True):
        np.testing.assert_array_equal(a, b)
    # Each tile is conditioned once for all samples.
    assert len(model.conditioned) == (1 if max(size) <= tile else len(list(tiles(*size, tile, halo_of(model)))))


def test_few_canvases_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = sample_array(Toy(), LR, n=3, image="")
    monkeypatch.setattr("srspace_eval.models.sampling.samples._CANVAS_BYTES", 1)
    model = Toy()
    requests = [SampleRequest(i, 0.9) for i in range(3)]
    found = [p for _, p in iterate_samples(model, LR, requests, "", SamplingSettings(), 32, LIMIT)]
    np.testing.assert_array_equal(np.stack(found), expected)
    assert len(model.conditioned) == 3 * 4


def test_too_little_memory_is_an_error_before_decoding() -> None:
    model = Toy()
    with pytest.raises(SamplingError, match=r"0801: a tile of 16×16 .* KiB may be used; free memory"):
        sample_array(model, LR, n=1, memory_limit=1000, image="0801")
    assert not model.conditioned


def test_samples_that_are_not_finite_are_named() -> None:
    heights = [latent_field((6, 19, 26), seed=0, image="x", sample=i, latent=1).max() for i in range(6)]
    model = Toy(poison=0.9 * sorted(heights)[-3])  # the two highest of six
    bad = [i for i, h in enumerate(heights) if 0.9 * h > model.poison]
    with pytest.raises(SamplingError, match="not finite") as caught:
        sample_array(model, LR, n=6, image="x")
    assert caught.value.problems == tuple(f"sample {i}" for i in bad)
    found = dict(
        iterate_samples(model, LR, [SampleRequest(i, 0.9) for i in range(6)], "x", SamplingSettings(), None, LIMIT)
    )
    assert [r.sample for r, p in found.items() if p is None] == bad
    tiled = dict(
        iterate_samples(model, LR, [SampleRequest(i, 0.9) for i in range(6)], "x", SamplingSettings(), 16, LIMIT)
    )
    assert [r.sample for r, p in tiled.items() if p is None] == bad


@pytest.mark.parametrize("tile", [None, 16])
def test_output_of_another_size_is_refused(monkeypatch: pytest.MonkeyPatch, tile: int | None) -> None:
    decode = Toy.decode

    def cropped(self: Toy, lr: object, latents: object) -> tuple[torch.Tensor, torch.Tensor]:
        sr, logdet = decode(self, lr, latents)
        return sr[:, :, 1:], logdet

    monkeypatch.setattr(Toy, "decode", cropped)
    with pytest.raises(SamplingError, match=r"0801: toy_x4 decoded \(1, 3, \d+, \d+\) where its scale 4 gives"):
        list(iterate_samples(Toy(), LR, [SampleRequest(0, 0.9)], "0801", SamplingSettings(), tile, LIMIT))


@pytest.mark.parametrize(
    ("lr", "options", "message"),
    [
        (LR.astype(np.float32), {}, "float32"),
        (LR[..., 0], {}, "uint8"),
        (LR[None], {}, "uint8"),
        (LR[:0], {}, "uint8"),
        (LR, {"n": 0}, "n = 0"),
        (LR, {"heat": -0.1}, "heat"),
        (LR, {"heat": float("nan")}, "heat"),
        (LR, {"heat": "0.9"}, "heat = '0.9'"),
        (LR, {"seed": 1.5}, "seed"),
        (LR, {"n": 1.5}, "n = 1.5"),
        (LR, {"n": True}, "n = True"),
        (LR, {"image": 801}, "image = 801"),
    ],
)
def test_wrong_arguments_are_named(lr: object, options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        sample_array(Toy(), lr, **options)


def test_low_precision_is_close() -> None:
    class Wide(Toy):
        def condition(self, lr):
            assert torch.is_autocast_enabled("cpu")
            return super().condition(lr)

    exact = sample_array(Toy(), LR, n=1).astype(int)
    low = sample_array(Wide(), LR, n=1, precision="bf16").astype(int)
    assert 0 < np.abs(exact - low).max() <= 3


def test_flow_in_low_precision_and_in_tiles(tmp_path: Path) -> None:
    model = load_model(write_small_checkpoint(tmp_path / "a.pth", "srflow"), "cpu")
    lr = picture(14, 117, 1)
    exact = sample_array(model, lr, n=1, image="").astype(int)
    low = sample_array(model, lr, n=1, image="", precision="bf16").astype(int)
    assert 0 < np.abs(exact - low).mean() < 1
    # A flow's reach is larger than its halo: what is beyond shows in the last level of a few pixels at most.
    [(_, tiled)] = iterate_samples(model, lr, [SampleRequest(0, 0.9)], "", SamplingSettings(), 16, LIMIT)
    difference = np.abs(exact[0] - tiled)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 1e-3


@pytest.mark.gpu
def test_gpu_agrees_with_the_cpu() -> None:
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    model = Toy("cuda")
    low = sample_array(model, LR, n=2).astype(int)
    assert np.abs(low - sample_array(Toy(), LR, n=2)).max() <= 1
