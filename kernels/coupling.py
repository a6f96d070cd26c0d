"""The net of a coupling as it is run for each sample.

The net's first convolution reads concat(z1, u). It is linear, so it is the sum of a convolution over z1 and one over u.
The second one, ``pre``, depends on the LR alone and is the same for all samples. The rest of SRFlow's net is two small
convolutions with 64 channels between them, whose speed is bound by memory traffic. :func:`run_net` therefore computes
a block of rows at a time on the CPU, so that the hidden channels stay in the cache. Nets with more convolutions of 3×3
(SRFlow-DA), or with more channels at the ends (SRFlow's coarser levels), are faster in
:mod:`srspace_eval.kernels.banded_net`, which needs float32 on the CPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from srspace_eval.kernels.winograd_tiles import can_tile

_BLOCK_VALUES = 1 << 20  # hidden values of a block of rows: 64 channels × 16 Ki pixels, 4 MiB in float32
_BLOCKS = 2  # at least so many blocks of a map, for the threads,
_FEWEST_ROWS = 16  # unless they have fewer rows: a block also computes two rows of its neighbours


@dataclass(frozen=True)
class Conv:
    """A zero-padded convolution with an odd kernel, perhaps followed by a ReLU.

    Attributes
    ----------
    weight, bias
        (K, C, r, r) with odd r, and (K,) or None.
    relu
        Whether a ReLU follows.
    """

    weight: Tensor
    bias: Tensor | None
    relu: bool = False

    def __call__(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, K, H, W)."""
        y = convolve(x, self.weight, self.bias, (self.reach, self.reach))
        return y.relu_() if self.relu else y

    @property
    def reach(self) -> int:
        """How many pixels on each side an output pixel reads."""
        return int(self.weight.shape[-1]) // 2


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None, padding: tuple[int, int]) -> Tensor:
    """``F.conv2d(x, weight, bias, padding=padding)``, on the CPU in float32 by oneDNN where PyTorch has it.

    F.conv2d computes small maps, and with one thread also all convolutions of 1×1, by matrix products. These are slower
    for 1×1, and their bytes depend on the number of threads of the process.
    """
    if can_tile(x) and x.is_contiguous(memory_format=torch.channels_last):
        if torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
            return torch.mkldnn_convolution(x, weight, bias, padding, (1, 1), (1, 1), 1)
        if weight.shape[-1] == 1:
            return F.linear(x.permute(0, 2, 3, 1), weight[:, :, 0, 0], bias).permute(0, 3, 1, 2)
    return F.conv2d(x, weight, bias, padding=padding)


@dataclass(frozen=True)
class Skip:
    """x + body(x), the convolutions of the body one after the other."""

    body: tuple[Conv, ...]

    def __call__(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape."""
        y = x
        for conv in self.body:
            y = conv(y)
        return y.add_(x)


@dataclass(frozen=True)
class Net:
    """The net of a coupling: relu(conv(z1, first) + pre), then ``tail``."""

    first: Conv
    tail: tuple[Conv | Skip, ...]

    @property
    def pointwise(self) -> bool:
        """Whether the net is SRFlow's: convolutions of 3×3, 1×1 and 3×3."""
        return [op.reach if isinstance(op, Conv) else -1 for op in self.tail] == [0, 1]


def run_net_reference(net: Net, z1: Tensor, pre: Tensor | None) -> Tensor:
    """The net on whole maps. The specification of :func:`run_net`.

    Parameters
    ----------
    net
        The net; its first convolution has the weights for z1 only.
    z1
        (N, C, H, W) float.
    pre
        (N or 1, hidden, H, W), added before the first ReLU; None: nothing is added.

    Returns
    -------
    Tensor
        (N, channels of the last convolution, H, W).
    """
    h = net.first(z1)
    return run_tail(net.tail, F.relu(h if pre is None else h + pre))


def run_net(net: Net, z1: Tensor, pre: Tensor | None) -> Tensor:
    """See :func:`run_net_reference`. SRFlow's nets are computed in blocks of rows on the CPU.

    >>> conv = Conv(torch.rand(2, 2, 3, 3), None)
    >>> net, z1 = Net(conv, (Conv(torch.rand(2, 2, 1, 1), None, relu=True), conv)), torch.rand(1, 2, 5, 4)
    >>> torch.allclose(run_net(net, z1, None), run_net_reference(net, z1, None), rtol=1e-5)
    True
    """
    if z1.device.type != "cpu" or not net.pointwise:
        h = net.first(z1)
        return run_tail(net.tail, (h if pre is None else h.add_(pre)).relu_())
    blocks = [run_rows(net, z1, pre, top, bottom) for top, bottom in row_blocks(net, *z1.shape[2:])]
    return blocks[0] if len(blocks) == 1 else torch.cat(blocks, 2)


def run_tail(tail: Sequence[Conv | Skip], h: Tensor) -> Tensor:
    """The operations after the first ReLU: (N, hidden, H, W) -> (N, channels of the last convolution, H, W)."""
    for op in tail:
        h = op(h)
    return h


def row_blocks(net: Net, height: int, width: int) -> list[tuple[int, int]]:
    """The blocks of rows of a map that :func:`run_rows` computes fast: first row, and the row after the last.

    They follow from the map's size alone, and so do the bytes of the result.
    """
    rows = max(1, _BLOCK_VALUES // (int(net.first.weight.shape[0]) * width))
    rows = min(rows, max(-(-height // _BLOCKS), _FEWEST_ROWS))
    return [(top, min(top + rows, height)) for top in range(0, height, rows)]


def run_rows(net: Net, z1: Tensor, pre: Tensor | None, top: int, bottom: int) -> Tensor:
    """Some rows of the output of SRFlow's net.

    Parameters
    ----------
    net
        A net that is :attr:`Net.pointwise`.
    z1, pre
        See :func:`run_net_reference`.
    top, bottom
        The first row, and the row after the last one.

    Returns
    -------
    Tensor
        (N, channels of the last convolution, bottom - top, W).
    """
    second, last = net.tail
    assert isinstance(second, Conv)
    assert isinstance(last, Conv)
    height = z1.shape[2]
    # The rows of hidden values that the last convolution reads, and those of z1 that they read.
    start, stop = max(top - 1, 0), min(bottom + 1, height)
    first, end = max(start - 1, 0), min(stop + 1, height)
    rows = F.pad(z1[:, :, first:end], (0, 0, first - (start - 1), stop + 1 - end))
    h = convolve(rows.contiguous(memory_format=torch.channels_last), net.first.weight, net.first.bias, (0, 1))
    if pre is not None:
        h.add_(pre[:, :, start:stop])
    # The last convolution pads rows only at the picture's edges. In between, its first or last row would read that
    # padding; it is cut off. That is less work than a copy of the hidden channels.
    y = convolve(second(h.relu_()), last.weight, last.bias, (1, 1))
    return y[:, :, top - start : bottom - start]
