"""The command models: the list, show, convert."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.inputs.synth import picture
from benchmarks.inputs.weights import small_state, write_small_checkpoint
from srspace_eval.models import convert_checkpoint, describe_checkpoint, known_methods, load_model
from tests.helpers.commands import run


def test_list_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("models") == 0
    out = capsys.readouterr().out
    for method in known_methods().values():
        assert method.title in out
        assert method.licence in out
    for words in ("26.720", "50.92", "22.8 M", "1.98 s", "checkpoint (gone): SRFlow_DF2K_4X.pth", "CC BY-NC-SA 4.0"):
        assert words in out
    assert run("models", "list") == 0
    assert capsys.readouterr().out == out


def test_list_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("models", "list", "--json") == 0
    methods = {m["id"]: m for m in json.loads(capsys.readouterr().out)["methods"]}
    assert list(methods) == list(known_methods())
    assert methods["srflow"]["checkpoints"][0]["status"] == "gone"
    assert methods["ncsr"]["results"][0]["values"]["diversity"] == 26.72


@pytest.mark.parametrize(("name", "family"), [("srflow", "srflow"), ("srflow_da", "srflow_da"), ("rrdb", "rrdb")])
def test_show(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, family: str) -> None:
    path = write_small_checkpoint(tmp_path / "some.pth", name)
    assert run("models", "show", path, "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    state = small_state(name)
    assert (shown["checkpoint"], shown["family"], shown["scale"]) == ("some.pth", family, 4)
    assert shown["tensors"] == len(state)
    assert shown["values"] == sum(t.numel() for t in state.values())
    assert shown["deterministic"] == (name == "rrdb")
    assert shown["details"].get("skip_evident") == (False if name == "rrdb" else None)
    assert run("models", "show", path) == 0
    out = capsys.readouterr().out
    assert f"family: {family}" in out
    assert ("skip: trunk (the usual one; running the network does not decide it" in out) == (name == "rrdb")
    assert "skip_evident" not in out
    assert f"licence: {known_methods()[family].licence}" in out


def test_python_gives_the_same_documents(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_small_checkpoint(tmp_path / "some.pth", "rrdb")
    assert run("models", "show", path, "--json") == 0
    assert json.loads(capsys.readouterr().out) == describe_checkpoint(path).to_dict()
    assert run("models", "convert", path, tmp_path / "a.safetensors") == 0
    if os.name != "nt":
        (tmp_path / "plain").touch()
        modes = [(tmp_path / name).stat().st_mode & 0o777 for name in ("a.safetensors", "plain")]
        assert modes[0] == modes[1] & 0o644, "others may read it, as any new file"
    assert convert_checkpoint(path, tmp_path / "b.safetensors") == describe_checkpoint(path)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_show_of_another_network_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "other.pth"
    torch.save({"weight": torch.zeros(3)}, path)
    assert run("models", "show", path) == 1
    assert "not a checkpoint of SRFlow" in capsys.readouterr().err


def test_converted_checkpoint_is_the_same_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "wrapped.pth"
    torch.save({"params": {f"module.{k}": v for k, v in small_state("srflow").items()}}, path)
    target = tmp_path / "model.safetensors"
    assert run("models", "convert", path, target) == 0
    assert "model.safetensors: srflow" in capsys.readouterr().err
    a, b = load_model(path, "cpu"), load_model(target, "cpu")
    assert a.config == b.config
    lr = picture(7, 8, 1)
    np.testing.assert_array_equal(a.sample(lr, n=1), b.sample(lr, n=1))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model.safetensors", "wrapped.pth"]


def test_convert_does_not_replace_files_unasked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_small_checkpoint(tmp_path / "a.pth", "rrdb")
    target = tmp_path / "b.safetensors"
    target.write_bytes(b"mine")
    assert run("models", "convert", path, target) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert target.read_bytes() == b"mine"
    assert run("models", "convert", path, target, "--overwrite") == 0
    assert run("models", "convert", path, tmp_path / "b.pth") == 1
    assert "must end in .safetensors" in capsys.readouterr().err
    broken = tmp_path / "broken.pth"
    broken.write_bytes(path.read_bytes()[:1000])
    assert run("models", "convert", broken, tmp_path / "c.safetensors") == 1
    assert not (tmp_path / "c.safetensors").exists()
