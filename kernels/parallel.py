"""Threads that compute parts of one result with NumPy, which uses one core for each call.

There are as many as :func:`torch.get_num_threads` says. Each part is computed by one thread, so its bytes do not depend
on their number. Those of PyTorch's own convolutions do.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from itertools import count

import torch
from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_pools: dict[int, ThreadPoolExecutor] = {}
_limits: list[object] = []
_inside = 0


def _forget() -> None:
    """A forked process has none of the threads."""
    global _lock, _inside
    _lock, _inside = threading.Lock(), 0
    _pools.clear()
    _limits.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def for_each(
    part: Callable[[int, int], None], parts: int, needs: Callable[[int], Iterable[int]] = lambda index: ()
) -> None:
    """Call ``part(index, worker)`` for all indices below ``parts``, in several threads.

    The numbers of workers are small, and one worker calls ``part`` once at a time: it can use memory of its own.

    Parameters
    ----------
    part
        Computes one part.
    parts
        Number of parts.
    needs
        For an index, the smaller indices whose parts must be finished before.

    Raises
    ------
    Exception
        What a call of ``part`` raised.

    Examples
    --------
    >>> found = [0, 0, 0]
    >>> for_each(lambda index, worker: found.__setitem__(index, index**2), 3)
    >>> found
    [0, 1, 4]
    """
    indices = count()
    done = [False] * parts
    changed = threading.Condition()
    failed = threading.Event()

    def ready(index: int) -> bool:
        return failed.is_set() or all(done[other] for other in needs(index))

    def work(worker: int) -> None:
        try:
            while not failed.is_set() and (index := next(indices)) < parts:
                if not ready(index):
                    with changed:
                        changed.wait_for(lambda index=index: ready(index))  # type: ignore[misc]
                if failed.is_set():
                    return
                part(index, worker)
                done[index] = True
                with changed:
                    changed.notify_all()
        except BaseException:
            with changed:
                failed.set()
                changed.notify_all()
            raise

    workers = min(torch.get_num_threads(), parts)
    with _one_thread_for_each_product():
        others = [_pool(workers).submit(work, worker) for worker in range(1, workers)]
        try:
            work(0)
        finally:
            failures = [other.exception() for other in others]
    for failure in failures:
        if failure is not None:
            raise failure


def _pool(workers: int) -> ThreadPoolExecutor:
    with _lock:
        if workers not in _pools:
            _pools[workers] = ThreadPoolExecutor(workers - 1, "srspace-eval")
        return _pools[workers]


@lru_cache(maxsize=1)
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


@contextmanager
def _one_thread_for_each_product() -> Iterator[None]:
    """NumPy's matrix products use one thread inside."""
    global _inside
    with _lock:
        if _inside == 0:
            _limits.append(_controller().limit(limits=1, user_api="blas"))
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                # The first is kept until it was restored: an interrupt may come in between.
                _limits[0].restore_original_limits()  # type: ignore[attr-defined]
                _limits.clear()
