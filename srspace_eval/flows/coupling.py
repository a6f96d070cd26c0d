"""The couplings of a flow step: shift and scale from the conditioning, and from half of the channels."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srspace_eval.flows.layers import ActNorm, ZeroConv2d
from srspace_eval.flows.spec import NetKind

NOISE_CHANNELS = 3
"""Channels of NCSR's noise map."""


class NormConv2d(nn.Module):
    """Convolution without bias that keeps the size, followed by an actnorm (from the programs of Glow and SRFlow)."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(out_channels, in_channels, kernel, kernel))
        self.actnorm = ActNorm(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) float -> (N, out_channels, H, W)."""
        return self.actnorm.forward(F.conv2d(x, self.weight, padding=self.weight.shape[-1] // 2))[0]


class Residual(nn.Sequential):
    """x + f(x), where f is the contained modules one after the other."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name in nn.Sequential
        """(N, C, H, W) float -> the same shape."""
        out: Tensor = input + super().forward(input)  # type: ignore[no-untyped-call]
        return out


def coupling_net(kind: NetKind, in_channels: int, out_channels: int, hidden: int) -> dict[str, nn.Sequential]:
    """The parts of one net of a coupling, in the order in which they run.

    The kinds of nets are:

    * ``pointwise`` (SRFlow, NCSR): conv 3×3, ReLU, conv 1×1, ReLU, zeros-conv; an actnorm after the first two;
    * ``deep`` (SRFlow-DA, -S): conv 3×3, ReLU, four times (conv 3×3, ReLU), zeros-conv;
    * ``residual`` (SRFlow-DA-R): the same with a skip over the four;
    * ``residual_stack`` (SRFlow-DA-D): 18 times x + (conv, ReLU, conv, ReLU)(x) instead of the four.

    Parameters
    ----------
    kind
        Kind of the net.
    in_channels, out_channels, hidden
        Channels of its input, of its output, and in between.

    Returns
    -------
    dict[str, nn.Sequential]
        Suffix of the part's name in checkpoints -> part.

    Examples
    --------
    >>> list(coupling_net("residual", 4, 6, 8))
    ['1', '2', '3']
    """
    if kind == "pointwise":
        head: list[nn.Module] = [NormConv2d(in_channels, hidden, 3), nn.ReLU(), NormConv2d(hidden, hidden, 1)]
        return {"": nn.Sequential(*head, nn.ReLU(), ZeroConv2d(hidden, out_channels))}
    first: list[nn.Module] = [nn.Conv2d(in_channels, hidden, 3, padding=1), nn.ReLU()]
    last = ZeroConv2d(hidden, out_channels)
    if kind == "deep":
        return {"": nn.Sequential(*first, *_convs(4, hidden), last)}
    if kind == "residual":
        body: nn.Sequential = Residual(*_convs(4, hidden))
    else:
        body = nn.Sequential(*(Residual(*_convs(2, hidden)) for _ in range(18)))
    return {"1": nn.Sequential(*first), "2": body, "3": nn.Sequential(last)}


def _convs(count: int, channels: int) -> list[nn.Module]:
    pairs = [(nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU()) for _ in range(count)]
    return [module for pair in pairs for module in pair]


class ConditionalCoupling(nn.Module):
    """Conditional affine couplings (SRFlow, section 3; NCSR, section 3.2).

    From image to latents, where z = (z1, z2) are the halves of the channels and u is the conditioning:

    1. affine injector: z ← (z + shift)·scale with shift and scale from fFeatures(u);
    2. noise coupling (NCSR): z2 ← (z2 + shift)·scale from fAffine_std(z1, noise); the noise map is zero at inference;
    3. affine coupling: z2 ← (z2 + shift)·scale from fAffine(z1, u).

    The even channels of a net's output are the shift. The odd channels r give scale = sigmoid(r + 2) + 1e-4.
    log|det| is the sum of log scale over all three.

    Parameters
    ----------
    channels
        Channels of z.
    condition_channels
        Channels of u.
    net
        Kind of the nets, see :func:`coupling_net`.
    noise
        None: there is no noise coupling. True or False: whether the noise coupling is applied; its parameters exist in
        both cases.
    hidden
        Hidden channels of the nets.

    Examples
    --------
    >>> layer = ConditionalCoupling(6, 2, "pointwise", hidden=4)
    >>> z, u = torch.rand(2, 6, 4, 4), torch.rand(1, 2, 4, 4)
    >>> torch.allclose(layer.inverse(layer.forward(z, u)[0], u)[0], z, atol=1e-5)
    True
    """

    def __init__(
        self, channels: int, condition_channels: int, net: NetKind, *, noise: bool | None = None, hidden: int = 64
    ) -> None:
        super().__init__()
        self.channels = channels // 2
        self.noise = noise
        rest = channels - self.channels
        self._parts: dict[str, list[str]] = {}
        self._add("fAffine", net, self.channels + condition_channels, 2 * rest, hidden)
        self._add("fFeatures", net, condition_channels, 2 * channels, hidden)
        if noise is not None:
            self._add("fAffine_std", net, self.channels + NOISE_CHANNELS, 2 * rest, hidden)

    def _add(self, name: str, net: NetKind, in_channels: int, out_channels: int, hidden: int) -> None:
        parts = coupling_net(net, in_channels, out_channels, hidden)
        for suffix, part in parts.items():
            self.add_module(name + suffix, part)
        self._parts[name] = [name + suffix for suffix in parts]

    def net(self, name: str) -> list[nn.Module]:
        """The parts of the net ``fAffine``, ``fFeatures`` or ``fAffine_std``, in the order in which they run."""
        return [self.get_submodule(part) for part in self._parts[name]]

    def _shift_scale(self, name: str, x: Tensor) -> tuple[Tensor, Tensor]:
        for part in self.net(name):
            x = part(x)
        return x[:, 0::2], torch.sigmoid(x[:, 1::2] + 2) + 1e-4

    def _couplings(self, z1: Tensor, u: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Shift and scale of z2, in the order from image to latents."""
        pairs = []
        if self.noise:
            noise = z1.new_zeros(len(z1), NOISE_CHANNELS, *z1.shape[2:])
            pairs.append(self._shift_scale("fAffine_std", torch.cat([z1, noise], 1)))
        u = u.expand(len(z1), -1, -1, -1)
        return [*pairs, self._shift_scale("fAffine", torch.cat([z1, u], 1))]

    def forward(self, z: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
        """Image to latents: (N, C, H, W) float z, (N or 1, condition_channels, H, W) float u -> z', log|det| (N,)."""
        shift, scale = self._shift_scale("fFeatures", u)
        z = (z + shift) * scale
        logdet = torch.log(scale).flatten(1).sum(1).expand(len(z))
        z1, z2 = z[:, : self.channels], z[:, self.channels :]
        for shift, scale in self._couplings(z1, u):
            z2 = (z2 + shift) * scale
            logdet = logdet + torch.log(scale).flatten(1).sum(1)
        return torch.cat([z1, z2], 1), logdet

    def inverse(self, z: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
        """The inverse of :meth:`forward`, with the log|det| of the inverse map."""
        z1, z2 = z[:, : self.channels], z[:, self.channels :]
        logdet = z.new_zeros(len(z))
        for shift, scale in reversed(self._couplings(z1, u)):
            z2 = z2 / scale - shift
            logdet = logdet - torch.log(scale).flatten(1).sum(1)
        shift, scale = self._shift_scale("fFeatures", u)
        z = torch.cat([z1, z2], 1) / scale - shift
        return z, logdet - torch.log(scale).flatten(1).sum(1)
