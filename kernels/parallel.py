"""Threads that compute parts of one result.

There are as many as :func:`torch.get_num_threads` says. Each part is computed by one thread, so its bytes do not depend
on their number. PyTorch's own convolutions use several threads inside, and their bytes do depend on it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
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
    part: Callable[[int, int], None],
    parts: int,
    needs: Callable[[int], Iterable[int]] = lambda index: (),
    settings: Callable[[], AbstractContextManager[object]] = nullcontext,
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
    settings
        Each thread computes its parts inside such a context, for example :func:`operators`.

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
            with settings():
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


def operators() -> Callable[[], AbstractContextManager[None]]:
    """``settings`` of :func:`for_each` for parts that use PyTorch's operators.

    Inside, each operator uses one thread and keeps no gradients.

    >>> threads = []
    >>> for_each(lambda index, worker: threads.append(torch.get_num_threads()), 4, settings=operators())
    >>> threads
    [1, 1, 1, 1]
    """
    inference = torch.is_inference_mode_enabled()

    @contextmanager
    def settings() -> Iterator[None]:
        torch.get_num_threads()  # the first call in a thread sets the number that the process has
        limit = _controller().limit(limits=1, user_api="openmp")
        # Tensors made in inference mode can only be changed in inference mode, which each thread has for itself.
        with limit, torch.inference_mode(inference), torch.no_grad():
            yield

    return settings


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
