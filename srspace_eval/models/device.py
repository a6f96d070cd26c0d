"""How much memory a device has free, and the arithmetic it is held to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Literal

import psutil
import torch

from srspace_eval.errors import SamplingError

Precision = Literal["float32", "bf16", "fp16"]

_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}
_CGROUPS = (  # a container's limit and use, version 2 and version 1
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)


def available_memory(device: torch.device) -> int:
    """Bytes that can be allocated on a device now: free, or cached by PyTorch; a container's limit is heeded."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    free = int(psutil.virtual_memory().available)
    for limit, used in _CGROUPS:
        try:
            free = min(free, int(Path(limit).read_bytes()) - int(Path(used).read_bytes()))
        except (OSError, ValueError):  # not there, or "max"
            continue
    return max(free, 0)


@contextmanager
def inference(device: torch.device, precision: Precision = "float32") -> Iterator[None]:
    """No gradients, no TF32, deterministic convolutions; autocast if ``precision`` is ``"bf16"`` or ``"fp16"``."""
    autocast: AbstractContextManager[object] = nullcontext()
    if precision != "float32":
        autocast = torch.autocast(device.type, dtype=_DTYPES[precision])
    with torch.inference_mode(), exact_arithmetic(), autocast:
        yield


@contextmanager
def exact_arithmetic() -> Iterator[None]:
    """No TF32, deterministic convolutions."""
    settings: list[tuple[Any, str, object]] = [
        (torch.backends.cudnn, "enabled", True),
        (torch.backends.cudnn, "benchmark", False),
        (torch.backends.cudnn, "deterministic", True),
    ]
    if hasattr(torch.backends.cudnn, "conv"):  # torch 2.9; asking for the older settings fails if these are in use
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


@contextmanager
def memory_named(what: str, mend: str) -> Iterator[None]:
    """Turn an allocation that failed into a SamplingError that names what was made and how to mend it."""
    try:
        yield
    except (torch.cuda.OutOfMemoryError, MemoryError) as error:
        raise _out_of_memory(what, mend) from error
    except RuntimeError as error:
        if "can't allocate memory" not in str(error):  # what PyTorch's CPU allocator says
            raise
        raise _out_of_memory(what, mend) from error


def _out_of_memory(what: str, mend: str) -> SamplingError:
    return SamplingError(f"{what}: the memory ran out although it was estimated beforehand; {mend}")
