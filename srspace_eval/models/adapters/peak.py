"""How much memory a computation allocates at its peak, counted tensor by tensor."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from srspace_eval.models.checkpoints.allocations import AllocationLimitError, expected_bytes


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self, limit: int | None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.limit = limit
        self.now: int = 0
        self.peak: int = 0
        self._known: set[int] = set()

    def __torch_dispatch__(
        self, func: Any, types: Sequence[Any], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = {leaf.untyped_storage().data_ptr() for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)}
        if self.limit is not None and self.now + expected_bytes(func, args, kwargs or {}) > self.limit:
            raise AllocationLimitError(f"more than {self.limit} bytes")
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self._count(leaf, given)
        return result

    def _count(self, tensor: Tensor, given: set[int]) -> None:
        storage = tensor.untyped_storage()
        place = storage.data_ptr()
        if place in given or place in self._known:
            return
        size = storage.nbytes()
        self._known.add(place)
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._free, place, size)

    def _free(self, place: int, size: int) -> None:
        self._known.discard(place)
        self.now -= size


def peak_bytes(compute: Callable[[], object], limit: int | None = None) -> int:
    """Run ``compute`` and return the largest number of bytes that its tensors held at one moment.

    Tensors that are already freed at that moment are not counted. Nor is scratch memory inside an operation.

    Parameters
    ----------
    compute
        The function that is run. Its result is dropped.
    limit
        The largest number of bytes that its tensors may hold at one moment. None means no limit. An
        allocation that would exceed it is refused before it is made.

    Raises
    ------
    AllocationLimitError
        If the tensors would hold more than ``limit`` bytes.

    Examples
    --------
    >>> import torch
    >>> peak_bytes(lambda: torch.zeros(1000) + torch.ones(1000))
    12000
    """
    counter = _Counter(limit)
    with counter:
        compute()
    return counter.peak
