"""From pictures to latents and back."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmarks.inputs.weights import write_small_checkpoint
from srspace_eval.errors import InputError
from srspace_eval.models import Flow, heat_series, load_model, normalise_latents, transfer_content
from srspace_eval.models.lr_input import to_tensor

RNG = np.random.default_rng(0)
LR, OTHER = (RNG.integers(60, 200, (7, 9, 3), dtype=np.uint8) for _ in range(2))


@pytest.fixture(scope="module")
def flow(tmp_path_factory: pytest.TempPathFactory) -> Flow:
    model = load_model(write_small_checkpoint(tmp_path_factory.mktemp("flow") / "x.pth", "srflow"), "cpu")
    assert isinstance(model, Flow)
    return model


@pytest.mark.parametrize("scope", ["latent", "channel"])
def test_normalised_latents_have_the_statistics_of_drawn_ones(scope: str) -> None:
    z = (
        torch.randn(2, 3, 20, 30) * torch.tensor([1.0, 4.0, 0.1])[:, None, None]
        + torch.tensor([0.0, 2.0, -5.0])[:, None, None]
    )
    (found,) = normalise_latents([z], 0.8, scope=scope)  # type: ignore[arg-type]
    for sample in found:
        parts = sample if scope == "channel" else sample[None]
        for part in parts:
            assert abs(float(part.mean())) < 1e-6
            assert float(part.std(correction=0)) == pytest.approx(0.8, abs=1e-6)
    # The pattern stays: only an offset and a factor change.
    a, b = z[0, 1].flatten(), found[0, 1].flatten()
    assert float(torch.corrcoef(torch.stack([a, b]))[0, 1]) == pytest.approx(1, abs=1e-5)


def test_a_constant_latent_becomes_zero_and_wrong_words_are_refused() -> None:
    assert not normalise_latents([torch.full((1, 2, 3, 3), 7.0)])[0].any()
    with pytest.raises(InputError, match="scope = 'row'"):
        normalise_latents([torch.zeros(1, 1, 1, 1)], scope="row")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="heat"):
        normalise_latents([torch.zeros(1, 1, 1, 1)], -1)


def test_without_normalisation_the_picture_comes_back(flow: Flow) -> None:
    picture = flow.sample(LR, n=1)[0]
    back = transfer_content(flow, picture, LR, heat=None)
    assert np.abs(back.astype(int) - picture).max() <= 1


def test_content_is_decoded_under_the_other_lr(flow: Flow) -> None:
    picture = flow.sample(LR, n=1)[0]
    found = transfer_content(flow, picture, OTHER, edited_lr=LR, heat=0.7, scope="channel")
    with torch.no_grad():
        latents, _, _ = flow.encode(to_tensor(LR), to_tensor(picture))
        sr, _ = flow.decode(to_tensor(OTHER), normalise_latents(latents, 0.7, scope="channel"))
    expected = sr[0].clamp(0, 1).mul(255).to(torch.uint8).permute(1, 2, 0).numpy()
    assert np.array_equal(found, expected)
    assert not np.array_equal(found, transfer_content(flow, picture, LR, heat=0.7, scope="channel"))


def test_a_heat_series_is_sample_zero_at_each_heat(flow: Flow) -> None:
    heats = [0, 0.5, 0.9, 0.5]
    series = heat_series(flow, LR, heats, seed=4, image="0801")
    for picture, heat in zip(series, heats, strict=True):
        assert np.array_equal(picture, flow.sample(LR, n=1, heat=heat, seed=4, image="0801")[0])


def test_misuse_is_refused(flow: Flow) -> None:
    plain = load_model("bicubic_x4", "cpu")
    with pytest.raises(InputError, match="no encode"):
        transfer_content(plain, LR, LR)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="deterministic"):
        heat_series(plain, LR, [0.5])
    with pytest.raises(InputError, match="heats is empty"):
        heat_series(flow, LR, [])
    with pytest.raises(InputError, match="hr must be"):
        transfer_content(flow, LR, LR)
    with pytest.raises(InputError, match="edited_lr is 9×6"):
        transfer_content(flow, LR, LR, edited_lr=LR[:6])
