"""The Triton forms: interpreted on the CPU, compiled for a GPU that need not be there, run on one that is."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

pytestmark = pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not made for this platform")

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


def test_the_kernels_compile_for_a_gpu(tmp_path: Path) -> None:
    # In a process of its own: the compiler's cache goes to a folder of this test's.
    done = subprocess.run(
        [sys.executable, "-c", _COMPILE], env=os.environ | {"TRITON_CACHE_DIR": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["resampling", "distance", "maps"]


_COMPILE = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from srspace_eval.kernels import distance_maps_triton, resampling_triton

def compiled(kernel, pointers, numbers, constants, **options):
    names = kernel.arg_names
    signature = {name: "constexpr" for name in names if name in constants}
    signature |= dict(zip([n for n in names if n not in constants], [*pointers, *numbers], strict=True))
    source = ASTSource(kernel, {name: signature[name] for name in names}, constants)
    return triton.compile(source, target=GPUTarget("cuda", 90, 32), options=options).asm["ptx"]

ptx = compiled(resampling_triton._rows_kernel, ["*u8", "*u8", "*fp64", "*i64"], ["i32"],
               {"TAPS": 16, "MODE": 1, "BLOCK": 512}, enable_fp_fusion=False)
assert "fma.rn.f64" not in ptx  # a fused multiply-add would change the bits
print("resampling")
ptx = compiled(distance_maps_triton._unit_kernel, ["*fp32"] * 4, ["i32"],
               {"CHANNELS": 192, "BLOCK": 256, "PIXELS": 8, "DISTANCE": True, "EPS": 1e-10})
print("distance")
ptx = compiled(distance_maps_triton._full_kernel, ["*fp32", "*i32", "*fp32", "*fp32", "*fp32"], ["i32", "i32"],
               {"LAYERS": 5, "MODE": 2, "ROWS": 8, "COLUMNS": 128})
print("maps")
"""
