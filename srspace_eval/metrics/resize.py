"""MATLAB-style antialiased bicubic resizing, in the three conventions of the field."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from typing import Any, overload

import numpy.typing as npt
import torch
from torch import Tensor

from srspace_eval.errors import InputError
from srspace_eval.kernels.cubic import Border
from srspace_eval.kernels.resampling import resample
from srspace_eval.metrics._arrays import ArrayLike, as_tensor, describe


@dataclass(frozen=True)
class Convention:
    """What lies beyond the border, and whether halves round away from zero (else to even)."""

    border: Border
    half_away: bool


CONVENTIONS: dict[str, Convention] = {
    "ntire21": Convention("mirror", half_away=False),
    "matlab": Convention("mirror", half_away=True),
    "matlab-legacy": Convention("repeat", half_away=True),
}


@overload
def imresize(
    image: npt.NDArray[Any],
    scale: float | None = None,
    output_shape: tuple[int, int] | None = None,
    convention: str = "ntire21",
    form: str | None = None,
) -> npt.NDArray[Any]: ...
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
    """Resize a picture as MATLAB's ``imresize(..., 'bicubic')`` does, with antialiasing.

    Parameters
    ----------
    image:
        (H, W) or (H, W, C), uint8, float32 or float64; a NumPy array, or a tensor of the same layout on any device.
    scale:
        Factor for both axes, such as 0.25; the output has ``ceil(scale * n)`` pixels. Either this or
    output_shape:
        (height, width) of the output; each axis then has its own scale.
    convention:
        ``"ntire21"``: mirrored border, halves to even: bit for bit the challenge's own program. ``"matlab"``: mirrored,
        halves away from zero: present-day MATLAB. ``"matlab-legacy"``: repeated edge, halves away from zero: older
        MATLAB, bit for bit the LR files of Set5, Set14, BSD100, Urban100.
    form:
        Kernel form, for tests and measurements: see :mod:`srspace_eval.kernels.dispatch`.

    Returns
    -------
    The same kind, dtype and number of axes as ``image``. 8-bit images are rounded after each axis; float images are
    neither rounded nor clipped, so they may overshoot their range.

    Raises
    ------
    InputError
        If the shape, dtype, scale or convention is not one of these.

    Examples
    --------
    >>> imresize(torch.zeros(8, 8, 3), scale=0.25).shape
    torch.Size([2, 2, 3])
    """
    if convention not in CONVENTIONS:
        raise InputError(f"no convention {convention!r}: {', '.join(CONVENTIONS)}")
    tensor = as_tensor(image, "image")
    if tensor.ndim not in (2, 3) or 0 in tensor.shape:
        raise InputError(f"image: {describe(tensor)} given, (H, W) or (H, W, C) wanted")
    if tensor.dtype not in (torch.uint8, torch.float32, torch.float64):
        raise InputError(f"image: {describe(tensor)} given, uint8, float32 or float64 wanted")
    scales, shape = _geometry((tensor.shape[0], tensor.shape[1]), scale, output_shape)
    rule = CONVENTIONS[convention]
    coloured = tensor if tensor.ndim == 3 else tensor[..., None]
    done = resample(coloured, shape, scales, rule.border, rule.half_away, form)
    done = done if tensor.ndim == 3 else done[..., 0]
    return done if isinstance(image, Tensor) else done.numpy()


def _geometry(
    size: tuple[int, int], scale: float | None, output_shape: tuple[int, int] | None
) -> tuple[tuple[float, float], tuple[int, int]]:
    """The scale and the output length of each axis."""
    if (scale is None) == (output_shape is None):
        raise InputError("either scale or output_shape, one of the two")
    if scale is not None:
        if not (math.isfinite(scale) and scale > 0):
            raise InputError(f"scale {scale}: a positive number is wanted")
        return (scale, scale), (math.ceil(scale * size[0]), math.ceil(scale * size[1]))
    assert output_shape is not None
    try:
        height, width = (operator.index(n) for n in output_shape)
    except (TypeError, ValueError):
        height = width = 0
    if min(height, width) < 1:
        raise InputError(f"output_shape {output_shape!r}: two positive whole numbers are wanted")
    return (height / size[0], width / size[1]), (height, width)
