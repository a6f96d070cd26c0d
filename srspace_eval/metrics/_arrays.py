"""Arrays in, tensors out: which pictures the pure functions accept, checked in one place.

A picture is RGB, uint8 or floats in [0, 1]. A function takes one picture or a batch:

===============  ==================  ====================
kind             one picture         a batch
===============  ==================  ====================
NumPy array      (H, W, 3)           (..., H, W, 3)
torch tensor     (3, H, W) or        (N, 3, H, W)
                 (H, W, 3)
===============  ==================  ====================

In a three-dimensional tensor the colour axis is the one of length 3. If the first axis and the last one both have
length 3, the layout is ambiguous and the tensor is an error.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from srspace_eval.errors import InputError

Array: TypeAlias = npt.NDArray[np.generic]
ArrayLike: TypeAlias = Array | Tensor
FloatArray: TypeAlias = npt.NDArray[np.float64]

_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_SHAPES = "(H, W, 3) or (..., H, W, 3) as a NumPy array, (3, H, W), (H, W, 3) or (N, 3, H, W) as a torch tensor"


@dataclass(frozen=True)
class Pictures:
    """One picture or a batch, read into one layout.

    Attributes
    ----------
    pixels
        (N, H, W, 3), uint8 or floats in [0, 1]; N is 1 for one picture.
    batch
        Leading axes of the batch; empty for one picture.
    """

    pixels: Tensor
    batch: tuple[int, ...]


def as_tensor(image: ArrayLike, what: str, *, fake: bool = False) -> Tensor:
    """Convert to a tensor that shares the memory where possible; read-only and flipped arrays are copied.

    Parameters
    ----------
    fake
        Accept tensors of ``FakeTensorMode``, which have a shape but no values.

    Raises
    ------
    InputError
        If it is neither a NumPy array nor a tensor, its dtype cannot be a picture's, or it does not hold all of its
        values: a masked array, a sparse, quantised or nested tensor, a fake tensor, a tensor on the device "meta".
    """
    if isinstance(image, Tensor):
        if image.layout != torch.strided or image.is_quantized or image.is_nested or image.is_meta:
            raise InputError(f"{what}: a dense tensor of plain numbers is required, not {_kind(image)}")
        if hasattr(image, "fake_mode") and not fake:
            raise InputError(f"{what}: a tensor with values is required, not one of FakeTensorMode")
        return image.detach().resolve_neg()  # NumPy cannot read a tensor that is negated when it is read
    if not isinstance(image, np.ndarray):
        raise InputError(f"{what}: a NumPy array or a torch tensor is required, not {type(image).__name__}")
    if isinstance(image, np.ma.MaskedArray):
        raise InputError(f"{what}: masked pixels cannot be left out; pass an array without a mask, such as x.filled()")
    if not image.dtype.isnative:
        image = image.astype(image.dtype.newbyteorder("="))
    # A flipped array of a single row counts as contiguous, so that the strides are checked too.
    if not (image.flags.c_contiguous and image.flags.writeable) or min(image.strides, default=0) < 0:
        image = np.array(image, order="C")
    try:
        return torch.from_numpy(image)
    except TypeError:
        raise InputError(f"{what}: dtype {image.dtype} is not an image's") from None


def rgb_8bit(image: ArrayLike, what: str) -> Tensor:
    """Check one 8-bit RGB picture and return it as a tensor (H, W, 3).

    Raises
    ------
    InputError
        If it is not uint8 of shape (H, W, 3).
    """
    tensor = as_tensor(image, what, fake=True)
    if tensor.dtype != torch.uint8 or tensor.ndim != 3 or tensor.shape[2] != 3 or 0 in tensor.shape:
        raise InputError(f"{what}: {describe(tensor)} given, uint8 (H, W, 3) wanted")
    return tensor


def rgb(image: ArrayLike, what: str) -> Tensor:
    """Check one RGB picture, uint8 or floats in [0, 1], and return it as a tensor (H, W, 3).

    Raises
    ------
    InputError
        If it has another shape, dtype or range.
    """
    tensor = as_tensor(image, what, fake=True)
    if tensor.ndim != 3 or tensor.shape[2] != 3 or 0 in tensor.shape:
        raise InputError(f"{what}: {describe(tensor)} given, (H, W, 3) RGB wanted")
    check_values(tensor, what)
    return tensor


def picture_pair(a: ArrayLike, b: ArrayLike, names: tuple[str, str]) -> tuple[Pictures, Pictures]:
    """Read two pictures or batches that are compared with each other.

    The second may be one picture for a whole batch. Sizes are not compared here. A tensor whose layout is ambiguous is
    read in the layout of the other tensor.

    Raises
    ------
    InputError
        If a shape, dtype or range is not accepted, or the batches have different shapes.
    """
    tensors = (as_tensor(a, names[0]), as_tensor(b, names[1]))
    axes = [_colour_axes(tensor, isinstance(given, Tensor)) for tensor, given in zip(tensors, (a, b), strict=True)]
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        common = tuple(axis for axis in axes[0] if axis in axes[1])
        axes = [common if len(axis) > 1 and common else axis for axis in axes]
    first, second = (_read(*parts) for parts in zip(tensors, axes, names, strict=True))
    if second.batch not in ((), first.batch):
        raise InputError(
            f"{names[0]} is a batch of shape {first.batch}, {names[1]} one of shape {second.batch}: give batches of "
            f"equal shape, or one picture as {names[1]}"
        )
    return first, second


def values_of_pairs(
    function: Callable[[Tensor, Tensor], float], a: ArrayLike, b: ArrayLike, names: tuple[str, str]
) -> float | FloatArray | Tensor:
    """Apply a function of two (H, W, 3) tensors to one pair or to a batch of pairs.

    Returns
    -------
    float or FloatArray or Tensor
        A float for one pair; for a batch float64 values of the batch's shape, an array or a tensor as ``a`` is.
    """
    first, second = picture_pair(a, b, names)
    others = second.pixels.expand(len(first.pixels), *second.pixels.shape[1:])
    return shaped_like(
        [function(x, y) for x, y in zip(first.pixels.unbind(), others.unbind(), strict=True)], a, first.batch
    )


def shaped_like(values: list[float], given: ArrayLike, batch: tuple[int, ...]) -> float | FloatArray | Tensor:
    """Return the values of a batch as the kind that was given: an array, or a tensor on the same device."""
    if not batch:
        return values[0]
    if isinstance(given, Tensor):
        device = "cpu" if given.device.type == "mps" else given.device  # MPS has no float64
        return torch.tensor(values, dtype=torch.float64, device=device).reshape(batch)
    return np.array(values, dtype=np.float64).reshape(batch)


def check_values(tensor: Tensor, what: str) -> None:
    """Raise :class:`InputError` unless the tensor is uint8 or holds floats in [0, 1]; the message names the values."""
    if tensor.dtype == torch.uint8:
        return
    if tensor.dtype not in _FLOATS:
        raise InputError(f"{what}: {describe(tensor)} given, uint8 or float in [0, 1] wanted")
    low, high = (float(value) for value in tensor.aminmax())
    if low >= 0 and high <= 1:
        return
    if not bool(torch.isfinite(tensor).all()):
        bad = int((~torch.isfinite(tensor)).sum())
        raise InputError(f"{what}: {bad} values are NaN or infinite")
    hint = "for [-1, 1] pass (x + 1) / 2" if low >= -1 and high <= 1 else "for 0..255 pass uint8, or divide by 255"
    raise InputError(f"{what}: values from {low:.4g} to {high:.4g} given, uint8 or float in [0, 1] wanted; {hint}")


def same_size(a: Tensor, b: Tensor, what: str) -> None:
    """Raise :class:`InputError` if two (H, W, 3) pictures differ in shape; nothing is resized or cropped here."""
    if a.shape != b.shape:
        raise InputError(f"{what}: sizes differ, {_size(a)} and {_size(b)} (height×width): crop or resize them first")


def sum_of(values: Tensor) -> Tensor:
    """The sum of all values, with the same bits whatever the number of torch's threads.

    On the CPU torch splits a sum that has one result among its threads, and the last bits follow the number of parts.
    It splits a sum of two results between the results. Each of them is then what one thread computes.
    """
    if values.device.type != "cpu" or values.numel() == 0 or torch.get_num_threads() == 1:
        return values.sum()
    return values[None].expand(2, *values.shape).sum(dim=tuple(range(1, values.ndim + 1)))[0]


def describe(tensor: Tensor) -> str:
    """Describe dtype and shape: ``"float32 (3, 64, 64)"``."""
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"


def _kind(tensor: Tensor) -> str:
    if tensor.is_meta:
        return "one on the device meta"
    if tensor.is_nested:
        return "a nested one"
    return "a quantised one" if tensor.is_quantized else str(tensor.layout).removeprefix("torch.")


def _colour_axes(tensor: Tensor, is_torch: bool) -> tuple[int, ...]:
    """The axes that may hold the colours, counted from the end; more than one if the layout is ambiguous."""
    if 0 in tensor.shape or tensor.ndim < 3 or (is_torch and tensor.ndim > 4):
        return ()
    candidates = (-1,) if not is_torch else (-3,) if tensor.ndim == 4 else (-1, -3)
    return tuple(axis for axis in candidates if tensor.shape[axis] == 3)


def _read(tensor: Tensor, axes: tuple[int, ...], what: str) -> Pictures:
    if not axes:
        raise InputError(f"{what}: {describe(tensor)} given, RGB wanted: {_SHAPES}")
    if len(axes) > 1:
        raise InputError(
            f"{what}: {describe(tensor)} given, its layout is ambiguous: pass x[None] for a (3, H, W) tensor, "
            "x.permute(2, 0, 1)[None] for an (H, W, 3) tensor"
        )
    check_values(tensor, what)
    last = tensor if axes[0] == -1 else tensor.movedim(-3, -1)
    batch = tuple(last.shape[:-3])
    return Pictures(last.reshape(math.prod(batch), *last.shape[-3:]), batch)


def _size(image: Tensor) -> str:
    return "×".join(str(n) for n in image.shape[:2])
