"""A folded step of a flow in bands of tile rows, on the CPU in float32.

The arithmetic is that of :class:`~srspace_eval.models.adapters.fused.FusedStep`. All of a step is computed band by
band, also the elementwise part and the matrix, so that the memory is read and written once for each step. NumPy
computes it, because PyTorch's operators use threads of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from srspace_eval.kernels.banded_net import BandedTail, FirstConv
from srspace_eval.kernels.banded_tiles import BandedMap, Stages, Task, run_stages
from srspace_eval.kernels.coupling import Conv, Net, Skip
from srspace_eval.kernels.upsampled_tiles import SharedConv, SharedValues
from srspace_eval.kernels.winograd_tiles import RUN, SIDE, Array, Scratch, empty


@dataclass(frozen=True)
class BandedCondition:
    """What one step needs of the LR.

    Attributes
    ----------
    pre, gain, offset
        As in :class:`~srspace_eval.models.adapters.fused.StepCondition`; (bands, 4, 4, channels, tiles of a band).
    logdet
        log|det| of the inverse injector.
    """

    pre: Array
    gain: Array
    offset: Array
    logdet: float

    @property
    def band_tiles(self) -> int:
        """Tiles of a band."""
        return int(self.pre.shape[-1])

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return self.pre.nbytes + self.gain.nbytes + self.offset.nbytes


class BandedStep:
    """A step with a coupling, from latents to image.

    Parameters
    ----------
    shared
        The first convolutions of fAffine and fFeatures over the conditioning.
    features
        The rest of fFeatures, after the first ReLU.
    nets
        fAffine without its channels for the conditioning, and perhaps fAffine_std. Empty: :meth:`decode` is not called.
    matrix
        The inverse of the step's linear part.
    logdet
        log|det| of the matrix for one pixel.
    """

    def __init__(
        self, shared: SharedConv, features: tuple[Conv | Skip, ...], nets: list[Net], matrix: Conv, logdet: float
    ) -> None:
        self._shared, self._features = shared, BandedTail(features)
        self._nets = [(FirstConv(net.first), BandedTail(net.tail)) for net in nets]
        self._hidden = shared.outputs // 2
        self._matrix = matrix.weight[:, :, 0, 0].contiguous().numpy()
        assert matrix.bias is not None
        self._bias = matrix.bias.numpy()[:, None]
        self._logdet = logdet

    def condition(
        self, values: SharedValues, scratch: Scratch, turn: int
    ) -> tuple[Stages, Callable[[], BandedCondition]]:
        """What :meth:`decode` needs of the LR: the stages that compute it, and what returns it after these have run.

        ``turn`` is 0 or 1, another one for the step that follows in a chain.
        """
        like = BandedMap(values.height, values.width, 1, scratch, "like", values.band_tiles)
        bands, tiles = len(like.pixels), like.pixels.shape[-1]
        arrays = [empty(bands, RUN, RUN, depth, tiles) for depth in self._depths]
        pre, gain, offset = arrays

        def keep(kind: int, band: int, part: Array) -> None:
            arrays[kind][band] = part

        stages, logdet = self._condition(values, like, keep, scratch, turn)
        return stages, lambda: BandedCondition(pre, gain, offset, logdet())

    def condition_pictures(
        self, values: SharedValues, layout: torch.memory_format, scratch: Scratch, turn: int
    ) -> tuple[Stages, Callable[[], tuple[list[Tensor], float]]]:
        """As :meth:`condition`, but as pictures: pre, gain and offset (1, channels, H, W), and the log-determinant."""
        like = BandedMap(values.height, values.width, 1, scratch, "like", values.band_tiles)
        sizes = [(1, depth, values.height, values.width) for depth in self._depths]
        pictures = [torch.empty(size, memory_format=layout) for size in sizes]
        arrays = [picture[0].permute(1, 2, 0).numpy() for picture in pictures]

        def keep(kind: int, band: int, part: Array) -> None:
            like.copy_band(band, part, arrays[kind])

        stages, logdet = self._condition(values, like, keep, scratch, turn)
        return stages, lambda: (pictures, logdet())

    @property
    def _depths(self) -> tuple[int, int, int]:
        """Channels of pre, gain and offset."""
        return self._hidden, len(self._matrix), len(self._matrix)

    def _condition(
        self,
        values: SharedValues,
        like: BandedMap,
        keep: Callable[[int, int, Array], None],
        scratch: Scratch,
        turn: int,
    ) -> tuple[Stages, Callable[[], float]]:
        """Stages that call ``keep(kind, band, part)`` for pre (0), gain (1) and offset (2) of all bands; the logdet."""
        hidden, channels = self._hidden, len(self._matrix)
        tiles = like.pixels.shape[-1]
        tasks: list[Task] = []
        filters = self._shared.filters(scratch, tasks, turn)
        logs = np.zeros(len(like.pixels))

        def head(band: int, place: Array, worker: int) -> None:
            sums = scratch.take("sums", RUN, RUN, 2 * hidden, tiles, worker=worker)
            self._shared.run(filters, values, band, sums, scratch, worker)
            keep(0, band, sums[:, :, :hidden])
            place[...] = sums[:, :, hidden:]

        def finish(band: int, out: Array, worker: int) -> None:
            shift, scale = out[:, :, :channels], _scale(out[:, :, channels:])
            part = scratch.take("odd", *shift.shape, worker=worker)
            np.reciprocal(scale, out=part)
            keep(1, band, part)
            np.matmul(self._matrix, shift, out=part)
            np.subtract(self._bias, part, out=part)
            keep(2, band, part)
            logs[band] = _sum_log(scale, like, band)

        stages = self._features.stages(like, hidden, head, finish, scratch, tasks, turn)
        return stages, lambda: -float(logs.sum())

    def decode_bytes(self, condition: BandedCondition) -> int:
        """About how much scratch memory :meth:`decode` takes: three maps of the net, with the edges of their bands."""
        return 3 * condition.pre.nbytes * SIDE // RUN

    def decode(self, z: BandedMap, condition: BandedCondition, scratch: Scratch) -> Tensor:
        """Latents to image: z, overwritten by the result -> log|det| (1,) float64 of this direction."""
        logdet = condition.logdet + self._logdet * (z.height * z.width)
        for k in range(len(self._nets)):
            logdet -= self._couple(k, z, condition, scratch)
        return torch.tensor([logdet], dtype=torch.float64)

    def _couple(self, net: int, z: BandedMap, condition: BandedCondition, scratch: Scratch) -> float:
        """Undo the coupling with one net; with the last one also the linear part."""
        first, tail = self._nets[net]
        tasks: list[Task] = []
        filters, inputs, last = first.filters(scratch, tasks), first.inputs, net + 1 == len(self._nets)
        rest = z.channels - inputs
        logs = np.zeros(len(z.pixels))

        def head(band: int, place: Array, worker: int) -> None:
            first(filters, z, band, place, scratch, worker)
            place += condition.pre[band] if net == 0 else first.bias

        def finish(band: int, out: Array, worker: int) -> None:
            pixels = z.pixels[band, 1:-1]
            second, scale = pixels[:, :, inputs:], _scale(out[:, :, rest:])
            np.divide(second, scale, out=second)
            np.subtract(second, out[:, :, :rest], out=second)
            logs[band] = _sum_log(scale, z, band)
            if last:
                # No band reads these pixels any more: the net's later stages read its own maps.
                scaled = scratch.take("odd", *pixels.shape, worker=worker)
                np.multiply(pixels, condition.gain[band], out=scaled)
                np.matmul(self._matrix, scaled, out=pixels)
                np.add(pixels, condition.offset[band], out=pixels)
                z.clear_outside(band)

        run_stages([tail.stages(z, self._hidden, head, finish, scratch, tasks)])
        return float(logs.sum())


def _scale(logits: Array) -> Array:
    """sigmoid(logits) + 1e-4, which overwrites them."""
    np.negative(logits, out=logits)
    with np.errstate(over="ignore"):
        np.exp(logits, out=logits)
    logits += 1
    np.reciprocal(logits, out=logits)
    logits += np.float32(1e-4)
    return logits


def _sum_log(scale: Array, like: BandedMap, band: int) -> float:
    """The sum of the logarithms over the pixels of the picture in a band (4, 4, K, tiles), which is overwritten."""
    np.log(scale, out=scale)
    like.clear_outside(band, scale)
    return float(scale.sum(dtype=np.float64))
