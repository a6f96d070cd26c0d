"""RRDB networks: three ways to name their parameters, two ways to wire them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.inputs.weights import write_small_checkpoint
from srspace_eval.errors import InputError, Notice
from srspace_eval.flows import RRDBNet
from srspace_eval.models import load_model
from srspace_eval.models.adapters.rrdb import SKIPS, recognise_wiring
from tests.helpers.model_goldens import weights

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
    # Weights of no training: neither wiring reproduces the LR, so it is that of the programs which name them so.
    usual = "trunk" if layout == "plain" else "first"
    with pytest.warns(Notice, match=rf"x\.pth: its wiring cannot be told.*'{usual}' is taken, --rrdb-skip"):
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


def trained(skip: str, scale: int = 2, blocks: int = 1) -> RRDBNet:
    """A network that enlarges by nearest neighbour if it is wired as told, and not at all if not."""
    net = RRDBNet(scale, blocks, features=4, growth=2).requires_grad_(False)
    for parameter in net.parameters():
        parameter.zero_()
    upconvs = [net.get_submodule(f"upconv{k + 1}") for k in range(net.upconvs)]
    for module in (net.conv_first, *upconvs, net.HRconv, net.conv_last):
        for k in range(3):
            module.weight[k, k, 1, 1] = 1  # type: ignore[union-attr, operator, index]
    # A block without weights gives 1.2·x.
    if skip == "trunk":
        net.conv_first.weight.div_(1.2**blocks)  # type: ignore[union-attr]
    return net


@pytest.mark.parametrize(("scale", "blocks"), [(2, 3), (4, 23), (8, 23), (4, 6)])
@pytest.mark.parametrize("skip", ["trunk", "first"])
def test_the_wiring_is_the_one_that_reproduces_the_lr(skip: str, scale: int, blocks: int, tmp_path: Path) -> None:
    net = trained(skip, scale, blocks)
    assert all(recognise_wiring(net, usual).skip == skip for usual in SKIPS)
    assert net.skip == "trunk"  # as it was
    for name, layout in LAYOUTS.items():
        if name[1] == scale:
            rules = [(a, b.replace("sub.2", f"sub.{blocks}")) for a, b in layout]
            torch.save(renamed(net.state_dict(), rules), tmp_path / "x.pth")
            model = load_model(tmp_path / "x.pth", device="cpu")  # without a notice
            assert model.config.details["skip"] == skip
            assert model.config.scale == scale
            sr, _ = model.decode(LR, [])
            torch.testing.assert_close(sr, F.interpolate(LR, scale_factor=scale), atol=1e-4, rtol=0)


def test_a_wiring_that_is_named_is_taken(tmp_path: Path) -> None:
    torch.save(trained("first").state_dict(), tmp_path / "x.pth")
    for skip in SKIPS:  # without a notice
        model = load_model(tmp_path / "x.pth", device="cpu", rrdb_skip=skip)
        assert model.config.details["skip"] == skip
    with pytest.raises(InputError, match="rrdb_skip = 'none' is not 'trunk' or 'first'"):
        load_model(tmp_path / "x.pth", device="cpu", rrdb_skip="none")  # type: ignore[arg-type]
    for other in (write_small_checkpoint(tmp_path / "flow.pth", "srflow"), "bicubic_x4"):
        with pytest.raises(InputError, match="is not an RRDB network by itself"):
            load_model(other, device="cpu", rrdb_skip="first")


def dead(net: RRDBNet) -> None:
    """Almost no weights: mid grey, whatever the LR."""
    for parameter in net.parameters():
        parameter.mul_(1e-6)
    net.conv_last.bias.fill_(0.5)  # type: ignore[union-attr]


def explosive(net: RRDBNet) -> None:
    """Overflows in the trunk, so that both wirings give NaN."""
    net.get_submodule("RRDB_trunk.0.RDB1.conv5").bias.fill_(3e38)  # type: ignore[union-attr, operator]


@pytest.mark.parametrize("spoil", [dead, explosive])
@pytest.mark.parametrize("scale", [4, 8])
def test_a_wiring_that_the_output_does_not_tell_is_the_usual_one(spoil: Callable[[RRDBNet], None], scale: int) -> None:
    net = RRDBNet(scale, 23, features=8, growth=4)
    net.load_state_dict(weights({name: tuple(value.shape) for name, value in net.state_dict().items()}))
    spoil(net.requires_grad_(False))
    for usual in SKIPS:
        wiring = recognise_wiring(net, usual)
        assert (wiring.skip, wiring.evident) == (usual, False)


def test_it_takes_no_latents(tmp_path: Path) -> None:
    torch.save(make_net().state_dict(), tmp_path / "x.pth")
    model = load_model(tmp_path / "x.pth", device="cpu", rrdb_skip="first")
    with pytest.raises(InputError, match="no latents"):
        model.decode(LR, [torch.zeros(1)])
    with pytest.raises(InputError, match="float tensor"):
        model.condition(LR[0])
