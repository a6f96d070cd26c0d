"""SRFlow, SRFlow-DA and NCSR as models."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from srspace_eval.errors import InputError
from srspace_eval.flows.layers import Split
from srspace_eval.flows.network import ConditionalFlow, FlowStep, bits_per_pixel
from srspace_eval.flows.spec import FlowSpec
from srspace_eval.kernels.winograd_tiles import Scratch, can_tile, supports
from srspace_eval.models.adapters.flow_conditioning import FlowConditioning
from srspace_eval.models.adapters.flow_samples import FlowSamples
from srspace_eval.models.adapters.fused import FusedSplit, FusedStep
from srspace_eval.models.adapters.fused_condition import LevelInput
from srspace_eval.models.adapters.fused_rrdb import FusedRRDB
from srspace_eval.models.base import Conditioning, Flow, LatentShape, ModelConfig
from srspace_eval.models.lr_input import check_pictures, check_tensor
from srspace_eval.models.precision import exact_arithmetic

_MULTIPLE = 2  # the authors' programs pad the LR to a multiple of this
_WORKSPACE = 64 << 20  # bytes for blocks of rows and for the scratch memory of convolutions
_FRAGMENTS = 256 << 20  # bytes that the C library's allocator may hold in pieces too small for any tensor
_AHEAD = 128 << 20  # bytes of conditions that are computed ahead if nothing keeps them
_CACHE_LIMIT = {"cpu": 2 << 30, "cuda": 8 << 30}  # bytes


class FlowModel(Flow):
    """A conditional flow. Work that depends on the LR alone is done once for all samples.

    Parameters
    ----------
    config
        What the model is.
    flow
        The flow with its weights, on its device. It is kept for :meth:`encode`; :meth:`decode` uses a folded copy.
    cache_limit
        Bytes that the conditioning of one LR may keep from one :meth:`decode` to the next; None: 2 GiB on the CPU,
        8 GiB on CUDA. What does not fit is computed again in each call, once for all samples of the call, with the
        same result. Many samples of a large LR are therefore best decoded in one call.

    Attributes
    ----------
    halo
        LR pixels of context for tiles. The receptive field is larger than any picture (:attr:`receptive_field`), but
        distant pixels have little influence: tiles agree with the whole approximately, not exactly.
    """

    halo = 32
    exact_batches = True

    def __init__(self, config: ModelConfig, flow: ConditionalFlow, *, cache_limit: int | None = None) -> None:
        self.config = config
        self.spec: FlowSpec = flow.spec
        weight = flow.RRDB.conv_first.weight
        self.device, self._dtype = weight.device, weight.dtype
        default_limit = _CACHE_LIMIT.get(self.device.type, _CACHE_LIMIT["cpu"])
        self.cache_limit = default_limit if cache_limit is None else cache_limit
        # On the CPU, oneDNN's convolutions are fastest with channels last. In float32, cuDNN's are not.
        self._layout = torch.channels_last if self.device.type == "cpu" else torch.contiguous_format
        with torch.no_grad():
            self._flow = flow
            self._rrdb = copy.deepcopy(flow.RRDB).to(memory_format=self._layout)
            self._fused_rrdb = FusedRRDB(self._rrdb) if supports(weight) else None
            self._layers = self._fuse(flow)

    def _fuse(self, flow: ConditionalFlow) -> list[tuple[int, FusedStep | FusedSplit | None]]:
        """(level, layer) in the order from image to latents; a squeeze is None."""
        fused: list[tuple[int, FusedStep | FusedSplit | None]] = []
        free: list[FlowStep] = []
        for layer, module in zip(self.spec.layers(), flow.flowUpsamplerNet.layers, strict=True):
            if isinstance(module, Split):
                fused.append((layer.level, FusedSplit(module, self._layout)))
            elif not isinstance(module, FlowStep):
                fused.append((layer.level, None))
            elif module.affine is None:
                free.append(module)
            else:
                factor = int(self.spec.resolution(layer.level))
                fused.append((layer.level, FusedStep(free, module, self.spec.features, factor, self._layout)))
                free = []
        return fused

    @property
    def receptive_field(self) -> int:
        """LR pixels on each side that an output pixel depends on, exactly."""
        rrdb = 15 * self.spec.blocks + 5
        reach = 2 if self.spec.net == "pointwise" else 38 if self.spec.net == "residual_stack" else 6
        steps = sum(self.spec.steps * reach / self.spec.resolution(level) for level in range(1, self.spec.levels + 1))
        return rrdb + math.ceil(steps) + self.spec.levels

    def latent_shapes(self, height: int, width: int) -> tuple[LatentShape, ...]:
        """See :meth:`Decoder.latent_shapes`; the LR is padded to even sizes."""
        return self.spec.latent_shapes(_padded(height), _padded(width))

    @torch.no_grad()
    @exact_arithmetic()
    def condition(self, lr: Tensor) -> FlowConditioning:
        """Compute the RRDB features of an LR, padded by reflection to even sizes; see :meth:`Decoder.condition`."""
        x = self._padded_lr(lr)
        upconvs = int(math.log2(self.spec.resolution(1)))
        encoder = self._fused_rrdb if self._fused_rrdb is not None and can_tile(x) else self._rrdb
        features = encoder.features(x.contiguous(memory_format=self._layout), self.spec.stacked, upconvs)
        levels = {}
        for level in range(1, self.spec.levels + 1):
            resolution = self.spec.resolution(level)
            if resolution >= 2:
                levels[level] = LevelInput(features.up[int(math.log2(resolution)) - 1], features.stacked)
            elif resolution == 1:
                levels[level] = LevelInput(torch.cat([features.last, features.stacked], 1), None)
            else:
                # Bilinear halving is the mean of 2×2 pixels. The nearest neighbour is the first of them.
                own = F.avg_pool2d(features.last, 2)
                levels[level] = LevelInput(torch.cat([own, features.stacked[:, :, ::2, ::2]], 1), None)
        return FlowConditioning(lr.shape[2], lr.shape[3], x, levels, self.cache_limit)

    @torch.no_grad()
    @exact_arithmetic()
    def decode(self, lr: Tensor | Conditioning, latents: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Decode latents with the folded layers; see :meth:`Decoder.decode`. A sample does not depend on the others."""
        kept = isinstance(lr, FlowConditioning)
        conditioning = lr if isinstance(lr, FlowConditioning) else self.condition(lr)
        if not kept:
            conditioning.cache_left = min(self.cache_limit, _AHEAD)
        height, width = conditioning.height, conditioning.width
        self._check_latents(latents, self.latent_shapes(height, width))
        rest, scratch = list(latents), Scratch()
        samples = FlowSamples(rest.pop(), conditioning.lr, self._layout, scratch)
        for index, (level, layer) in reversed(list(enumerate(self._layers))):
            if isinstance(layer, FusedStep):
                samples.step(layer, conditioning.step(level, self._coming(index), scratch))
                if not kept:
                    conditioning.drop(index)  # the next steps use its memory again
            elif layer is not None:
                samples.split(layer, rest.pop())
            else:
                samples.unsqueeze(self.spec.squeeze)
        conditioning.current = None
        scale = self.config.scale
        sr = torch.cat([picture[:, :, : height * scale, : width * scale] for picture in samples.pictures()])
        return sr.contiguous(), torch.cat(samples.logdets).to(sr.dtype)

    @torch.no_grad()
    @exact_arithmetic()
    def encode(self, lr: Tensor | Conditioning, hr: Tensor) -> tuple[list[Tensor], Tensor, Tensor]:
        """Encode pictures with the unfolded layers, in the authors' programs' order of arithmetic.

        See :meth:`Flow.encode`. An LR of odd size is padded by reflection, and so are the pictures. The latents, the
        log-determinant and the likelihood are then those of the padded pictures, and all their pixels are counted.
        """
        if isinstance(lr, FlowConditioning):
            height, width, x = lr.height, lr.width, lr.lr
        else:
            (height, width), x = lr.shape[2:], self._padded_lr(lr)
        scale = self.config.scale
        check_pictures(hr, height * scale, width * scale)
        padded = _pad(hr.to(self.device, self._dtype), _padded(height) * scale, _padded(width) * scale)
        conditions = self._flow.condition(x)
        encoded = [self._flow.encode(conditions, picture[None]) for picture in padded]
        latents = [torch.cat(parts) for parts in zip(*(latents for latents, _ in encoded), strict=True)]
        logdet = torch.cat([logdet for _, logdet in encoded])
        return latents, logdet, bits_per_pixel(logdet, latents[-1], padded.shape[2] * padded.shape[3])

    def memory_estimate(self, height: int, width: int, n: int) -> int:
        """See :meth:`Decoder.memory_estimate`. The cache counts up to :attr:`cache_limit`."""
        spec = self.spec
        pixels = _padded(height) * _padded(width)
        kept = cache = step = 0.0  # channels for one LR pixel
        for layer in spec.layers():
            area = spec.resolution(layer.level) ** 2
            if layer.kind == "squeeze":
                kept += area * (spec.features if area > 1 else spec.condition_channels)
            elif layer.kind == "coupling_step":
                cache += area * (spec.hidden + 2 * layer.channels)
                # What the steps of a level share, the tile values; and three hidden maps with their edges.
                own = spec.features if area > 1 else spec.condition_channels
                shared = 3.75 * area * own + (9 * (spec.condition_channels - own) if area > 1 else 0)
                step = max(step, shared + area * (6 * spec.hidden + 10 * layer.channels))
        trunk = spec.condition_channels + 6 * spec.features + 3 * spec.growth + 2.25 * (spec.features + 4 * spec.growth)
        finest = 3 * spec.features * spec.resolution(1) ** 2
        # z of all samples; a few more tensors of its size for the sample that is being decoded; and the hidden channels
        # of the coupling net, unless it works on blocks of rows.
        blocked = spec.net == "pointwise" and self.device.type == "cpu"
        hidden = 0.0 if blocked else 4 * spec.hidden * spec.resolution(1) ** 2
        samples = 3 * spec.scale**2 * (3 * n + 6) + hidden
        size = self._dtype.itemsize
        work = pixels * size * (kept + max(trunk + finest, step + samples))
        return int(1.2 * work + min(cache * pixels * size, self.cache_limit)) + _WORKSPACE

    def encode_memory_estimate(self, height: int, width: int, n: int) -> int:
        """See :meth:`Flow.encode_memory_estimate`.

        Encoding keeps the conditioning of all levels. Its couplings convolve the concatenation of z and u, and a
        convolution may copy its input to another layout.
        """
        spec = self.spec
        pixels = _padded(height) * _padded(width)
        areas = {level: spec.resolution(level) ** 2 for level in range(1, spec.levels + 1)}
        kept = spec.condition_channels * sum(areas.values())  # channels for one LR pixel
        step = max(
            areas[layer.level]
            * (2 * (layer.channels // 2 + spec.condition_channels) + 4 * spec.hidden + layer.channels)
            for layer in spec.layers()
        )
        trunk = spec.condition_channels + 12 * spec.features + 16 * spec.growth
        # The pictures and z of all; the outputs of the couplings of the one that is being encoded.
        pictures = 3 * spec.scale**2 * (4 * n + 8)
        work = self._dtype.itemsize * pixels * (kept + max(trunk, step) + pictures)
        return int(1.2 * work + min(work / 2, _FRAGMENTS)) + _WORKSPACE

    def _coming(self, index: int) -> dict[int, FusedStep]:
        """The step with this index, and those that decoding passes after it in the same level."""
        level = self._layers[index][0]
        below = {at: layer for at, (at_level, layer) in enumerate(self._layers[: index + 1]) if at_level == level}
        return {at: layer for at, layer in reversed(below.items()) if isinstance(layer, FusedStep)}

    def _padded_lr(self, lr: Tensor) -> Tensor:
        check_tensor(lr)
        return _pad(lr.to(self.device, self._dtype), _padded(lr.shape[2]), _padded(lr.shape[3])).contiguous()

    def _check_latents(self, latents: Sequence[Tensor], shapes: Sequence[LatentShape]) -> None:
        found = [tuple(latent.shape[1:]) for latent in latents]
        counts = {len(latent) for latent in latents}
        if found != list(shapes) or len(counts) != 1 or 0 in counts:
            wanted = ", ".join(f"(N, {c}, {h}, {w})" for c, h, w in shapes)
            given = ", ".join(str(tuple(latent.shape)) for latent in latents)
            raise InputError(f"{self.config.name} takes latents {wanted} for this LR, not {given or 'none'}")


def _padded(length: int) -> int:
    return -(-length // _MULTIPLE) * _MULTIPLE


def _pad(x: Tensor, height: int, width: int) -> Tensor:
    """Pad at the bottom and the right by reflection without repeating the border pixel.

    A picture that is too small is reflected several times, as NumPy does it; a single pixel is repeated.
    """
    for axis, length in ((2, height), (3, width)):
        size = x.shape[axis]
        if size < length:
            period = max(2 * size - 2, 1)
            index = torch.arange(length, device=x.device) % period
            x = x.index_select(axis, torch.where(index < size, index, period - index))
    return x
