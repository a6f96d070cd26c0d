"""Which form of a kernel runs: the plain reference, the fast form in torch, or Triton on CUDA.

Every kernel of this folder has a reference that is its specification. :func:`choose` picks the form for a device,
and says so (a :class:`~srspace_eval.errors.Notice`) whenever it cannot give what was asked for or what that device
should have. :func:`forms_used` tells what ran.
"""

from __future__ import annotations

import os
import threading
import warnings
from functools import lru_cache
from importlib.util import find_spec
from typing import Literal

import torch

from srspace_eval.errors import InputError, Notice

Form = Literal["reference", "fast", "triton"]
FORMS: tuple[Form, ...] = ("reference", "fast", "triton")

_lock = threading.Lock()
_used: dict[str, Form] = {}
_told: set[str] = set()


def choose(kernel: str, device: torch.device, form: str | None = None) -> Form:
    """The form of ``kernel`` that runs on ``device``.

    Parameters
    ----------
    kernel:
        Name of the kernel, for messages and :func:`forms_used`.
    device:
        Where its tensors lie.
    form:
        The form asked for; None for the best one: ``"triton"`` on CUDA, ``"fast"`` elsewhere.

    Raises
    ------
    InputError
        If there is no such form.

    Examples
    --------
    >>> choose("resampling", torch.device("cpu"))
    'fast'
    """
    if form is not None and form not in FORMS:
        raise InputError(f"no kernel form {form!r}: {', '.join(FORMS)}")
    best: Form = "triton" if device.type == "cuda" else "fast"
    wanted = next((known for known in FORMS if known == form), best)
    if wanted == "triton":
        lack = _why_no_triton(device)
        if lack is not None:
            tell_once(f"{kernel}: the Triton form cannot run ({lack}); the fast torch form runs instead")
            wanted = "fast"
    with _lock:
        _used[kernel] = wanted
    return wanted


def forms_used() -> dict[str, Form]:
    """Kernel -> the form that ran last, of the kernels that ran in this process."""
    with _lock:
        return dict(sorted(_used.items()))


def _why_no_triton(device: torch.device) -> str | None:
    if find_spec("triton") is None:
        return "the package triton is not installed"
    if device.type != "cuda" and not _interpreting():
        return f"it needs a CUDA device, the tensors lie on {device.type}"
    return None if _interpreting() else _fault(device)


@lru_cache(maxsize=16)
def _fault(device: torch.device) -> str | None:
    """What keeps Triton from compiling and running for a device, found by trying: no C compiler, too old a GPU, …"""
    try:
        from srspace_eval.kernels import resampling_triton

        grey = torch.full((2, 2, 1), 7, dtype=torch.uint8, device=device)
        done = int(resampling_triton.resample(grey, (1, 1), (0.5, 0.5), "mirror", False))
    except Exception as error:  # noqa: BLE001 - of Triton, its driver, the C compiler: all are told
        reason = str(error).strip().partition("\n")[0]
        return f"{type(error).__name__}: {reason}" if reason else type(error).__name__
    return None if done == 7 else f"it computed {done} for 7"


def _interpreting() -> bool:
    return os.environ.get("TRITON_INTERPRET") == "1"  # Triton reads it when it is imported


def tell_once(text: str) -> None:
    """Give a notice, once a process."""
    with _lock:
        if text in _told:
            return
        _told.add(text)
    warnings.warn(text, Notice, stacklevel=4)
