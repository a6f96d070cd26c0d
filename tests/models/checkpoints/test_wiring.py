"""The wiring of RRDB networks is found by running them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from benchmarks.inputs.weights import write_small_checkpoint
from srspace_eval.errors import InputError
from srspace_eval.flows import RRDBNet
from srspace_eval.models import load_model
from srspace_eval.models.checkpoints.wiring import SKIPS, recognise_wiring
from tests.helpers.model_goldens import weights
from tests.helpers.rrdb_layouts import LAYOUTS, renamed

LR = torch.rand(1, 3, 5, 7, generator=torch.Generator().manual_seed(0))


def trained(skip: str, scale: int = 2, blocks: int = 1) -> RRDBNet:
    """A network that enlarges by nearest neighbour if it is wired as given, and computes something else if not."""
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
    assert net.skip == "trunk"  # unchanged
    for name, layout in LAYOUTS.items():
        if name[1] == scale:
            rules = [(a, b.replace("sub.2", f"sub.{blocks}")) for a, b in layout]
            torch.save(renamed(net.state_dict(), rules), tmp_path / "x.pth")
            model = load_model(tmp_path / "x.pth", device="cpu")  # without a notice
            assert model.config.details["skip"] == skip
            assert model.config.scale == scale
            sr, _ = model.decode(LR, [])
            torch.testing.assert_close(sr, F.interpolate(LR, scale_factor=scale), atol=1e-4, rtol=0)


def test_a_given_wiring_is_used(tmp_path: Path) -> None:
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
    """Weights near zero: the output is mid grey whatever the LR."""
    for parameter in net.parameters():
        parameter.mul_(1e-6)
    net.conv_last.bias.fill_(0.5)  # type: ignore[union-attr]


def explosive(net: RRDBNet) -> None:
    """The trunk overflows, so that both wirings give NaN."""
    net.get_submodule("RRDB_trunk.0.RDB1.conv5").bias.fill_(3e38)  # type: ignore[union-attr, operator]


@pytest.mark.parametrize("spoil", [dead, explosive])
@pytest.mark.parametrize("scale", [4, 8])
def test_a_wiring_that_is_not_evident_is_the_usual_one(spoil: Callable[[RRDBNet], None], scale: int) -> None:
    net = RRDBNet(scale, 23, features=8, growth=4)
    net.load_state_dict(weights({name: tuple(value.shape) for name, value in net.state_dict().items()}))
    spoil(net.requires_grad_(False))
    for usual in SKIPS:
        wiring = recognise_wiring(net, usual)
        assert (wiring.skip, wiring.evident) == (usual, False)
