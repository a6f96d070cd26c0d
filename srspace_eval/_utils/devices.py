"""The torch device that ``--device`` names, and a device's name in signatures. Imports torch."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Concatenate, ParamSpec, Protocol, TypeVar

import torch

from srspace_eval.errors import ExecutorError


def resolve_device(device: str | torch.device) -> torch.device:
    """The device of ``--device``: ``"auto"`` is the first CUDA device if there is one, else the CPU.

    Raises
    ------
    ExecutorError
        If torch does not know the name, or this machine has no such device.

    Examples
    --------
    >>> resolve_device("cpu")
    device(type='cpu')
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        found = torch.device(device)
    except (RuntimeError, TypeError, ValueError, OverflowError) as error:
        raise ExecutorError(f"device {device}: unknown to torch; choose auto, cpu, cuda, cuda:N or mps") from error
    usable = {
        "cpu": True,
        "cuda": torch.cuda.is_available() and (found.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if not usable.get(found.type, False):
        raise ExecutorError(f"device {device}: this machine has no such device; choose auto or cpu")
    return found


class OnDevice(Protocol):
    """An object that computes on one device, such as a network."""

    device: torch.device


P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound=OnDevice)


def without_autocast(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """The method, computed in its own precision: the caller's autocast has no influence on the numbers."""

    def computed(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with torch.autocast(self.device.type, enabled=False):
            return method(self, *args, **kwargs)

    update_wrapper(computed, method)
    return computed


def device_name(device: torch.device) -> str:
    """``"cpu"``, the model of a CUDA device, or otherwise the device's type.

    >>> device_name(torch.device("cpu"))
    'cpu'
    """
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
