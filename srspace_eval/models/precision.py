"""The arithmetic that models run in: reproducible float32, or reduced precision on request."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
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
    """No gradients and :func:`exact_arithmetic`; autocast if ``precision`` is ``"bf16"`` or ``"fp16"``.

    >>> with inference(torch.device("cpu")):
    ...     torch.is_inference_mode_enabled()
    True
    """
    autocast: AbstractContextManager[object] = nullcontext()
    if precision != "float32":
        autocast = torch.autocast(device.type, dtype=_DTYPES[precision])
    with torch.inference_mode(), exact_arithmetic(), autocast:
        yield


@contextmanager
def exact_arithmetic() -> Iterator[None]:
    """No TF32 and deterministic convolutions inside the block; afterwards the former settings are restored."""
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
    before = [getattr(part, name) for part, name, _ in settings]
    try:
        for part, name, value in settings:
            setattr(part, name, value)
        yield
    finally:
        for (part, name, _), value in zip(settings, before, strict=True):
            setattr(part, name, value)


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
