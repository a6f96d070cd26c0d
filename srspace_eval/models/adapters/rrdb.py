"""RRDB networks (RRDB, ESRGAN, RealSR) as models."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from srspace_eval.errors import InputError
from srspace_eval.flows.rrdb import RRDBNet, SkipFrom
from srspace_eval.models.base import Conditioning, LatentShape, Model, ModelConfig
from srspace_eval.models.device import exact_arithmetic
from srspace_eval.models.lr_input import check_tensor

# Convolution scratch.
_WORKSPACE = 64 << 20


class RRDBModel(Model):
    """A deterministic network: no latents, no likelihood.

    ``halo`` is what tiles are read with; the receptive field of 23 blocks is 350 pixels, so tiles agree with the whole
    approximately, not exactly.
    """

    halo = 32

    def __init__(self, config: ModelConfig, net: RRDBNet) -> None:
        self.config = config
        self.device = net.conv_first.weight.device
        self._layout = torch.channels_last if self.device.type == "cpu" else torch.contiguous_format
        self._net = net.to(memory_format=self._layout)

    def latent_shapes(self, height: int, width: int) -> tuple[LatentShape, ...]:
        """None: an empty tuple."""
        return ()

    @torch.no_grad()
    def condition(self, lr: Tensor) -> Tensor:
        """The LR itself, (1, 3, h, w), on the device; InputError if it is none."""
        check_tensor(lr)
        return lr.to(self.device).contiguous(memory_format=self._layout)

    @torch.no_grad()
    @exact_arithmetic()
    def decode(self, lr: Tensor | Conditioning, latents: Sequence[Tensor]) -> tuple[Tensor, None]:
        """(1, 3, h, w) in [0, 1] and no latents -> (1, 3, h·scale, w·scale) float32, not clamped; None.

        Raises
        ------
        InputError
            If there are latents, or the LR has another shape or range.
        """
        if len(latents):
            raise InputError(f"{self.config.name} is deterministic: it takes no latents")
        return self._net(self.condition(lr)).contiguous(), None

    def memory_estimate(self, height: int, width: int, n: int) -> int:
        """As :meth:`Model.memory_estimate`; the samples are copies, so n does not count."""
        features, growth = self._net.conv_first.out_channels, self._net.growth
        trunk, finest = 8 * features + 8 * growth, 4 * features * self.config.scale**2
        return int(1.2 * 4 * height * width * (trunk + finest)) + _WORKSPACE


@dataclass(frozen=True)
class Wiring:
    """How an RRDB network is wired, by what it makes of a test picture.

    Attributes
    ----------
    skip:
        The wiring to take, as :class:`~srspace_eval.flows.rrdb.RRDBNet` names it.
    errors:
        Wiring -> mean absolute difference between the test picture, in [0, 1], and the averaged output.
    evident:
        Whether the errors tell the wiring.
    """

    skip: SkipFrom
    errors: Mapping[SkipFrom, float]
    evident: bool


@torch.no_grad()
def recognise_wiring(net: RRDBNet, usual: SkipFrom) -> Wiring:
    """How a network is wired, which no parameter's name or shape tells.

    SRFlow's program adds trunk_conv's output to the blocks' output, ESRGAN's and BasicSR's to conv_first's. A trained
    network reproduces its LR when its output is averaged over scale × scale pixels, but only if it is wired as it was
    trained. So both are tried on a small smooth picture, and the one that does that is evident if the other is far
    worse. Else it is ``usual``, that of the program which names the parameters so.
    """
    scale = 2**net.upconvs
    y, x = torch.meshgrid(torch.linspace(0.2, 0.8, 12), torch.linspace(0.3, 0.7, 12), indexing="ij")
    lr = torch.stack([x, y, (x + y) / 2])[None].to(net.conv_first.weight)
    given = net.skip
    errors: dict[SkipFrom, float] = {}
    for skip in SKIPS:
        net.skip = skip
        error = float((F.avg_pool2d(net(lr), scale) - lr).abs().mean())
        errors[skip] = error if math.isfinite(error) else math.inf
    net.skip = given
    best, other = sorted(SKIPS, key=lambda skip: errors[skip])
    evident = errors[best] < _REPRODUCES and _FAR_WORSE * errors[best] < errors[other]
    return Wiring(best if evident else usual, errors, evident)


SKIPS: tuple[SkipFrom, ...] = get_args(SkipFrom)
# Mean absolute difference in [0, 1] below which an LR counts as reproduced.
_REPRODUCES = 0.1
# Barely trained networks reproduce about the mean colour whichever way they are wired.
_FAR_WORSE = 2.0
