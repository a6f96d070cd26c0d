"""A limit on the memory that building a network takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode


class AllocationLimitError(RuntimeError):
    """A network would need more memory than its checkpoint justifies."""


class AllocationLimit(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Count the bytes of new tensors inside the block, before they are allocated.

    A damaged or hostile checkpoint can describe a network that is far larger than itself. Building it must fail, and
    not exhaust the memory.

    Parameters
    ----------
    limit
        Bytes that may be allocated in total.

    Examples
    --------
    >>> with AllocationLimit(1000):
    ...     torch.empty(1000)
    Traceback (most recent call last):
        ...
    srspace_eval.models.checkpoints.allocations.AllocationLimitError: more than 1000 bytes
    """

    def __init__(self, limit: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.limit = limit
        self.used = 0

    def __torch_dispatch__(
        self, func: Any, types: Sequence[Any], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        first = args[0] if args else None
        # Factories such as empty, zeros and full take the size as their first argument.
        if isinstance(first, (list, tuple, torch.Size)) and all(isinstance(side, int) for side in first):
            size = kwargs.get("dtype") or torch.get_default_dtype()
            self.used += torch.Size(first).numel() * size.itemsize
            if self.used > self.limit:
                raise AllocationLimitError(f"more than {self.limit} bytes")
        return func(*args, **kwargs)
