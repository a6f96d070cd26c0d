"""The arithmetic that models run in: reproducible float32, or reduced precision on request."""

from __future__ import annotations

import platform
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Literal, get_args

import torch

from srspace_eval.errors import InputError
from srspace_eval.models.protocol import Decoder

Precision = Literal["float32", "bf16", "fp16"]
"""float32, or autocast to one of the 16-bit types."""

PRECISIONS: tuple[Precision, ...] = get_args(Precision)
"""All precisions."""

_CPU_INFO = Path("/proc/cpuinfo")
_CPU_FLAGS = re.compile(r"(?m)^(?:flags|Features)\s*:.*\b(?:avx512_bf16|amx_bf16|bf16)\b")

_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


@contextmanager
def inference(device: torch.device, precision: Precision = "float32") -> Iterator[None]:
    """No gradients and :func:`exact_arithmetic`; autocast if and only if ``precision`` is ``"bf16"`` or ``"fp16"``.

    The caller's own autocast and default device have no influence: the same seed gives the same samples.

    >>> with inference(torch.device("cpu")):
    ...     torch.is_inference_mode_enabled()
    True
    """
    autocast = torch.autocast(device.type, dtype=_DTYPES.get(precision), enabled=precision != "float32")
    # torch.set_default_device moves every tensor that is made without a device, at some cost for each call.
    moved = torch.get_default_device().type != "cpu"
    with torch.inference_mode(), exact_arithmetic(), autocast, torch.device("cpu") if moved else nullcontext():
        yield


@contextmanager
def exact_arithmetic() -> Iterator[None]:
    """No TF32 and deterministic convolutions inside the block; afterwards the former settings are restored.

    The settings are those of the process. Blocks of several threads may overlap: the first one to begin stores the
    former settings, and the last one to end restores them.
    """
    _exact.begin()
    try:
        yield
    finally:
        _exact.end()


class _Overlapping:
    """The number of blocks that are open, and the settings before the first of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open = 0
        self._former: list[tuple[Any, str, object]] = []

    def begin(self) -> None:
        with self._lock:
            former = _set_exact()
            self._former = self._former if self._open else former
            self._open += 1

    def end(self) -> None:
        with self._lock:
            self._open -= 1
            for part, name, value in () if self._open else self._former:
                setattr(part, name, value)


_exact = _Overlapping()


def _set_exact() -> list[tuple[Any, str, object]]:
    """Set what :func:`exact_arithmetic` says, and return the former settings."""
    settings: list[tuple[Any, str, object]] = [
        (torch.backends.cudnn, "enabled", True),
        (torch.backends.cudnn, "benchmark", False),
        (torch.backends.cudnn, "deterministic", True),
    ]
    # torch 2.9 has new settings; once a program uses them, reading the older ones raises an error.
    if hasattr(torch.backends.cudnn, "conv"):
        settings += [
            (part, "fp32_precision", "ieee") for part in (torch.backends.cudnn.conv, torch.backends.cuda.matmul)
        ]
    else:
        settings += [(part, "allow_tf32", False) for part in (torch.backends.cudnn, torch.backends.cuda.matmul)]
    former = [(part, name, getattr(part, name)) for part, name, _ in settings]
    for part, name, value in settings:
        setattr(part, name, value)
    return former


def supported_precisions(model: Decoder) -> tuple[Precision, ...]:
    """The precisions that a model computes in: its attribute ``precisions``, or all if it has none."""
    found: tuple[Precision, ...] = getattr(model, "precisions", PRECISIONS)
    return found


def check_precision(model: Decoder, precision: Precision) -> None:
    """Check that a model can compute in a precision.

    Parameters
    ----------
    model
        The model.
    precision
        The precision.

    Raises
    ------
    InputError
        If the network does not work in that precision.
    """
    if precision not in (allowed := supported_precisions(model)):
        raise InputError(f"{model.config.name} does not work in {precision}; use {' or '.join(allowed)}")


def is_emulated(device: torch.device, precision: Precision) -> bool:
    """Whether a device computes in a precision only by conversion to float32, which saves no time.

    >>> is_emulated(torch.device("cpu"), "float32"), is_emulated(torch.device("cpu"), "fp16")
    (False, True)
    """
    return device.type == "cpu" and (precision == "fp16" or (precision == "bf16" and not cpu_has_bf16()))


def cpu_has_bf16() -> bool:
    """Whether the CPU multiplies bf16 numbers; False where the system does not tell.

    >>> cpu_has_bf16() in (True, False)
    True
    """
    if platform.system() != "Linux":
        return False
    try:
        return bool(_CPU_FLAGS.search(_CPU_INFO.read_text(encoding="utf-8", errors="replace")))
    except OSError:
        return False
