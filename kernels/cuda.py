"""Asynchronous copies, non-spinning waits and serialised Triton launches for CUDA.

All work runs on the default stream in the order in which threads queue it. Memory that one thread frees is therefore
never overwritten by another thread before it has been read. On other devices these functions do nothing special.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

EXACT = {"enable_fp_fusion": False}
"""Options of every Triton launch: a fused multiply-add would round differently from the references."""

_launch_lock = threading.Lock()


def pinned(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor in page-locked memory if ``device`` is CUDA, so that :func:`upload` need not wait.

    Tensors that are not on the CPU, and all tensors for other devices, are returned as they are.
    """
    return tensor.pin_memory() if device.type == "cuda" and tensor.device.type == "cpu" else tensor


def upload(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on ``device``. A copy from pinned memory to CUDA is queued; the call does not wait for it."""
    return tensor.to(device, non_blocking=device.type == "cuda")


def fetch(tensor: Tensor) -> Tensor:
    """Copy to the CPU; block without spinning, only on work already queued.

    ``tensor.cpu()`` would also wait for work that other threads queue in the meantime, and CUDA would spin while
    waiting: it would occupy a core that other threads need for decoding pictures.
    """
    if tensor.device.type != "cuda":
        return tensor.cpu()
    here = tensor.to("cpu", non_blocking=True)  # into pinned memory, queued after the kernels that compute the tensor
    done = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
    done.record(torch.cuda.current_stream(tensor.device))
    done.synchronize()
    return here


@contextmanager
def launching(tensor: Tensor) -> Iterator[None]:
    """Launch Triton kernels inside this block; they run on the device of ``tensor``, one launch at a time.

    Triton launches on the thread's current device, which may be another one. Its compiler and its caches are not
    thread-safe.
    """
    with _launch_lock, torch.cuda.device_of(tensor):  # type: ignore[no-untyped-call]
        yield
