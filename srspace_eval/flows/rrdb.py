"""The RRDB network (Wang et al., "ESRGAN", ECCVW 2018), by itself and as the LR encoder of the flows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SkipFrom: TypeAlias = Literal["trunk", "first"]
"""What trunk_conv's output is added to: the blocks' output or conv_first's, see :class:`RRDBNet`."""

_SLOPE = 0.2
_RESIDUAL_SCALE = 0.2


def leaky_relu(x: Tensor) -> Tensor:
    """The network's activation, element by element: x, or 0.2·x where x is negative."""
    return F.leaky_relu(x, _SLOPE)


class DenseBlock(nn.Module):
    """Five 3×3 convolutions, each of all that came before; x + 0.2·(the fifth's output) (ESRGAN, section 3.1).

    Parameters
    ----------
    features:
        Channels in and out.
    growth:
        Channels of the first four.
    """

    def __init__(self, features: int, growth: int) -> None:
        super().__init__()
        for k in range(5):
            out = growth if k < 4 else features
            self.add_module(f"conv{k + 1}", nn.Conv2d(features + k * growth, out, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        """(N, features, h, w) float -> the same shape."""
        seen = [x]
        for k in range(4):
            seen.append(leaky_relu(self.get_submodule(f"conv{k + 1}")(torch.cat(seen, 1))))
        out: Tensor = x + _RESIDUAL_SCALE * self.get_submodule("conv5")(torch.cat(seen, 1))
        return out


class RRDB(nn.Module):
    """Residual in residual: x + 0.2·(three dense blocks)(x) (ESRGAN, figure 4). Parameters: see :class:`DenseBlock`."""

    def __init__(self, features: int, growth: int) -> None:
        super().__init__()
        for k in range(3):
            self.add_module(f"RDB{k + 1}", DenseBlock(features, growth))

    def forward(self, x: Tensor) -> Tensor:
        """(N, features, h, w) float -> the same shape."""
        out = x
        for k in range(3):
            out = self.get_submodule(f"RDB{k + 1}")(out)
        return x + _RESIDUAL_SCALE * out


@dataclass(frozen=True)
class RRDBFeatures:
    """What the flows read of an RRDB network.

    Attributes
    ----------
    last:
        (1, features, h, w): trunk_conv's output plus what it skips to.
    stacked:
        (1, features · stacked blocks, h, w).
    up:
        After upconv1, upconv2, ... and its LeakyReLU: twice, four times, ... the LR's size.
    """

    last: Tensor
    stacked: Tensor
    up: tuple[Tensor, ...]


class RRDBNet(nn.Module):
    """conv_first, RRDB blocks, trunk_conv, one upconv for each factor of 2, HRconv, conv_last; 3 channels in and out.

    ``skip`` says what trunk_conv's output is added to: the blocks' output (``"trunk"``, SRFlow's program) or
    conv_first's (``"first"``, the ESRGAN paper, figure 3).

    Parameters
    ----------
    scale:
        A power of two.
    blocks, features, growth:
        RRDB blocks, channels between them, channels of their dense layers.
    skip:
        The wiring.
    """

    def __init__(self, scale: int, blocks: int, features: int = 64, growth: int = 32, skip: SkipFrom = "trunk") -> None:
        super().__init__()
        self.skip = skip
        self.upconvs = scale.bit_length() - 1
        self.growth = growth
        self.conv_first = nn.Conv2d(3, features, 3, padding=1)
        self.RRDB_trunk = nn.Sequential(*(RRDB(features, growth) for _ in range(blocks)))
        self.trunk_conv = nn.Conv2d(features, features, 3, padding=1)
        for k in range(self.upconvs):
            self.add_module(f"upconv{k + 1}", nn.Conv2d(features, features, 3, padding=1))
        self.HRconv = nn.Conv2d(features, features, 3, padding=1)
        self.conv_last = nn.Conv2d(features, 3, 3, padding=1)

    def features(self, lr: Tensor, stacked: tuple[int, ...] = (), upconvs: int | None = None) -> RRDBFeatures:
        """Features of an LR (1, 3, h, w) float in [0, 1].

        Parameters
        ----------
        lr:
            The LR.
        stacked:
            Numbers, from 0, of the blocks whose outputs are wanted.
        upconvs:
            How many upconvs are run; None: all.
        """
        x = first = self.conv_first(lr)
        outputs = []
        for index, block in enumerate(self.RRDB_trunk):
            x = block(x)
            if index in stacked:
                outputs.append(x)
        last = self.trunk_conv(x) + (x if self.skip == "trunk" else first)
        x = last
        up = []
        for k in range(self.upconvs if upconvs is None else upconvs):
            x = F.interpolate(x, scale_factor=2, mode="nearest")
            x = leaky_relu(self.get_submodule(f"upconv{k + 1}")(x))
            up.append(x)
        return RRDBFeatures(last, torch.cat(outputs, 1) if outputs else last[:, :0], tuple(up))

    def forward(self, lr: Tensor) -> Tensor:
        """(1, 3, h, w) float in [0, 1] -> (1, 3, h·scale, w·scale), not clamped."""
        features = self.features(lr)
        x = features.up[-1] if features.up else features.last
        out: Tensor = self.conv_last(leaky_relu(self.HRconv(x)))
        return out
