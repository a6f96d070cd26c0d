"""Checkpoint files: all containers that programs write, and damaged files."""

from __future__ import annotations

import os
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from benchmarks.inputs.weights import small_state
from srspace_eval._utils import pickles
from srspace_eval.errors import CheckpointError
from srspace_eval.models import load_model
from srspace_eval.models.checkpoints.reading import read_checkpoint

STATE = {"a.weight": torch.arange(6.0).reshape(2, 3), "b": torch.tensor([1, 2])}


def save(path: Path, value: Any, **options: Any) -> Path:
    torch.save(value, path, **options)
    return path


def same(found: dict[str, torch.Tensor]) -> bool:
    return found.keys() == STATE.keys() and all(torch.equal(found[name], STATE[name]) for name in STATE)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"params": state},
        lambda state: {"params": {"a.weight": torch.zeros(2, 3)}, "params_ema": state},
        lambda state: {"state_dict": state, "iter": 7},
        lambda state: {f"module.{name}": value for name, value in state.items()},
        lambda state: {"params_ema": {f"module.{name}": value for name, value in state.items()}},
    ],
)
@pytest.mark.parametrize("zipped", [True, False])
def test_containers(wrap: Any, zipped: bool, tmp_path: Path) -> None:
    path = save(tmp_path / "x.pth", wrap(STATE), _use_new_zipfile_serialization=zipped)
    assert same(read_checkpoint(path))


def test_safetensors_by_suffix_and_by_content(tmp_path: Path) -> None:
    for name in ("x.safetensors", "x.pth"):
        save_file(STATE, tmp_path / name)
        assert same(read_checkpoint(tmp_path / name))


def test_half_precision_becomes_float32(tmp_path: Path) -> None:
    path = save(tmp_path / "x.pth", {"a": torch.ones(2, dtype=torch.float16), "b": torch.ones(2, dtype=torch.bfloat16)})
    assert {value.dtype for value in read_checkpoint(path).values()} == {torch.float32}


class _Attack:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("attacked",)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_that_would_execute_is_refused(zipped: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = save(tmp_path / "x.pth", {"a": _Attack()}, _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match="could execute code") as error:
        load_model(path)
    assert str(path) in str(error.value)
    assert not (tmp_path / "attacked").exists()


def test_truncated_files(tmp_path: Path) -> None:
    whole = save(tmp_path / "whole.pth", {"a": torch.randn(1000)}).read_bytes()
    old = save(tmp_path / "old.pth", {"a": torch.randn(1000)}, _use_new_zipfile_serialization=False).read_bytes()
    save_file({"a": torch.randn(1000)}, tmp_path / "x.safetensors")
    tensors = (tmp_path / "x.safetensors").read_bytes()
    for suffix, content in ((".pth", whole), (".pth", old), (".safetensors", tensors)):
        for length in (1, 5, 100, len(content) // 2, len(content) - 1):
            path = tmp_path / f"cut{suffix}"
            path.write_bytes(content[:length])
            with pytest.raises(CheckpointError, match="cut"):
                read_checkpoint(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html>404", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "bad.pth"),
        (bytes(1000), "bad.pth"),
    ],
)
def test_other_files_are_refused(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "bad.pth").write_bytes(content)
    with pytest.raises(CheckpointError, match=message):
        read_checkpoint(tmp_path / "bad.pth")


def test_a_zip_of_other_files_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bad.pth", "w") as archive:
        archive.writestr("models/readme.txt", "weights are elsewhere")
        archive.writestr("models/a.pth", bytes(1000), zipfile.ZIP_DEFLATED)
    with pytest.raises(CheckpointError, match=r"bad\.pth: is a zip of files \(models/readme.txt, models/a.pth\), not"):
        read_checkpoint(tmp_path / "bad.pth")


def test_a_state_dict_in_an_unknown_container_is_explained(tmp_path: Path) -> None:
    torch.save({"net_g": {"a": torch.zeros(2)}}, tmp_path / "bad.pth")
    with pytest.raises(CheckpointError, match=r"net_g: dict, not a tensor\n.*looked for as params_ema, params-ema, p"):
        read_checkpoint(tmp_path / "bad.pth")


def test_advice_to_load_without_protection_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "bad.pth").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(tmp_path / "bad.pth")
    assert "weights_only" not in str(caught.value)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.pth", tmp_path):
        with pytest.raises(CheckpointError, match=r"cannot be read|not a regular file"):
            read_checkpoint(path)


@pytest.mark.parametrize("value", [[1, 2], torch.zeros(2), {}, {"a": 1.5}, {1: torch.zeros(2)}, {"params": {}}])
def test_not_a_state_dict(value: Any, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="not a state dict"):
        read_checkpoint(save(tmp_path / "x.pth", value))


def test_values_that_are_not_finite_are_named(tmp_path: Path) -> None:
    state = {"good": torch.zeros(2), "bad": torch.tensor([1.0, float("nan")]), "worse": torch.tensor([float("inf")])}
    with pytest.raises(CheckpointError) as error:
        read_checkpoint(save(tmp_path / "x.pth", state))
    assert error.value.problems == ("bad", "worse")
    assert "2 of 3" in str(error.value)


def test_values_too_large_for_float32_are_not_finite(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="NaN or infinity"):
        read_checkpoint(save(tmp_path / "x.pth", {"a": torch.tensor([1e300], dtype=torch.float64)}))


def test_parameters_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    state = small_state("srflow")
    name = next(key for key in state if key.endswith("invconv.weight"))
    with pytest.raises(CheckpointError, match="singular") as error:
        load_model(save(tmp_path / "x.pth", {**state, name: torch.ones_like(state[name])}), device="cpu")
    assert error.value.problems[0].startswith(name)
    with pytest.raises(CheckpointError, match="not floating point"):
        load_model(save(tmp_path / "x.pth", {**state, name: torch.eye(12, dtype=torch.int64)}), device="cpu")


def _old_file(path: Path, made: bytes) -> Path:
    """An old ``torch.save`` file with one object, as a pickle of protocol 2."""
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    head = b"".join(pickle.dumps(part, 2) for part in (0x1950A86A20F9469CFC6C, 1001, system))
    path.write_bytes(head + made + pickle.dumps([], 2))
    return path


@pytest.mark.parametrize("name", ["items", "get", "keys", "__iter__"])
def test_a_dict_with_attributes_named_as_methods_is_a_named_error(tmp_path: Path, name: str) -> None:
    made = b"\x80\x02ccollections\nOrderedDict\n)R}X" + struct.pack("<I", len(name)) + name.encode() + b"K\x01sb."
    with pytest.raises(CheckpointError, match="holds no parameters"):
        read_checkpoint(_old_file(tmp_path / "a.pth", made))


@pytest.mark.parametrize("old", [False, True])
def test_a_pickle_of_millions_of_objects_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: bool
) -> None:
    monkeypatch.setattr(pickles, "_MOST_STEPS", 1000)
    path, made = tmp_path / "a.pth", b"\x80\x02" + b"]" * 2000 + b"."
    if old:
        _old_file(path, made)
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a/data.pkl", made)
    with pytest.raises(CheckpointError, match="more than 1000 instructions"):
        read_checkpoint(path)
