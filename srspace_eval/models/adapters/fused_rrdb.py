"""The RRDB network as the LR encoder of a flow, fast on the CPU in float32.

The five convolutions of a dense block read growing parts of one tensor: the tile values of the block's input and of
the first four outputs (:mod:`srspace_eval.kernels.winograd_tiles`). Each map is transformed once, and nothing is
concatenated.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srspace_eval.flows.rrdb import RESIDUAL_SCALE, SLOPE, RRDBFeatures, RRDBNet
from srspace_eval.kernels.banded_tiles import BandedConv, BandedMap, Stages, run_stages
from srspace_eval.kernels.dense_tiles import DenseBlock
from srspace_eval.kernels.winograd_tiles import Scratch

_BAND_TILES = 96  # tiles of a band, at least: with so many the trunk is fastest


class FusedRRDB:
    """The features of an RRDB network with a quarter of the products; float32 on the CPU, without gradients.

    Parameters
    ----------
    net
        The network. Its weights are shared.
    """

    def __init__(self, net: RRDBNet) -> None:
        self._net = net
        self._blocks = [[_fused(block.get_submodule(f"RDB{k + 1}")) for k in range(3)] for block in net.RRDB_trunk]

    def features(self, lr: Tensor, stacked: tuple[int, ...], upconvs: int) -> RRDBFeatures:
        """See :meth:`RRDBNet.features`; the maps are channels-last."""
        net = self._net
        first = net.conv_first(lr)
        _, channels, height, width = first.shape
        x = BandedMap.of(first, tiles=_BAND_TILES)
        y, z = (BandedMap(height, width, channels, tiles=_BAND_TILES) for _ in range(2))
        grown = [BandedMap(height, width, net.growth, tiles=_BAND_TILES) for _ in range(4)]
        values, scratch = DenseBlock.new_values(x, channels + 4 * net.growth), Scratch()
        size = 1, channels * len(stacked), height, width
        outputs = torch.empty(size, dtype=torch.float32, memory_format=torch.channels_last)
        at, chain = 0, list[Stages]()
        for index, (one, two, three) in enumerate(self._blocks):
            chain += [
                one.stages(x, y, grown, values, scratch, 0),
                two.stages(y, z, grown, values, scratch, 1),
                three.stages(z, y, grown, values, scratch, 0),
                x.adding(y, RESIDUAL_SCALE),
            ]
            if index in stacked or index + 1 == len(self._blocks):
                run_stages(chain)
                chain = []
            if index in stacked:
                x.picture(outputs[:, at : at + channels])
                at += channels
        del values, grown, y, z
        trunk = x.picture(torch.empty_like(first, memory_format=torch.channels_last))
        last = _banded(net.trunk_conv)(trunk, scratch)
        last += trunk if net.skip == "trunk" else first
        up: list[Tensor] = []
        for k in range(upconvs):
            small = up[-1] if up else last
            large = F.interpolate(small, scale_factor=2, mode="nearest")
            up.append(_banded(net.get_submodule(f"upconv{k + 1}"))(large, scratch, SLOPE))
        return RRDBFeatures(last, outputs, tuple(up))


def _fused(block: nn.Module) -> DenseBlock:
    """See :class:`~srspace_eval.flows.rrdb.DenseBlock`."""
    convs = [_parameters(block.get_submodule(f"conv{k + 1}")) for k in range(5)]
    factors = [1.0, 1.0, 1.0, 1.0, RESIDUAL_SCALE]
    return DenseBlock([BandedConv(*conv, factor) for conv, factor in zip(convs, factors, strict=True)], SLOPE)


def _banded(conv: nn.Module) -> BandedConv:
    return BandedConv(*_parameters(conv))


def _parameters(conv: nn.Module) -> tuple[Tensor, Tensor]:
    parameters = dict(conv.named_parameters())
    return parameters["weight"].detach(), parameters["bias"].detach()
