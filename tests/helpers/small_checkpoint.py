"""Checkpoints of real configurations, made small: few channels, synthetic weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from srspace_eval.flows.network import ConditionalFlow
from srspace_eval.flows.rrdb import RRDBNet
from srspace_eval.flows.spec import FlowSpec
from tests.helpers.synth import state_dict

_SPECS = {
    "srflow": FlowSpec(4, 23, (1, 8, 15, 22), 3, 2, "pointwise", "before_last_two"),
    "srflow_da": FlowSpec(4, 23, (1, 8, 15, 22), 2, 1, "deep", "before_last"),
}


def small_state(name: str, seed: int = 1) -> dict[str, torch.Tensor]:
    """The parameters of an SRFlow, SRFlow-DA or RRDB network, ×4, of eight features."""
    with torch.device("meta"):
        if name == "rrdb":
            net: torch.nn.Module = RRDBNet(4, 2, 8, 4)
        else:
            net = ConditionalFlow(replace(_SPECS[name], features=8, growth=4, hidden=8))
    manifest = {key: list(value.shape) for key, value in net.state_dict().items()}
    return {key: torch.from_numpy(value) for key, value in state_dict(manifest, seed).items()}


def write_small_checkpoint(path: Path, name: str, seed: int = 1) -> Path:
    """The same as a ``.pth`` file."""
    torch.save(small_state(name, seed), path)
    return path
