"""All published configurations, through a checkpoint file, against what the original programs compute."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from srspace_eval.models import load_model
from srspace_eval.models.adapters.flow import FlowModel
from srspace_eval.models.base import Model
from tests.helpers.model_goldens import expected, manifests, weights

FLOWS = [name for name in sorted(manifests()) if not name.startswith("rrdb")]

# The golden pictures and latents are rounded to 2^-17.
ABSOLUTE = 1e-4 - 2**-18


def load(name: str, folder: Path, **options: Any) -> Model:
    path = folder / "checkpoint.pth"
    torch.save(weights(manifests()[name], int(expected()[name]["seed"])), path)
    try:
        return load_model(path, device="cpu", **options)
    finally:
        path.unlink()


def largest(a: Tensor, b: Tensor) -> float:
    assert a.shape == b.shape
    return float((a - b).abs().max())


@pytest.mark.parametrize("name", FLOWS)
def test_flow(name: str, tmp_path: Path) -> None:
    gold = expected()[name]
    model = load(name, tmp_path)
    assert isinstance(model, FlowModel)
    assert model.config.name == name
    latents = [gold[f"latent_{k}"] for k in range(sum(key.startswith("latent_") for key in gold))]
    assert model.latent_shapes(*gold["lr"].shape[2:]) == tuple(tuple(latent.shape[1:]) for latent in latents)

    conditioning = model.condition(gold["lr"])
    sr, logdet = model.decode(conditioning, latents)
    assert largest(sr, gold["sr"]) < ABSOLUTE
    torch.testing.assert_close(logdet, gold["logdet_decode"], rtol=1e-5, atol=0)
    assert largest(model.decode(conditioning, [0 * latent for latent in latents])[0], gold["sr_heat0"]) < ABSOLUTE

    encoded, logdet, nll = model.encode(conditioning, gold["hr"])
    for k, latent in enumerate(encoded):
        assert largest(latent, gold[f"encoded_{k}"]) < ABSOLUTE
    torch.testing.assert_close(logdet, gold["logdet_encode"], rtol=1e-5, atol=0)
    torch.testing.assert_close(nll, gold["nll"], rtol=0, atol=1e-4)
    assert largest(model.decode(gold["lr"], encoded)[0], gold["hr"]) < 1e-4


@pytest.mark.parametrize("name", ["rrdb_df2k_x4", "rrdb_df2k_x8"])
def test_rrdb(name: str, tmp_path: Path) -> None:
    gold = expected()[name]
    model = load(name, tmp_path, rrdb_skip="trunk")
    assert model.config.deterministic
    sr, logdet = model.decode(gold["lr"], [])
    assert logdet is None
    assert largest(sr, gold["sr"]) < ABSOLUTE
