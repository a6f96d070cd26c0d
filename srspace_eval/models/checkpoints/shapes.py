"""Names and shapes of a checkpoint's parameters: searched, counted, and compared with those of a network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeAlias

import torch

from srspace_eval.errors import CheckpointError

Shapes: TypeAlias = Mapping[str, tuple[int, ...]]
"""Name of a parameter -> its shape."""


def compare(expected: Shapes, given: Shapes, where: str, name: str) -> None:
    """Compare the parameters of a checkpoint with those of a network.

    Parameters
    ----------
    expected, given
        Parameters of the network, and of the checkpoint.
    where, name
        Names of the checkpoint and of the network, for the message.

    Raises
    ------
    CheckpointError
        If they differ. Every missing, surplus and misshapen parameter is listed.
    """
    missing = [f"missing: {key} {expected[key]}" for key in expected if key not in given]
    surplus = [f"surplus: {key} {given[key]}" for key in given if key not in expected]
    misshapen = [
        f"misshapen: {key} is {given[key]}, not {expected[key]}"
        for key in expected
        if key in given and given[key] != expected[key]
    ]
    if missing or surplus or misshapen:
        counts = f"{len(missing)} parameters missing, {len(surplus)} surplus, {len(misshapen)} misshapen"
        raise CheckpointError(
            f"{where}: does not fit {name}, the nearest known network: {counts}", [*missing, *surplus, *misshapen]
        )


def shapes_of(module: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a network's parameters."""
    return {name: tuple(value.shape) for name, value in module.state_dict().items()}


def count_values(shapes: Shapes) -> int:
    """How many numbers the parameters hold together."""
    return sum(torch.Size(shape).numel() for shape in shapes.values())


def matches(shapes: Shapes, pattern: str) -> list[re.Match[str]]:
    """Matches of a pattern at the start of the names."""
    return [match for name in shapes if (match := re.match(pattern, name))]


def count(shapes: Shapes, pattern: str) -> int:
    """1 + the largest number that the pattern's group matches; 0 if it matches nothing."""
    return 1 + max((int(match[1]) for match in matches(shapes, pattern)), default=-1)


def side(shapes: Shapes, names: list[str], axis: int, otherwise: int) -> int:
    """Size along an axis of the first of these parameters that exists; ``otherwise`` if none does."""
    for name in names:
        if len(shapes.get(name, ())) > axis:
            return shapes[name][axis]
    return otherwise
