"""A folded step of a flow in bands of tile rows: fast for one sample on the CPU in float32.

The arithmetic is that of :class:`~srspace_eval.models.adapters.fused.FusedStep`. All of a step is computed band by
band, also the elementwise part and the matrix, so that the memory is read and written once for each step. NumPy
computes it, because PyTorch's operators use threads of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from srspace_eval.kernels.banded_net import BandedTail, FirstConv
from srspace_eval.kernels.banded_tiles import BandedMap
from srspace_eval.kernels.coupling import Conv, Net, Skip
from srspace_eval.kernels.upsampled_tiles import SharedConv, SharedValues
from srspace_eval.kernels.winograd_tiles import RUN, Array, Scratch, empty


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
        fAffine without its channels for the conditioning, and perhaps fAffine_std.
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

    def condition(self, values: SharedValues, scratch: Scratch) -> BandedCondition:
        """Compute what the step needs of the LR."""
        hidden, channels = self._hidden, len(self._matrix)
        like = BandedMap(values.height, values.width, 1, scratch, "like")
        bands, tiles = len(like.pixels), like.pixels.shape[-1]
        pre, gain, offset = (empty(bands, RUN, RUN, depth, tiles) for depth in (hidden, channels, channels))
        filters = self._shared.filters(scratch)
        logs = np.zeros(bands)

        def head(band: int, place: Array, worker: int) -> None:
            sums = scratch.take("sums", RUN, RUN, 2 * hidden, tiles, worker=worker)
            self._shared.run(filters, values, band, sums, scratch, worker)
            pre[band] = sums[:, :, :hidden]
            place[...] = sums[:, :, hidden:]

        def finish(band: int, out: Array, worker: int) -> None:
            shift, scale = out[:, :, :channels], _scale(out[:, :, channels:])
            np.reciprocal(scale, out=gain[band])
            np.matmul(self._matrix, shift, out=offset[band])
            np.subtract(self._bias, offset[band], out=offset[band])
            logs[band] = _sum_log(scale, like, band)

        self._features.run(like, hidden, head, finish, scratch)
        return BandedCondition(pre, gain, offset, -float(logs.sum()))

    def decode(self, z: BandedMap, condition: BandedCondition, scratch: Scratch) -> Tensor:
        """Latents to image: z, overwritten by the result -> log|det| (1,) float64 of this direction."""
        logdet = condition.logdet + self._logdet * (z.height * z.width)
        for k in range(len(self._nets)):
            logdet -= self._couple(k, z, condition, scratch)
        return torch.tensor([logdet], dtype=torch.float64)

    def _couple(self, net: int, z: BandedMap, condition: BandedCondition, scratch: Scratch) -> float:
        """Undo the coupling with one net; with the last one also the linear part."""
        first, tail = self._nets[net]
        filters, inputs, last = first.filters(scratch), first.inputs, net + 1 == len(self._nets)
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

        tail.run(z, self._hidden, head, finish, scratch)
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
