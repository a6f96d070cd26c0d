"""A network built from the parameters of a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from srspace_eval.errors import CheckpointError
from srspace_eval.flows.network import ConditionalFlow
from srspace_eval.flows.rrdb import RRDBNet
from srspace_eval.models.checkpoints.recognise import Recognised


def build_network(
    path: Path, state: Mapping[str, Tensor], found: Recognised, device: torch.device
) -> ConditionalFlow | RRDBNet:
    """Build the network of a checkpoint, in evaluation mode and without gradients.

    Parameters
    ----------
    path
        The checkpoint file, for messages.
    state
        Its parameters, from :func:`~srspace_eval.models.checkpoints.reading.read_checkpoint`.
    found
        The network that they fit, from :func:`~srspace_eval.models.checkpoints.recognise.recognise`.
    device
        Where the parameters are put.

    Raises
    ------
    CheckpointError
        If the network cannot compute with the parameters.
    """
    _check_values(path, state, found)
    renamed = {name: state[name_in_file].to(device) for name, name_in_file in found.names.items()}
    with torch.device("meta"):
        net: ConditionalFlow | RRDBNet = (
            RRDBNet(found.config.scale, found.blocks, found.features, found.growth)
            if found.spec is None
            else ConditionalFlow(found.spec)
        )
    net.load_state_dict(renamed, assign=True)
    return net.requires_grad_(False).eval()


def _check_values(path: Path, state: Mapping[str, Tensor], found: Recognised) -> None:
    """Raise CheckpointError for parameters that the network cannot compute with."""
    problems = []
    for name in found.names.values():
        if not state[name].is_floating_point():
            problems.append(f"{name}: {state[name].dtype}, not floating point")
        elif name.endswith(".invconv.weight") and not bool(torch.linalg.slogdet(state[name].double())[1].isfinite()):
            problems.append(f"{name}: a singular matrix, which cannot be inverted")
    if problems:
        raise CheckpointError(f"{path}: {len(problems)} parameters cannot be used; the checkpoint is damaged", problems)
