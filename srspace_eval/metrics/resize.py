"""MATLAB-style antialiased bicubic resizing, in the three conventions of the field."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from typing import TypeVar, overload

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from srspace_eval.errors import InputError
from srspace_eval.kernels.cubic import Border
from srspace_eval.kernels.resampling import resample
from srspace_eval.metrics._arrays import ArrayLike, as_tensor, describe

ScalarT = TypeVar("ScalarT", bound=np.generic)

_MOST_CHANNELS = 4  # of a picture in a batch: grey, with alpha, RGB, RGB with alpha
_MOST_PIXELS = 1 << 30  # of an output
_MOST_WEIGHTS = 1 << 24  # of an axis; an axis of a million pixels needs 6 million


@dataclass(frozen=True)
class Convention:
    """The values beyond the border, and whether halves round away from zero (else to even)."""

    border: Border
    half_away: bool


CONVENTIONS: dict[str, Convention] = {
    "ntire21": Convention("mirror", half_away=False),
    "matlab": Convention("mirror", half_away=True),
    "matlab-legacy": Convention("repeat", half_away=True),
}


@overload
def imresize(
    image: npt.NDArray[ScalarT],
    scale: float | None = None,
    output_shape: tuple[int, int] | None = None,
    convention: str = "ntire21",
    form: str | None = None,
) -> npt.NDArray[ScalarT]: ...
@overload
def imresize(
    image: Tensor,
    scale: float | None = None,
    output_shape: tuple[int, int] | None = None,
    convention: str = "ntire21",
    form: str | None = None,
) -> Tensor: ...
def imresize(
    image: ArrayLike,
    scale: float | None = None,
    output_shape: tuple[int, int] | None = None,
    convention: str = "ntire21",
    form: str | None = None,
) -> ArrayLike:
    """Resize as MATLAB's ``imresize(..., 'bicubic')`` does, with antialiasing.

    The kernel is that of R. Keys, "Cubic convolution interpolation for digital image processing", 1981, a = -0.5,
    widened by ``1 / scale`` when it shrinks.

    Parameters
    ----------
    image
        uint8, float32 or float64. One picture: (H, W) or (H, W, C), an array or a tensor; a tensor (3, H, W) is read
        channels first if W > 4, and other shapes that look like channels first are refused. A batch of 1 to 4
        channels: (..., H, W, C) as a NumPy array, (N, C, H, W) as a torch tensor, on any device.
    scale
        Factor of both axes, such as 0.25; the output has ``ceil(scale * n)`` pixels. Give either this or
    output_shape
        (height, width) of the output; each axis then has its own scale.
    convention
        ``"ntire21"``: mirrored border, halves to even: bit for bit the challenge's own program. ``"matlab"``: mirrored,
        halves away from zero: present-day MATLAB. ``"matlab-legacy"``: repeated edge, halves away from zero: older
        MATLAB, bit for bit the LR files of Set5, Set14, BSD100, and Urban100 at x4.
    form
        Kernel form, for tests and measurements: see :mod:`srspace_eval.kernels.dispatch`.

    Returns
    -------
    ArrayLike
        The same kind, dtype and layout as ``image``. 8-bit pictures are rounded after each axis. Float pictures are
        neither rounded nor clipped, so that they may overshoot their range.

    Raises
    ------
    InputError
        If the shape, dtype, scale or convention is not one of these, or a tensor (3, H, 3) leaves its layout open.

    Examples
    --------
    >>> import numpy as np
    >>> from srspace_eval import imresize
    >>> imresize(np.zeros((8, 8, 3), np.uint8), scale=0.25).shape
    (2, 2, 3)
    >>> imresize(np.zeros((10, 8, 8, 3)), output_shape=(3, 4)).shape
    (10, 3, 4, 3)
    """
    tensor = as_tensor(image, "image")
    first = _channels_first(tensor) if isinstance(image, Tensor) else False
    batch = tuple(tensor.shape[:-3])
    if tensor.ndim < 2 or 0 in tensor.shape or (batch and not _is_batch(tensor, isinstance(image, Tensor))):
        raise InputError(
            f"image: {describe(tensor)} given, (H, W) or (H, W, C) wanted, or a batch of 1 to 4 channels: "
            "(..., H, W, C) as a NumPy array, (N, C, H, W) as a torch tensor"
        )
    if tensor.dtype not in (torch.uint8, torch.float32, torch.float64):
        raise InputError(f"image: {describe(tensor)} given, uint8, float32 or float64 wanted")
    if tensor.ndim == 3 and not first and tensor.shape[0] <= _MOST_CHANNELS < min(tensor.shape[1:]):
        raise InputError(
            f"image: {describe(tensor)} given, which looks like a picture with its channels first: pass x[None] for a "
            "torch tensor, np.moveaxis(x, 0, -1) for a NumPy array"
        )
    pixels = tensor[..., None] if tensor.ndim == 2 else tensor.movedim(-3, -1) if first else tensor
    parts = pixels.reshape(math.prod(batch), *pixels.shape[-3:]).unbind()
    done = [resize_picture(part, scale, convention, output_shape, form) for part in parts]
    whole = torch.stack(done).reshape(*batch, *done[0].shape) if batch else done[0]
    whole = whole[..., 0] if tensor.ndim == 2 else whole.movedim(-1, -3).contiguous() if first else whole
    return whole if isinstance(image, Tensor) else whole.numpy()


def resize_picture(
    pixels: Tensor,
    scale: float | None = None,
    convention: str = "ntire21",
    output_shape: tuple[int, int] | None = None,
    form: str | None = None,
) -> Tensor:
    """:func:`imresize` of one (H, W, C) tensor whose dtype is checked already."""
    if convention not in CONVENTIONS:
        raise InputError(f"no convention {convention!r}: {', '.join(CONVENTIONS)}")
    scales, shape = _geometry((pixels.shape[0], pixels.shape[1]), scale, output_shape)
    rule = CONVENTIONS[convention]
    return resample(pixels, shape, scales, rule.border, rule.half_away, form)


def _channels_first(tensor: Tensor) -> bool:
    """Whether a torch tensor is read channels first."""
    if tensor.ndim != 3:
        return tensor.ndim == 4
    if tensor.shape[0] == tensor.shape[2] == 3:
        raise InputError(
            f"image: {describe(tensor)} given, its layout is ambiguous: pass x[None] for a (3, H, W) tensor, "
            "x.permute(2, 0, 1)[None] for an (H, W, 3) tensor"
        )
    return tensor.shape[0] == 3 and tensor.shape[2] > _MOST_CHANNELS


def _is_batch(tensor: Tensor, is_torch: bool) -> bool:
    if is_torch:
        return tensor.ndim == 4 and tensor.shape[1] <= _MOST_CHANNELS
    return tensor.shape[-1] <= _MOST_CHANNELS


def _geometry(
    size: tuple[int, int], scale: float | None, output_shape: tuple[int, int] | None
) -> tuple[tuple[float, float], tuple[int, int]]:
    """The scale and the output length of each axis."""
    if (scale is None) == (output_shape is None):
        raise InputError("either scale or output_shape, one of the two")
    if scale is not None:
        scale = positive_number(scale, "scale")
        if scale * max(size) > _MOST_PIXELS:
            raise InputError(f"scale {scale:g}: the output of a picture of {size[0]}×{size[1]} would be too large")
        shape = (math.ceil(scale * size[0]), math.ceil(scale * size[1]))
        _require_memory((scale, scale), shape)
        return (scale, scale), shape
    assert output_shape is not None
    try:
        height, width = (operator.index(n) for n in output_shape)
    except (TypeError, ValueError):
        height = width = 0
    if min(height, width) < 1:
        raise InputError(f"output_shape {output_shape!r}: two positive whole numbers are wanted")
    if max(height, width) > _MOST_PIXELS:
        raise InputError(f"output_shape {output_shape!r}: at most {_MOST_PIXELS} pixels are made")
    scales = (height / size[0], width / size[1])
    _require_memory(scales, (height, width))
    return scales, (height, width)


def positive_number(value: object, what: str) -> float:
    """The value as a float.

    Raises
    ------
    InputError
        If it is not a finite number above 0.
    """
    try:
        number = math.nan if isinstance(value, str | bytes) else float(value)  # type: ignore[arg-type]  # anything
    except (TypeError, ValueError, OverflowError, RuntimeError):
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        raise InputError(f"{what} {value!r}: a positive number is wanted")
    return number


def _require_memory(scales: tuple[float, float], shape: tuple[int, int]) -> None:
    """Raise :class:`InputError` if the output or the table of its weights is larger than any picture needs."""
    weights = max(length * (4 / min(scale, 1) + 2) for scale, length in zip(scales, shape, strict=True))
    if shape[0] * shape[1] > _MOST_PIXELS or weights > _MOST_WEIGHTS:
        raise InputError(
            f"an output of {shape[0]}×{shape[1]} pixels at scale {min(scales):g} needs too much memory; at most "
            f"{_MOST_PIXELS} pixels and {_MOST_WEIGHTS} weights an axis are computed. Check the scale"
        )
