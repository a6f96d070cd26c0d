"""What the steps of a flow compute from the LR alone, once for all samples.

The first convolutions of fAffine and fFeatures read the same conditioning u. They are computed together. On the CPU in
float32 they are computed in tiles, whose values all steps of a level share (:attr:`ConditionConv.shared`).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from srspace_eval.kernels.coupling import Conv
from srspace_eval.kernels.upsampled_conv import UpsampledConv
from srspace_eval.kernels.upsampled_tiles import FACTORS, SharedConv
from srspace_eval.kernels.winograd_tiles import supports


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

    Attributes
    ----------
    hidden
        Channels of each net's hidden maps.
    shared
        The same convolutions in tiles; None: they are not possible.
    """

    def __init__(
        self, affine: Conv, features: Conv, own_channels: int, factor: int, layout: torch.memory_format
    ) -> None:
        self.hidden = len(affine.weight)
        self._layout = layout
        weight = torch.cat([affine.weight, features.weight])
        bias = torch.cat(
            [conv.weight.new_zeros(len(conv.weight)) if conv.bias is None else conv.bias for conv in (affine, features)]
        )
        split = own_channels if factor >= 2 else weight.shape[1]
        own, stacked = weight[:, :split], weight[:, split:]
        self._own = Conv(own.contiguous(memory_format=layout), bias)
        self._upsampled = UpsampledConv(stacked, factor, layout) if factor >= 2 else None
        self.shared = SharedConv(weight, bias, split, max(factor, 1)) if can_share(weight, factor) else None

    def __call__(self, level: LevelInput) -> tuple[Tensor, Tensor]:
        """The sums before the first ReLU, for fAffine and fFeatures: (1, hidden, H, W) each."""
        out = self._own(level.own)
        if self._upsampled is not None and level.stacked is not None:
            self._upsampled.add_to(out, level.stacked)
        # Copies, so that the part that is kept does not keep the memory of both.
        affine, features = (part.clone(memory_format=self._layout) for part in torch.split(out, self.hidden, 1))
        return affine, features


def can_share(weight: Tensor, factor: int) -> bool:
    """Whether :class:`~srspace_eval.kernels.upsampled_tiles.SharedConv` computes with these weights and this factor."""
    return supports(weight) and max(factor, 1) in FACTORS
