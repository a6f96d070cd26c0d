"""Which network a checkpoint belongs to, told by the names and shapes of its parameters alone."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from srspace_eval.errors import CheckpointError
from srspace_eval.flows.network import ConditionalFlow
from srspace_eval.flows.rrdb import RRDBNet, SkipFrom
from srspace_eval.flows.spec import FlowSpec
from srspace_eval.models.checkpoints.configurations import CONFIGURATIONS, flow_spec
from srspace_eval.models.checkpoints.rrdb_layouts import RRDB_LAYOUTS, Layout
from srspace_eval.models.checkpoints.shapes import Shapes, compare, count, count_values, matches, shapes_of, side
from srspace_eval.models.protocol import ModelConfig

# Far more than any published network has. Building a larger one would use much memory before it is found not to fit.
_MOST_BLOCKS, _MOST_LAYERS = 200, 1000

_LAYER = re.compile(r"flowUpsamplerNet\.layers\.(\d+)\.")
# Parameters that the programs create and never use.
_UNUSED = re.compile(r"flowUpsamplerNet\.f\.")


class UnknownNetworkError(CheckpointError):
    """No known network has parameters with these names."""


@dataclass(frozen=True)
class Recognised:
    """A network that fits a checkpoint.

    Attributes
    ----------
    config
        What the model is.
    spec
        The specification of a flow; None for an RRDB network.
    blocks, features, growth
        Size of the RRDB network, or of the flow's LR encoder.
    names
        Name of a parameter in this package's network -> its name in the checkpoint.
    skip
        The usual wiring of an RRDB network whose parameters have these names.
    """

    config: ModelConfig
    spec: FlowSpec | None
    blocks: int
    features: int
    growth: int
    names: Mapping[str, str]
    skip: SkipFrom = "trunk"


def recognise(shapes: Shapes, where: str = "checkpoint") -> Recognised:
    """Find the network that fits parameters of these names and shapes.

    Parameters
    ----------
    shapes
        Name of a parameter -> its shape.
    where
        The checkpoint's name; messages begin with it.

    Raises
    ------
    UnknownNetworkError
        If the names are not those of a known network.
    CheckpointError
        If no known network fits. The missing, surplus and misshapen parameters are listed, compared with the nearest
        known network.

    Examples
    --------
    >>> shapes = shapes_of(RRDBNet(4, 23))
    >>> recognise(shapes).config.name
    'rrdb_df2k_x4'
    """
    refuse_absurd(shapes, where)
    if any(_LAYER.match(name) for name in shapes):
        return _recognise_flow(shapes, where)
    for layout in RRDB_LAYOUTS:
        if matches(shapes, layout.block):
            return _recognise_rrdb(shapes, layout, where)
    names = sorted(shapes)
    raise UnknownNetworkError(
        f"{where}: not a checkpoint of SRFlow, SRFlow-DA, NCSR or RRDB (ESRGAN, RealSR)",
        [f"it holds {len(names)} parameters: {', '.join(names[:3])}, ..."],
    )


def refuse_absurd(shapes: Shapes, where: str) -> None:
    """Refuse absurdly large numbers in names and shapes, because layers are counted one by one.

    Raises
    ------
    CheckpointError
        If there are any.
    """
    odd = [name for name in shapes for number in re.findall(r"\d+", name) if len(number) > 6 or int(number) > 9999]
    if odd or any(max(shape, default=0) > 1 << 20 for shape in shapes.values()):
        raise CheckpointError(f"{where}: not a checkpoint of a known network: its names or shapes are absurd", odd[:3])


def _recognise_flow(shapes: Shapes, where: str) -> Recognised:
    blocks = count(shapes, r"RRDB\.RRDB_trunk\.(\d+)\.")
    upconvs = count(shapes, r"RRDB\.upconv(\d+)\.weight\Z") - 1
    if upconvs not in (2, 3):
        raise CheckpointError(f"{where}: a flow has 2 or 3 upconvs (×4, ×8), not {max(upconvs, 0)}")
    if blocks > _MOST_BLOCKS or count(shapes, _LAYER.pattern) > _MOST_LAYERS:
        raise CheckpointError(f"{where}: no known flow has {blocks} RRDB blocks and so many layers")
    scale = 2**upconvs
    names = "\n".join(shapes)
    first_channels = side(shapes, ["flowUpsamplerNet.layers.1.invconv.weight"], 0, 12)
    if ".affine.fAffine_std." in names:
        family = "ncsr"
    elif ".affine.fAffine2.0.0." in names:
        family = "srflow_da_d"
    elif ".affine.fAffine2." in names:
        family = "srflow_da_r"
    elif re.search(r"\.affine\.fAffine\.(6|8|10)\.", names):
        family = "srflow_da_s" if first_channels == 3 * scale**2 else "srflow_da"
    else:
        family = "srflow"
    steps = _coupling_steps(shapes) or [1]
    first_nets = sorted(name for name in shapes if re.search(r"\.affine\.fAffine1?\.0\.weight\Z", name))
    spec = dataclasses.replace(
        flow_spec(family, scale, len(steps), max(steps), blocks),
        features=side(shapes, ["RRDB.conv_first.weight", "RRDB.conv_first.bias"], 0, 64),
        growth=side(shapes, ["RRDB.RRDB_trunk.0.RDB1.conv1.weight", "RRDB.RRDB_trunk.0.RDB1.conv1.bias"], 0, 32),
        hidden=side(shapes, first_nets, 0, 64),
    )
    if blocks <= spec.stacked[-1]:
        raise CheckpointError(
            f"{where}: {family} at ×{scale} reads the RRDB blocks {', '.join(map(str, spec.stacked))} (from 0), "
            f"but the checkpoint has {blocks} blocks"
        )
    # A level is never finer than the image or coarser than half the LR.
    if spec.levels > (1 if spec.splits == "within" else scale.bit_length()):
        raise CheckpointError(f"{where}: {family} at ×{scale} cannot have {spec.levels} levels")
    with torch.device("meta"):
        expected = shapes_of(ConditionalFlow(spec))
    given = {name: shape for name, shape in shapes.items() if not _UNUSED.match(name)}
    name = _flow_name(family, spec)
    compare(expected, given, where, name)
    details = {
        "blocks": blocks,
        "stacked": list(spec.stacked),
        "levels": spec.levels,
        "steps": spec.steps,
        "parameters": count_values(expected),
    }
    config = ModelConfig(name, family, scale, deterministic=False, details=details)
    return Recognised(config, spec, blocks, spec.features, spec.growth, {name: name for name in expected})


def _coupling_steps(shapes: Shapes) -> list[int]:
    """How many coupling steps each level has. An index without parameters is a squeeze, which begins a level."""
    layers = {int(match[1]) for match in matches(shapes, _LAYER.pattern)}
    couplings = {int(match[1]) for match in matches(shapes, _LAYER.pattern + r"affine\.")}
    levels: list[int] = []
    for index in range(max(layers) + 1):
        if index not in layers:
            levels.append(0)
        elif index in couplings and levels:
            levels[-1] += 1
    return [steps for steps in levels if steps]


def _flow_name(family: str, spec: FlowSpec) -> str:
    for name, known in CONFIGURATIONS.items():
        if known == (family, spec):
            return name
    return f"{family}_x{spec.scale}_l{spec.levels}_k{spec.steps}_b{spec.blocks}"


def _recognise_rrdb(shapes: Shapes, layout: Layout, where: str) -> Recognised:
    blocks = count(shapes, layout.block)
    upconvs = layout.upconv(shapes)
    if blocks > _MOST_BLOCKS:
        raise CheckpointError(f"{where}: no known RRDB network has {blocks} blocks")
    if upconvs not in (1, 2, 3):
        raise CheckpointError(
            f"{where}: an RRDB network has 1 to 3 upconvs (×2, ×4, ×8), this one has {max(upconvs, 0)}"
        )
    features = side(shapes, [layout.rename("conv_first.weight", blocks, upconvs)], 0, 64)
    growth = side(shapes, [layout.first], 0, 32)
    scale = 2**upconvs
    with torch.device("meta"):
        expected = shapes_of(RRDBNet(scale, blocks, features, growth))
    names = {name: layout.rename(name, blocks, upconvs) for name in expected}
    published = (blocks, features, growth) == (23, 64, 32) and scale in (4, 8)
    name = f"rrdb_df2k_x{scale}" if published else f"rrdb_x{scale}_b{blocks}"
    compare({names[name]: shape for name, shape in expected.items()}, shapes, where, name)
    details = {"blocks": blocks, "parameters": count_values(expected)}
    # The programs of ESRGAN and RealSR round; those of the flows truncate.
    config = ModelConfig(name, "rrdb", scale, deterministic=True, details=details, quantize="round")
    return Recognised(config, None, blocks, features, growth, names, layout.skip)
