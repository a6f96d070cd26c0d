"""RRDB networks: three ways to name their parameters, two ways to wire them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from torch import Tensor

from srspace_eval.errors import InputError
from srspace_eval.flows import RRDBNet
from srspace_eval.models import load_model
from srspace_eval.models.rrdb_model import recognise_skip
from tests.model_goldens import weights

LR = torch.rand(1, 3, 5, 7, generator=torch.Generator().manual_seed(0))


def make_net(scale: int = 4) -> RRDBNet:
    net = RRDBNet(scale, 2, features=8, growth=4)
    net.load_state_dict(weights({name: tuple(value.shape) for name, value in net.state_dict().items()}))
    return net.requires_grad_(False)


def renamed(state: dict[str, Tensor], rules: list[tuple[str, str]]) -> dict[str, Tensor]:
    out = {}
    for name, value in state.items():
        for pattern, replacement in rules:
            name, count = re.subn(pattern, replacement, name)
            if count:
                break
        out[name] = value
    return out


OLD = [
    (r"^RRDB_trunk\.(\d+)\.(RDB\d)\.(conv\d)", r"model.1.sub.\1.\2.\3.0"),
    ("^trunk_conv", "model.1.sub.2"),
    ("^conv_first", "model.0"),
    ("^upconv1", "model.3"),
    ("^upconv2", "model.6"),
    ("^upconv3", "model.9"),
]
LAYOUTS = {
    ("plain", 4): [],
    ("old", 4): [*OLD, ("^HRconv", "model.8"), ("^conv_last", "model.10")],
    ("old", 8): [*OLD, ("^HRconv", "model.11"), ("^conv_last", "model.13")],
    ("plain", 8): [],
}
BASICSR = [(r"^RRDB_trunk\.(\d+)\.RDB(\d)\.", r"body.\1.rdb\2."), ("^trunk_conv", "conv_body"), ("^HRconv", "conv_hr"),
           ("^upconv", "conv_up")]  # fmt: skip
LAYOUTS |= {("basicsr", 4): BASICSR, ("basicsr", 8): BASICSR}


@pytest.mark.parametrize(("layout", "scale"), LAYOUTS)
def test_key_layouts(layout: str, scale: int, tmp_path: Path) -> None:
    net = make_net(scale)
    state: dict[str, object] = dict(renamed(net.state_dict(), LAYOUTS[layout, scale]))
    assert (layout == "plain") == (state.keys() == net.state_dict().keys())
    torch.save({"params_ema": state} if layout == "basicsr" else state, tmp_path / "x.pth")
    model = load_model(tmp_path / "x.pth", device="cpu")
    assert (model.config.family, model.config.scale, model.config.deterministic) == ("rrdb", scale, True)
    assert model.config.details["skip"] == "trunk"
    assert model.latent_shapes(5, 7) == ()
    sr, logdet = model.decode(LR, [])
    assert logdet is None
    assert sr.shape == (1, 3, 5 * scale, 7 * scale)
    torch.testing.assert_close(sr, net(LR), atol=1e-5, rtol=1e-5)
    assert torch.equal(model.decode(model.condition(LR), [])[0], sr)
    assert 0 < model.memory_estimate(5, 7, 1) <= model.memory_estimate(50, 7, 2)


def trained(skip: str) -> RRDBNet:
    """A network that enlarges by nearest neighbour if it is wired as told, and shifts all colours by 3 if not."""
    net = RRDBNet(2, 1, features=4, growth=2).requires_grad_(False)
    for parameter in net.parameters():
        parameter.zero_()
    for module in (net.conv_first, net.get_submodule("upconv1"), net.HRconv, net.conv_last):
        for k in range(3):
            module.weight[k, k, 1, 1] = 1  # type: ignore[union-attr, operator, index]
    # The block's output is 1.2·x + 3; with the skip from there, the trunk takes it back.
    net.get_submodule("RRDB_trunk.0.RDB3.conv5").bias.fill_(75.0)  # type: ignore[union-attr, operator]
    if skip == "trunk":
        net.trunk_conv.bias.fill_(-3.0)  # type: ignore[union-attr]
        for k in range(3):
            net.trunk_conv.weight[k, k, 1, 1] = 0.0
    return net


@pytest.mark.parametrize("skip", ["trunk", "first"])
def test_the_wiring_is_the_one_that_reproduces_the_lr(skip: str, tmp_path: Path) -> None:
    net = trained(skip)
    recognise_skip(net)
    assert net.skip == skip
    torch.save(net.state_dict(), tmp_path / "x.pth")
    model = load_model(tmp_path / "x.pth", device="cpu")
    assert model.config.details["skip"] == skip
    assert model.config.scale == 2


def test_it_takes_no_latents(tmp_path: Path) -> None:
    torch.save(make_net().state_dict(), tmp_path / "x.pth")
    model = load_model(tmp_path / "x.pth", device="cpu")
    with pytest.raises(InputError, match="no latents"):
        model.decode(LR, [torch.zeros(1)])
    with pytest.raises(InputError, match="float tensor"):
        model.condition(LR[0])
