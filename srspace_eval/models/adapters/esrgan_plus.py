"""nESRGAN+ (Rakotonirina and Rasoanaivo, "ESRGAN+: Further Improving ESRGAN", ICASSP 2020) with its noise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from srspace_eval.errors import InputError
from srspace_eval.models.adapters.spandrel_model import SpandrelModel
from srspace_eval.models.base import Conditioning, LatentShape
from srspace_eval.models.precision import exact_arithmetic

SIGMA = 0.1
"""Standard deviation of the noise, relative to the features."""

_BLOCK = "ResidualDenseBlock_5C"  # the class of the dense blocks in spandrel


class EsrganPlus(SpandrelModel):
    """ESRGAN+ as a stochastic model: x ← x·(1 + 0.1·latent) after each residual dense block (section 2.2).

    spandrel's port leaves the noise out, and so does the authors' program when it tests. A heat of 0 gives that
    picture. A heat of 1 is the noise of the training.
    """

    def latent_shapes(self, height: int, width: int) -> tuple[LatentShape, ...]:
        """One latent for each dense block, at the size of the padded LR and with the features' channels."""
        factor = getattr(self.descriptor.model, "shuffle_factor", None) or 1
        height, width = self.padded(height, width)
        return tuple((block.conv5[0].out_channels, height // factor, width // factor) for block in self._blocks())

    @torch.no_grad()
    @exact_arithmetic()
    def decode(self, lr: Tensor | Conditioning, latents: Sequence[Tensor]) -> tuple[Tensor, None]:
        """Decode latents (N, C, H, W) with the shapes of :meth:`latent_shapes` to (N, 3, h·scale, w·scale); None.

        Raises
        ------
        InputError
            If the LR or the latents have other shapes.
        """
        x = self.condition(lr)
        wanted = self.latent_shapes(x.shape[2], x.shape[3])
        if [tuple(latent.shape[1:]) for latent in latents] != list(wanted) or len({len(z) for z in latents}) != 1:
            given = [tuple(latent.shape) for latent in latents]
            raise InputError(
                f"{self.config.name} takes {len(wanted)} latents (N, C, H, W) with (C, H, W) = {wanted[0]}, not {given}"
            )
        pictures = []
        for sample in zip(*(torch.split(latent.to(self.device), 1) for latent in latents), strict=True):
            with self._noise(sample):
                pictures.append(self._run(x))
        return torch.cat(pictures), None

    def memory_estimate(self, height: int, width: int, n: int) -> int:
        """See :meth:`Decoder.memory_estimate`. The latents of n samples are counted."""
        values = sum(c * h * w for c, h, w in self.latent_shapes(height, width))
        return super().memory_estimate(height, width, n) + 2 * 4 * n * values

    def _blocks(self) -> list[Any]:
        return [module for module in self.descriptor.model.modules() if type(module).__name__ == _BLOCK]

    @contextmanager
    def _noise(self, latents: Sequence[Tensor]) -> Iterator[None]:
        """Inside the block each dense block's output is multiplied by 1 + σ·latent."""
        with ExitStack() as hooks:
            for block, latent in zip(self._blocks(), latents, strict=True):
                hooks.enter_context(block.register_forward_hook(_Multiply(latent)))
            yield


class _Multiply:
    def __init__(self, latent: Tensor) -> None:
        self.latent = latent

    def __call__(self, module: nn.Module, inputs: object, output: Tensor) -> Tensor:
        return output + SIGMA * output * self.latent.to(output.dtype)
