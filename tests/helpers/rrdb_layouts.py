"""The names that RRDB networks' parameters have in checkpoints of different programs."""

from __future__ import annotations

import re

from torch import Tensor


def renamed(state: dict[str, Tensor], rules: list[tuple[str, str]]) -> dict[str, Tensor]:
    """The parameters under other names: each gets the replacement of the first pattern that matches."""
    out = {}
    for name, value in state.items():
        for pattern, replacement in rules:
            name, count = re.subn(pattern, replacement, name)
            if count:
                break
        out[name] = value
    return out


OLD = [
    (r"^RRDB_trunk\.(\d+)\.(RDB\d)\.(conv\d)", r"model.1.sub.\1.\2.\3.0"),
    ("^trunk_conv", "model.1.sub.2"),
    ("^conv_first", "model.0"),
    ("^upconv1", "model.3"),
    ("^upconv2", "model.6"),
    ("^upconv3", "model.9"),
]
LAYOUTS = {
    ("plain", 4): [],
    ("old", 4): [*OLD, ("^HRconv", "model.8"), ("^conv_last", "model.10")],
    ("old", 8): [*OLD, ("^HRconv", "model.11"), ("^conv_last", "model.13")],
    ("plain", 8): [],
}
BASICSR = [(r"^RRDB_trunk\.(\d+)\.RDB(\d)\.", r"body.\1.rdb\2."), ("^trunk_conv", "conv_body"), ("^HRconv", "conv_hr"),
           ("^upconv", "conv_up")]  # fmt: skip
LAYOUTS |= {("basicsr", 4): BASICSR, ("basicsr", 8): BASICSR}
