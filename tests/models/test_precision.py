"""The arithmetic of models, and that a program's own settings are restored."""

from __future__ import annotations

import pytest
import torch

from benchmarks.inputs.synth import picture
from srspace_eval.models.precision import inference
from srspace_eval.models.sampling.samples import iterate_samples
from srspace_eval.models.sampling.settings import SampleRequest, SamplingSettings
from tests.helpers.toy_model import Toy

LIMIT = 1 << 30
LR = picture(37, 51, 1)


def test_settings_are_restored() -> None:
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    newer = hasattr(cudnn, "conv")  # torch 2.9

    def tf32() -> tuple[object, ...]:
        return (cudnn.conv.fp32_precision, matmul.fp32_precision) if newer else (cudnn.allow_tf32, matmul.allow_tf32)

    before = (*tf32(), cudnn.deterministic)
    with inference(torch.device("cpu")):
        assert torch.is_inference_mode_enabled()
        assert tf32() == (("ieee", "ieee") if newer else (False, False))
        assert cudnn.deterministic
    assert (*tf32(), cudnn.deterministic) == before
    generator = iterate_samples(
        Toy(), LR, [SampleRequest(0, 1.0), SampleRequest(1, 1.0)], "", SamplingSettings(), None, LIMIT
    )
    next(generator)
    assert not torch.is_inference_mode_enabled()
    generator.close()


@pytest.mark.skipif(not hasattr(torch.backends.cudnn, "conv"), reason="settings of torch 2.9")
def test_a_program_may_use_the_newer_settings() -> None:
    conv = torch.backends.cudnn.conv
    before = conv.fp32_precision
    try:
        conv.fp32_precision = "ieee"  # after this, asking for cudnn.allow_tf32 is an error
        with inference(torch.device("cpu")):
            assert conv.fp32_precision == "ieee"
    finally:
        conv.fp32_precision = before
