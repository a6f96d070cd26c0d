"""What CUDA wants of those who keep its queue full: copies that do not wait, waits that use no core, one launcher.

Everything runs on the default stream, in the order in which threads queue it, so that memory that one thread frees is
never written by another before it has been read. All of this does nothing on other devices.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

EXACT = {"enable_fp_fusion": False}
"""Options of every Triton launch: a fused multiply-add would round otherwise than the references."""

_launcher = threading.Lock()


def pinned(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor in page-locked memory if ``device`` is CUDA, so that :func:`upload` need not wait; else itself."""
    return tensor.pin_memory() if device.type == "cuda" and tensor.device.type == "cpu" else tensor


def upload(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on ``device``; a copy from pinned memory is queued and not waited for."""
    return tensor.to(device, non_blocking=device.type == "cuda")


def fetch(tensor: Tensor) -> Tensor:
    """The tensor on the CPU, waited for asleep and no longer than for what was queued up to now.

    Reading a value off the device would wait for what other threads have queued since, too; and CUDA spins while it
    waits, so the thread would keep a core from those that decode.
    """
    if tensor.device.type != "cuda":
        return tensor.cpu()
    here = tensor.to("cpu", non_blocking=True)  # into pinned memory, behind the kernels that make it
    done = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
    done.record(torch.cuda.current_stream(tensor.device))
    done.synchronize()
    return here


@contextmanager
def launching(tensor: Tensor) -> Iterator[None]:
    """Launch Triton kernels in here, on the device of ``tensor``.

    Triton launches on the thread's current device, which is the first one and need not be the tensor's; and its
    compiler and its caches are not made for several threads.
    """
    with _launcher, torch.cuda.device_of(tensor):  # type: ignore[no-untyped-call]
        yield
