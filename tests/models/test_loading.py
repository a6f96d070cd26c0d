"""Where a model comes from is known after loading."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.inputs.weights import write_small_checkpoint
from srspace_eval._utils.hashing import sha256_of_file
from srspace_eval.errors import CheckpointError
from srspace_eval.models import load_model
from srspace_eval.models.adapters.bicubic import Bicubic
from srspace_eval.models.loading import origin_of


class Sealed(Bicubic):
    """A plug-in whose models refuse new attributes."""

    def __init__(self, device: object) -> None:
        super().__init__(4)
        self.sealed = True

    def __setattr__(self, name: str, value: object) -> None:
        if hasattr(self, "sealed"):
            raise AttributeError(name)
        super().__setattr__(name, value)


def test_the_origin_of_a_file_is_its_name_and_digest(tmp_path: Path) -> None:
    path = write_small_checkpoint(tmp_path / "some.pth", "srflow_da")
    expected = {"checkpoint": "some.pth", "sha256": sha256_of_file(path)}
    model = load_model(path, "cpu")
    assert origin_of(model) == expected
    assert origin_of(Bicubic(4), path) == expected
    path.unlink()
    assert origin_of(model) == expected
    with pytest.raises(CheckpointError, match=r"some\.pth: cannot be read"):
        origin_of(Bicubic(4), path)


def test_the_origin_of_a_plug_in_is_its_name() -> None:
    assert origin_of(load_model("bicubic_x8", "cpu")) == {"checkpoint": "bicubic_x8"}
    name = f"{__name__}:Sealed"
    model = load_model(name, "cpu")
    assert origin_of(model) == {}
    assert origin_of(model, name) == {"checkpoint": name}


def test_a_model_made_by_hand_has_no_origin() -> None:
    assert origin_of(Bicubic(4)) == {}
