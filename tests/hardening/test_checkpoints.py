from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.inputs.hostile import checkpoints
from benchmarks.inputs.weights import write_small_checkpoint


def write(kind: str, folder: Path) -> Path:
    path = folder / ("a.safetensors" if kind.startswith("safetensors") else "a.pth")
    checkpoints.CASES[kind][0](path)
    return path


@pytest.mark.parametrize("kind", checkpoints.CASES)
def test_hostile_checkpoints_are_named_errors(kind: str, tmp_path: Path) -> None:
    path = write(kind, tmp_path)
    found = checkpoints.attack(path)
    assert checkpoints.CASES[kind][1] in found
    assert str(path) in found
    assert [p.name for p in tmp_path.iterdir()] == [path.name]  # no trace of an execution


@pytest.mark.parametrize("kind", [kind for kind in checkpoints.CASES if kind != "keys of another model"])
def test_hostile_trunks_are_errors(kind: str, tmp_path: Path) -> None:
    path = write(kind, tmp_path)
    assert str(path) in checkpoints.attack_trunk(path)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_the_payload_creates_a_file_when_it_is_executed(tmp_path: Path) -> None:
    """The other tests look for this file: it proves that they could fail."""
    import torch

    checkpoints.in_archive(tmp_path / "a.pth")
    torch.load(tmp_path / "a.pth", weights_only=False)
    assert checkpoints.trace_of(tmp_path / "a.pth").exists()


@pytest.mark.filterwarnings("ignore:.*wiring of the RRDB network is not evident")  # for untrained weights
@pytest.mark.parametrize("name", ["rrdb", "srflow", "srflow_da"])
def test_valid_checkpoints_load(name: str, tmp_path: Path) -> None:
    assert checkpoints.attack(write_small_checkpoint(tmp_path / "a.pth", name)) == ""
