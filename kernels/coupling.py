"""The net of a coupling as it runs for each sample: first convolution over z1, the rest of it from the LR alone.

The net's first convolution reads concat(z1, u). Being linear it is the sum of a convolution over z1 and one over u, and
the second, ``pre``, is the same for all samples. What follows is a few small convolutions with 64 channels between
them, bound by memory traffic. So :func:`run_net` takes a block of rows at a time, few enough for their hidden channels
to stay in cache.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

# Hidden values of a block of rows on the CPU: 64 channels × 16 Ki pixels, 4 MiB in float32.
_BLOCK_VALUES = 1 << 20


@dataclass(frozen=True)
class Conv:
    """A zero-padded convolution with an odd kernel, maybe with a ReLU behind it."""

    weight: Tensor
    bias: Tensor | None
    relu: bool = False

    def __call__(self, x: Tensor) -> Tensor:
        y = F.conv2d(x, self.weight, self.bias, padding=self.reach)
        return y.relu_() if self.relu else y

    @property
    def reach(self) -> int:
        """Pixels that it sees beyond its own."""
        return int(self.weight.shape[-1]) // 2


@dataclass(frozen=True)
class Skip:
    """x + body(x)."""

    body: tuple[Conv, ...]

    def __call__(self, x: Tensor) -> Tensor:
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
        """Whether it is SRFlow's: 3×3, 1×1, 3×3."""
        return [op.reach if isinstance(op, Conv) else -1 for op in self.tail] == [0, 1]


def run_net_reference(net: Net, z1: Tensor, pre: Tensor | None) -> Tensor:
    """What :func:`run_net` computes, whole maps at once.

    Parameters
    ----------
    net:
        Its first convolution without the part that is in ``pre``.
    z1:
        (N, C, H, W).
    pre:
        (N or 1, hidden, H, W), added before the first ReLU; None: nothing.

    Returns
    -------
    (N, channels of the last convolution, H, W).
    """
    h = net.first(z1)
    h = F.relu(h if pre is None else h + pre)
    for op in net.tail:
        h = op(h)
    return h


def run_net(net: Net, z1: Tensor, pre: Tensor | None) -> Tensor:
    """:func:`run_net_reference`, by blocks of rows on the CPU where the net is SRFlow's."""
    if z1.device.type != "cpu" or not net.pointwise:
        h = net.first(z1)
        h = (h if pre is None else h.add_(pre)).relu_()
        for op in net.tail:
            h = op(h)
        return h
    return _run_by_rows(net, z1, pre)


def _run_by_rows(net: Net, z1: Tensor, pre: Tensor | None) -> Tensor:
    second, last = net.tail
    assert isinstance(second, Conv)
    assert isinstance(last, Conv)
    n, _, height, width = z1.shape
    block = max(1, _BLOCK_VALUES // (int(net.first.weight.shape[0]) * width * n))
    padded = F.pad(z1, (0, 0, 1, 1))
    blocks = []
    for top in range(0, height, block):
        bottom = min(top + block, height)
        # Rows of hidden values that the last convolution reads.
        start, stop = max(top - 1, 0), min(bottom + 1, height)
        h = F.conv2d(padded[:, :, start : stop + 2], net.first.weight, net.first.bias, padding=(0, 1))
        if pre is not None:
            h.add_(pre[:, :, start:stop])
        h = second(h.relu_())
        if start == top or stop == bottom:
            h = F.pad(h, (0, 0, int(start == top), int(stop == bottom)))
        blocks.append(F.conv2d(h, last.weight, last.bias, padding=(0, 1)))
    return blocks[0] if len(blocks) == 1 else torch.cat(blocks, 2)
