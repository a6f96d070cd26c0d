"""The table of abilities agrees with the adapters."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.inputs.weights import write_small_checkpoint
from srspace_eval.models import Flow, known_methods, load_model, model_families
from srspace_eval.models.precision import supported_precisions
from srspace_eval.models.sampling.samples import iterate_samples
from srspace_eval.models.sampling.settings import SampleRequest, SamplingSettings
from tests.helpers.commands import run


@pytest.mark.parametrize("name", ["srflow", "srflow_da", "rrdb", "bicubic", "esrgan_plus", "spandrel"])
def test_the_table_says_what_the_models_do(name: str, tmp_path: Path) -> None:
    family = model_families()[name]
    if family.extra:
        pytest.importorskip("spandrel")
        from tests.helpers.other_networks import made_up, save

        path: str | Path = save(tmp_path / "x.pth", made_up("ESRGAN+" if name == "esrgan_plus" else "SPAN"))
    else:
        path = "bicubic_x4" if name == "bicubic" else write_small_checkpoint(tmp_path / "x.pth", name)
    model = load_model(path, "cpu", rrdb_skip="first" if name == "rrdb" else None)
    assert model.config.family == ("span" if name == "spandrel" else name)
    assert (not model.config.deterministic, isinstance(model, Flow)) == (family.stochastic, family.likelihood)
    if "by file" not in family.precisions:
        assert supported_precisions(model) == family.precisions


def test_the_list_loads_no_torch() -> None:
    code = (
        "import sys; from srspace_eval.cli import cli; cli(['models', 'list'], standalone_mode=False); "
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"


def test_exact_tiles_are_exact() -> None:
    exact = [family.id for family in model_families().values() if family.tiles == "exact"]
    assert exact == ["bicubic"]
    model = load_model("bicubic_x4", "cpu")
    lr = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    pictures = [
        next(
            iterate_samples(model, lr, [SampleRequest(0, 0.0)], "", SamplingSettings(quantize="round"), size, 1 << 30)
        )[1]
        for size in (None, 16)
    ]
    assert pictures[0] is not None
    assert pictures[1] is not None
    assert np.array_equal(pictures[0], pictures[1])


def test_the_list_shows_abilities(capsys: pytest.CaptureFixture[str]) -> None:
    assert set(known_methods()) - {"esrgan"} <= set(model_families())  # ESRGAN is of the family rrdb
    assert run("models", "list", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert [family["id"] for family in document["families"]] == list(model_families())
    assert run("models") == 0
    out = capsys.readouterr().out
    for words in ("What each family can do", "esrgan_plus", "approximate", "spandrel"):
        assert words in out
    spandrel = pytest.importorskip("spandrel")
    registered = {x.architecture.id for x in spandrel.MAIN_REGISTRY.architectures()}
    assert set(document["spandrel_architectures"]) == registered
    assert {"RCAN", "SwinIR", "HAT", "DAT", "SPAN"} <= set(document["spandrel_architectures"])
    assert "SwinIR" in out
