"""How much memory a device has free, how much of it sampling uses, and the error when it runs out.

A *memory limit* is a number of bytes that may be allocated on the model's device beside the parameters.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import psutil
import torch

from srspace_eval.errors import SamplingError

_SHARE = 0.8  # of the free memory; the rest is for other programs, fragmentation and pictures that are being written
_CGROUPS = (  # limit and usage of a container, cgroup version 2 and version 1
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)
_MEASURED_WITHIN: ContextVar[int | None] = ContextVar("memory limit for models that are measured", default=None)
_UNITS = {"GiB": 1 << 30, "MiB": 1 << 20, "KiB": 1 << 10}


def available_memory(device: torch.device) -> int:
    """Bytes that can be allocated on a device now: free memory and PyTorch's cache, within a container's limit."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    free = int(psutil.virtual_memory().available)
    for limit, used in _CGROUPS:
        try:
            free = min(free, int(Path(limit).read_bytes()) - int(Path(used).read_bytes()))
        except (OSError, ValueError):  # the file does not exist, or holds "max"
            continue
    return max(free, 0)


def default_memory_limit(device: torch.device) -> int:
    """The memory limit in bytes if the user sets none: most of what is free on the device now."""
    return int(available_memory(device) * _SHARE)


@contextmanager
def measured_within(limit: int) -> Iterator[None]:
    """Inside the block, a model that must run to know its memory runs within a memory limit.

    Networks of unknown origin are measured so: what they take is not known before.
    """
    token = _MEASURED_WITHIN.set(limit)
    try:
        yield
    finally:
        _MEASURED_WITHIN.reset(token)


def measuring_limit(device: torch.device) -> int:
    """The memory limit of :func:`measured_within`, or the default one outside of it.

    >>> with measured_within(1000):
    ...     measuring_limit(torch.device("cpu"))
    1000
    """
    limit = _MEASURED_WITHIN.get()
    return default_memory_limit(device) if limit is None else limit


def size_text(size: int) -> str:
    """A number of bytes for messages, in the units of ``--memory``, where 8G means 8 GiB.

    >>> size_text(5 << 29), size_text(3 << 18), size_text(1000)
    ('2.50 GiB', '768.00 KiB', '0.98 KiB')
    """
    unit = next((unit for unit in ("GiB", "MiB") if size >= _UNITS[unit]), "KiB")
    return f"{size / _UNITS[unit]:.2f} {unit}"


@contextmanager
def out_of_memory_named(what: str, hint: str) -> Iterator[None]:
    """Turn a failed allocation into a SamplingError.

    Parameters
    ----------
    what
        What was being computed, such as the image's name.
    hint
        What the user can do.

    Raises
    ------
    SamplingError
        If the memory runs out inside the block.
    """
    try:
        yield
    except (torch.cuda.OutOfMemoryError, MemoryError) as error:
        raise _out_of_memory(what, hint) from error
    except RuntimeError as error:
        if "can't allocate memory" not in str(error):  # the text of PyTorch's CPU allocator
            raise
        raise _out_of_memory(what, hint) from error


def _out_of_memory(what: str, hint: str) -> SamplingError:
    return SamplingError(f"{what}: the memory ran out although it was estimated beforehand; {hint}")
