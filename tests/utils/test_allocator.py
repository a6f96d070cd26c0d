from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from srspace_eval._utils.allocator import keep_freed_memory

_FAULTS = """
import resource, sys
from srspace_eval._utils.allocator import keep_freed_memory

if sys.argv[1] == "keep":
    assert keep_freed_memory()
for _ in range(3):
    b"x" * 16_000_000
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    b"x" * 16_000_000
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_freed_memory_is_reused_although_dask_would_return_it() -> None:
    faults = {}
    for how in ("keep", "as Dask tells"):
        command = [sys.executable, "-c", _FAULTS, how]
        environment = {**os.environ, "MALLOC_TRIM_THRESHOLD_": "65536"}
        faults[how] = int(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)
    assert faults["keep"] < 200
    assert faults["as Dask tells"] > 10 * max(faults["keep"], 10)


def test_other_c_libraries_are_not_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())
    assert keep_freed_memory.__wrapped__() is False
