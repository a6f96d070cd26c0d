"""Checks of what a model is given: an LR as a picture or as a tensor, and HR pictures as a tensor."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from srspace_eval.errors import InputError

# How far values may lie outside [0, 1]: interpolated LRs overshoot a little, decoded pictures overshoot more.
_LR_SLACK, _HR_SLACK = 0.1, 0.5


def check_pixels(lr: object, where: str) -> None:
    """Check that an LR is a picture: a non-empty array (h, w, 3) of uint8.

    Parameters
    ----------
    lr
        The value given by the caller.
    where
        The LR's name, for the message.

    Raises
    ------
    InputError
        If it is anything else.
    """
    if not isinstance(lr, np.ndarray) or lr.dtype != np.uint8 or lr.ndim != 3 or lr.shape[2] != 3 or 0 in lr.shape:
        kind = f"{lr.dtype} {lr.shape}" if isinstance(lr, np.ndarray) else type(lr).__name__
        raise InputError(f"{where}: an LR is an array (h, w, 3) of uint8, not {kind}")
    if isinstance(lr, np.ma.MaskedArray):
        raise InputError(f"{where}: masked pixels cannot be left out; pass an array without a mask, such as x.filled()")


def check_tensor(lr: Tensor) -> None:
    """Check that an LR is a tensor that models take: (1, 3, h, w) float in [0, 1].

    Raises
    ------
    InputError
        If the shape or the type is another, or if a value is NaN or outside [0, 1] by more than 0.1, the overshoot of
        interpolation.
    """
    if lr.ndim != 4 or len(lr) != 1 or lr.shape[1] != 3 or 0 in lr.shape or not lr.is_floating_point():
        raise InputError(f"lr must be a float tensor (1, 3, h, w) in [0, 1], not {lr.dtype} {tuple(lr.shape)}")
    _check_range("lr", lr, _LR_SLACK)


def check_pictures(hr: Tensor, height: int, width: int) -> None:
    """Check that HR pictures are a tensor that flows encode.

    Parameters
    ----------
    hr
        (N, 3, height, width) float in [0, 1]. Values may lie outside by 0.5, as those decoded by a flow do.
    height, width
        The LR's size times the scale.

    Raises
    ------
    InputError
        If the shape, the type or the values are others.
    """
    if hr.ndim != 4 or len(hr) < 1 or tuple(hr.shape[1:]) != (3, height, width) or not hr.is_floating_point():
        wanted = f"a float tensor (N, 3, {height}, {width}) in [0, 1]"
        raise InputError(f"hr must be {wanted}, not {hr.dtype} {tuple(hr.shape)}")
    _check_range("hr", hr, _HR_SLACK)


def _check_range(name: str, x: Tensor, slack: float) -> None:
    low, high = (float(value) for value in x.aminmax())
    # "not (in range)" instead of "out of range", so that NaN is refused too.
    if not (low >= -slack and high <= 1 + slack):
        raise InputError(f"{name} must be in [0, 1], not [{low:g}, {high:g}]; divide 8-bit values by 255")


def to_tensor(pixels: NDArray[np.uint8], device: torch.device | str = "cpu") -> Tensor:
    """Convert a picture to the tensor that models take: (h, w, 3) uint8 -> (1, 3, h, w) float32 in [0, 1].

    >>> to_tensor(np.full((2, 5, 3), 51, np.uint8)).unique().tolist()
    [0.20000000298023224]
    """
    chw = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], dtype=np.float32) / np.float32(255)
    return torch.from_numpy(chw).to(device)
