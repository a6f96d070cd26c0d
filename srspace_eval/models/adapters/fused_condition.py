"""What the steps of a flow compute from the LR alone, once for all samples.

The first convolutions of fAffine and fFeatures read the same conditioning u. They are computed together. On the CPU in
float32 they are computed from values that all steps of a level share: the tile values of the level's own map
(:mod:`srspace_eval.kernels.winograd_tiles`) and the differences of the stacked blocks
(:mod:`srspace_eval.kernels.upsampled_conv`).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from srspace_eval.kernels.coupling import Conv
from srspace_eval.kernels.upsampled_conv import DifferenceConv, Differences, UpsampledConv
from srspace_eval.kernels.winograd_tiles import Scratch, TileConv, TiledMap, supports


@dataclass(frozen=True)
class LevelInput:
    """What the steps of a level read of the LR.

    Attributes
    ----------
    own
        (1, C, H, W), the feature map of the level's resolution.
    stacked
        (1, C, h, w), the stacked blocks at the LR's size, if the level is at least twice as fine as the LR. At other
        levels they are part of ``own``, and this is None.
    """

    own: Tensor
    stacked: Tensor | None


class LevelValues:
    """A level's input as :class:`ConditionConv` reads it on the CPU in float32.

    Parameters
    ----------
    level
        The level's input.
    """

    def __init__(self, level: LevelInput) -> None:
        tiled = TiledMap.of(level.own)
        self.scratch = Scratch()
        self.height, self.width, self.tiles = tiled.height, tiled.width, tiled.tiles
        self.own = tiled.new_values(level.own.shape[1])
        columns = self.tiles[1]

        def band(first: int, last: int, worker: int) -> None:
            tiled.values(first, last, self.own[:, first * columns : last * columns], self.scratch, worker)

        tiled.for_bands(band)
        self.differences = None if level.stacked is None else Differences(level.stacked)


class ConditionConv:
    """The convolutions over u at the beginning of both nets of a coupling.

    Parameters
    ----------
    affine, features
        The convolutions of fAffine, without its channels for z1, and of fFeatures.
    own_channels
        Channels of u that have the level's resolution.
    factor
        The level's resolution divided by the LR's, along one axis.
    layout
        Memory format of the weights.
    """

    def __init__(
        self, affine: Conv, features: Conv, own_channels: int, factor: int, layout: torch.memory_format
    ) -> None:
        self._hidden = len(affine.weight)
        self._layout = layout
        weight = torch.cat([affine.weight, features.weight])
        biases = [
            conv.weight.new_zeros(len(conv.weight)) if conv.bias is None else conv.bias for conv in (affine, features)
        ]
        split = own_channels if factor >= 2 else weight.shape[1]
        own, stacked = weight[:, :split], weight[:, split:]
        self._own = Conv(own.contiguous(memory_format=layout), torch.cat(biases))
        self._upsampled = UpsampledConv(stacked, factor, layout) if factor >= 2 else None
        fast = supports(weight)
        self._tiled = TileConv(own, torch.cat(biases)) if fast else None
        self._differences = DifferenceConv(stacked, factor) if fast and factor >= 2 else None

    def __call__(self, level: LevelInput | LevelValues) -> tuple[Tensor, Tensor]:
        """The sums before the first ReLU, for fAffine and fFeatures: (1, hidden, H, W) each.

        With :class:`LevelValues` the second one is overwritten by the next call.
        """
        if isinstance(level, LevelValues):
            return self._from_values(level)
        out = self._own(level.own)
        if self._upsampled is not None and level.stacked is not None:
            self._upsampled.add_to(out, level.stacked)
        # Copies, so that the part that is kept does not keep the memory of both.
        affine, features = (part.clone(memory_format=self._layout) for part in torch.split(out, self._hidden, 1))
        return affine, features

    def _from_values(self, level: LevelValues) -> tuple[Tensor, Tensor]:
        conv = self._tiled
        assert conv is not None
        sums = level.scratch.map("sums", level.height, level.width, conv.outputs)
        columns, filters = level.tiles[1], conv.filters(level.scratch)

        def band(first: int, last: int, worker: int) -> None:
            values = level.own[:, first * columns : last * columns]
            conv.from_values(filters, values, sums, first, last, level.scratch, worker)

        sums.for_bands(band)
        size = 1, self._hidden, level.height, level.width
        affine = torch.empty(size, dtype=torch.float32, memory_format=torch.channels_last)
        features = torch.from_numpy(level.scratch.take("hidden", level.height, level.width, self._hidden))
        features = features.permute(2, 0, 1)[None]
        sums.picture(affine)
        sums.picture(features, self._hidden)
        if self._differences is not None and level.differences is not None:
            outs = [out[0].permute(1, 2, 0) for out in (affine, features)]
            self._differences.add_to(outs, level.differences, level.scratch)
        return affine, features
