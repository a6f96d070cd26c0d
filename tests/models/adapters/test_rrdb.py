"""RRDB networks as models, from checkpoints with three ways to name the parameters."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from srspace_eval.errors import InputError, Notice
from srspace_eval.flows import RRDBNet
from srspace_eval.models import load_model
from tests.helpers.model_goldens import weights
from tests.helpers.rrdb_layouts import LAYOUTS, renamed

LR = torch.rand(1, 3, 5, 7, generator=torch.Generator().manual_seed(0))


def make_net(scale: int = 4) -> RRDBNet:
    net = RRDBNet(scale, 2, features=8, growth=4)
    net.load_state_dict(weights({name: tuple(value.shape) for name, value in net.state_dict().items()}))
    return net.requires_grad_(False)


@pytest.mark.parametrize(("layout", "scale"), LAYOUTS)
def test_key_layouts(layout: str, scale: int, tmp_path: Path) -> None:
    net = make_net(scale)
    state: dict[str, object] = dict(renamed(net.state_dict(), LAYOUTS[layout, scale]))
    assert (layout == "plain") == (state.keys() == net.state_dict().keys())
    torch.save({"params_ema": state} if layout == "basicsr" else state, tmp_path / "x.pth")
    # Untrained weights: neither wiring reproduces the LR, so the usual one of programs with these names is used.
    usual = "trunk" if layout == "plain" else "first"
    with pytest.warns(Notice, match=rf"x\.pth: the wiring .* is not evident.*'{usual}' is used; set rrdb_skip"):
        model = load_model(tmp_path / "x.pth", device="cpu")
    assert (model.config.family, model.config.scale, model.config.deterministic) == ("rrdb", scale, True)
    assert model.config.details["skip"] == usual
    model = load_model(tmp_path / "x.pth", device="cpu", rrdb_skip="trunk")
    assert model.latent_shapes(5, 7) == ()
    sr, logdet = model.decode(LR, [])
    assert logdet is None
    assert sr.shape == (1, 3, 5 * scale, 7 * scale)
    torch.testing.assert_close(sr, net(LR), atol=1e-5, rtol=1e-5)
    assert torch.equal(model.decode(model.condition(LR), [])[0], sr)
    assert 0 < model.memory_estimate(5, 7, 1) <= model.memory_estimate(50, 7, 2)


def test_latents_are_refused(tmp_path: Path) -> None:
    torch.save(make_net().state_dict(), tmp_path / "x.pth")
    model = load_model(tmp_path / "x.pth", device="cpu", rrdb_skip="first")
    with pytest.raises(InputError, match="no latents"):
        model.decode(LR, [torch.zeros(1)])
    with pytest.raises(InputError, match="float tensor"):
        model.condition(LR[0])
