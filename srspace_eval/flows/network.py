"""The whole conditional flow, as the papers give it: every layer by itself, nothing reused between samples."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srspace_eval.flows.coupling import ConditionalCoupling
from srspace_eval.flows.layers import ActNorm, InvertibleConv1x1, Split, Squeeze, gaussian_logp
from srspace_eval.flows.rrdb import RRDBFeatures, RRDBNet
from srspace_eval.flows.spec import FlowSpec, LayerSpec


class FlowStep(nn.Module):
    """Actnorm, invertible 1×1 convolution and, if the step has one, a conditional coupling (SRFlow, section 3).

    Parameters
    ----------
    spec:
        Of the flow: the coupling's nets and channels.
    layer:
        The step's place: ``"step"`` (SRFlow's transition steps) or ``"coupling_step"``, and its channels C.
    """

    def __init__(self, spec: FlowSpec, layer: LayerSpec) -> None:
        super().__init__()
        self.actnorm = ActNorm(layer.channels)
        self.invconv = InvertibleConv1x1(layer.channels)
        self.affine = (
            ConditionalCoupling(
                layer.channels, spec.condition_channels, spec.net, noise=layer.noise, hidden=spec.hidden
            )
            if layer.kind == "coupling_step"
            else None
        )

    def forward(self, z: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
        """Image to latents: (N, C, H, W) float z and (N or 1, condition_channels, H, W) u -> z', log|det| (N,).

        A step without coupling does not read u.
        """
        z, logdet = self.actnorm(z)
        z, d = self.invconv(z)
        logdet = logdet + d
        if self.affine is not None:
            z, d = self.affine(z, u)
            logdet = logdet + d
        return z, logdet

    def inverse(self, z: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
        """The inverse of :meth:`forward`, with the log|det| (N,) of the inverse map.

        Raises
        ------
        torch.linalg.LinAlgError
            If the 1×1 convolution's matrix is singular.
        """
        logdet = z.new_zeros(len(z))
        if self.affine is not None:
            z, logdet = self.affine.inverse(z, u)
        z, d = self.invconv.inverse(z)
        logdet = logdet + d
        z, d = self.actnorm.inverse(z)
        return z, logdet + d


class _Upsampler(nn.Module):
    def __init__(self, spec: FlowSpec) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for layer in spec.layers():
            if layer.kind == "squeeze":
                layers.append(Squeeze(spec.squeeze))
            elif layer.kind == "split":
                layers.append(Split(layer.channels))
            else:
                layers.append(FlowStep(spec, layer))
        self.layers = nn.ModuleList(layers)


def level_condition(spec: FlowSpec, features: RRDBFeatures, level: int) -> Tensor:
    """u of a level, (1, condition_channels, H, W) at the level's resolution.

    One feature map of that resolution (``last`` halved, ``last``, or after an upconv), and the stacked blocks' outputs
    resized to it, nearest neighbour (SRFlow, section 3).
    """
    resolution = spec.resolution(level)
    if resolution < 1:
        own = F.interpolate(features.last, scale_factor=resolution, mode="bilinear", align_corners=False)
    else:
        own = features.last if resolution == 1 else features.up[int(math.log2(resolution)) - 1]
    return torch.cat([own, F.interpolate(features.stacked, size=own.shape[2:], mode="nearest")], 1)


class ConditionalFlow(nn.Module):
    """p(image | LR) by change of variables: log p = Σ log|det| + log N(latents; 0, 1).

    The parameter names are those of the published checkpoints. The LR must be of a size that the squeezes divide;
    of another one, the methods raise RuntimeError. (SRFlow, section 3.)

    Parameters
    ----------
    spec:
        Which flow.
    """

    def __init__(self, spec: FlowSpec) -> None:
        super().__init__()
        self.spec = spec
        self.RRDB = RRDBNet(spec.scale, spec.blocks, spec.features, spec.growth)
        self.flowUpsamplerNet = _Upsampler(spec)

    def condition(self, lr: Tensor) -> list[Tensor]:
        """The conditioning of each level, finest first, of an LR (1, 3, h, w) float in [0, 1].

        See :func:`level_condition`.
        """
        finest = int(math.log2(self.spec.resolution(1)))
        features = self.RRDB.features(lr, self.spec.stacked, upconvs=finest)
        return [level_condition(self.spec, features, level) for level in range(1, self.spec.levels + 1)]

    def encode(self, conditions: Sequence[Tensor], hr: Tensor) -> tuple[list[Tensor], Tensor]:
        """Image to latents.

        Parameters
        ----------
        conditions:
            From :meth:`condition`.
        hr:
            (N, 3, h·scale, w·scale) float in [0, 1].

        Returns
        -------
        latents, logdet:
            The latents, the splits' first; and (N,) Σ log|det|, with the splits' densities (:class:`Split`).
        """
        latents, z, logdet = [], hr, hr.new_zeros(len(hr))
        for layer, module in self._layers():
            if isinstance(module, Split):
                z, latent, d = module(z)
                latents.append(latent)
            elif isinstance(module, FlowStep):
                z, d = module(z, conditions[layer.level - 1])
            else:
                z, d = module(z)
            logdet = logdet + d
        return [*latents, z], logdet

    def decode(self, conditions: Sequence[Tensor], latents: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Latents to image, the inverse of :meth:`encode`.

        Parameters
        ----------
        conditions:
            From :meth:`condition`.
        latents:
            (N, C, H, W) as :meth:`FlowSpec.latent_shapes` says, the splits' first.

        Returns
        -------
        sr, logdet:
            (N, 3, h·scale, w·scale), not clamped; and this map's Σ log|det| (N,), the negative of encoding's.
        """
        rest = list(latents)
        z = rest.pop()
        logdet = z.new_zeros(len(z))
        for layer, module in reversed(self._layers()):
            if isinstance(module, Split):
                z, d = module.inverse(z, rest.pop())
            elif isinstance(module, FlowStep):
                z, d = module.inverse(z, conditions[layer.level - 1])
            elif isinstance(module, Squeeze):
                z, d = module.inverse(z)
            logdet = logdet + d
        return z, logdet

    def _layers(self) -> list[tuple[LayerSpec, nn.Module]]:
        return list(zip(self.spec.layers(), self.flowUpsamplerNet.layers, strict=True))


def bits_per_pixel(logdet: Tensor, z: Tensor, pixels: int) -> Tensor:
    """Exact negative log-likelihood, −(logdet + log N(z; 0, 1)) / (ln 2 · pixels), in bits per HR pixel: (N,).

    ``z`` is the last latent; the splits' densities are in ``logdet`` already.
    """
    return -(logdet + gaussian_logp(z)) / (math.log(2) * pixels)
