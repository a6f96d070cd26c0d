"""Settings of the C library's memory allocator."""

from __future__ import annotations

import ctypes
from functools import lru_cache

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # glibc's malloc.h
_KEPT = 256 << 20
_LARGEST = 32 << 20  # the largest value that glibc accepts


@lru_cache(maxsize=1)
def keep_freed_memory() -> bool:
    """Let this process keep freed memory for reuse, up to 256 MiB a heap.

    This is glibc's default. Dask changes it: its workers return all freed memory beyond 64 KiB to the system. Each
    activation is then allocated in new pages, which doubles the time of LPIPS.

    Returns
    -------
    bool
        Whether the allocator has this setting; only glibc has it.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library; Windows
        return False
    mallopt.argtypes = [ctypes.c_int, ctypes.c_int]
    return bool(mallopt(_TRIM_THRESHOLD, _KEPT)) and bool(mallopt(_MMAP_THRESHOLD, _LARGEST))
