"""The mean of eight views."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.inputs.weights import write_small_checkpoint
from srspace_eval._utils.png import write_png
from srspace_eval.errors import InputError
from srspace_eval.models import load_model
from srspace_eval.models.adapters.self_ensemble import VIEWS, SelfEnsemble
from srspace_eval.models.loading import origin_of
from tests.helpers.commands import run

LR = torch.rand(1, 3, 5, 8, generator=torch.Generator().manual_seed(0))


def test_the_mean_is_that_of_the_eight_symmetries(tmp_path: Path) -> None:
    path = write_small_checkpoint(tmp_path / "x.pth", "rrdb")
    model, plain = (
        load_model(path, "cpu", rrdb_skip="first", self_ensemble=True),
        load_model(path, "cpu", rrdb_skip="first"),
    )
    assert isinstance(model, SelfEnsemble)
    pictures = []
    for transposed in (False, True):
        for flips in ([], [2], [3], [2, 3]):
            x = LR.transpose(2, 3) if transposed else LR
            y = plain.decode(x.flip(flips), [])[0].flip(flips)
            pictures.append(y.transpose(2, 3) if transposed else y)
    expected = torch.stack(pictures).mean(0)
    found, logdet = model.decode(LR, [])
    assert logdet is None
    assert found.is_contiguous()
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)
    assert (found - pictures[0]).abs().max() > 1e-4
    # The mean has the symmetries itself.
    torch.testing.assert_close(model.decode(LR.flip(3), [])[0].flip(3), found, atol=1e-6, rtol=0)
    assert model.config.details == {**plain.config.details, "self_ensemble": VIEWS}
    assert origin_of(model) == origin_of(plain)
    assert model.memory_estimate(5, 8, 1) > plain.memory_estimate(5, 8, 1)
    assert model.sample(np.zeros((5, 8, 3), np.uint8), n=1).shape == (1, 20, 32, 3)
    with pytest.raises(InputError, match="takes no latents"):
        model.decode(LR, [LR])


def test_a_stochastic_model_is_refused(tmp_path: Path) -> None:
    path = write_small_checkpoint(tmp_path / "x.pth", "srflow_da")
    with pytest.raises(InputError, match=r"is stochastic.*self_ensemble=True"):
        load_model(path, "cpu", self_ensemble=True)


def test_the_command_records_it(tmp_path: Path) -> None:
    write_png(tmp_path / "0801x4.png", np.random.default_rng(0).integers(0, 256, (6, 7, 3), dtype=np.uint8))
    command = ["sample", "--checkpoint", "bicubic_x4", "--lr", tmp_path / "0801x4.png", "--samples", 1, "--out"]
    assert run(*command, tmp_path / "out", "--self-ensemble") == 0
    record = json.loads((tmp_path / "out" / "srspace-eval-sample.json").read_text(encoding="utf-8"))
    assert record["model"]["details"]["self_ensemble"] == 8
    assert record["model"]["checkpoint"] == "bicubic_x4"
    # A folder does not mix the two.
    assert run(*command, tmp_path / "out") == 1
