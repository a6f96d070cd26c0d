"""Which network a checkpoint is of, from its parameters' names and shapes alone."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import torch

from srspace_eval.errors import CheckpointError
from srspace_eval.flows.network import ConditionalFlow
from srspace_eval.flows.rrdb import RRDBNet, SkipFrom
from srspace_eval.flows.spec import FlowSpec
from srspace_eval.models.base import ModelConfig
from srspace_eval.models.checkpoints.configurations import CONFIGURATIONS, flow_spec

Shapes: TypeAlias = Mapping[str, tuple[int, ...]]

# No published network is near these; a network beyond them would cost memory before it is found not to fit.
_MOST_BLOCKS, _MOST_LAYERS = 200, 1000

_LAYER = re.compile(r"flowUpsamplerNet\.layers\.(\d+)\.")
# Parameters that the programs create and never use.
_UNUSED = re.compile(r"flowUpsamplerNet\.f\.")


@dataclass(frozen=True)
class Recognised:
    """A network that fits a checkpoint.

    Attributes
    ----------
    config:
        What it is.
    spec:
        Of a flow; None for an RRDB network.
    blocks, features, growth:
        Size of the RRDB network.
    skip:
        How an RRDB network with parameters of these names is usually wired.
    names:
        Name of a parameter in our network -> name in the checkpoint.
    """

    config: ModelConfig
    spec: FlowSpec | None
    blocks: int
    features: int
    growth: int
    names: Mapping[str, str]
    skip: SkipFrom = "trunk"


def recognise(shapes: Shapes, where: str = "checkpoint") -> Recognised:
    """The network of a checkpoint with parameters of these names and shapes.

    Raises
    ------
    CheckpointError
        If no known network fits; it lists the missing, surplus and misshapen parameters against the nearest one.
        ``where`` begins the message.
    """
    # Layers are numbered one by one: a number beyond all of them would only be counted up to.
    wild = [name for name in shapes for number in re.findall(r"\d+", name) if len(number) > 6 or int(number) > 9999]
    if wild or any(max(shape, default=0) > 1 << 20 for shape in shapes.values()):
        raise CheckpointError(f"{where}: not a checkpoint of a known network: its names or shapes are absurd", wild[:3])
    if any(_LAYER.match(name) for name in shapes):
        return _recognise_flow(shapes, where)
    for layout in _RRDB_LAYOUTS:
        if _matches(shapes, layout.block):
            return _recognise_rrdb(shapes, layout, where)
    names = sorted(shapes)
    raise CheckpointError(
        f"{where}: not a checkpoint of SRFlow, SRFlow-DA, NCSR or RRDB (ESRGAN, RealSR)",
        [f"it holds {len(names)} parameters: {', '.join(names[:3])}, ..."],
    )


# --- flows ---------------------------------------------------------------------------------


def _recognise_flow(shapes: Shapes, where: str) -> Recognised:
    blocks = _count(shapes, r"RRDB\.RRDB_trunk\.(\d+)\.")
    upconvs = _count(shapes, r"RRDB\.upconv(\d+)\.weight$") - 1
    if upconvs not in (2, 3):
        raise CheckpointError(f"{where}: a flow has 2 or 3 upconvs (×4, ×8), this one {max(upconvs, 0)}")
    if blocks > _MOST_BLOCKS or _count(shapes, _LAYER.pattern) > _MOST_LAYERS:
        raise CheckpointError(f"{where}: a flow of {blocks} RRDB blocks and so many layers is not known")
    scale = 2**upconvs
    names = "\n".join(shapes)
    first_channels = _side(shapes, ["flowUpsamplerNet.layers.1.invconv.weight"], 0, 12)
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
    first_nets = sorted(name for name in shapes if re.search(r"\.affine\.fAffine1?\.0\.weight$", name))
    spec = dataclasses.replace(
        flow_spec(family, scale, len(steps), max(steps), blocks),
        features=_side(shapes, ["RRDB.conv_first.weight", "RRDB.conv_first.bias"], 0, 64),
        growth=_side(shapes, ["RRDB.RRDB_trunk.0.RDB1.conv1.weight", "RRDB.RRDB_trunk.0.RDB1.conv1.bias"], 0, 32),
        hidden=_side(shapes, first_nets, 0, 64),
    )
    if blocks <= spec.stacked[-1]:
        raise CheckpointError(
            f"{where}: {family} at ×{scale} reads the RRDB blocks {', '.join(map(str, spec.stacked))} (from 0), "
            f"but the checkpoint has {blocks} blocks"
        )
    # Levels finer than the image or coarser than half the LR do not exist.
    if spec.levels > (1 if spec.splits == "within" else scale.bit_length()):
        raise CheckpointError(f"{where}: {family} at ×{scale} cannot have {spec.levels} levels")
    with torch.device("meta"):
        expected = _shapes(ConditionalFlow(spec))
    given = {name: shape for name, shape in shapes.items() if not _UNUSED.match(name)}
    name = _flow_name(family, spec)
    _compare(expected, given, where, name)
    details = {
        "blocks": blocks,
        "stacked": list(spec.stacked),
        "levels": spec.levels,
        "steps": spec.steps,
        "parameters": _size(expected),
    }
    config = ModelConfig(name, family, scale, deterministic=False, details=details)
    return Recognised(config, spec, blocks, spec.features, spec.growth, {name: name for name in expected})


def _coupling_steps(shapes: Shapes) -> list[int]:
    """How many coupling steps each level has: a level begins where an index without parameters stands."""
    layers = {int(match[1]) for match in _matches(shapes, _LAYER.pattern)}
    couplings = {int(match[1]) for match in _matches(shapes, _LAYER.pattern + r"affine\.")}
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


# --- RRDB ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Layout:
    """One way to name the parameters of an RRDB network; ``rename(name, blocks, upconvs)`` gives the layout's name.

    ``skip`` is the wiring in the programs that name them so; SRFlow's and ESRGAN's second program share one layout.
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


_RRDB_LAYOUTS = (
    _Layout(
        "trunk",
        "RRDB_trunk.0.RDB1.conv1.weight",
        r"RRDB_trunk\.(\d+)\.",
        lambda shapes: _count(shapes, r"upconv(\d+)\.weight$") - 1,
        lambda name, blocks, upconvs: name,
    ),
    _Layout(
        "first",
        "model.1.sub.0.RDB1.conv1.0.weight",
        r"model\.1\.sub\.(\d+)\.RDB",
        # The last convolution stands at 3·upconvs + 4.
        lambda shapes: (_count(shapes, r"model\.(\d+)\.weight$") - 5) // 3,
        _old_esrgan,
    ),
    _Layout(
        "first",
        "body.0.rdb1.conv1.weight",
        r"body\.(\d+)\.rdb",
        lambda shapes: _count(shapes, r"conv_up(\d+)\.weight$") - 1,
        _basicsr,
    ),
)


def _recognise_rrdb(shapes: Shapes, layout: _Layout, where: str) -> Recognised:
    blocks = _count(shapes, layout.block)
    upconvs = layout.upconv(shapes)
    if blocks > _MOST_BLOCKS:
        raise CheckpointError(f"{where}: an RRDB network of {blocks} blocks is not known")
    if upconvs not in (1, 2, 3):
        raise CheckpointError(f"{where}: an RRDB network has 1 to 3 upconvs (×2, ×4, ×8), this one {max(upconvs, 0)}")
    features = _side(shapes, [layout.rename("conv_first.weight", blocks, upconvs)], 0, 64)
    growth = _side(shapes, [layout.first], 0, 32)
    scale = 2**upconvs
    with torch.device("meta"):
        ours = _shapes(RRDBNet(scale, blocks, features, growth))
    names = {name: layout.rename(name, blocks, upconvs) for name in ours}
    published = (blocks, features, growth) == (23, 64, 32) and scale in (4, 8)
    name = f"rrdb_df2k_x{scale}" if published else f"rrdb_x{scale}_b{blocks}"
    _compare({names[name]: shape for name, shape in ours.items()}, shapes, where, name)
    details = {"blocks": blocks, "parameters": _size(ours)}
    # ESRGAN's and RealSR's programs round, unlike the flows'.
    config = ModelConfig(name, "rrdb", scale, deterministic=True, details=details, quantize="round")
    return Recognised(config, None, blocks, features, growth, names, layout.skip)


# --- shared --------------------------------------------------------------------------------


def _compare(expected: Shapes, given: Shapes, where: str, name: str) -> None:
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


def _shapes(module: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in module.state_dict().items()}


def _size(shapes: Shapes) -> int:
    return sum(torch.Size(shape).numel() for shape in shapes.values())


def _matches(shapes: Shapes, pattern: str) -> list[re.Match[str]]:
    return [match for name in shapes if (match := re.match(pattern, name))]


def _count(shapes: Shapes, pattern: str) -> int:
    """1 + the largest number that the pattern's group takes, 0 if none."""
    return 1 + max((int(match[1]) for match in _matches(shapes, pattern)), default=-1)


def _side(shapes: Shapes, names: list[str], axis: int, otherwise: int) -> int:
    """Size of the first of these parameters that is there along an axis."""
    for name in names:
        if len(shapes.get(name, ())) > axis:
            return shapes[name][axis]
    return otherwise
