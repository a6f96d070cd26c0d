"""Compiles the Triton kernels as their launchers do, for GPUs that need not be here. ``test_triton.py`` runs this file.

A line of JSON for each: kernel, compute capability, fused multiply-adds in its PTX, bytes of stack if that is known.
The last line, on stderr, is of the resize with fusion allowed.
"""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from srspace_eval.kernels import distance_maps_triton as maps
from srspace_eval.kernels import error_boxes_triton as boxes
from srspace_eval.kernels import resampling_triton as resampling
from srspace_eval.kernels.cuda import EXACT
from srspace_eval.metrics.lpips.trunks import ARCHITECTURES

CUOBJDUMP = Path(triton.__file__).parent / "backends/nvidia/bin/cuobjdump"
CHANNELS = sorted({channels for architecture in ARCHITECTURES.values() for channels in architecture.channels})


def compiled(kernel, capability, types, constants, options=EXACT):
    """``types`` are those of the arguments that are not constants; pointers are aligned as PyTorch aligns them."""
    names = kernel.arg_names
    given = iter(types)
    signature = {name: "constexpr" if name in constants else next(given) for name in names}
    aligned = {(i,): [["tt.divisibility", 16]] for i, name in enumerate(names) if signature[name].startswith("*")}
    source = ASTSource(kernel, signature, constants, aligned)
    done = triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options)
    return {
        "kernel": kernel.__name__, "capability": capability, "types": types, "constants": constants,
        "fused": len(re.findall(r"\bfma\.", done.asm["ptx"])), "stack": stack(done.asm["cubin"]),
    }  # fmt: skip


def stack(cubin):
    if not CUOBJDUMP.exists():
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kernel.cubin"
        path.write_bytes(cubin)
        done = subprocess.run([CUOBJDUMP, "--dump-resource-usage", path], capture_output=True, text=True, check=True)
    return sum(map(int, re.findall(r"STACK:(\d+)", done.stdout)))


def rows(capability, picture, mode, options=EXACT):
    out = "*u8" if picture == "*u8" else "*fp64"
    types = [picture, out, "*fp64", "*i64", "i32"]
    constants = {"TAPS": 16, "MODE": mode, "BLOCK": resampling._BLOCK}
    return compiled(resampling._rows_kernel, capability, types, constants, options)


def unit(capability, features, channels):
    block = triton.next_power_of_2(channels)
    constants = {"CHANNELS": channels, "BLOCK": block, "PIXELS": max(1, 2048 // block), "EPS": maps.EPSILON}
    return compiled(maps._unit_kernel, capability, [features, *["*fp32"] * 3, "i32", "i32"], constants)


def full(capability, layers, mode):
    types = ["*fp32", "*i32", *["*fp32"] * 3, "i32", "i32"]
    constants = {"LAYERS": layers, "MODE": mode, "ROWS": maps._TILE_ROWS, "COLUMNS": maps._TILE_COLUMNS}
    return compiled(maps._full_kernel, capability, types, constants)


def row_sums(capability):
    return compiled(
        boxes._row_sums_kernel, capability, ["*u8", "*u8", "*i32", "i32", "i32"],
        {"SIDE": boxes.BOX, "BLOCK": boxes._BLOCK},
    )  # fmt: skip


def box_sums(capability, first):
    constants = {"FIRST": first, "SIDE": boxes.BOX, "ROWS": boxes._TILE_ROWS, "COLUMNS": boxes._TILE_COLUMNS}
    return compiled(boxes._box_sums_kernel, capability, ["*i32", "*i32", "*i64", "i32", "i32"], constants)


def main():
    found = [
        rows(capability, *case)
        for capability, case in itertools.product((75, 80, 90), [("*u8", 1), ("*u8", 2), ("*fp32", 0), ("*fp64", 0)])
    ]
    found += [unit(90, *case) for case in itertools.product(("*fp32", "*bf16"), CHANNELS)]
    found += [unit(80, "*fp32", CHANNELS[0]), unit(80, "*bf16", CHANNELS[-1])]
    found += [full(90, *case) for case in itertools.product((5, 7), (0, 1, 2))] + [full(80, 5, 2)]
    found += [row_sums(90), *(box_sums(90, first) for first in (True, False))]
    sys.stdout.writelines(json.dumps(one) + "\n" for one in found)
    json.dump([rows(90, "*u8", 1, {"enable_fp_fusion": True})], sys.stderr)


if __name__ == "__main__":
    main()
