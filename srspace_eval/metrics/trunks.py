"""The three networks whose activations LPIPS compares, up to the last activation it reads.

AlexNet (A. Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014), VGG-16
(K. Simonyan, A. Zisserman, 2015), SqueezeNet 1.1 (F. Iandola et al., 2016), under torchvision's parameter names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from srspace_eval._files import refuse_packed
from srspace_eval.errors import WeightsError


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
class Tap:
    """LPIPS reads the activations here."""


Layer = Conv | Fire | Pool | Tap


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
        smallest=31,
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
        smallest=16,
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
        smallest=17,
    ),
}  # fmt: skip


class Trunk:
    """A frozen trunk.

    Parameters
    ----------
    net:
        ``"alex"``, ``"vgg"`` or ``"squeeze"``.
    parameters:
        Name -> tensor, as :func:`read_parameters` gives them.
    device, dtype:
        Where it runs, and in which precision.
    """

    def __init__(self, net: str, parameters: Mapping[str, Tensor], device: torch.device, dtype: torch.dtype) -> None:
        self.architecture = ARCHITECTURES[net]
        self._parameters = {name: value.to(device, dtype) for name, value in parameters.items()}
        for name, value in self._parameters.items():
            if value.ndim == 4:
                self._parameters[name] = value.contiguous(memory_format=torch.channels_last)

    def taps(self, x: Tensor) -> Iterator[Tensor]:
        """(B, 3, H, W) normalised -> the activations at each tap, one after the other.

        Channels-last input is the fast one. An activation that the caller lets go is freed before the next is made.
        """
        for layer in self.architecture.layers:
            match layer:
                case Conv(index, stride=stride, padding=padding):
                    x = self._conv(x, f"features.{index}", stride, padding)
                case Fire(index):
                    x = self._conv(x, f"features.{index}.squeeze")
                    sides = [
                        self._conv(x, f"features.{index}.expand1x1"),
                        self._conv(x, f"features.{index}.expand3x3", padding=1),
                    ]
                    x = torch.cat(sides, dim=1)
                case Pool(kernel, ceil):
                    x = F.max_pool2d(x, kernel, 2, ceil_mode=ceil)
                case Tap():
                    yield x

    def _conv(self, x: Tensor, name: str, stride: int = 1, padding: int = 0) -> Tensor:
        weight, bias = self._parameters[f"{name}.weight"], self._parameters[f"{name}.bias"]
        return F.conv2d(x, weight, bias, stride, padding).relu_()


def parameter_shapes(net: str) -> dict[str, tuple[int, ...]]:
    """torchvision's parameter name -> shape, of the layers that LPIPS needs."""
    shapes: dict[str, tuple[int, ...]] = {}

    def add(name: str, outputs: int, inputs: int, kernel: int) -> None:
        shapes[f"{name}.weight"] = (outputs, inputs, kernel, kernel)
        shapes[f"{name}.bias"] = (outputs,)

    for layer in ARCHITECTURES[net].layers:
        match layer:
            case Conv(index, inputs, outputs, kernel):
                add(f"features.{index}", outputs, inputs, kernel)
            case Fire(index, inputs, squeezed, expanded):
                add(f"features.{index}.squeeze", squeezed, inputs, 1)
                add(f"features.{index}.expand1x1", expanded, squeezed, 1)
                add(f"features.{index}.expand3x3", expanded, squeezed, 3)
    return shapes


def read_parameters(net: str, path: Path) -> dict[str, Tensor]:
    """The trunk's parameters from a state dict of torchvision's names; surplus keys (the classifier's) are ignored.

    Raises
    ------
    WeightsError
        If the file is not a state dict, or lacks a parameter, or one has the wrong shape or is not finite.
    """
    state = read_state_dict(path)
    faults, found = [], {}
    for name, shape in parameter_shapes(net).items():
        value = state.get(name)
        if not isinstance(value, Tensor):
            faults.append(f"{name} is missing")
        elif tuple(value.shape) != shape:
            faults.append(f"{name} is {tuple(value.shape)}, not {shape}")
        elif not (value.is_floating_point() and bool(torch.isfinite(value).all())):
            faults.append(f"{name} holds values that are not finite numbers")
        else:
            found[name] = value.to(torch.float32)
    if faults:
        more = f" (and {len(faults) - 3} more)" if len(faults) > 3 else ""
        raise WeightsError(f"{path}: not a {net} trunk: {'; '.join(faults[:3])}{more}")
    return found


def read_state_dict(path: Path) -> dict[str, Any]:
    """A state dict from a ``.safetensors`` file or a ``torch.save`` file, read without running any code in it.

    Raises
    ------
    WeightsError
        If it cannot be read, or holds anything but tensors by name.
    """
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(path))
        refuse_packed(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read: {error.strerror or error}") from None
    except Exception as error:
        raise WeightsError(f"{path}: not a file of weights ({type(error).__name__})") from error
    if not isinstance(state, dict):
        raise WeightsError(f"{path}: holds a {type(state).__name__}, not a state dict")
    return state
