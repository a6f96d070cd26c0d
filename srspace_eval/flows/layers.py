"""The layers that do not see the LR: actnorm, invertible 1×1 convolution, squeeze, split."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_LOG_2PI = math.log(2 * math.pi)


def gaussian_logp(x: Tensor, mean: Tensor | None = None, logs: Tensor | None = None) -> Tensor:
    """log N(x; mean, exp(logs)) summed over all but the first dimension: (N, C, H, W) -> (N,). Default N(0, 1)."""
    if mean is None or logs is None:
        return -0.5 * (x * x + _LOG_2PI).flatten(1).sum(1)
    normal = (x - mean) * torch.exp(-logs)
    return -0.5 * (normal * normal + 2 * logs + _LOG_2PI).flatten(1).sum(1)


class ActNorm(nn.Module):
    """Affine map of each channel, z' = (z + bias)·exp(logs); log|det| = H·W·Σ logs (Glow, section 3.1)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.logs = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def _logdet(self, z: Tensor) -> Tensor:
        return (self.logs.sum() * (z.shape[2] * z.shape[3])).expand(len(z))

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        return (z + self.bias) * torch.exp(self.logs), self._logdet(z)

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        return z * torch.exp(-self.logs) - self.bias, -self._logdet(z)


class InvertibleConv1x1(nn.Module):
    """The same invertible matrix at every pixel, z' = W z; log|det| = H·W·log|det W| (Glow, section 3.2)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.eye(channels))

    def _logdet(self, z: Tensor) -> Tensor:
        logdet: Tensor = torch.linalg.slogdet(self.weight)[1] * (z.shape[2] * z.shape[3])
        return logdet.expand(len(z))

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        return F.conv2d(z, self.weight[:, :, None, None]), self._logdet(z)

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        weight = torch.linalg.inv(self.weight.double()).to(z.dtype)
        return F.conv2d(z, weight[:, :, None, None]), -self._logdet(z)


class Squeeze(nn.Module):
    """Space to depth, (C, H, W) -> (C·f², H/f, W/f), channels as ``pixel_unshuffle`` orders them; log|det| = 0."""

    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        return F.pixel_unshuffle(z, self.factor), z.new_zeros(len(z))

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        return F.pixel_shuffle(z, self.factor), z.new_zeros(len(z))


class ZeroConv2d(nn.Module):
    """3×3 convolution whose output is scaled by exp(3·logs); Glow starts its weights at zero."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(out_channels, in_channels, 3, 3))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.logs = nn.Parameter(torch.zeros(out_channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight, self.bias, padding=1) * torch.exp(3 * self.logs)


class Split(nn.Module):
    """Half of the channels leaves the flow as a latent, Gaussian given the other half.

    (z1, z2) = z; mean, logs = even, odd channels of a zeros-convolution of z1; latent = (z2 − mean)·exp(−logs).
    What counts towards the likelihood is the density of z2, log N(z2; mean, exp(logs)), which holds both the latent's
    own density and the log-determinant −Σ logs; :meth:`forward` and :meth:`inverse` return it with either sign.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels // 2
        self.conv = ZeroConv2d(self.channels, 2 * (channels - self.channels))

    def _prior(self, z1: Tensor) -> tuple[Tensor, Tensor]:
        out = self.conv(z1)
        return out[:, 0::2], out[:, 1::2]

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """z -> (z1, latent, log N(z2))."""
        z1, z2 = z[:, : self.channels], z[:, self.channels :]
        mean, logs = self._prior(z1)
        return z1, (z2 - mean) * torch.exp(-logs), gaussian_logp(z2, mean, logs)

    def inverse(self, z1: Tensor, latent: Tensor) -> tuple[Tensor, Tensor]:
        """(z1, latent) -> (z, −log N(z2))."""
        mean, logs = self._prior(z1)
        z2 = mean + torch.exp(logs) * latent
        return torch.cat([z1, z2], 1), -gaussian_logp(z2, mean, logs)
