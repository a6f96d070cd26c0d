"""The samples that a flow is decoding: each layer changes all of them before the next layer does.

So what a layer needs of the LR is computed once. Each sample is computed by itself, so that its bytes do not depend on
the others. On the CPU in float32, the threads share the samples and their blocks of rows, or each decodes a sample in
bands. Each of PyTorch's operators uses one thread. So the bytes do not depend on the number of threads either.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from srspace_eval.kernels.banded_tiles import BandedMap
from srspace_eval.kernels.parallel import for_each, operators
from srspace_eval.kernels.winograd_tiles import Scratch, can_tile
from srspace_eval.models.adapters.banded_step import BandedCondition
from srspace_eval.models.adapters.fused import FusedSplit, FusedStep, StepCondition

_PARALLEL_BYTES = 64 << 20  # scratch memory of further threads, if each decodes a sample; more leaves the cache


class FlowSamples:
    """Samples on their way from latents to pictures.

    Parameters
    ----------
    latents
        (N, C, H, W), of the coarsest level.
    like, layout
        A tensor with the layers' device and dtype, and their memory format.
    scratch
        Memory of the layers that compute in bands.

    Attributes
    ----------
    logdets
        log|det| of each sample, (1,) float64.
    """

    def __init__(self, latents: Tensor, like: Tensor, layout: torch.memory_format, scratch: Scratch) -> None:
        self._like, self._layout = like, layout
        self._scratches = [scratch]
        self._zs: list[Tensor | BandedMap] = [self._own(latent) for latent in torch.split(latents, 1)]
        self._spare: list[Tensor] = []  # memory for the samples after the next step
        self.logdets = [torch.zeros(1, dtype=torch.float64, device=like.device) for _ in self._zs]

    def step(self, layer: FusedStep, condition: StepCondition | BandedCondition) -> None:
        """Undo a step with a coupling."""
        if isinstance(condition, BandedCondition):
            self._step_in_bands(layer, condition)
            return
        zs = self.pictures()
        blocks = layer.row_blocks(zs[0])
        if blocks:
            self._step_in_rows(layer, condition, zs, blocks)
            return
        for k, z in enumerate(zs):
            self._zs[k], logdet = layer.decode(z, condition)
            self.logdets[k] = self.logdets[k] + logdet

    def _step_in_bands(self, layer: FusedStep, condition: BandedCondition) -> None:
        step, threads = layer.banded, torch.get_num_threads()
        assert step is not None

        def part(k: int, worker: int) -> None:
            z = self._zs[k]
            banded = z if isinstance(z, BandedMap) else BandedMap.of(z, tiles=condition.band_tiles)
            self._zs[k] = banded
            self.logdets[k] = self.logdets[k] + step.decode(banded, condition, self._scratches[worker])

        # A thread is faster with a sample of its own than with bands of a sample that it shares: what it has written
        # stays in its cache. Samples that are left over are shared.
        self._scratches += [Scratch() for _ in range(threads - len(self._scratches))]
        more = (threads - 1) * step.decode_bytes(condition)
        own = len(self._zs) // threads * threads if more <= _PARALLEL_BYTES else 0
        for_each(part, own, settings=operators())
        for k in range(own, len(self._zs)):
            part(k, 0)

    def _step_in_rows(
        self, layer: FusedStep, condition: StepCondition, zs: list[Tensor], blocks: list[tuple[int, int]]
    ) -> None:
        if not self._spare or self._spare[0].shape != zs[0].shape:
            self._spare = [torch.empty_like(z) for z in zs]
        found = [[0.0] * len(blocks) for _ in zs]

        def part(index: int, worker: int) -> None:
            k, block = divmod(index, len(blocks))
            found[k][block] = layer.decode_rows(zs[k], condition, self._spare[k], *blocks[block])

        for_each(part, len(zs) * len(blocks), settings=operators())
        self._zs[:], self._spare = self._spare, zs
        self.logdets = [
            logdet + condition.logdet + sum(parts) for logdet, parts in zip(self.logdets, found, strict=True)
        ]

    def split(self, layer: FusedSplit, latents: Tensor) -> None:
        """Undo a split: add the channels that were split off. The latents are (N, C, H, W)."""
        zs = self.pictures()

        def part(k: int, worker: int) -> None:
            self._zs[k], logdet = layer.decode(zs[k], self._own(latents[k : k + 1]))
            self.logdets[k] = self.logdets[k] + logdet

        self._for_each(part)

    def unsqueeze(self, factor: int) -> None:
        """Undo a squeeze: (1, C, H, W) -> (1, C / factor², H · factor, W · factor)."""
        zs = self.pictures()

        def part(k: int, worker: int) -> None:
            self._zs[k] = F.pixel_shuffle(zs[k], factor).contiguous(memory_format=self._layout)

        self._for_each(part)

    def _for_each(self, part: Callable[[int, int], None]) -> None:
        """Call ``part(k, worker)`` for each sample k: in several threads on the CPU in float32, else in their order."""
        if can_tile(self.pictures()[0]):
            for_each(part, len(self._zs), settings=operators())
            return
        for k in range(len(self._zs)):
            part(k, 0)

    def _own(self, latent: Tensor) -> Tensor:
        """A copy that may be overwritten, on the device, in the memory layout of the layers."""
        like = self._like
        return latent.to(like.device, like.dtype, copy=True, memory_format=self._layout)

    def pictures(self) -> list[Tensor]:
        """The samples (1, C, H, W)."""
        return [self._picture(z) for z in self._zs]

    def _picture(self, z: Tensor | BandedMap) -> Tensor:
        if isinstance(z, Tensor):
            return z
        size = 1, z.channels, z.height, z.width
        return z.picture(torch.empty(size, dtype=torch.float32, memory_format=self._layout))
