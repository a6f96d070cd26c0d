"""A small stochastic model for tests. It pads, has latents at two resolutions, and reads one LR pixel on each side."""

from __future__ import annotations

import math
import time
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from srspace_eval.models.base import Model, ModelConfig


class Toy(Model):
    """SR = the blurred LR plus latents at the LR's and at half the LR's resolution, enlarged.

    Parameters
    ----------
    pixel_bytes:
        What :meth:`memory_estimate` claims for each LR pixel and sample.
    poison:
        A sample whose coarse latent exceeds this gets a NaN.
    exact:
        Whether batches are exact.
    """

    halo = 2

    def __init__(
        self, device: Any = "cpu", *, pixel_bytes: int = 1000, poison: float = math.inf, exact: bool = False
    ) -> None:
        self.config = ModelConfig("toy_x4", "toy", 4, details={"levels": 2})
        self.device = torch.device(device)
        self.pixel_bytes = pixel_bytes
        self.poison = poison
        self.exact_batches = exact
        self.calls: list[int] = []
        self.conditioned: list[tuple[int, int]] = []
        self.decoded = 0

    def condition(self, lr: Tensor) -> tuple[Tensor, int, int]:
        height, width = lr.shape[2:]
        self.conditioned.append((height, width))
        padded = F.pad(lr, (0, width % 2, 0, height % 2), mode="reflect" if min(height, width) > 1 else "replicate")
        kernel = torch.full((3, 1, 3, 3), 1 / 9, device=lr.device)
        blurred = F.conv2d(F.pad(padded, (1, 1, 1, 1), mode="replicate"), kernel, groups=3)
        return blurred, height, width

    def latent_shapes(self, height: int, width: int) -> tuple[tuple[int, int, int], ...]:
        height, width = height + height % 2, width + width % 2
        return ((3, height, width), (6, height // 2, width // 2))

    def decode(self, lr: Any, latents: Any) -> tuple[Tensor, Tensor]:
        blurred, height, width = lr if isinstance(lr, tuple) else self.condition(lr)
        fine, coarse = latents
        self.decoded += len(fine)
        self.calls.append(len(fine))
        sr = blurred + 0.1 * fine + 0.05 * F.interpolate(coarse[:, :3] - coarse[:, 3:], scale_factor=2)
        if coarse.max() > self.poison:
            sr = sr.clone()
            sr[0, 0, 0, 0] = math.nan
        sr = F.interpolate(sr, scale_factor=4)[:, :, : 4 * height, : 4 * width]
        return sr, torch.zeros(len(sr))

    def memory_estimate(self, height: int, width: int, n: int) -> int:
        return self.pixel_bytes * height * width * n


class SlowToy(Toy):
    """Sleeps in each sample, so that a test can kill the process between samples."""

    def decode(self, lr: Any, latents: Any) -> tuple[Tensor, Tensor]:
        time.sleep(0.02)
        return super().decode(lr, latents)
