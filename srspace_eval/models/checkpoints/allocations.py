"""Limits on the memory and the number of modules that building a network takes."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import torch
from torch.nn.modules.module import register_module_module_registration_hook
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only


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
    calls
        Operations that may be called, and tensors that a tensor may be taken apart into; None: any number.

    Examples
    --------
    >>> with AllocationLimit(1000):
    ...     torch.empty(1000)
    Traceback (most recent call last):
        ...
    srspace_eval.models.checkpoints.allocations.AllocationLimitError: more than 1000 bytes
    """

    def __init__(self, limit: int, calls: int | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.limit, self.calls = limit, calls
        self.used = self.called = 0

    def __torch_dispatch__(
        self, func: Any, types: Sequence[Any], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        first = args[0] if args else None
        # Python takes a tensor apart in a loop over it: an object for each part, and no bytes.
        self.called += first.numel() if func is torch.ops.aten.unbind.int and isinstance(first, torch.Tensor) else 1
        if self.calls is not None and self.called > self.calls:
            raise AllocationLimitError(f"more than {self.calls} operations")
        expected = expected_bytes(func, args, kwargs)
        self._count(expected)
        result = func(*args, **kwargs)
        if not expected and not _aliases(func):
            self._count(_bytes(result))
        return result

    def _count(self, size: int) -> None:
        self.used += size
        if self.used > self.limit:
            raise AllocationLimitError(f"more than {self.limit} bytes")


@contextmanager
def module_limit(limit: int) -> Iterator[None]:
    """Allow at most ``limit`` modules to become parts of others inside the block, in this thread.

    A name such as ``blocks.9999.norm.weight`` makes spandrel build ten thousand blocks, each of many modules. They hold
    few numbers, but take minutes and gigabytes as objects.

    Raises
    ------
    AllocationLimitError
        If a network has more.

    Examples
    --------
    >>> with module_limit(3):
    ...     torch.nn.Sequential(*(torch.nn.ReLU() for _ in range(4)))
    Traceback (most recent call last):
        ...
    srspace_eval.models.checkpoints.allocations.AllocationLimitError: more than 3 modules
    """
    thread, used = threading.get_ident(), 0

    def count(*_: object) -> None:
        nonlocal used
        used += threading.get_ident() == thread
        if used > limit:
            raise AllocationLimitError(f"more than {limit} modules")

    handle = register_module_module_registration_hook(count)
    try:
        yield
    finally:
        handle.remove()


def expected_bytes(func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> int:
    """The bytes that an operation of PyTorch's is going to allocate; 0 if it allocates none, or cannot tell."""
    first = args[0] if args else None
    # Factories such as empty, zeros and full take the size as their first argument.
    if isinstance(first, (list, tuple, torch.Size)) and all(isinstance(side, int) for side in first):
        size = kwargs.get("dtype") or torch.get_default_dtype()
        return torch.Size(first).numel() * int(size.itemsize)
    return 0 if _aliases(func) else _bytes_of_result(func, args, kwargs)


def _aliases(func: Any) -> bool:
    """Whether an operation gives its argument: "name_" and "name.out" write into it, and a view takes no memory."""
    return any(given.alias_info is not None for given in func._schema.arguments)


def _bytes_of_result(func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> int:
    """The bytes that an operation would allocate, found without allocating them; 0 if PyTorch cannot tell."""
    with suppress(Exception):  # its result depends on values, or it has no such implementation
        given, named = tree_map_only(torch.Tensor, lambda tensor: tensor.to("meta"), (args, dict(kwargs)))
        makes = not any(isinstance(leaf, torch.Tensor) for leaf in tree_leaves((given, named)))  # such as arange
        if makes or "device" in named:
            named["device"] = "meta"
        return _bytes(func(*given, **named))
    return 0


def _bytes(result: Any) -> int:
    return sum(leaf.numel() * leaf.element_size() for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor))
