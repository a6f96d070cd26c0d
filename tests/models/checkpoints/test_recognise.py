"""Names and shapes of the parameters tell the network; parameters that do not fit are listed."""

from __future__ import annotations

import pytest
import torch

from srspace_eval.errors import CheckpointError
from srspace_eval.flows.rrdb import RRDBNet
from srspace_eval.models.checkpoints.configurations import CONFIGURATIONS
from srspace_eval.models.checkpoints.recognise import recognise
from tests.helpers.model_goldens import expected, manifests

NAMES = sorted(manifests())


def test_golden_data_is_complete() -> None:
    assert len(NAMES) == 15
    assert {*NAMES} == {*expected()} == {*CONFIGURATIONS, "rrdb_df2k_x4", "rrdb_df2k_x8"}


@pytest.mark.parametrize("name", NAMES)
def test_published_configurations(name: str) -> None:
    found = recognise(manifests()[name])
    assert found.config.name == name
    assert found.config.scale == int(expected()[name]["scale"])
    assert found.config.deterministic == name.startswith("rrdb")
    assert found.config.quantize == ("round" if name.startswith("rrdb") else "trunc")
    if found.spec is not None:
        assert (found.config.family, found.spec) == CONFIGURATIONS[name]
        assert found.config.details["steps"] == found.spec.steps


def test_order_of_the_names_does_not_matter() -> None:
    shapes = manifests()["srflow_df2k_x8"]
    assert recognise(dict(reversed(shapes.items()))) == recognise(shapes)


@pytest.mark.parametrize("name", ["srflow_df2k_x4", "srflow_da_d_df2k_x8", "srflow_da_s_df2k_x4", "ncsr_df2k_x8"])
def test_parameters_that_do_not_fit_are_listed(name: str) -> None:
    shapes = dict(manifests()[name])
    # Parameters in the middle, on which the recognition of nothing else depends.
    lost = [key for key in shapes if key.endswith("invconv.weight")][3]
    bent = [key for key in shapes if key.endswith("actnorm.bias")][5]
    del shapes[lost]
    shapes[bent] = (1, 7, 1, 1)
    shapes["RRDB.extra.weight"] = (3,)
    with pytest.raises(CheckpointError) as error:
        recognise(shapes, "some.pth")
    assert f"some.pth: does not fit {name}" in str(error.value)
    problems = error.value.problems
    assert "1 parameters missing, 1 surplus, 1 misshapen" in str(error.value)
    assert len(problems) == 3
    assert problems[0].startswith(f"missing: {lost} (")
    assert problems[1] == "surplus: RRDB.extra.weight (3,)"
    assert problems[2] == f"misshapen: {bent} is (1, 7, 1, 1), not {manifests()[name][bent]}"


def test_missing_end_of_a_flow_is_listed() -> None:
    shapes = {key: shape for key, shape in manifests()["srflow_df2k_x4"].items() if ".layers.57." not in key}
    with pytest.raises(CheckpointError) as error:
        recognise(shapes)
    assert all(problem.startswith("missing: flowUpsamplerNet.layers.57.") for problem in error.value.problems)


@pytest.mark.parametrize(
    ("name", "lost"),
    [
        ("rrdb_df2k_x4", "RRDB_trunk.0.RDB1.conv1.weight"),
        ("srflow_df2k_x4", "RRDB.conv_first.weight"),
        ("srflow_df2k_x4", "RRDB.RRDB_trunk.0.RDB1.conv1.weight"),
    ],
)
def test_a_parameter_that_determines_a_size_may_be_missing(name: str, lost: str) -> None:
    shapes = dict(manifests()[name])
    missing = f"missing: {lost} {shapes.pop(lost)}"
    with pytest.raises(CheckpointError, match=name) as error:
        recognise(shapes)
    assert list(error.value.problems) == [missing]


def test_only_networks_of_the_published_size_have_the_published_name() -> None:
    with torch.device("meta"):
        small = RRDBNet(4, 23, 8, 4).state_dict()
    assert recognise({name: tuple(value.shape) for name, value in small.items()}).config.name == "rrdb_x4_b23"


def test_problems_of_rrdb_networks_use_the_names_of_the_checkpoint() -> None:
    shapes = {f"body.{i}.rdb{j}.conv{k}.{leaf}": (1,) for i in range(2) for j in (1, 2, 3) for k in range(1, 6)
              for leaf in ("weight", "bias")}  # fmt: skip
    shapes |= {"conv_up1.weight": (64, 64, 3, 3), "conv_up2.weight": (64, 64, 3, 3)}
    with pytest.raises(CheckpointError) as error:
        recognise(shapes)
    assert "missing: conv_first.weight (64, 3, 3, 3)" in error.value.problems
    assert any("misshapen: body.1.rdb3.conv5.weight is (1,), not" in problem for problem in error.value.problems)


@pytest.mark.parametrize(
    "shapes",
    [
        {"features.0.weight": (64, 3, 11, 11)},
        {"": ()},
        # No upconvs.
        {"RRDB_trunk.0.RDB1.conv1.weight": (32, 64, 3, 3)},
        {"flowUpsamplerNet.layers.0.x": (1,)},
        # Numbers for which a network would use much memory if it were built.
        {"RRDB_trunk.0.RDB1.conv1.weight": (32, 64, 3, 3), "RRDB_trunk.9998.x": (), "upconv2.weight": ()},
        {"flowUpsamplerNet.layers.9998.x": (1,), "RRDB.upconv2.weight": ()},
        {"flowUpsamplerNet.layers.1.x": (1,), "RRDB.upconv99.weight": ()},
        {"flowUpsamplerNet.layers.3.affine.fAffine.0.weight": ()},
    ],
)
def test_other_networks_are_refused(shapes: dict[str, tuple[int, ...]]) -> None:
    with pytest.raises(CheckpointError):
        recognise(shapes)


def test_too_few_blocks_for_the_conditioning() -> None:
    shapes = {key: shape for key, shape in manifests()["srflow_df2k_x4"].items() if "RRDB_trunk.22." not in key}
    with pytest.raises(CheckpointError, match="has 22 blocks"):
        recognise(shapes)


@pytest.mark.parametrize("shapes", [{"RRDB_trunk.12345.x": (3,)}, {"RRDB_trunk.0.x": (1 << 21,)}])
def test_absurd_numbers_are_refused_before_anything_is_built(shapes: dict[str, tuple[int, ...]]) -> None:
    with pytest.raises(CheckpointError, match="names or shapes are absurd"):
        recognise(shapes)
