"""What a metric of another package returns is checked as soon as a sample is measured."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

import srspace_eval as se
from benchmarks.inputs.submissions import small
from srspace_eval.errors import MetricError
from srspace_eval.metrics.base import RunInputs
from srspace_eval.metrics.checked import ReturnedValues, WrongValueError
from srspace_eval.metrics.registry import unregister
from tests.helpers.commands import run


@dataclass(frozen=True)
class Odd(se.Metric):
    """A toy that returns what a test says."""

    name = "odd"
    columns = (
        se.MetricInfo(
            id="odd", label="Odd", unit="", digits=1, direction="lower", tex="", description="Odd.", least=0.0, most=9.0
        ),
    )
    returned: ClassVar[Any] = None
    computed: ClassVar[Any] = None

    def prepare(self, image: se.ImageInputs) -> se.SampleMean:
        prepared = se.SampleMean(lambda sr: type(self).returned)
        if self.computed is not None:
            prepared.compute = lambda: self.computed  # type: ignore[method-assign]
        return prepared


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    se.register(Odd)
    yield monkeypatch
    unregister("odd")


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        (torch.ones(3), "a sample's values are a Tensor of shape (3,); a dict of column id -> number is required"),
        (None, "a sample's values are None; a dict of column id -> number is required"),
        ({"od": 1.0}, "no value for the column 'odd'; the metric returned 'od'"),
        ({}, "no value for the column 'odd'; the metric returned nothing"),
        ({"odd": math.nan}, "column 'odd' is NaN; a finite number is required"),
        ({"odd": torch.tensor(math.nan)}, "column 'odd' is NaN; a finite number is required"),
        ({"odd": math.inf}, "column 'odd' is inf; a finite number is required"),
        ({"odd": torch.ones(2)}, "column 'odd' is a Tensor of shape (2,); a number is required, such as float(value)"),
        ({"odd": "1.0"}, "column 'odd' is a str; a number is required"),
        ({"odd": True}, "column 'odd' is a bool; a number is required"),
        (
            {"odd": -0.5},
            "column 'odd' is -0.5, but the metric declares values from 0 to 9; correct the metric, or least and most",
        ),
        ({"odd": 9.5}, "column 'odd' is 9.5, but the metric declares values from 0 to 9"),
        ({"odd": 1.0, "sample": 2.0}, "'sample' cannot be the id of a value"),
        ({"odd": 1.0, 3: 2.0}, "3 cannot be the id of a value"),
    ],
)
def test_a_wrong_value_is_one_error_of_score(
    odd: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], returned: object, words: str
) -> None:
    odd.setattr(Odd, "returned", returned)
    folder = small(tmp_path / "a", images=1)
    board = tmp_path / "board"
    arguments = ("score", folder / "sub", "--gt", folder / "gt", "--track", "x4", "--samples", 3, "--metrics", "odd")
    assert run(*arguments, "--board", board) == 1
    err = capsys.readouterr().err
    (line,) = (line for line in err.splitlines() if line.startswith("error: "))
    assert "000000_sample0000" in line
    assert f"(image 0801): metric 'odd' of package tests: {words}" in line
    assert "errors.md#metricerror" in err.replace(".html", ".md")
    assert "Traceback" not in err
    assert not list(board.rglob("*.json"))


@pytest.mark.parametrize(
    "value", [2.5, np.float32(2.5), np.array(2.5), torch.tensor(2.5), torch.tensor(2.5).requires_grad_()]
)
def test_scalars_of_other_libraries_are_numbers(odd: pytest.MonkeyPatch, tmp_path: Path, value: object) -> None:
    odd.setattr(Odd, "returned", {"odd": value, "more": np.int64(3)})
    folder = small(tmp_path / "a")
    result = se.score(folder / "sub", folder / "gt", track="x4", samples=3, metrics=["odd"], board=tmp_path / "b")
    image = result.images[0]
    assert [type(one.values["odd"]) for one in image.samples] == [float] * 3
    assert result.summary == {"odd": 2.5, "more": 3.0}
    assert se.read_result(se.result_path(tmp_path / "b", "x4", "sub")) == result


@pytest.mark.parametrize(
    ("computed", "words"),
    [
        ({"odd": 1.0}, "compute() returned a dict; srspace_eval.ImageValues is required"),
        (se.ImageValues({"other": 1.0}), "no value for the column 'odd'; the metric returned 'other'"),
        (
            se.ImageValues({"odd": 2.0}),
            'the image has 2, but the mean over its samples is 1; return the mean, or declare per="',
        ),
        (se.ImageValues({"odd": 1.0}, {"curve": [1.0, math.nan]}), "curve 'curve' is NaN"),
    ],
)
def test_an_image_s_wrong_value_is_one_error(
    odd: pytest.MonkeyPatch, tmp_path: Path, computed: object, words: str
) -> None:
    odd.setattr(Odd, "returned", {"odd": 1.0})
    odd.setattr(Odd, "computed", computed)
    folder = small(tmp_path / "a", images=1)
    with pytest.raises(MetricError) as error:
        se.score(folder / "sub", folder / "gt", track="x4", samples=3, metrics=["odd"], board=tmp_path / "b")
    assert words in str(error.value)
    assert "(image 0801): metric 'odd' of package tests: " in str(error.value)


def test_an_undefined_image_has_no_value(odd: pytest.MonkeyPatch, tmp_path: Path) -> None:
    odd.setattr(Odd, "returned", {"odd": 1.0})
    odd.setattr(Odd, "computed", se.ImageValues({"odd": None}))
    folder = small(tmp_path / "a", images=1)
    with pytest.warns(se.Notice, match="odd: undefined, left out of the mean"):
        result = se.score(folder / "sub", folder / "gt", track="x4", samples=3, metrics=["odd"], board=tmp_path / "b")
    assert result.summary == {"odd": None}


def test_only_higher_values_may_be_infinite() -> None:
    higher = type("Higher", (Odd,), {"columns": (se.MetricInfo("odd", "Odd", "dB", 1, "higher", "", "Odd."),)})
    lower = type("Lower", (Odd,), {"columns": (se.MetricInfo("odd", "Odd", "dB", 1, "lower", "", "Odd."),)})
    assert ReturnedValues([higher()]).of_sample({"odd": math.inf}) == {"odd": math.inf}
    for metric, value in ((higher, -math.inf), (lower, math.inf)):
        with pytest.raises(WrongValueError, match="a finite number is required"):
            ReturnedValues([metric()]).of_sample({"odd": value})


class Networked(Odd):
    """A toy whose network cannot be used."""

    network = "own"
    loaded: ClassVar[Any] = None

    def load_network(self, settings: se.NetworkSettings) -> Any:
        return self.loaded or [][1]


class Stating(Odd):
    """A toy whose signature no file can hold."""

    def signature(self, run: RunInputs) -> dict[str, Any]:
        return {"threshold": torch.ones(2)}


@pytest.mark.parametrize(
    ("metric", "loaded", "words"),
    [
        (Networked, None, " failed: IndexError: list index out of range"),
        (Networked, torch.nn.ReLU(), ": load_network() returned a ReLU without device"),
        (Stating, None, ": signature(): threshold is a Tensor; a text or a number is required"),
    ],
)
def test_a_metric_that_fails_before_it_measures_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, metric: type[se.Metric], loaded: object, words: str
) -> None:
    monkeypatch.setattr(Networked, "loaded", loaded)
    folder = small(tmp_path / "a", images=1)
    se.register(metric)
    try:
        with pytest.raises(MetricError) as error:
            se.score(folder / "sub", folder / "gt", track="x4", samples=3, metrics=["odd"], board=tmp_path / "b")
    finally:
        unregister("odd")
    assert str(error.value) == f"metric 'odd' of package tests{words}"


def test_in_a_batch_the_fault_is_the_organiser_s(odd: pytest.MonkeyPatch, tmp_path: Path) -> None:
    odd.setattr(Odd, "returned", {"odd": -1.0})
    folder = small(tmp_path / "a", images=1)
    batch = se.score_all(
        [folder / "sub"], folder / "gt", track="x4", samples=3, metrics=["odd"], board=tmp_path / "board"
    )
    (outcome,) = batch.outcomes
    assert outcome.organiser
    assert "metric 'odd' of package tests: column 'odd' is -1" in outcome.faults[0]
    (letter,) = se.write_letters(batch, tmp_path / "letters")
    assert "The submission is not at fault." in letter.read_text(encoding="utf-8")
