"""How many cores this process may use."""

from __future__ import annotations

import os

from srspace_eval._utils.whole_numbers import is_whole
from srspace_eval.errors import InputError


def default_workers() -> int:
    """How many cores this process may use.

    >>> default_workers() >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def threads_of(workers: object) -> int:
    """Check a number of threads, and return it. If ``workers`` is None, it is one thread for each core.

    >>> threads_of(3), threads_of(None) == default_workers()
    (3, True)

    Raises
    ------
    InputError
        If ``workers`` is not a whole number of at least 1.
    """
    if workers is None:
        return default_workers()
    if not is_whole(workers, 1):
        raise InputError(
            f"workers = {workers!r}: must be a whole number of at least 1, or None for one thread per core"
        )
    return int(workers)  # type: ignore[call-overload,no-any-return]
