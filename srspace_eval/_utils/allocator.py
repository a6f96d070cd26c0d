"""How the C library keeps memory that was freed."""

from __future__ import annotations

import ctypes
from functools import lru_cache

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # glibc's malloc.h
_KEPT = 256 << 20
_LARGEST = 32 << 20  # glibc takes no more


@lru_cache(maxsize=1)
def keep_freed_memory() -> bool:
    """Let this process keep what it frees, up to 256 MiB a heap, instead of asking the system for it again and again.

    So glibc does by itself, unless it is told otherwise: Dask tells its workers to return everything beyond 64 KiB,
    which takes as long again as all of LPIPS, since every activation is then made of new pages.

    Returns
    -------
    Whether there was such a setting: glibc has it, other systems have their own ways.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library; Windows
        return False
    mallopt.argtypes = [ctypes.c_int, ctypes.c_int]
    return bool(mallopt(_TRIM_THRESHOLD, _KEPT)) and bool(mallopt(_MMAP_THRESHOLD, _LARGEST))
