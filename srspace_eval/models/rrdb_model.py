"""RRDB networks (RRDB, ESRGAN, RealSR) as models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from srspace_eval.errors import InputError
from srspace_eval.flows.rrdb import RRDBNet
from srspace_eval.models.device import exact_arithmetic
from srspace_eval.models.lr_input import check_tensor
from srspace_eval.models.protocol import Conditioning, LatentShape, Model, ModelConfig

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
        return ()

    @torch.no_grad()
    def condition(self, lr: Tensor) -> Tensor:
        check_tensor(lr)
        return lr.to(self.device).contiguous(memory_format=self._layout)

    @torch.no_grad()
    @exact_arithmetic()
    def decode(self, lr: Tensor | Conditioning, latents: Sequence[Tensor]) -> tuple[Tensor, None]:
        if len(latents):
            raise InputError(f"{self.config.name} is deterministic: it takes no latents")
        return self._net(self.condition(lr)).contiguous(), None

    def memory_estimate(self, height: int, width: int, n: int) -> int:
        features, growth = self._net.conv_first.out_channels, self._net.growth
        trunk, finest = 8 * features + 8 * growth, 4 * features * self.config.scale**2
        return int(1.2 * 4 * height * width * (trunk + finest)) + _WORKSPACE


@torch.no_grad()
def recognise_skip(net: RRDBNet) -> None:
    """Set ``net.skip``, which no parameter's name or shape tells.

    SRFlow's program adds trunk_conv's output to the blocks' output, ESRGAN's and BasicSR's to conv_first's, under the
    same names. A trained network reproduces its LR when its output is averaged over scale × scale pixels, but only if
    it is wired as it was trained. So both are tried on a small smooth picture, and ``"first"`` is taken if it does
    that, and better than ``"trunk"``.
    """
    scale = 2**net.upconvs
    y, x = torch.meshgrid(torch.linspace(0.2, 0.8, 12), torch.linspace(0.3, 0.7, 12), indexing="ij")
    lr = torch.stack([x, y, (x + y) / 2])[None].to(net.conv_first.weight)
    errors = {}
    for skip in _SKIPS:
        net.skip = skip
        errors[skip] = float((F.avg_pool2d(net(lr), scale) - lr).abs().mean())
    net.skip = "first" if errors["first"] < min(_REPRODUCES, errors["trunk"]) else "trunk"


_SKIPS: tuple[Literal["trunk", "first"], ...] = ("trunk", "first")
# Mean absolute difference in [0, 1] below which an LR counts as reproduced; networks wired wrongly are far off.
_REPRODUCES = 0.1
