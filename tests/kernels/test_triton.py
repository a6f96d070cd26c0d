"""The Triton forms: interpreted on the CPU, compiled for GPUs that are not here, run on a GPU if there is one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

pytestmark = pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not made for this platform")

TRITON = tuple(map(int, version("triton").split(".")[:2])) if find_spec("triton") else (0, 0)
CASES = Path(__file__).with_name("interpreted.py")


def run_cases(**environment: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(CASES)]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" not in done.stdout


@pytest.mark.slow
def test_interpreted_on_the_cpu() -> None:
    run_cases(TRITON_INTERPRET="1", CUDA_VISIBLE_DEVICES="")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_compiled_on_the_gpu() -> None:
    run_cases()


@pytest.mark.skipif(TRITON < (3, 3), reason="Triton's compiler is called in another way")
def test_the_kernels_compile_for_gpus(tmp_path: Path) -> None:
    # In a separate process, because the compiler's cache is set to a folder of this test.
    done = subprocess.run(
        [sys.executable, "-W", "error", str(CASES.with_name("compiled.py"))],
        env=os.environ | {"TRITON_CACHE_DIR": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert {kernel["kernel"] for kernel in found} == {
        "_rows_kernel", "_unit_kernel", "_full_kernel", "_row_sums_kernel", "_box_sums_kernel",
    }  # fmt: skip
    for kernel in found:
        assert kernel["fused"] == 0, kernel
        assert kernel["stack"] in (None, 0), kernel  # no register is spilled
    # With fusion allowed the compiler does fuse, so the option has an effect.
    assert [kernel["fused"] > 0 for kernel in json.loads(done.stderr)] == [True]
