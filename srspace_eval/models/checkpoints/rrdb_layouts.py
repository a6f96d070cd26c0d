"""The names that the parameters of RRDB networks have in the checkpoints of different programs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from srspace_eval.flows.rrdb import SkipFrom
from srspace_eval.models.checkpoints.shapes import Shapes, count


@dataclass(frozen=True)
class Layout:
    """One way to name the parameters of an RRDB network.

    Attributes
    ----------
    skip
        The wiring in the programs that use these names. SRFlow's program and ESRGAN's second one share the names; for
        them it is SRFlow's wiring.
    first
        A parameter whose first axis is the growth.
    block
        Pattern of the parameters of a block; its group is the block's number.
    upconv
        The number of upconvs from the shapes.
    rename
        ``rename(name, blocks, upconvs)`` is the layout's name of a parameter.
    """

    skip: SkipFrom
    first: str
    block: str
    upconv: Callable[[Shapes], int]
    rename: Callable[[str, int, int], str]


def _old_esrgan(name: str, blocks: int, upconvs: int) -> str:
    module, _, leaf = name.rpartition(".")
    if match := re.fullmatch(r"RRDB_trunk\.(\d+)\.(RDB\d)\.(conv\d)", module):
        return f"model.1.sub.{match[1]}.{match[2]}.{match[3]}.0.{leaf}"
    if match := re.fullmatch(r"upconv(\d)", module):
        return f"model.{3 * int(match[1])}.{leaf}"
    fixed = {
        "conv_first": "model.0",
        "trunk_conv": f"model.1.sub.{blocks}",
        "HRconv": f"model.{3 * upconvs + 2}",
        "conv_last": f"model.{3 * upconvs + 4}",
    }
    return f"{fixed[module]}.{leaf}"


def _basicsr(name: str, blocks: int, upconvs: int) -> str:
    name = re.sub(r"^RRDB_trunk\.(\d+)\.RDB", r"body.\1.rdb", name)
    name = re.sub(r"^upconv", "conv_up", name)
    return name.replace("trunk_conv.", "conv_body.").replace("HRconv.", "conv_hr.")


RRDB_LAYOUTS = (
    Layout(
        "trunk",
        "RRDB_trunk.0.RDB1.conv1.weight",
        r"RRDB_trunk\.(\d+)\.",
        lambda shapes: count(shapes, r"upconv(\d+)\.weight\Z") - 1,
        lambda name, blocks, upconvs: name,
    ),
    Layout(
        "first",
        "model.1.sub.0.RDB1.conv1.0.weight",
        r"model\.1\.sub\.(\d+)\.RDB",
        # The number of the last convolution is 3·upconvs + 4.
        lambda shapes: (count(shapes, r"model\.(\d+)\.weight\Z") - 5) // 3,
        _old_esrgan,
    ),
    Layout(
        "first",
        "body.0.rdb1.conv1.weight",
        r"body\.(\d+)\.rdb",
        lambda shapes: count(shapes, r"conv_up(\d+)\.weight\Z") - 1,
        _basicsr,
    ),
)
"""All layouts; the checkpoint's names tell which one it has."""
