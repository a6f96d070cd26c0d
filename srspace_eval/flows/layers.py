"""The layers that do not read the LR: actnorm, invertible 1×1 convolution, squeeze, split."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_LOG_2PI = math.log(2 * math.pi)


def gaussian_logp(x: Tensor, mean: Tensor | None = None, logs: Tensor | None = None) -> Tensor:
    """log N(x; mean, exp(logs)) in nats, summed over all but the first dimension: (N, C, H, W) -> (N,).

    ``mean`` and ``logs``, the logarithm of the standard deviation, have the shape of x. If either of them is None, the
    density is N(0, 1).

    >>> round(float(gaussian_logp(torch.zeros(1, 1, 1, 2))), 4)
    -1.8379
    """
    if mean is None or logs is None:
        return -0.5 * (x * x + _LOG_2PI).flatten(1).sum(1)
    normal = (x - mean) * torch.exp(-logs)
    return -0.5 * (normal * normal + 2 * logs + _LOG_2PI).flatten(1).sum(1)


class ActNorm(nn.Module):
    """Affine map of each channel, z' = (z + bias)·exp(logs); log|det| = H·W·Σ logs (Glow, section 3.1).

    The parameters, bias and logs of shape (1, C, 1, 1), come from a checkpoint. Glow's initialisation from the first
    batch is not implemented.

    Parameters
    ----------
    channels
        C.

    Examples
    --------
    >>> layer, z = ActNorm(3), torch.rand(2, 3, 4, 4)
    >>> torch.equal(layer.inverse(layer.forward(z)[0])[0], z)
    True
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.logs = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def _logdet(self, z: Tensor) -> Tensor:
        return (self.logs.sum() * (z.shape[2] * z.shape[3])).expand(len(z))

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Image to latents: (N, C, H, W) float z -> z' of the same shape and type, log|det| (N,)."""
        return (z + self.bias) * torch.exp(self.logs), self._logdet(z)

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Latents to image: (N, C, H, W) float z' -> z of the same shape and type, log|det| (N,) of this direction."""
        return z * torch.exp(-self.logs) - self.bias, -self._logdet(z)


class InvertibleConv1x1(nn.Module):
    """The same invertible matrix at every pixel, z' = W z; log|det| = H·W·log|det W| (Glow, section 3.2).

    The parameter is W, (C, C), initially the identity. Its inverse is computed in double precision.

    Parameters
    ----------
    channels
        C.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.eye(channels))

    def _logdet(self, z: Tensor) -> Tensor:
        logdet: Tensor = torch.linalg.slogdet(self.weight)[1] * (z.shape[2] * z.shape[3])
        return logdet.expand(len(z))

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Image to latents: (N, C, H, W) float z -> z' of the same shape and type, log|det| (N,)."""
        return F.conv2d(z, self.weight[:, :, None, None]), self._logdet(z)

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Latents to image: (N, C, H, W) float z' -> z of the same shape and type, log|det| (N,) of this direction.

        Raises
        ------
        torch.linalg.LinAlgError
            If W is singular; :func:`srspace_eval.models.load_model` refuses such checkpoints.
        """
        weight = torch.linalg.inv(self.weight.double()).to(z.dtype)
        return F.conv2d(z, weight[:, :, None, None]), -self._logdet(z)


class Squeeze(nn.Module):
    """Space to depth, (C, H, W) -> (C·f², H/f, W/f), in the channel order of ``pixel_unshuffle``; log|det| = 0.

    The layer has no parameters (RealNVP, Dinh et al. 2017, section 3.6; Glow, section 3).

    Parameters
    ----------
    factor
        f.
    """

    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Image to latents: (N, C, H, W) z of any type -> (N, C·f², H/f, W/f), zeros (N,).

        Raises
        ------
        RuntimeError
            If f does not divide H and W.
        """
        return F.pixel_unshuffle(z, self.factor), z.new_zeros(len(z))

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Latents to image: (N, C·f², H, W) z -> (N, C, H·f, W·f), zeros (N,).

        Raises
        ------
        RuntimeError
            If f² does not divide the channels.
        """
        return F.pixel_shuffle(z, self.factor), z.new_zeros(len(z))


class ZeroConv2d(nn.Module):
    """3×3 convolution with weights that are initially zero, and an output scaled by exp(3·logs), logs (out, 1, 1).

    From Glow's program. Its paper, section 3.3, describes the zeros but not the scaling.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(out_channels, in_channels, 3, 3))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.logs = nn.Parameter(torch.zeros(out_channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) float -> (N, out_channels, H, W)."""
        return F.conv2d(x, self.weight, self.bias, padding=1) * torch.exp(3 * self.logs)


class Split(nn.Module):
    """Half of the channels leave the flow as a latent, which is Gaussian given the other half.

    (z1, z2) = z; mean and logs are the even and odd channels of a zeros-convolution of z1;
    latent = (z2 − mean)·exp(−logs). The term of the likelihood is the density of z2, log N(z2; mean, exp(logs)). It is
    the sum of the latent's own log-density and the log-determinant −Σ logs. :meth:`forward` returns it,
    :meth:`inverse` returns its negative.
    (SRFlow, section 3; Glow's multi-scale architecture.)

    Parameters
    ----------
    channels
        C of the input. If it is odd, z2 is the larger half.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels // 2
        self.conv = ZeroConv2d(self.channels, 2 * (channels - self.channels))

    def _prior(self, z1: Tensor) -> tuple[Tensor, Tensor]:
        out = self.conv(z1)
        return out[:, 0::2], out[:, 1::2]

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Image to latents: (N, C, H, W) float z -> z1 (N, C//2, H, W), latent (N, C − C//2, H, W), log N(z2) (N,)."""
        z1, z2 = z[:, : self.channels], z[:, self.channels :]
        mean, logs = self._prior(z1)
        return z1, (z2 - mean) * torch.exp(-logs), gaussian_logp(z2, mean, logs)

    def inverse(self, z1: Tensor, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Latents to image, the inverse of :meth:`forward`: z1 and latent -> z (N, C, H, W), −log N(z2) (N,)."""
        mean, logs = self._prior(z1)
        z2 = mean + torch.exp(logs) * latent
        return torch.cat([z1, z2], 1), -gaussian_logp(z2, mean, logs)
