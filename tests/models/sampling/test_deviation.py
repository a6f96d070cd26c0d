"""Reduced precision says how far it is from float32."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.inputs.weights import write_small_checkpoint
from srspace_eval._utils.png import write_png
from srspace_eval.errors import Notice
from srspace_eval.models import SampleOptions, load_model, sample_folder
from srspace_eval.models import precision as precisions
from srspace_eval.models.sampling.deviation import measure_deviation


def test_bf16_deviates_and_float32_does_not(tmp_path: Path) -> None:
    model = load_model(write_small_checkpoint(tmp_path / "x.pth", "srflow"), "cpu")
    exact = measure_deviation(model, "float32", 0.9)
    assert (exact.largest, exact.mean) == (0, 0)
    rough = measure_deviation(model, "bf16", 0.9)
    assert 1e-5 < rough.mean < rough.largest < 0.5
    assert measure_deviation(model, "bf16", 0.9) == rough


def test_the_record_states_the_deviation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precisions, "cpu_has_bf16", lambda: True)
    write_png(tmp_path / "0801x4.png", np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8))
    model = load_model(write_small_checkpoint(tmp_path / "x.pth", "srflow_da"), "cpu")
    for precision in ("bf16", "float32"):
        options = SampleOptions(samples=1, precision=precision)  # type: ignore[arg-type]
        sample_folder(model, tmp_path / "0801x4.png", tmp_path / precision, options)
    records = {
        name: json.loads((tmp_path / name / "srspace-eval-sample.json").read_text(encoding="utf-8"))
        for name in ("bf16", "float32")
    }
    text = str(measure_deviation(model, "bf16", 0.9))
    assert re.fullmatch(r"[\d.e-]+ at most, [\d.e-]+ in the mean, of values in \[0, 1\], on a test picture", text)
    assert [e["deviation"] for e in records["bf16"]["environments"]] == [text]
    assert "deviation" not in records["float32"]["environments"][0]
    # A second run changes nothing.
    sample_folder(model, tmp_path / "0801x4.png", tmp_path / "bf16", SampleOptions(samples=1, precision="bf16"))
    again = json.loads((tmp_path / "bf16" / "srspace-eval-sample.json").read_text(encoding="utf-8"))
    assert again == records["bf16"]


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ("processor : 0\nflags\t\t: fpu avx512f avx512_bf16 amx_tile\n", True),
        ("Features\t: fp asimd bf16 sve\n", True),
        ("flags\t\t: fpu avx2 avx512f\nmodel name : bf16\n", False),
    ],
)
def test_bf16_of_the_cpu(text: str, has: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cpuinfo").write_text(text, encoding="utf-8")
    monkeypatch.setattr(precisions, "_CPU_INFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(precisions.platform, "system", lambda: "Linux")
    assert precisions.cpu_has_bf16() is has
    assert precisions.is_emulated(torch.device("cpu"), "bf16") is not has
    assert not precisions.is_emulated(torch.device("cuda"), "bf16")


def test_emulation_is_announced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precisions, "cpu_has_bf16", lambda: False)
    write_png(tmp_path / "0801x4.png", np.zeros((6, 8, 3), np.uint8))
    with pytest.warns(Notice, match="this CPU has no bf16 arithmetic"):
        sample_folder(
            load_model("bicubic_x4", "cpu"), tmp_path / "0801x4.png", tmp_path / "out",
            SampleOptions(samples=1, precision="bf16"),
        )  # fmt: skip
