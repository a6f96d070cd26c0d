"""The three networks whose activations LPIPS compares, up to the last activation it reads.

AlexNet (A. Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014), VGG-16
(K. Simonyan, A. Zisserman, 2015), SqueezeNet 1.1 (F. Iandola et al., 2016), under torchvision's parameter names.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from srspace_eval.kernels.winograd import WinogradConv, saves_time
from srspace_eval.metrics.lpips.nets import NETS


@dataclass(frozen=True)
class Conv:
    """A convolution and its ReLU. ``index`` is its place in torchvision's ``features``."""

    index: int
    inputs: int
    outputs: int
    kernel: int
    stride: int = 1
    padding: int = 0


@dataclass(frozen=True)
class Fire:
    """SqueezeNet's module: 1×1 to ``squeezed`` channels, then 1×1 and 3×3 side by side, ``expanded`` channels each."""

    index: int
    inputs: int
    squeezed: int
    expanded: int


@dataclass(frozen=True)
class Pool:
    """Maximum over ``kernel`` × ``kernel``, stride 2."""

    kernel: int
    ceil: bool = False


@dataclass(frozen=True)
class SmoothPool:
    """DISTS's pooling, stride 2: the root of the mean of squares, weighted by [1 2 1] ⊗ [1 2 1] / 16."""


@dataclass(frozen=True)
class Tap:
    """LPIPS reads the activations here."""


Layer = Conv | Fire | Pool | SmoothPool | Tap

_BAND_VALUES = 1 << 22  # activations a band: 16 MiB

_making = threading.Lock()  # not a trunk's own: trunks can be copied and pickled


@dataclass(frozen=True)
class Architecture:
    """A trunk's layers, the channels of its taps, and the smallest picture (height and width) that reaches the last."""

    layers: tuple[Layer, ...]
    channels: tuple[int, ...]
    smallest: int


ARCHITECTURES = {
    "alex": Architecture(
        (
            Conv(0, 3, 64, 11, 4, 2), Tap(), Pool(3),
            Conv(3, 64, 192, 5, 1, 2), Tap(), Pool(3),
            Conv(6, 192, 384, 3, 1, 1), Tap(),
            Conv(8, 384, 256, 3, 1, 1), Tap(),
            Conv(10, 256, 256, 3, 1, 1), Tap(),
        ),
        (64, 192, 384, 256, 256),
        NETS["alex"].smallest,
    ),
    "vgg": Architecture(
        (
            Conv(0, 3, 64, 3, 1, 1), Conv(2, 64, 64, 3, 1, 1), Tap(), Pool(2),
            Conv(5, 64, 128, 3, 1, 1), Conv(7, 128, 128, 3, 1, 1), Tap(), Pool(2),
            Conv(10, 128, 256, 3, 1, 1), Conv(12, 256, 256, 3, 1, 1), Conv(14, 256, 256, 3, 1, 1), Tap(), Pool(2),
            Conv(17, 256, 512, 3, 1, 1), Conv(19, 512, 512, 3, 1, 1), Conv(21, 512, 512, 3, 1, 1), Tap(), Pool(2),
            Conv(24, 512, 512, 3, 1, 1), Conv(26, 512, 512, 3, 1, 1), Conv(28, 512, 512, 3, 1, 1), Tap(),
        ),
        (64, 128, 256, 512, 512),
        NETS["vgg"].smallest,
    ),
    "squeeze": Architecture(
        (
            Conv(0, 3, 64, 3, 2), Tap(), Pool(3, ceil=True),
            Fire(3, 64, 16, 64), Fire(4, 128, 16, 64), Tap(), Pool(3, ceil=True),
            Fire(6, 128, 32, 128), Fire(7, 256, 32, 128), Tap(), Pool(3, ceil=True),
            Fire(9, 256, 48, 192), Tap(), Fire(10, 384, 48, 192), Tap(),
            Fire(11, 384, 64, 256), Tap(), Fire(12, 512, 64, 256), Tap(),
        ),
        (64, 128, 256, 384, 384, 512, 512),
        NETS["squeeze"].smallest,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Activation:
    """Rows of the activations at one tap.

    Attributes
    ----------
    tap
        Which tap, from 0.
    start, height
        The first of these rows, and how many rows the tap has in all.
    values
        (1, C, rows, w).
    """

    tap: int
    start: int
    height: int
    values: Tensor


class Trunk:
    """A frozen trunk.

    Parameters
    ----------
    net
        ``"alex"``, ``"vgg"`` or ``"squeeze"``.
    parameters
        Name -> tensor, as :func:`read_parameters` gives them.
    device, dtype
        Where it runs, and in which precision.
    smooth_pooling
        DISTS's pooling instead of the network's own.
    """

    def __init__(
        self,
        net: str,
        parameters: Mapping[str, Tensor],
        device: torch.device,
        dtype: torch.dtype,
        *,
        smooth_pooling: bool = False,
    ) -> None:
        self.architecture = ARCHITECTURES[net]
        layers = self.architecture.layers
        if smooth_pooling:
            layers = tuple(SmoothPool() if isinstance(layer, Pool) else layer for layer in layers)
        self._stages = _stages(layers)
        self._parameters = {name: value.to(device, dtype) for name, value in parameters.items()}
        for name, value in self._parameters.items():
            if value.ndim == 4:
                self._parameters[name] = value.contiguous(memory_format=torch.channels_last)
        self._winograd: dict[str, WinogradConv] = {}

    def activations(self, x: Tensor) -> Iterator[Activation]:
        """(1, 3, H, W) normalised, best channels-last -> the activations at each tap, in order, from the top down.

        Memory: the input and output of one convolution, and what the caller keeps. VGG-16's first taps would take
        gigabytes for a 2K picture; such stages are made band by band.
        """
        for number, stage in enumerate(self._stages):
            if self._is_large(stage, x):
                x = yield from self._in_bands(number, stage, x)
                continue
            for layer in stage:
                if isinstance(layer, Tap):
                    yield Activation(number, 0, x.shape[2], x)
                else:
                    x = self._run(layer, x)

    def _is_large(self, stage: Sequence[Layer], x: Tensor) -> bool:
        """Whether a stage can be made in bands (3×3 convolutions, a tap, 2×2 pooling) and is large enough to be."""
        *convolutions, _, pool = stage if len(stage) > 2 else (None, None, None)
        if pool not in (Pool(2), SmoothPool()) or not all(
            isinstance(layer, Conv) and layer.kernel == 3 for layer in convolutions
        ):
            return False
        widest = max(layer.outputs for layer in convolutions if isinstance(layer, Conv))
        return widest * x.shape[2] * x.shape[3] > 2 * _BAND_VALUES

    def _in_bands(self, number: int, stage: Sequence[Layer], x: Tensor) -> Generator[Activation, None, Tensor]:
        """The stage's activations band by band; returns its pooled output."""
        *convolutions, _, pool = stage
        height, width = x.shape[2:]
        halo = len(convolutions)  # each reads one row beyond
        channels = self.architecture.channels[number]
        rows = max(2, _BAND_VALUES // (channels * width) // 2 * 2)  # even: pooling pairs rows
        smooth = isinstance(pool, SmoothPool)
        more = 1 if smooth else 0  # its windows overlap by one row, and the last one may hang over
        size = (height + more) // 2, (width + more) // 2
        pooled = torch.empty(1, *size, channels, dtype=x.dtype, device=x.device).permute(0, 3, 1, 2)
        for start in range(0, height, rows):
            stop = min(start + rows, height)
            above = more if start else 0
            first, last = max(start - halo - above, 0), min(stop + halo, height)
            part = x[:, :, first:last]
            for layer in convolutions:
                part = self._run(layer, part)
            part = part[:, :, start - above - first : stop - first]
            yield Activation(number, start, height, part[:, :, above:])
            if smooth:
                pooled[:, :, start // 2 : (stop + 1) // 2] = _smooth_pooled(part, 1 - above, stop % 2)
            elif stop - start > 1:  # a last odd row is not pooled
                pooled[:, :, start // 2 : stop // 2] = self._run(pool, part)
        return pooled

    def _run(self, layer: Layer, x: Tensor) -> Tensor:
        match layer:
            case Conv(index, stride=stride, padding=padding):
                return self._conv(x, f"features.{index}", stride, padding)
            case Fire(index):
                squeezed = self._conv(x, f"features.{index}.squeeze")
                sides = [
                    self._conv(squeezed, f"features.{index}.expand1x1"),
                    self._conv(squeezed, f"features.{index}.expand3x3", padding=1),
                ]
                return torch.cat(sides, dim=1)
            case Pool(kernel, ceil):
                return F.max_pool2d(x, kernel, 2, ceil_mode=ceil)
            case SmoothPool():
                return _smooth_pooled(x, 1, x.shape[2] % 2)
            case Tap():
                return x

    def _conv(self, x: Tensor, name: str, stride: int = 1, padding: int = 0) -> Tensor:
        weight, bias = self._parameters[f"{name}.weight"], self._parameters[f"{name}.bias"]
        if saves_time(weight, stride, padding, x.shape[3]):
            return self._fewer_products(name)(x).relu_()
        return F.conv2d(x, weight, bias, stride, padding).relu_()

    def _fewer_products(self, name: str) -> WinogradConv:
        with _making:  # once, though many threads may ask
            if name not in self._winograd:
                weight, bias = self._parameters[f"{name}.weight"], self._parameters[f"{name}.bias"]
                self._winograd[name] = WinogradConv(weight, bias)
            return self._winograd[name]


def _smooth_pooled(x: Tensor, above: int, below: int) -> Tensor:
    """:class:`SmoothPool` of (1, C, h, w), with so many rows of zeros above and below, and a column at each side."""
    channels = x.shape[1]
    line = torch.tensor([0.25, 0.5, 0.25], dtype=x.dtype, device=x.device)
    window = (line[:, None] * line)[None, None].repeat(channels, 1, 1, 1)
    padded = F.pad(x.square(), (1, x.shape[3] % 2, above, below))
    return F.conv2d(padded, window, stride=2, groups=channels).add_(1e-12).sqrt_()


def _stages(layers: Sequence[Layer]) -> list[tuple[Layer, ...]]:
    """The layers up to each tap, with the pooling that follows it."""
    stages: list[list[Layer]] = [[]]
    for layer in layers:
        if isinstance(layer, Pool | SmoothPool) or not any(isinstance(earlier, Tap) for earlier in stages[-1]):
            stages[-1].append(layer)
        else:
            stages.append([layer])
    return [tuple(stage) for stage in stages]
