"""From a checkpoint file to a model on a device."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from srspace_eval.devices import resolve_device
from srspace_eval.errors import CheckpointError, ExecutorError
from srspace_eval.flows.network import ConditionalFlow
from srspace_eval.flows.rrdb import RRDBNet
from srspace_eval.models.checkpoint import read_checkpoint
from srspace_eval.models.flow_model import FlowModel
from srspace_eval.models.plugins import load_plugin
from srspace_eval.models.protocol import Model
from srspace_eval.models.recognise import Recognised, recognise
from srspace_eval.models.rrdb_model import RRDBModel, recognise_skip


def load(checkpoint: str | Path, device: str | torch.device = "auto") -> Model:
    """See :func:`srspace_eval.models.load_model`."""
    place = resolve_device(device)
    plugin = load_plugin(str(checkpoint), place)
    if plugin is not None:
        return plugin
    if place.type not in ("cpu", "cuda"):  # no float64, which folding and log-determinants need
        raise ExecutorError(f"device {place}: checkpoints run on cpu or cuda")
    path = Path(checkpoint)
    state = read_checkpoint(path)
    found = recognise({name: tuple(value.shape) for name, value in state.items()}, str(path))
    _check_values(path, state, found)
    ours = {name: state[theirs].to(place) for name, theirs in found.names.items()}
    with torch.device("meta"):
        net: ConditionalFlow | RRDBNet = (
            RRDBNet(found.config.scale, found.blocks, found.features, found.growth)
            if found.spec is None
            else ConditionalFlow(found.spec)
        )
    net.load_state_dict(ours, assign=True)
    net.requires_grad_(False).eval()
    if isinstance(net, ConditionalFlow):
        return FlowModel(found.config, net)
    recognise_skip(net)
    details = {**found.config.details, "skip": net.skip}
    return RRDBModel(dataclasses.replace(found.config, details=details), net)


def _check_values(path: Path, state: Mapping[str, Tensor], found: Recognised) -> None:
    """Raise CheckpointError for parameters that no network can compute with."""
    problems = []
    for name in found.names.values():
        if not state[name].is_floating_point():
            problems.append(f"{name}: {state[name].dtype}, not floating point")
        elif name.endswith(".invconv.weight") and not bool(torch.linalg.slogdet(state[name].double())[1].isfinite()):
            problems.append(f"{name}: a singular matrix, which cannot be inverted")
    if problems:
        raise CheckpointError(f"{path}: {len(problems)} parameters cannot be used; the checkpoint is damaged", problems)
