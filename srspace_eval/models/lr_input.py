"""What an LR must be: the picture that a user gives, and the tensor that a model takes."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from srspace_eval.errors import InputError

# Interpolated LRs overshoot a little, and what flows decode by more.
_SLACK, _PICTURE_SLACK = 0.1, 0.5


def check_pixels(lr: object, where: str) -> None:
    """Check an LR as a picture: an array (h, w, 3) of uint8.

    Parameters
    ----------
    lr:
        What was given.
    where:
        Its name, for the message.

    Raises
    ------
    InputError
        If it is anything else, or empty.
    """
    if not isinstance(lr, np.ndarray) or lr.dtype != np.uint8 or lr.ndim != 3 or lr.shape[2] != 3 or 0 in lr.shape:
        kind = f"{lr.dtype} {lr.shape}" if isinstance(lr, np.ndarray) else type(lr).__name__
        raise InputError(f"{where}: an LR is an array (h, w, 3) of uint8, not {kind}")


def check_tensor(lr: Tensor) -> None:
    """Check an LR as :meth:`~srspace_eval.models.base.Model.condition` takes it: (1, 3, h, w) float in [0, 1].

    Raises
    ------
    InputError
        If it has another shape or type, or values outside [0, 1] by more than interpolation's overshoot of 0.1, or NaN.
    """
    if lr.ndim != 4 or len(lr) != 1 or lr.shape[1] != 3 or 0 in lr.shape or not lr.is_floating_point():
        raise InputError(f"lr must be a float tensor (1, 3, h, w) in [0, 1], not {lr.dtype} {tuple(lr.shape)}")
    _check_range("lr", lr, _SLACK)


def check_pictures(hr: Tensor, height: int, width: int) -> None:
    """Check pictures as :meth:`~srspace_eval.models.base.Flow.encode` takes them.

    Parameters
    ----------
    hr:
        (N, 3, height, width) float in [0, 1]; what a flow decoded may lie outside by 0.5.
    height, width:
        The LR's size times the scale.

    Raises
    ------
    InputError
        If they have another shape or type, or other values.
    """
    if hr.ndim != 4 or len(hr) < 1 or tuple(hr.shape[1:]) != (3, height, width) or not hr.is_floating_point():
        wanted = f"a float tensor (N, 3, {height}, {width}) in [0, 1]"
        raise InputError(f"hr must be {wanted}, not {hr.dtype} {tuple(hr.shape)}")
    _check_range("hr", hr, _PICTURE_SLACK)


def _check_range(name: str, x: Tensor, slack: float) -> None:
    low, high = (float(value) for value in x.aminmax())
    # Not (in range), so that NaN is refused too.
    if not (low >= -slack and high <= 1 + slack):
        raise InputError(f"{name} must be in [0, 1], not [{low:g}, {high:g}]; 8-bit values are to be divided by 255")


def to_tensor(pixels: NDArray[np.uint8], device: torch.device | str = "cpu") -> Tensor:
    """A picture as models take it: (h, w, 3) uint8 -> (1, 3, h, w) float32 in [0, 1] on a device.

    >>> to_tensor(np.full((2, 5, 3), 51, np.uint8)).unique().tolist()
    [0.20000000298023224]
    """
    chw = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], dtype=np.float32) / np.float32(255)
    return torch.from_numpy(chw).to(device)
