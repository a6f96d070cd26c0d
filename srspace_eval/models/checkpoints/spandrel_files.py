"""Checkpoints of other networks, which the package spandrel recognises: RCAN, SwinIR, HAT, DAT, SPAN and many more.

spandrel is the optional extra ``models``. It gets the parameters that
:func:`~srspace_eval.models.checkpoints.reading.read_checkpoint` has read; it never reads a file itself.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from srspace_eval._utils.untrusted_text import short_name
from srspace_eval.errors import CheckpointError
from srspace_eval.models.checkpoints.allocations import AllocationLimit, module_limit
from srspace_eval.models.checkpoints.rcan_layout import authors_layout, details_of, value_range
from srspace_eval.models.protocol import ModelConfig

_SLACK = 1 << 29  # bytes of tables that networks compute when they are built, such as attention masks
_MODULES, _MODULES_EACH = 1000, 8  # networks of spandrel have up to 2.4 modules for each parameter
_CALLS, _CALLS_EACH = 2000, 25  # of operations; networks of spandrel need up to 8 for each parameter
_MOST_NAMES = 5000  # networks of spandrel have up to 2000
_MOST_PARTS = 150  # of a name; names of published networks have up to 13
_LONGEST_LIST = 512  # of layers
_PLACES, _PLACES_EACH = 1000, 4  # in all lists
_LARGEST_SCALE = 16
_LISTED = 20  # problems in a message
_RANDOM = {"AuraSR": "it draws noise in every call that no seed of ours reaches"}
"""Architectures that cannot be reproduced -> why."""


@dataclass(frozen=True)
class SpandrelNetwork:
    """A network that spandrel has built from a checkpoint.

    Attributes
    ----------
    config
        What the model is.
    descriptor
        spandrel's ``ImageModelDescriptor``, in evaluation mode, without gradients.
    """

    config: ModelConfig
    descriptor: Any


def is_installed() -> bool:
    """Whether spandrel can be imported."""
    try:
        import spandrel  # noqa: F401 - only whether it is there
    except ImportError:
        return False
    return True


def build_with_spandrel(path: Path, state: Mapping[str, Tensor], device: torch.device) -> SpandrelNetwork | None:
    """Offer parameters to spandrel.

    Parameters
    ----------
    path
        The checkpoint file, for messages.
    state
        Its parameters, from :func:`~srspace_eval.models.checkpoints.reading.read_checkpoint`.
    device
        Where the parameters are put.

    Returns
    -------
    SpandrelNetwork or None
        The network, or None if spandrel does not recognise it or is not installed.

    Raises
    ------
    CheckpointError
        If spandrel recognises an architecture but the parameters do not fit it, or the model is not a deterministic
        super-resolution of RGB pictures.
    """
    if not is_installed():
        return None
    from spandrel import MAIN_REGISTRY, canonicalize_state_dict

    _refuse_long_lists(path, state)
    parameters = authors_layout(canonicalize_state_dict(dict(state)))
    found = None
    for support in MAIN_REGISTRY.architectures("detection"):
        try:
            if support.detect(parameters):
                found = support.architecture
                break
        except Exception:  # noqa: BLE001 - a detector that fails on strange names has not recognised them
            continue
    if found is None:
        return None
    limit = _SLACK + 4 * sum(value.numel() * value.element_size() for value in parameters.values())
    try:
        modules = module_limit(_MODULES + _MODULES_EACH * len(parameters))
        with modules, AllocationLimit(limit, _CALLS + _CALLS_EACH * len(parameters)), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch's, about spandrel's networks; the user cannot change them
            descriptor = found.load(dict(parameters))
    except Exception as error:
        summary = f"{path}: looks like {found.name} to spandrel, but its parameters do not fit"
        raise CheckpointError(summary, _problems(error)) from error
    _check_usable(path, descriptor)
    if found.id == "RCAN" and (largest := value_range(parameters)) is not None:
        descriptor.model.rgb_range = largest  # spandrel assumes 255
    descriptor.to(device).eval().model.requires_grad_(False)
    return SpandrelNetwork(_config(descriptor, state, parameters), descriptor)


def _refuse_long_lists(path: Path, names: Collection[str]) -> None:
    """Refuse more names, and longer lists of layers, than a network has.

    spandrel looks at each name for each place of a list, and builds what is in each place. A list is as long as the
    largest number in its names says. Names are read one after the other until there are too many places, because each
    number in a name makes a list.
    """
    if len(names) > _MOST_NAMES:
        raise CheckpointError(f"{path}: not a checkpoint of a known network: it has more than {_MOST_NAMES} parameters")
    absurd = f"{path}: not a checkpoint of a known network: its lists of layers are absurd"
    most, places, lists = _PLACES + _PLACES_EACH * len(names), 0, dict[str, int]()
    for name in names:
        parts = name.split(".", _MOST_PARTS)
        if len(parts) > _MOST_PARTS:
            raise CheckpointError(absurd, [f"{short_name(name)}: a name of more than {_MOST_PARTS} parts"])
        for at, part in enumerate(parts):
            with suppress(ValueError):  # not a number; spandrel reads numbers so
                outer, end = ".".join(parts[:at]), max(int(part) + 1, 1)
                places += max(end - lists.get(outer, 0), 0)
                lists[outer] = max(end, lists.get(outer, 0))
                if end > _LONGEST_LIST:
                    raise CheckpointError(absurd, [f"{short_name(outer) or 'a list'}: {end} places"])
                if places > most:
                    raise CheckpointError(absurd, [f"all lists together have more than {most} places"])


def _config(descriptor: Any, given: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> ModelConfig:
    from importlib.metadata import version

    name = str(descriptor.architecture.id)
    noise = "ESRGAN+" in descriptor.tags
    family = "esrgan_plus" if noise else name.lower()
    sizes = descriptor.size_requirements
    details: dict[str, Any] = {
        "architecture": str(descriptor.architecture.name),
        "spandrel": version("spandrel"),
        "tags": [str(tag) for tag in descriptor.tags],
        "parameters": sum(value.numel() for value in state.values()),
        "sizes": {"minimum": sizes.minimum, "multiple_of": sizes.multiple_of, "square": sizes.square},
        "tiling": descriptor.tiling.name.lower(),
    }
    if name == "RCAN":
        details |= details_of(given, state)
    scale = int(descriptor.scale)
    # The authors' programs of these networks clamp and round.
    return ModelConfig(f"{family}_x{scale}", family, scale, not noise, details, quantize="round")


def _check_usable(path: Path, descriptor: Any) -> None:
    from spandrel import ImageModelDescriptor

    name = descriptor.architecture.name
    problems = []
    # Real-ESRGAN's network for ×1 is that for ×4 after a pixel unshuffle; spandrel calls it restoration.
    purposes = ("SR", "Restoration") if "unshuffle" in descriptor.tags else ("SR",)
    if not isinstance(descriptor, ImageModelDescriptor) or descriptor.purpose not in purposes:
        problems.append(f"its purpose is {descriptor.purpose}, not super-resolution (SR)")
    if (descriptor.input_channels, descriptor.output_channels) != (3, 3):
        channels = f"{descriptor.input_channels} channels to {descriptor.output_channels}"
        problems.append(f"it maps {channels}; samples are RGB, 3 channels to 3")
    if not 1 <= int(descriptor.scale) <= _LARGEST_SCALE:
        problems.append(f"its scale is {int(descriptor.scale)}; it must be between 1 and {_LARGEST_SCALE}")
    if descriptor.architecture.id in _RANDOM:
        problems.append(_RANDOM[descriptor.architecture.id])
    if problems:
        raise CheckpointError(f"{path}: {name} cannot make sample sets; use a super-resolution checkpoint", problems)


def _problems(error: Exception) -> list[str]:
    """The lines of PyTorch's message about missing, surplus and misshapen parameters, or the message itself."""
    lines = [line.strip()[:300] for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    lines = lines[1:] or lines
    return lines if len(lines) <= _LISTED else [*lines[:_LISTED], f"and {len(lines) - _LISTED} more"]
