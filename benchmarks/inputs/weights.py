"""Network weights that need no download, as state dicts and as checkpoint files.

Values are synthetic. Names and shapes are those of real checkpoints, but the small models have few channels.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from srspace_eval.flows.network import ConditionalFlow
from srspace_eval.flows.rrdb import RRDBNet
from srspace_eval.flows.spec import FlowSpec
from srspace_eval.metrics.lpips.trunk_files import parameter_shapes

from .synth import alexnet_features, state_dict

_SPECS = {
    "srflow": FlowSpec(4, 23, (1, 8, 15, 22), 3, 2, "pointwise", "before_last_two"),
    "srflow_da": FlowSpec(4, 23, (1, 8, 15, 22), 2, 1, "deep", "before_last"),
}


def small_spec(name: str) -> FlowSpec:
    """The specification of a small SRFlow or SRFlow-DA network, ×4, of eight features."""
    return replace(_SPECS[name], features=8, growth=4, hidden=8)


def small_state(name: str, seed: int = 1) -> dict[str, torch.Tensor]:
    """The parameters of a small SRFlow, SRFlow-DA or RRDB network, ×4, of eight features."""
    with torch.device("meta"):
        net: torch.nn.Module = RRDBNet(4, 2, 8, 4) if name == "rrdb" else ConditionalFlow(small_spec(name))
    manifest = {key: list(value.shape) for key, value in net.state_dict().items()}
    return {key: torch.from_numpy(value) for key, value in state_dict(manifest, seed).items()}


def write_small_checkpoint(path: Path, name: str, seed: int = 1) -> Path:
    """Write :func:`small_state` as a ``.pth`` file."""
    torch.save(small_state(name, seed), path)
    return path


def write_alexnet(path: Path, seed: int = 1) -> Path:
    """Write the synthetic AlexNet trunk of the parity cases as a checkpoint file."""
    torch.save({k: torch.from_numpy(v) for k, v in alexnet_features(seed).items()}, path)
    return path


def random_trunk(net: str, seed: int = 0) -> dict[str, torch.Tensor]:
    """Random parameters of an LPIPS trunk; He's scale keeps the activations in range."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for name, shape in parameter_shapes(net).items():
        scale = (2 / max(1, int(np.prod(shape[1:])))) ** 0.5
        state[name] = torch.randn(shape, generator=generator) * (scale if len(shape) > 1 else 0.05)
    return state


def write_random_trunk(path: Path, net: str = "alex", seed: int = 0) -> Path:
    """Write :func:`random_trunk` as a checkpoint file."""
    torch.save(random_trunk(net, seed), path)
    return path
