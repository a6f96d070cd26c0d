from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch

import srspace_eval.models.plugins as plugins
from benchmarks.inputs.synth import picture
from srspace_eval.errors import CheckpointError
from srspace_eval.models import load_model
from srspace_eval.models.adapters.bicubic import Bicubic
from srspace_eval.models.plugins import is_plugin, load_plugin

CPU = torch.device("cpu")


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Write a module to the working directory; it is unloaded afterwards."""
    monkeypatch.chdir(tmp_path)

    def write(source: str, name: str = "their_model") -> None:
        (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
        monkeypatch.delitem(sys.modules, name, raising=False)

    yield write
    sys.modules.pop("their_model", None)


def documented_example() -> str:
    """The class of the example in the module's docstring."""
    text = plugins.__doc__ or ""
    return textwrap.dedent(text[text.index("    import torch\n") : text.index("``decode`` is called with")])


def test_documented_example_samples(module) -> None:
    module(documented_example())
    model = load_model("their_model:NoisyNearest", device="cpu")
    lr = picture(9, 14, 1)
    samples = model.sample(lr, n=2, heat=1.0)
    assert samples.shape == (2, 36, 56, 3)
    noise = samples.astype(float) - lr.repeat(4, 0).repeat(4, 1)
    assert 3 < noise[:, 4:-4].std() < 7  # 0.02 · 255 = 5.1, reduced by clipping
    assert not np.array_equal(samples[0], samples[1])
    assert str(Path.cwd()) not in sys.path


def test_entry_points(module, monkeypatch: pytest.MonkeyPatch) -> None:
    module(documented_example())
    metadata = Path("theirs-1.0.dist-info")
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n", encoding="utf-8")
    points = "[srspace_eval.models]\nmymodel_x4 = their_model:NoisyNearest\n"
    (metadata / "entry_points.txt").write_text(points, encoding="utf-8")
    monkeypatch.syspath_prepend(str(Path.cwd()))
    assert is_plugin("mymodel_x4")
    model = load_plugin("mymodel_x4", CPU)
    assert model is not None
    assert model.config.name == "noisy_nearest_x4"
    assert load_plugin("another", CPU) is None


def test_bicubic_by_name() -> None:
    model = load_model("bicubic_x8", device="cpu")
    assert isinstance(model, Bicubic)
    assert model.config.scale == 8


@pytest.mark.parametrize("spec", ["SRFlow_DF2K_4X.pth", "weights/model.safetensors", r"C:\models\x.pth", "a b:c", ":x"])
def test_other_names_are_not_plugins(spec: str) -> None:
    assert load_plugin(spec, CPU) is None


def test_a_file_with_the_name_of_a_plugin_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bicubic_x4").write_bytes(b"")
    assert not is_plugin("bicubic_x4")


@pytest.mark.parametrize(
    ("source", "spec", "message"),
    [
        ("", "no_such_module_here:make", "No module named 'no_such_module_here'"),
        ("", "their_model:make", "has no attribute 'make'"),
        ("make = 3", "their_model:make", "int, not a callable"),
        ("def make(device): raise ValueError('weights are gone')", "their_model:make", "ValueError: weights are gone"),
        ("def make(): pass", "their_model:make", "unexpected keyword argument 'device'"),
        ("def make(device): return 7", "their_model:make", "it has no condition"),
        ("def make(device): return 7", "their_model:make", "inherit from srspace_eval.models.base.Model"),
        ("x = 1 /", "their_model:make", "SyntaxError"),
    ],
)
def test_problems_are_named(module, source: str, spec: str, message: str) -> None:
    module(source)
    with pytest.raises(CheckpointError) as caught:
        load_plugin(spec, CPU)
    assert message in str(caught.value)
    assert spec in str(caught.value)


def test_config_must_be_a_model_config(module) -> None:
    module(documented_example() + "\nclass Bare(NoisyNearest):\n    config = {}\n")
    with pytest.raises(CheckpointError, match="config is dict"):
        load_plugin("their_model:Bare", CPU)
