"""How much memory there is, and what happens when it runs out."""

from __future__ import annotations

import pytest
import torch

from srspace_eval.errors import SamplingError
from srspace_eval.models.memory import available_memory, out_of_memory_named


def test_failed_allocation_is_a_named_error() -> None:
    with (
        pytest.raises(SamplingError, match=r"0801: the memory ran out.*; buy some"),
        out_of_memory_named("0801", "buy some"),
    ):
        torch.empty(1 << 60, dtype=torch.uint8)
    with pytest.raises(RuntimeError, match="something else"), out_of_memory_named("0801", "buy some"):
        raise RuntimeError("something else")


def test_free_memory_is_found() -> None:
    assert available_memory(torch.device("cpu")) > 1 << 20
