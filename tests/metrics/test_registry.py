"""The registry: one class and one registration make a metric appear everywhere."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import Tensor

import srspace_eval as se
from benchmarks.inputs.submissions import small
from srspace_eval.errors import InputError, Notice
from srspace_eval.metrics import registry
from srspace_eval.metrics.base import Metric, MetricInfo, Needs
from srspace_eval.metrics.evaluator import EvaluatorConfig, ImageEvaluator
from srspace_eval.metrics.measures import Measure
from srspace_eval.metrics.registry import bind, columns, curves, measures_of, register, unregister
from srspace_eval.metrics.steps import ImageInputs, SampleMean
from tests.helpers.commands import run

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Brightness(Metric):
    """A toy: the mean of a sample's values, in steps of ``unit``."""

    name = "brightness"
    columns = (MetricInfo("brightness", "Bright", "lm", 1, "higher", "Bright", "Mean value of the samples."),)
    unit: float = 1.0

    def prepare(self, image: ImageInputs) -> SampleMean:
        return SampleMean(lambda sr: {"brightness": float(sr.double().mean()) / self.unit})


@pytest.fixture
def brightness() -> Iterator[type[Brightness]]:
    yield register(Brightness)
    unregister("brightness")


@pytest.mark.usefixtures("brightness")
def test_a_registered_metric_appears_everywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = small(tmp_path / "a")
    track = tmp_path / "bright.toml"
    track.write_text(
        'name = "bright"\ntitle = "Brightness"\nscale = 4\nsamples = 3\nfirst = 801\nmetrics = ["psnr", "brightness"]\n'
        '[ranking]\ncriteria = [{ metric = "brightness" }]\nfinal = ["brightness"]\nshow = ["psnr"]\n',
        encoding="utf-8",
    )
    assert "brightness" in [listing.id for listing in se.list_metrics()]
    assert run("score", "--help") == 0
    assert "brightness" in capsys.readouterr().out
    board = tmp_path / "board"
    assert run("score", folder / "sub", "--gt", folder / "gt", "--track", track, "--board", board, "--team", "A") == 0
    assert "Bright ↑" in capsys.readouterr().out
    (path,) = (board / "bright").glob("*.json")
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["signature"]["settings"]["brightness"] == {"version": "1", "unit": 1.0}
    image = document["images"][0]
    pixels = se.read_rgb(folder / "sub" / image["samples"][0]["file"])
    assert image["samples"][0]["brightness"] == pytest.approx(pixels.mean())
    assert image["brightness"] == pytest.approx(np.mean([sample["brightness"] for sample in image["samples"]]))
    assert run("rank", "--board", board, "--track", track, "--out", tmp_path / "out") == 0
    assert "Bright" in capsys.readouterr().out
    with (tmp_path / "out/bright.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert float(row["brightness"]) == pytest.approx(document["summary"]["brightness"])
    assert row["brightness_rank"] == "1"
    for page in ("bright/index.html", "bright/teams/A.html"):
        assert "Bright" in (tmp_path / "out" / page).read_text(encoding="utf-8"), page


class Broken(Brightness):
    name = "broken"
    columns = (MetricInfo("broken", "Broken", "", 1, "higher", "Broken", "Fails."),)

    def prepare(self, image: ImageInputs) -> SampleMean:
        return SampleMean(lambda sr: {"broken": [][1]})


def test_a_metric_that_fails_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = small(tmp_path / "a")
    register(Broken)
    try:
        arguments = ("score", folder / "sub", "--gt", folder / "gt", "--track", "x4", "--samples", 3)
        assert run(*arguments, "--metrics", "broken", "--board", tmp_path / "board") == 1
    finally:
        unregister("broken")
    err = capsys.readouterr().err
    assert "000000_sample0000" in err
    assert "metric 'broken' of package tests failed: IndexError: list index out of range" in err
    assert "Traceback" not in err


def test_registering_imports_no_torch() -> None:
    script = "import sys; import srspace_eval as se; se.list_metrics(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_built_in_metrics_say_what_they_need() -> None:
    needs = {listing.id: listing.needs for listing in se.list_metrics()}
    assert needs["lpips"] == "GT, LPIPS weights"
    assert needs["lr_psnr"] == "LR or GT"
    assert needs["psnr"] == "GT"
    assert columns()["mor"].per == "method"
    assert [info.id for info in curves().values()] == ["diversity", "diversity_mse"]


@pytest.mark.parametrize(
    ("name", "ids", "words"),
    [
        ("psnr", ["psnr"], "there is a column 'psnr' already"),
        ("a", ["b"], "first column must have its name"),
        ("a", [], "first column must have its name"),
        ("sample", ["sample"], "not a key of the result files"),
        ("Big", ["Big"], "small letters"),
        ("a_rank", ["a_rank"], "does not end in _rank"),
    ],
)
def test_a_metric_that_cannot_be_registered(name: str, ids: list[str], words: str) -> None:
    infos = tuple(MetricInfo(i, i, "", 1, "lower", i, i) for i in ids)
    metric = type("Bad", (Brightness,), {"name": name, "columns": infos})
    before = list(columns())
    with pytest.raises(InputError, match=words):
        register(metric)
    assert list(columns()) == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"direction": "up"}, "column 'odd': direction = 'up': must be one of 'lower', 'higher'"),
        ({"per": "samples"}, "column 'odd': per = 'samples': must be one of 'sample', 'image', 'method'"),
        ({"digits": -1}, "column 'odd': digits = -1: a whole number from 0 to 9 is required"),
        ({"least": 1.0, "most": 0.0}, "column 'odd': least = 1.0 is larger than most = 0.0"),
    ],
)
def test_a_column_that_cannot_be_shown_is_refused(change: dict[str, Any], words: str) -> None:
    info = replace(Brightness.columns[0], id="odd", **change)
    with pytest.raises(InputError, match=words):
        register(type("Bad", (Brightness,), {"name": "odd", "columns": (info,)}))
    with pytest.raises(InputError, match="columns must be a tuple of MetricInfo"):
        register(type("Bad", (Brightness,), {"name": "odd", "columns": info}))
    assert "odd" not in columns()


def test_what_is_no_metric_cannot_be_registered() -> None:
    with pytest.raises(InputError, match="is not a metric"):
        register(Metric)
    with pytest.raises(InputError, match="is not a metric"):
        register(int)  # type: ignore[type-var]


@pytest.mark.parametrize("value", ["no_such_package.module:Metric", "srspace_eval.metrics.base:Metric"])
def test_a_broken_package_is_named_and_left_out(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    point = EntryPoint("broken", value, registry.ENTRY_POINTS)
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [point])
    monkeypatch.setitem(registry._state, "entry points loaded", False)
    with pytest.warns(Notice, match=r"its metric 'broken' \(.*\) cannot be used: .*update or uninstall"):
        assert "broken" not in registry.metrics()


def test_options_are_typed_and_checked() -> None:
    assert bind(["psnr"])["psnr"] == bind([Measure("psnr")])["psnr"]
    typed = Measure("y", "psnr", {"channel": "y", "border": 4})
    assert bind([Measure.parse("y=psnr,channel=y,border=4")]) == bind([typed])
    for options, words in [
        ({"chanel": "y"}, "has no option chanel; its options are channel, border"),
        ({"channel": "z"}, "channel = 'z': choose from rgb, y"),
        ({"border": "4.5"}, "border = '4.5': a number is required"),
        ({"border": True}, "border = True: a whole number is required"),
        ({"border": -1}, "border = -1: a whole number of pixels"),
    ]:
        with pytest.raises(InputError, match=words):
            bind([Measure("y", "psnr", options)])


@pytest.mark.parametrize("text", ["psnr", "y=", "=psnr", "y=psnr,channel", "y=psnr,border=1,border=2", "y=psnr=2"])
def test_texts_that_are_no_measures(text: str) -> None:
    with pytest.raises(InputError):
        Measure.parse(text)


def test_ids_must_not_be_taken() -> None:
    for measure in (Measure("ssim", "psnr"), Measure("lr_psnr_worst", "psnr"), Measure("mor", "psnr")):
        with pytest.raises(InputError, match="a metric has this id"):
            bind([measure])
    with pytest.raises(InputError, match="is given twice with different options"):
        bind([Measure("y", "psnr", {"border": 1}), Measure("y", "psnr", {"border": 2})])


def test_a_metric_under_another_id_has_columns_of_its_own() -> None:
    found = columns([Measure("coarse", "lr_psnr", {"convention": "matlab"}), Measure("mine", "diversity_mse")])
    assert found["coarse_worst"].label == "LR-PSNR worst (coarse)"
    assert found["coarse"].description.endswith("Options: convention matlab.")
    assert found["mine"].curve == "mine_curve"
    assert found["lr_psnr"] is columns()["lr_psnr"]


def test_a_signature_that_names_strange_measures_is_read() -> None:
    named = {"a": "psnr", "b": "unknown", "psnr": "ssim", "C!": "psnr"}
    settings = {key: {"metric": metric} for key, metric in named.items()}
    assert measures_of(settings) == (Measure("a", "psnr"),)


def test_needs_in_words() -> None:
    assert str(Needs(gt=False, lr=True, weights="weights of DISTS")) == "LR or GT, weights of DISTS"
    assert str(Needs(gt=False, weights="weights of X")) == "weights of X"
    assert "(needs no GT; options" in str(next(one for one in se.list_metrics() if one.id == "niqe"))


def test_the_example_package_imports_public_names_only() -> None:
    code = (ROOT / "tests/example_plugin/example_metrics.py").read_text(encoding="utf-8")
    (names,) = re.findall(r"^from srspace_eval import (.+)$", code, re.MULTILINE)
    assert set(names.split(", ")) <= set(se.__all__)
    assert "srspace_eval." not in code.partition('"""\n')[2]


class _Best(se.Prepared[float]):
    def __init__(self, image: se.ImageInputs) -> None:
        self.gt, self.best = image.gt.double(), 255.0

    def measure(self, sr: Tensor) -> float:
        return float((sr.double() - self.gt).abs().mean())

    def update(self, measured: float) -> dict[str, float]:
        self.best = min(self.best, measured)
        return {}

    def compute(self) -> se.ImageValues:
        return se.ImageValues({"best_error": self.best})


@dataclass(frozen=True)
class BestError(Metric):
    """A value of the sample set only; the samples have none."""

    name = "best_error"
    columns = (MetricInfo("best_error", "Best", "", 1, "lower", "Best", "Smallest error.", per="image"),)

    def prepare(self, image: ImageInputs) -> _Best:
        return _Best(image)


def test_a_metric_of_the_image_alone_is_scored(tmp_path: Path) -> None:
    folder = small(tmp_path / "a")
    register(BestError)
    try:
        board = tmp_path / "board"
        result = se.score(folder / "sub", folder / "gt", track="x4", samples=3, metrics=["best_error"], board=board)
    finally:
        unregister("best_error")
    image = result.images[0]
    gt = se.read_rgb(folder / "gt" / f"{image.image}.png").astype(float)
    errors = [np.abs(se.read_rgb(folder / "sub" / one.file) - gt).mean() for one in image.samples]
    assert image.values["best_error"] == pytest.approx(min(errors))
    assert [one.values for one in image.samples] == [{}] * 3


def test_measures_share_a_pass_only_under_their_own_ids(alexnet: Path) -> None:
    network = se.LPIPS(weights=alexnet)
    calls = []
    distances = network.distances
    network.distances = lambda *arguments: calls.append(1) or distances(*arguments)  # type: ignore[method-assign]
    gt = np.zeros((40, 40, 3), np.uint8)
    config = EvaluatorConfig(bind(["lpips", "diversity", Measure("again", "lpips")]), 4)
    evaluator = ImageEvaluator(gt, config, network)
    values = evaluator.update(evaluator.measure(gt + 9))
    assert len(calls) == 2
    assert values["again"] == values["lpips"]
    assert evaluator.compute().curves.keys() == {"diversity_curve", "again_diversity_curve"}
    assert config.gt_bytes("alex") == 2 * 42


def test_the_readme_names_the_metrics_that_need_no_weights() -> None:
    free = ",".join(name for name, metric in registry.metrics().items() if not metric().network)
    assert f"`--metrics {free}` works" in (ROOT / "README.md").read_text(encoding="utf-8")
