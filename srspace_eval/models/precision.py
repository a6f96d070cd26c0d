"""The arithmetic that models run in: reproducible float32, or reduced precision on request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Literal

import torch

Precision = Literal["float32", "bf16", "fp16"]
"""float32, or autocast to one of the 16-bit types."""

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
