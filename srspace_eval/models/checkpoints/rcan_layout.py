"""RCAN's checkpoints: two ways to name the parameters, and the range of values that the network computes in.

The authors' program keeps two mean shifts as parameters; they could move in training, so they are taken from the
checkpoint. BasicSR's program has the same network under other names and subtracts a constant instead, which its
checkpoints do not hold. (Zhang et al., "Image Super-Resolution Using Very Deep Residual Channel Attention Networks",
ECCV 2018.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from srspace_eval.models.checkpoints.shapes import count

MEAN = (0.4488, 0.4371, 0.4040)
"""The mean colour of DIV2K, the constant of BasicSR's program."""

_RANGE = 255
_BASICSR = "body.0.residual_group.0.rcab.0.weight"
_UNIT_LIMIT = 2.0  # a mean shift in 0 to 1 stays below it, one in 0 to 255 far above


def authors_layout(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The parameters under the names of the authors' program, with both mean shifts.

    Parameters that are not BasicSR's keep their names. Nothing is dropped.

    Parameters
    ----------
    state
        The parameters of any checkpoint.

    Examples
    --------
    >>> state = {"body.0.residual_group.0.rcab.0.weight": torch.zeros(1), "body.0.conv.bias": torch.zeros(1)}
    >>> [name for name in authors_layout(state) if name.startswith("body")]
    ['body.0.body.0.body.0.weight', 'body.0.body.1.bias']
    """
    if _BASICSR not in state:
        return dict(state)
    shapes = {name: tuple(value.shape) for name, value in state.items()}
    groups = count(shapes, r"body\.(\d+)\.")
    blocks = count(shapes, r"body\.0\.residual_group\.(\d+)\.")
    rules = [
        (r"^conv_first\.", "head.0."),
        (r"^body\.(\d+)\.residual_group\.(\d+)\.rcab\.3\.attention\.1\.", r"body.\1.body.\2.body.3.conv_du.0."),
        (r"^body\.(\d+)\.residual_group\.(\d+)\.rcab\.3\.attention\.3\.", r"body.\1.body.\2.body.3.conv_du.2."),
        (r"^body\.(\d+)\.residual_group\.(\d+)\.rcab\.", r"body.\1.body.\2.body."),
        (r"^body\.(\d+)\.conv\.", rf"body.\1.body.{blocks}."),
        (r"^conv_after_body\.", f"body.{groups}."),
        (r"^upsample\.", "tail.0."),
        (r"^conv_last\.", "tail.1."),
    ]
    renamed = {}
    for name, value in state.items():
        new = name
        for pattern, replacement in rules:
            new, found = re.subn(pattern, replacement, name)
            if found:
                break
        renamed[new] = value
    mean = _RANGE * torch.tensor(MEAN)
    constants = {
        "sub_mean.weight": torch.eye(3)[:, :, None, None],
        "sub_mean.bias": -mean,
        "add_mean.weight": torch.eye(3)[:, :, None, None],
        "add_mean.bias": mean,
    }
    # A checkpoint that has both BasicSR's names and mean shifts keeps its own.
    return {**constants, **renamed}


def value_range(state: Mapping[str, Tensor]) -> int | None:
    """255 or 1, the largest value of the pictures that the network computes with; None without mean shifts.

    The authors' programs train in 0 to 255; an option makes it 0 to 1. The mean shift tells which.

    >>> value_range({"sub_mean.bias": torch.tensor([-0.45, -0.44, -0.4])})
    1
    """
    bias = state.get("sub_mean.bias")
    if bias is None:
        return None
    return 1 if float(bias.abs().max()) < _UNIT_LIMIT else _RANGE


def details_of(given: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> dict[str, Any]:
    """What the record says about an RCAN.

    Parameters
    ----------
    given
        The parameters as the checkpoint names them.
    state
        The same from :func:`authors_layout`.

    Returns
    -------
    dict[str, Any]
        ``layout``: ``"authors"`` or ``"basicsr"``; ``range``; and ``mean_shift``: ``"none"``, ``"constant"``
        (BasicSR's), ``"as published"`` (a subtraction and the same addition) or ``"trained"``. All of them are used as
        they are.
    """
    largest = value_range(state)
    details: dict[str, Any] = {"layout": "basicsr" if _BASICSR in given else "authors", "range": largest or 1}
    if largest is None:
        return {**details, "mean_shift": "none"}
    if "sub_mean.bias" not in given:
        return {**details, "mean_shift": "constant"}
    eye = torch.eye(3)
    plain = all(torch.equal(state[f"{name}.weight"][:, :, 0, 0], eye) for name in ("sub_mean", "add_mean"))
    opposite = torch.equal(state["sub_mean.bias"], -state["add_mean.bias"])
    return {**details, "mean_shift": "as published" if plain and opposite else "trained"}
