"""The whole conditional flow as in the papers: every layer is computed by itself, nothing is reused between samples."""

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
    spec
        Specification of the flow; it sets the nets and channels of the coupling.
    layer
        Specification of the step: ``"step"`` (SRFlow's transition step) or ``"coupling_step"``, and its channels C.
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
    """The conditioning u of a level, (1, condition_channels, H, W) at the level's resolution (SRFlow, section 3).

    It concatenates a feature map of that resolution (``last`` halved, ``last``, or the output of an upconv) and the
    outputs of the stacked blocks, resized to it by nearest neighbour.
    """
    resolution = spec.resolution(level)
    if resolution < 1:
        own = F.interpolate(features.last, scale_factor=resolution, mode="bilinear", align_corners=False)
    else:
        own = features.last if resolution == 1 else features.up[int(math.log2(resolution)) - 1]
    return torch.cat([own, F.interpolate(features.stacked, size=own.shape[2:], mode="nearest")], 1)


class ConditionalFlow(nn.Module):
    """p(image | LR) by change of variables: log p = Σ log|det| + log N(latents; 0, 1).

    The parameters have the names of the published checkpoints (SRFlow, section 3). The LR's size must be divisible by
    the squeezes; with another size the methods raise RuntimeError.

    Parameters
    ----------
    spec
        Specification of the flow.

    Examples
    --------
    >>> spec = FlowSpec(4, 2, (0, 1), 1, 1, "pointwise", "before_last", features=4, growth=2, hidden=4)
    >>> flow = ConditionalFlow(spec)
    >>> latents, logdet = flow.encode(flow.condition(torch.rand(1, 3, 4, 4)), torch.rand(1, 3, 16, 16))
    >>> [tuple(latent.shape) for latent in latents]
    [(1, 12, 8, 8)]
    """

    def __init__(self, spec: FlowSpec) -> None:
        super().__init__()
        self.spec = spec
        self.RRDB = RRDBNet(spec.scale, spec.blocks, spec.features, spec.growth)
        self.flowUpsamplerNet = _Upsampler(spec)

    def condition(self, lr: Tensor) -> list[Tensor]:
        """The conditioning of each level, the finest first: (1, 3, h, w) float LR in [0, 1] -> list of u.

        See :func:`level_condition`.
        """
        finest = int(math.log2(self.spec.resolution(1)))
        features = self.RRDB.features(lr, self.spec.stacked, upconvs=finest)
        return [level_condition(self.spec, features, level) for level in range(1, self.spec.levels + 1)]

    def encode(self, conditions: Sequence[Tensor], hr: Tensor) -> tuple[list[Tensor], Tensor]:
        """Image to latents.

        Parameters
        ----------
        conditions
            From :meth:`condition`.
        hr
            (N, 3, h·scale, w·scale) float in [0, 1].

        Returns
        -------
        latents, logdet:
            The latents, those of the splits first; and Σ log|det| (N,), which contains the densities of the splits
            (:class:`Split`).
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
        conditions
            From :meth:`condition`.
        latents
            (N, C, H, W) with the shapes of :meth:`FlowSpec.latent_shapes`, those of the splits first.

        Returns
        -------
        sr, logdet:
            (N, 3, h·scale, w·scale) float, not clamped; and Σ log|det| (N,) of this map, the negative of encoding's.
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
    """Exact negative log-likelihood, −(logdet + log N(z; 0, 1)) / (ln 2 · pixels), in bits per HR pixel.

    Parameters
    ----------
    logdet
        (N,) Σ log|det| in nats; it contains the densities of the splits.
    z
        (N, C, H, W), the last latent.
    pixels
        Number of HR pixels.

    Returns
    -------
    Tensor
        (N,) float.

    >>> round(float(bits_per_pixel(torch.zeros(1), torch.zeros(1, 1, 1, 1), 1)), 4)
    1.3257
    """
    return -(logdet + gaussian_logp(z)) / (math.log(2) * pixels)
