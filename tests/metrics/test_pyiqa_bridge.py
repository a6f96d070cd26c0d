"""The bridge to pyiqa, with a small module of that name made here: its real metrics need weights from elsewhere."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import srspace_eval as se
from benchmarks.inputs.submissions import small
from srspace_eval.errors import InputError, TrackError, WeightsError
from srspace_eval.metrics.registry import columns, is_known_column
from tests.helpers.commands import run as command

PYIQA = '''
"""A stand-in for pyiqa: the same calls, with metrics that can be computed by hand."""
import random
import numpy as np
import torch
__version__ = "9.9.9"
MODES = {"musiq": ("NR", False), "dists": ("FR", True), "topiq_x": ("NR", False), "drawn": ("NR", False),
         "absent": ("NR", False), "failing": ("NR", False)}

def list_models():
    return list(MODES)

class Model(torch.nn.Module):
    def __init__(self, name):
        super().__init__()
        self.name = name
        self.metric_mode, self.lower_better = MODES[name]
        self.scale = torch.nn.Parameter(torch.tensor([100.0]))

    def forward(self, target, ref=None):
        assert target.shape[:2] == (1, 3) and 0 <= float(target.min()) and float(target.max()) <= 1
        if self.name == "failing":
            raise RuntimeError("out of ideas")
        if self.name == "drawn":
            return torch.rand(1) + random.random() + np.random.random()
        other = 0 if ref is None else ref
        return ((target - other).abs().mean() * self.scale).detach()

def create_metric(name, device=None):
    if name == "absent":
        import urllib.request
        urllib.request.urlopen("https://huggingface.co/absent.pth")
    return Model(name).to(device)
'''
TRACK = """
name = "learnt"
title = "Learnt metrics"
scale = 4
samples = 3
first = 801

[measure.musiq]
metric = "pyiqa:musiq"

[measure.dists_pyiqa]
metric = "pyiqa:dists"
seed = 7

[measure.topiq]
metric = "pyiqa:topiq_x"
better = "higher"
gt = false
label = "TOPIQ"

[ranking]
criteria = [{ metric = "musiq" }]
final = ["musiq"]
"""


@pytest.fixture
def pyiqa(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "module").mkdir()
    (tmp_path / "module/pyiqa.py").write_text(PYIQA)
    monkeypatch.syspath_prepend(tmp_path / "module")
    monkeypatch.delitem(sys.modules, "pyiqa", raising=False)
    yield
    sys.modules.pop("pyiqa", None)


def score(folder: Path, *measures: str) -> se.Result:
    return se.score(
        folder / "sub", folder / "gt", track="x4", samples=3, metrics=["psnr"], device="cpu", overwrite=True,
        measures=[se.Measure.parse(text) for text in measures], board=folder / "board",
    )  # fmt: skip


def test_a_track_measures_by_pyiqa(pyiqa: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = small(tmp_path / "a", images=2)
    (tmp_path / "learnt.toml").write_text(TRACK)
    options = ("--gt", folder / "gt", "--track", tmp_path / "learnt.toml", "--device", "cpu")
    assert command("score", folder / "sub", *options, "--board", tmp_path / "board", "--team", "T", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    for image in document["images"]:
        gt = se.read_rgb(folder / "gt" / f"{image['image']}.png").astype(float)
        for sample in image["samples"]:
            sr = se.read_rgb(folder / "sub" / sample["file"]).astype(float)
            assert sample["musiq"] == pytest.approx(100 * (sr / 255).mean(), rel=1e-5)
            assert sample["topiq"] == sample["musiq"]
            assert sample["dists_pyiqa"] == pytest.approx(100 * np.abs(sr - gt).mean() / 255, rel=1e-5)
    settings = document["signature"]["settings"]
    assert settings["musiq"] == {
        "metric": "pyiqa:musiq", "version": "9.9.9", "weights_sha256": settings["musiq"]["weights_sha256"],
        "device": "cpu", "better": "higher", "gt": False, "seed": 123,
    }  # fmt: skip
    assert len(settings["musiq"]["weights_sha256"]) == 64
    assert (settings["dists_pyiqa"]["better"], settings["dists_pyiqa"]["seed"]) == ("lower", 7)
    stored = tmp_path / "board/learnt/T.json"
    assert command("verify", stored, folder / "sub", *options) == 0
    capsys.readouterr()
    sys.modules.pop("pyiqa")
    sys.path.pop(0)  # a leaderboard is made without pyiqa
    assert command("rank", "--track", tmp_path / "learnt.toml", "--board", tmp_path / "board", "--format", "csv") == 0
    out = capsys.readouterr().out
    assert {"musiq", "dists_pyiqa"} & set(out.splitlines()[0].replace('"', "").split(","))


def test_a_seed_decides_what_is_drawn(pyiqa: None, tmp_path: Path) -> None:
    folder = small(tmp_path / "a", images=2)
    text = "drawn=pyiqa:drawn,better=higher,gt=false"
    np.random.seed(0)
    before = np.random.get_state()[1].tolist()
    first, again, other = score(folder, text), score(folder, text), score(folder, f"{text},seed=5")
    values = {sample.values["drawn"] for image in first.images for sample in image.samples}
    assert len(values) == 1
    assert first.images == again.images
    assert values != {sample.values["drawn"] for image in other.images for sample in image.samples}
    assert np.random.get_state()[1].tolist() == before


def test_without_pyiqa_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = small(tmp_path / "a", images=1)
    monkeypatch.setitem(sys.modules, "pyiqa", None)
    with pytest.raises(WeightsError, match=r"pip install pyiqa\n.*as the column musiq with rank ") as error:
        score(folder, "musiq=pyiqa:musiq")
    assert "commercial" in str(error.value)
    assert not (folder / "board").exists()


@pytest.mark.parametrize(
    ("measure", "error", "words"),
    [
        ("a=pyiqa:absent,better=higher,gt=false", WeightsError, "downloads nothing by itself .*huggingface.co"),
        ("a=pyiqa:nothing,better=higher", InputError, "the installed pyiqa has no metric 'nothing'"),
        ("a=pyiqa:topiq_x,better=higher", InputError, "pyiqa measures it without a GT; write gt = false"),
        ("a=pyiqa:topiq_x,better=lower,gt=false", InputError, "says that higher values are better"),
        ("a=pyiqa:topiq_x", InputError, "not a well-known metric: write better ="),
        ("a=pyiqa:fid", InputError, "compares whole folders"),
        ("a=pyiqa:musiq,model=x", InputError, "no option model"),
        ("dists=pyiqa:dists", InputError, "a metric has this id"),
        ("a=pyiqa:failing,better=higher,gt=false", se.MetricError, "pyiqa:failing failed: RuntimeError: out of ideas"),
    ],
)
def test_what_cannot_be_measured_is_one_error(
    pyiqa: None, tmp_path: Path, measure: str, error: type[Exception], words: str
) -> None:
    folder = small(tmp_path / "a", images=1)
    with pytest.raises(error, match=words):
        score(folder, measure)
    assert not list((folder / "board").rglob("*.json"))


def test_well_known_columns_need_no_entry_or_a_short_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known = {key: (info.label, info.direction) for key, info in columns().items() if is_known_column(key)}
    assert known == {
        "musiq": ("MUSIQ", "higher"), "maniqa": ("MANIQA", "higher"), "clipiqa": ("CLIPIQA", "higher"),
        "nrqm": ("NRQM", "higher"), "pi": ("PI", "lower"), "fid": ("FID", "lower"),
    }  # fmt: skip
    track = tmp_path / "known.toml"
    track.write_text("""
name = "known"
title = "Known columns"
scale = 4
[columns]
fid = {}
maniqa = { digits = 1 }
niqe = {}
runtime = { better = "lower" }
[derived]
pi = { formula = "((10 - nrqm) + niqe) / 2", better = "lower", label = "PI here" }
[ranking]
criteria = [{ metric = "musiq" }, { metric = "fid" }, { metric = "pi" }]
order_by = ["rank(musiq)"]
show = ["maniqa", "nrqm"]
""")
    found = se.load_track(track).columns()
    assert (found["fid"].direction, found["fid"].label, found["fid"].digits) == ("lower", "FID", 2)
    assert (found["maniqa"].direction, found["maniqa"].label, found["maniqa"].digits) == ("higher", "MANIQA", 1)
    assert found["niqe"].label == "NIQE"
    assert found["pi"].label == "PI here"
    table = tmp_path / "teams.csv"
    table.write_text("team,musiq,fid,nrqm,niqe\nA,70.5,20,5,5\nB,71.5,30,6,6\n")
    assert command("rank", "--track", track, "--table", table, "--json") == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [(row["team"], row["ranks"]["musiq"], row["ranks"]["fid"], row["values"]["pi"]) for row in rows] == [
        ("B", 1, 2, 5.0), ("A", 2, 1, 5.0),
    ]  # fmt: skip
    track.write_text(track.read_text().replace('runtime = { better = "lower" }', "runtime = {}"))
    with pytest.raises(TrackError, match=r"columns\.runtime: 'better' is missing"):
        se.load_track(track)
