"""RRDB networks (RRDB, ESRGAN, RealSR) as models."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from srspace_eval.errors import InputError
from srspace_eval.flows.rrdb import RRDBNet
from srspace_eval.models.base import Conditioning, LatentShape, Model, ModelConfig
from srspace_eval.models.lr_input import check_tensor
from srspace_eval.models.precision import exact_arithmetic

_WORKSPACE = 64 << 20  # bytes of scratch memory for convolutions


class RRDBModel(Model):
    """A deterministic network: it has no latents and no likelihood.

    Parameters
    ----------
    config
        What the model is.
    net
        The network with its weights, on its device.

    Attributes
    ----------
    halo
        LR pixels of context for tiles. The receptive field of 23 blocks is 350 pixels, so tiles agree with the whole
        picture approximately, not exactly.
    """

    halo = 32

    def __init__(self, config: ModelConfig, net: RRDBNet) -> None:
        self.config = config
        self.device = net.conv_first.weight.device
        # With channels last oneDNN adds in another order. Contiguous tensors give the bits of other programs.
        self._net = net

    def latent_shapes(self, height: int, width: int) -> tuple[LatentShape, ...]:
        """An empty tuple: the model has no latents."""
        return ()

    @torch.no_grad()
    def condition(self, lr: Tensor) -> Tensor:
        """Check an LR (1, 3, h, w) in [0, 1] and move it to the device.

        Raises
        ------
        InputError
            If the LR has another shape, type or range.
        """
        check_tensor(lr)
        return lr.to(self.device).contiguous()

    @torch.no_grad()
    @exact_arithmetic()
    def decode(self, lr: Tensor | Conditioning, latents: Sequence[Tensor]) -> tuple[Tensor, None]:
        """Run the network: (1, 3, h, w) in [0, 1], no latents -> (1, 3, h·scale, w·scale) float32, not clamped; None.

        Raises
        ------
        InputError
            If there are latents, or the LR has another shape, type or range.
        """
        if len(latents):
            raise InputError(f"{self.config.name} is deterministic: it takes no latents")
        return self._net(self.condition(lr)).contiguous(), None

    def memory_estimate(self, height: int, width: int, n: int) -> int:
        """See :meth:`Decoder.memory_estimate`. The samples are copies of one picture, so n does not count."""
        features, growth = self._net.conv_first.out_channels, self._net.growth
        trunk, finest = 8 * features + 8 * growth, 4 * features * self.config.scale**2
        return int(1.2 * 4 * height * width * (trunk + finest)) + _WORKSPACE
