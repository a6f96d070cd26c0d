"""The RRDB network (Wang et al., "ESRGAN", ECCVW 2018): a model by itself, and the LR encoder of the flows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SkipFrom: TypeAlias = Literal["trunk", "first"]
"""To what the output of trunk_conv is added: the output of the blocks or of conv_first, see :class:`RRDBNet`."""

SLOPE = 0.2
RESIDUAL_SCALE = 0.2


def leaky_relu(x: Tensor) -> Tensor:
    """The activation of the network, element by element: x, or 0.2·x where x is negative."""
    return F.leaky_relu(x, SLOPE)


class DenseBlock(nn.Module):
    """x + 0.2·f(x), where f is five 3×3 convolutions (ESRGAN, section 3.1).

    Each convolution reads the concatenation of x and the outputs of all convolutions before it.

    Parameters
    ----------
    features
        Channels of input and output.
    growth
        Output channels of the first four convolutions.
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
        out: Tensor = x + RESIDUAL_SCALE * self.get_submodule("conv5")(torch.cat(seen, 1))
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
        return x + RESIDUAL_SCALE * out


@dataclass(frozen=True)
class RRDBFeatures:
    """The feature maps of an RRDB network that the flows read.

    Attributes
    ----------
    last
        (1, features, h, w), the output of trunk_conv after its skip connection.
    stacked
        (1, features · stacked blocks, h, w), the outputs of the stacked blocks.
    up
        The outputs of upconv1, upconv2, ... after the LeakyReLU: twice, four times, ... the LR's size.
    """

    last: Tensor
    stacked: Tensor
    up: tuple[Tensor, ...]


class RRDBNet(nn.Module):
    """conv_first, RRDB blocks, trunk_conv, one upconv for each factor of 2, HRconv, conv_last; 3 channels in and out.

    Parameters
    ----------
    scale
        Super-resolution factor, a power of two.
    blocks, features, growth
        Number of RRDB blocks, channels between them, and channels of their dense layers.
    skip
        The wiring: to what the output of trunk_conv is added. ``"trunk"``: the output of the blocks (SRFlow's program);
        ``"first"``: the output of conv_first (the ESRGAN paper, figure 3).

    Examples
    --------
    >>> RRDBNet(4, 1, features=4, growth=2)(torch.rand(1, 3, 5, 6)).shape
    torch.Size([1, 3, 20, 24])
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
        """The feature maps of an LR.

        Parameters
        ----------
        lr
            (1, 3, h, w) float in [0, 1].
        stacked
            Numbers, from 0, of the blocks whose outputs are returned.
        upconvs
            How many upconvs are computed; None: all.
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
