"""Which form of a kernel runs: the plain reference, the fast form in torch, or Triton on CUDA.

:func:`choose` picks the form for a device. A notice (:class:`~srspace_eval.errors.Notice`) is given if the form that
was requested, or the best form for the device, cannot run. :func:`forms_used` says which forms ran.
"""

from __future__ import annotations

import os
import threading
from functools import lru_cache
from importlib.util import find_spec
from typing import Literal

import torch

from srspace_eval._utils.notices import notify
from srspace_eval.errors import InputError

Form = Literal["reference", "fast", "triton"]
FORMS: tuple[Form, ...] = ("reference", "fast", "triton")

_lock = threading.Lock()
_used: dict[str, Form] = {}
_told: set[str] = set()


def choose(kernel: str, device: torch.device, form: str | None = None) -> Form:
    """The form of a kernel that runs on a device.

    Parameters
    ----------
    kernel
        Name of the kernel, for messages and :func:`forms_used`.
    device
        The device of its tensors.
    form
        The requested form; None: the best one, ``"triton"`` on CUDA and ``"fast"`` on other devices.

    Raises
    ------
    InputError
        If there is no form of that name.

    Examples
    --------
    >>> choose("resampling", torch.device("cpu"))
    'fast'
    """
    if form is not None and form not in FORMS:
        raise InputError(f"unknown kernel form {form!r}; choose one of {', '.join(FORMS)}")
    best: Form = "triton" if device.type == "cuda" else "fast"
    wanted = next((known for known in FORMS if known == form), best)
    if wanted == "triton":
        reason = _why_no_triton(device)
        if reason is not None:
            notify_once(f"{kernel}: the Triton form cannot run ({reason}); the fast torch form runs instead")
            wanted = "fast"
    with _lock:
        _used[kernel] = wanted
    return wanted


def forms_used() -> dict[str, Form]:
    """Kernel -> the form that ran last in this process, for all kernels that ran."""
    with _lock:
        return dict(sorted(_used.items()))


def notify_once(text: str) -> None:
    """Give a notice once per process."""
    with _lock:
        if text in _told:
            return
        _told.add(text)
    notify(text)


def _why_no_triton(device: torch.device) -> str | None:
    """The reason why Triton cannot run on a device; None if it can."""
    if find_spec("triton") is None:
        return "the package triton is not installed"
    if device.type != "cuda" and not _interpreting():
        return f"it needs a CUDA device, the tensors are on {device.type}"
    return None if _interpreting() else _failure(device)


@lru_cache(maxsize=16)
def _failure(device: torch.device) -> str | None:
    """Why Triton cannot compile and run for a device, found by trying; None if it can.

    Possible reasons are a missing C compiler or a GPU that is too old.
    """
    try:
        from srspace_eval.kernels import resampling_triton

        grey = torch.full((2, 2, 1), 7, dtype=torch.uint8, device=device)
        done = int(resampling_triton.resample(grey, (1, 1), (0.5, 0.5), "mirror", False))
    except Exception as error:  # noqa: BLE001 - any error of Triton, its driver or the C compiler is a reason
        reason = str(error).strip().partition("\n")[0]
        return f"{type(error).__name__}: {reason}" if reason else type(error).__name__
    return None if done == 7 else f"it computed {done} instead of 7"


def _interpreting() -> bool:
    return os.environ.get("TRITON_INTERPRET") == "1"  # Triton reads it when it is imported
