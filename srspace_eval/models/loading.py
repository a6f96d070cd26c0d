"""From a checkpoint file to a model on a device."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from srspace_eval._utils.devices import resolve_device
from srspace_eval._utils.notices import notify
from srspace_eval.errors import CheckpointError, ExecutorError, InputError
from srspace_eval.flows.network import ConditionalFlow
from srspace_eval.flows.rrdb import RRDBNet, SkipFrom
from srspace_eval.models.adapters.flow import FlowModel
from srspace_eval.models.adapters.rrdb import SKIPS, RRDBModel, recognise_wiring
from srspace_eval.models.base import Model
from srspace_eval.models.checkpoints.reading import read_checkpoint
from srspace_eval.models.checkpoints.recognise import Recognised, recognise
from srspace_eval.models.plugins import load_plugin


def load(checkpoint: str | Path, device: str | torch.device = "auto", *, rrdb_skip: SkipFrom | None = None) -> Model:
    """See :func:`srspace_eval.models.load_model`."""
    if rrdb_skip is not None and rrdb_skip not in SKIPS:
        raise InputError(f"rrdb_skip = {rrdb_skip!r} is not {' or '.join(map(repr, SKIPS))}")
    place = resolve_device(device)
    plugin = load_plugin(str(checkpoint), place)
    if plugin is not None:
        _only_rrdb(plugin.config.name, rrdb_skip)
        return plugin
    if place.type not in ("cpu", "cuda"):  # no float64, which folding and log-determinants need
        raise ExecutorError(f"device {place}: checkpoints run on cpu or cuda")
    path = Path(checkpoint)
    if not path.exists():
        raise CheckpointError(
            f"{checkpoint}: there is no such file, and no plugin of that name; `srspace-eval models` lists where "
            "checkpoints are"
        )
    state = read_checkpoint(path)
    found = recognise({name: tuple(value.shape) for name, value in state.items()}, str(path))
    net = build(path, state, found, place)
    if isinstance(net, ConditionalFlow):
        _only_rrdb(found.config.name, rrdb_skip)
        return FlowModel(found.config, net)
    net.skip = rrdb_skip or _wiring(path, net, found)
    details = {**found.config.details, "skip": net.skip}
    return RRDBModel(dataclasses.replace(found.config, details=details), net)


def build(path: Path, state: Mapping[str, Tensor], found: Recognised, place: torch.device) -> ConditionalFlow | RRDBNet:
    """The network of a checkpoint with its parameters on a device.

    Raises
    ------
    CheckpointError
        If no network can compute with the parameters.
    """
    _check_values(path, state, found)
    ours = {name: state[theirs].to(place) for name, theirs in found.names.items()}
    with torch.device("meta"):
        net: ConditionalFlow | RRDBNet = (
            RRDBNet(found.config.scale, found.blocks, found.features, found.growth)
            if found.spec is None
            else ConditionalFlow(found.spec)
        )
    net.load_state_dict(ours, assign=True)
    return net.requires_grad_(False).eval()


def _wiring(path: Path, net: RRDBNet, found: Recognised) -> SkipFrom:
    wiring = recognise_wiring(net, found.skip)
    if not wiring.evident:
        errors = ", ".join(f"{error:.2g} wired as {skip!r}" for skip, error in wiring.errors.items())
        notify(
            f"{path}: its wiring cannot be told: trunk_conv's output may be added to the blocks' output ('trunk', "
            f"SRFlow's program) or to conv_first's ('first', ESRGAN's), and the averaged output differs from a test "
            f"picture by {errors}; {wiring.skip!r} is taken, --rrdb-skip (rrdb_skip= in Python) says it"
        )
    return wiring.skip


def _only_rrdb(name: str, rrdb_skip: SkipFrom | None) -> None:
    if rrdb_skip is not None:
        raise InputError(f"{name} is not an RRDB network by itself: it takes no rrdb_skip (--rrdb-skip)")


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
