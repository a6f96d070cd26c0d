from __future__ import annotations

import resource
import zipfile
from pathlib import Path

import pytest
import torch

from benchmarks.inputs.hostile import checkpoints
from benchmarks.inputs.weights import write_small_checkpoint
from srspace_eval.errors import CheckpointError
from srspace_eval.models.checkpoints.reading import read_checkpoint


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
    checkpoints.in_archive(tmp_path / "a.pth")
    torch.load(tmp_path / "a.pth", weights_only=False)
    assert checkpoints.trace_of(tmp_path / "a.pth").exists()


@pytest.mark.filterwarnings("ignore:.*wiring of the RRDB network is not evident")  # for untrained weights
@pytest.mark.parametrize("name", ["rrdb", "srflow", "srflow_da"])
def test_valid_checkpoints_load(name: str, tmp_path: Path) -> None:
    assert checkpoints.attack(write_small_checkpoint(tmp_path / "a.pth", name)) == ""


@pytest.mark.parametrize("kind", ["zip", "old", "protocol 4"])
def test_a_bytearray_is_refused_before_it_takes_memory(kind: str, tmp_path: Path) -> None:
    size = 2_000_000_000
    code = b"c__builtin__\nbytearray\n" if kind != "protocol 4" else b"\x8c\x08builtins\x8c\x09bytearray\x93"
    data = b"\x80\x02}X\x01\0\0\0a" + code + b"J" + size.to_bytes(4, "little") + b"\x85Rs."
    path = tmp_path / "small.pth"
    if kind == "old":
        path.write_bytes(data)
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", data)
            archive.writestr("archive/version", "3\n")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # PyTorch does not read protocol 4, so its first instruction is refused.
    with pytest.raises(CheckpointError, match="protocol 2 and 3" if kind == "protocol 4" else "bytearray"):
        read_checkpoint(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # KiB


def test_attributes_named_like_methods_do_no_harm(tmp_path: Path) -> None:
    value = torch.ones(3)
    for name in ("numel", "is_floating_point", "float", "element_size", "dim"):
        setattr(value, name, 5)
    torch.save({"a": value}, tmp_path / "a.pth")
    assert torch.equal(read_checkpoint(tmp_path / "a.pth")["a"], torch.ones(3))


def test_strange_tensors_and_names_are_one_short_error(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(1).reshape([1] * 64).unsqueeze(0)}, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match="a: a tensor of 65 dimensions"):
        read_checkpoint(tmp_path / "a.pth")
    torch.save({"a" * 1_000_000: torch.ones(1)}, tmp_path / "b.pth")
    with pytest.raises(CheckpointError, match="a name of 1000000 characters") as caught:
        read_checkpoint(tmp_path / "b.pth")
    assert len(str(caught.value)) < 1000
