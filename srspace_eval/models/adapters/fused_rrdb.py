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
from srspace_eval.kernels.winograd_tiles import Array, Scratch, TileConv, TiledMap


class _FusedDenseBlock:
    """See :class:`~srspace_eval.flows.rrdb.DenseBlock`."""

    def __init__(self, block: nn.Module) -> None:
        self._convs = [
            _tiled(block.get_submodule(f"conv{k + 1}"), 1.0 if k < 4 else RESIDUAL_SCALE) for k in range(5)
        ]

    def __call__(self, x: TiledMap, out: TiledMap, grown: list[TiledMap], values: Array, scratch: Scratch) -> None:
        """Write the block of x to ``out``; ``grown`` (two maps) and ``values`` are overwritten."""
        filters = [conv.filters(scratch, f"filters{k}") for k, conv in enumerate(self._convs)]
        for k, conv in enumerate(self._convs):
            newest = grown[k % 2] if k else x
            target, slope, added = (grown[(k + 1) % 2], SLOPE, None) if k < 4 else (out, 1.0, x)
            self._run(k, conv, filters[k], newest, target, values, scratch, slope, added)

    @staticmethod
    def _run(
        k: int,
        conv: TileConv,
        filters: Array,
        newest: TiledMap,
        target: TiledMap,
        values: Array,
        scratch: Scratch,
        slope: float,
        added: TiledMap | None,
    ) -> None:
        def band(first: int, last: int, worker: int) -> None:
            tiles = slice(first * newest.tiles[1], last * newest.tiles[1])
            seen = values[:, tiles, : conv.inputs]
            newest.values(first, last, seen[..., conv.inputs - newest.channels :], scratch, worker)
            conv.from_values(filters, seen, target, first, last, scratch, worker, slope, added)

        newest.for_bands(band)


class FusedRRDB:
    """The features of an RRDB network with a quarter of the products; float32 on the CPU, without gradients.

    Parameters
    ----------
    net:
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
        grown = [TiledMap(height, width, net.growth) for _ in range(2)]
        values, scratch = x.new_values(channels + 4 * net.growth), Scratch()
        size = 1, channels * len(stacked), height, width
        outputs = torch.empty(size, dtype=torch.float32, memory_format=torch.channels_last)
        at = 0
        for index, (one, two, three) in enumerate(self._blocks):
            one(x, y, grown, values, scratch)
            two(y, z, grown, values, scratch)
            three(z, y, grown, values, scratch)
            x.add(y, RESIDUAL_SCALE)
            if index in stacked:
                x.picture(outputs[:, at : at + channels])
                at += channels
        del values, grown, y, z
        trunk = x.picture()
        last = _tiled(net.trunk_conv)(trunk, scratch)
        last += trunk if net.skip == "trunk" else first
        up: list[Tensor] = []
        for k in range(upconvs):
            small = up[-1] if up else last
            large = F.interpolate(small, scale_factor=2, mode="nearest")
            up.append(_tiled(net.get_submodule(f"upconv{k + 1}"))(large, scratch, SLOPE))
        return RRDBFeatures(last, outputs, tuple(up))


def _tiled(conv: nn.Module, scale: float = 1.0) -> TileConv:
    parameters = dict(conv.named_parameters())
    return TileConv(parameters["weight"].detach(), parameters["bias"].detach(), scale)
