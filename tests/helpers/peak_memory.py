"""The peak memory of encoding one picture, measured in a process of its own (Linux).

``python -m tests.helpers.peak_memory FAMILY SCALE LEVELS HEIGHT WIDTH`` prints the peak and the estimate, in bytes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from srspace_eval.flows import ConditionalFlow
from srspace_eval.models.adapters.flow import FlowModel
from srspace_eval.models.base import ModelConfig
from srspace_eval.models.checkpoints.configurations import flow_spec


def peak_of_encoding(family: str, scale: str, levels: int, height: int, width: int) -> tuple[int, int]:
    """The peak of encoding one picture in this process, and the estimate; the network has full width and one step."""
    spec = flow_spec(family, int(scale), levels, 1)
    model = FlowModel(ModelConfig("x", family, spec.scale), ConditionalFlow(spec).requires_grad_(False))
    status = Path("/proc/self/status")

    def held(key: str) -> int:
        return 1024 * int(next(line.split()[1] for line in status.read_text().splitlines() if line.startswith(key)))

    for size in ((8, 8), (height, width)):  # once to load the libraries
        Path("/proc/self/clear_refs").write_text("5")
        before = held("VmRSS")
        model.encode(torch.rand(1, 3, *size), torch.rand(1, 3, *(side * spec.scale for side in size)))
    return held("VmHWM") - before, model.encode_memory_estimate(height, width, 1)


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(*peak_of_encoding(*sys.argv[1:3], *map(int, sys.argv[3:])))  # noqa: T201
