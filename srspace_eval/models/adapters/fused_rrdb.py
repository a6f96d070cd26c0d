"""The RRDB network as the LR encoder of a flow, fast on the CPU in float32.

The five convolutions of a dense block read growing parts of one tensor: the tile values of the block's input and of
the first four outputs (:mod:`srspace_eval.kernels.winograd_tiles`). Each map is transformed once, and nothing is
concatenated.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srspace_eval.flows.rrdb import RESIDUAL_SCALE, SLOPE, RRDBFeatures, RRDBNet, leaky_relu
from srspace_eval.kernels.winograd_tiles import Scratch, TileConv, TiledMap


class _FusedDenseBlock:
    """See :class:`~srspace_eval.flows.rrdb.DenseBlock`."""

    def __init__(self, block: nn.Module) -> None:
        parameters = dict(block.named_parameters())
        names = [f"conv{k + 1}" for k in range(5)]
        self._convs = [
            TileConv(parameters[f"{name}.weight"].detach(), parameters[f"{name}.bias"].detach()) for name in names
        ]

    def __call__(self, x: TiledMap, out: TiledMap, grown: TiledMap, values: Tensor, scratch: Scratch) -> None:
        """Write the block of x to ``out``; ``grown`` and ``values`` are overwritten."""
        seen = x.pixels.shape[2]
        x.values(values[..., :seen], scratch)
        for conv in self._convs[:-1]:
            conv.from_values(values[..., :seen], [grown.whole_tiles], scratch)
            grown.clear_outside()
            F.leaky_relu_(grown.pixels, SLOPE)
            growth = grown.pixels.shape[2]
            grown.values(values[..., seen : seen + growth], scratch)
            seen += growth
        self._convs[-1].from_values(values, [out.whole_tiles], scratch)
        out.clear_outside()
        out.pixels.mul_(RESIDUAL_SCALE).add_(x.pixels)


class FusedRRDB:
    """The features of an RRDB network with a quarter of the products; float32 on the CPU, without gradients.

    Parameters
    ----------
    net
        The network. Its weights are shared.
    """

    def __init__(self, net: RRDBNet) -> None:
        self._net = net
        self._blocks = [
            [_FusedDenseBlock(block.get_submodule(f"RDB{k + 1}")) for k in range(3)] for block in net.RRDB_trunk
        ]

    def features(self, lr: Tensor, stacked: tuple[int, ...], upconvs: int) -> RRDBFeatures:
        """See :meth:`RRDBNet.features`; the maps are channels-last."""
        net = self._net
        first = net.conv_first(lr)
        _, channels, height, width = first.shape
        x, y, z = TiledMap.of(first), TiledMap(height, width, channels), TiledMap(height, width, channels)
        grown = TiledMap(height, width, net.growth)
        values, scratch = x.new_values(channels + 4 * net.growth), Scratch()
        size = 1, channels * len(stacked), height, width
        outputs = torch.empty(size, dtype=torch.float32, memory_format=torch.channels_last)
        at = 0
        for index, (one, two, three) in enumerate(self._blocks):
            one(x, y, grown, values, scratch)
            two(y, z, grown, values, scratch)
            three(z, y, grown, values, scratch)
            x.pixels.add_(y.pixels, alpha=RESIDUAL_SCALE)
            if index in stacked:
                outputs[:, at : at + channels] = x.picture
                at += channels
        del values, scratch, grown, y, z
        trunk = x.picture
        last = net.trunk_conv(trunk.contiguous(memory_format=torch.channels_last))
        last += trunk if net.skip == "trunk" else first
        up: list[Tensor] = []
        for k in range(upconvs):
            small = up[-1] if up else last
            large = F.interpolate(small, scale_factor=2, mode="nearest")
            up.append(leaky_relu(net.get_submodule(f"upconv{k + 1}")(large)))
        return RRDBFeatures(last, outputs, tuple(up))
