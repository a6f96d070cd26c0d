from __future__ import annotations

import pytest
import torch
from torch import Tensor

from srspace_eval.kernels.cuda import fetch, launching, pinned, upload

CPU = torch.device("cpu")


def test_cpu_tensors_are_not_copied() -> None:
    x = torch.arange(3)
    assert pinned(x, CPU) is x
    assert upload(x, CPU) is x
    assert fetch(x) is x
    with launching(x):
        pass


def test_tensors_for_cuda_are_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    copy = torch.zeros(3)
    monkeypatch.setattr(Tensor, "pin_memory", lambda tensor: copy)
    assert pinned(torch.arange(3), torch.device("cuda")) is copy
    there = torch.zeros(3, device="meta")  # not the CPU's, so that there is nothing to pin
    assert pinned(there, torch.device("cuda")) is there
