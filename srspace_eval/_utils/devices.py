"""The torch device that ``--device`` names, and a device's name in signatures. Imports torch."""

from __future__ import annotations

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
    except RuntimeError as error:
        raise ExecutorError(f"device {device}: unknown to torch; choose auto, cpu, cuda, cuda:N or mps") from error
    usable = {
        "cpu": True,
        "cuda": torch.cuda.is_available() and (found.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if not usable.get(found.type, False):
        raise ExecutorError(f"device {device}: this machine has no such device; choose auto or cpu")
    return found


def device_name(device: torch.device) -> str:
    """``"cpu"``, the model of a CUDA device, or otherwise the device's type.

    >>> device_name(torch.device("cpu"))
    'cpu'
    """
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
