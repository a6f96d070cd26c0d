from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks.inputs.weights import write_small_checkpoint
from srspace_eval._utils.devices import device_name, resolve_device
from srspace_eval.errors import ExecutorError
from srspace_eval.models import load_model


def test_known_devices() -> None:
    assert resolve_device("auto").type in ("cpu", "cuda")
    assert resolve_device(torch.device("cpu")) == torch.device("cpu")
    assert device_name(torch.device("cpu")) == "cpu"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gpu", "device gpu: unknown"),
        ("", "unknown"),
        ("cuda:99", "cuda:99: this machine has no"),
        ("meta", "no such device"),
    ],
)
def test_missing_devices_are_an_error(name: str, message: str) -> None:
    with pytest.raises(ExecutorError, match=message):
        resolve_device(name)


def test_checkpoints_need_double_precision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The folding and the log-determinants are computed in float64, which Apple's GPUs lack.
    monkeypatch.setattr("srspace_eval.models.loading.resolve_device", torch.device)
    with pytest.raises(ExecutorError, match="mps: checkpoints run on cpu or cuda"):
        load_model(write_small_checkpoint(tmp_path / "a.pth", "rrdb"), device="mps")
