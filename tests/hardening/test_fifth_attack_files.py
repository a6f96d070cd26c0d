"""Attacks of the fifth round on the readers of checkpoints and zips, which succeeded before."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
import torch

from srspace_eval.errors import CheckpointError
from srspace_eval.models.checkpoints.spandrel_files import _refuse_long_lists, build_with_spandrel

ONE = torch.zeros(1)


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ([f"a{i}" + ".0" * 496 for i in range(5001)], "more than 5000 parameters"),
        ([f"a{i}" + ".0" * 496 for i in range(5000)], "a name of more than 150 parts"),
        ([f"{i}a" + ".0" * 149 for i in range(5000)], "lists of layers are absurd"),
        ([f"{i}a" + ".-1" * 149 for i in range(5000)], "lists of layers are absurd"),
    ],
)
def test_names_of_many_numbers_take_no_memory(names: list[str], found: str, tmp_path: Path) -> None:
    tracemalloc.start()
    with pytest.raises(CheckpointError) as caught:
        _refuse_long_lists(tmp_path / "a.pth", names)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50_000_000
    assert found.replace("lists of layers are absurd", "0 places") in str(caught.value) or "places" in str(caught.value)


def test_a_checkpoint_of_names_of_many_parts_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("spandrel")
    with pytest.raises(CheckpointError, match="a name of more than 150 parts"):
        build_with_spandrel(tmp_path / "a.pth", {"a" + ".0" * 200: ONE}, torch.device("cpu"))
