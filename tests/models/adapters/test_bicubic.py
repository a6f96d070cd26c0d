from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmarks.inputs.synth import picture
from srspace_eval.errors import InputError
from srspace_eval.metrics.resize import imresize
from srspace_eval.models.adapters.bicubic import Bicubic
from srspace_eval.models.base import Flow, Model
from srspace_eval.models.sampling.samples import iterate_samples, sample_array
from srspace_eval.models.sampling.settings import SampleRequest, SamplingSettings

LIMIT = 1 << 30
LR = picture(37, 51, 4)


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_equals_imresize_rounded_once(scale: int) -> None:
    sr = Bicubic(scale).sample(LR, n=1)[0]
    exact = imresize(LR.astype(np.float64) / 255, scale=scale, convention="matlab")
    expected = np.clip(exact, 0, 1) * 255
    assert sr.shape == (37 * scale, 51 * scale, 3)
    # Rounded to the nearest: in float32 an exact half may go either way.
    assert np.abs(sr - expected).max() < 0.5 + 1e-3


def test_is_a_deterministic_model() -> None:
    model = Bicubic(4)
    assert isinstance(model, Model)
    assert not isinstance(model, Flow)
    assert model.config.deterministic
    assert model.latent_shapes(10, 10) == ()
    samples = sample_array(model, LR, n=3, heat=0.9, seed=5)
    assert (samples == samples[0]).all()
    with pytest.raises(InputError, match="no latents"):
        model.decode(torch.zeros(1, 3, 8, 8), [torch.zeros(1, 3, 8, 8)])
    for lr in (torch.zeros(2, 3, 8, 8), torch.zeros(3, 8, 8), torch.zeros(1, 3, 8, 8, dtype=torch.uint8)):
        with pytest.raises(InputError, match="lr must be a float tensor"):
            model.decode(lr, [])
    with pytest.raises(InputError, match="scale = 1"):
        Bicubic(1)


def test_tiles_equal_the_whole() -> None:
    whole = sample_array(Bicubic(4), LR, n=1)[0]
    [(_, tiled)] = iterate_samples(
        Bicubic(4), LR, [SampleRequest(0, 0.9)], "", SamplingSettings(quantize="round"), 16, LIMIT
    )
    np.testing.assert_array_equal(whole, tiled)


def test_memory_estimate_covers_the_output() -> None:
    assert Bicubic(8).memory_estimate(10, 20, 1) >= 10 * 20 * 64 * 3 * 4 * 2
