"""Arrays in, tensors out: what the metrics accept, checked in one place."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from srspace_eval.errors import InputError

ArrayLike: TypeAlias = npt.NDArray[Any] | Tensor


def as_tensor(image: ArrayLike, what: str) -> Tensor:
    """A tensor over the image's memory where that is possible; read-only and flipped arrays are copied.

    Raises
    ------
    InputError
        If it is neither a NumPy array nor a tensor.
    """
    if isinstance(image, Tensor):
        return image.detach()
    if not isinstance(image, np.ndarray):
        raise InputError(f"{what}: a NumPy array or a torch tensor is wanted, not {type(image).__name__}")
    if not image.dtype.isnative:
        image = image.astype(image.dtype.newbyteorder("="))
    # A single row that was flipped counts as contiguous.
    if not (image.flags.c_contiguous and image.flags.writeable) or min(image.strides, default=0) < 0:
        image = np.array(image, order="C")
    try:
        return torch.from_numpy(image)
    except TypeError:
        raise InputError(f"{what}: dtype {image.dtype} is not an image's") from None


def rgb_8bit(image: ArrayLike, what: str) -> Tensor:
    """The tensor of an 8-bit RGB picture.

    Raises
    ------
    InputError
        If it is not uint8 of shape (H, W, 3).
    """
    tensor = as_tensor(image, what)
    if tensor.dtype != torch.uint8 or tensor.ndim != 3 or tensor.shape[2] != 3 or 0 in tensor.shape:
        raise InputError(f"{what}: {describe(tensor)} given, uint8 (H, W, 3) wanted")
    return tensor


def same_size(a: Tensor, b: Tensor, what: str) -> None:
    """Raises :class:`InputError` if the two differ in shape; nothing is ever resized or cropped here."""
    if a.shape != b.shape:
        raise InputError(f"{what}: sizes differ, {_size(a)} and {_size(b)} (height×width): crop or resize them first")


def describe(tensor: Tensor) -> str:
    """``"float32 (3, 64, 64)"``."""
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"


def _size(image: Tensor) -> str:
    return "×".join(str(n) for n in image.shape[:2])
