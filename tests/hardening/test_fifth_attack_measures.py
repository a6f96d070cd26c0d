"""Attacks of the fifth round: two measures, or a measure and a column, of one id."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from srspace_eval._utils.csv_table import read_csv_table
from srspace_eval.errors import InputError, RankingError, TrackError
from srspace_eval.metrics.evaluator import EvaluatorConfig, ImageEvaluator, _Family, _joined
from srspace_eval.metrics.measures import Measure
from srspace_eval.metrics.registry import bind
from srspace_eval.ranking.measured_columns import including_columns
from srspace_eval.ranking.summary_checks import summary_faults
from srspace_eval.results.signature import Signature
from srspace_eval.scoring.options import ScoreOptions
from srspace_eval.tracks.reader import parse_track
from tests.helpers.results import RESULT

HEAD = 'name = "t"\ntitle = "T"\nscale = 4\n'
LR, WORST = '[measure.lr]\nmetric = "lr_psnr"\n', '[measure.lr_worst]\nmetric = "mse"\n'


@pytest.mark.parametrize("tables", [LR + WORST, WORST + LR])
def test_a_measure_never_gives_a_column_of_another_one(tables: str) -> None:
    with pytest.raises(TrackError, match="'lr_worst' is a column of the measure 'lr"):
        parse_track(HEAD + tables, "t.toml")
    both = [Measure("lr", "lr_psnr"), Measure("lr_worst", "mse")]
    for measures in (both, both[::-1]):
        with pytest.raises(InputError, match="'lr_worst' is a column of the measure"):
            bind(measures)
        with pytest.raises(InputError, match="'lr_worst' is a column of the measure"):
            ScoreOptions(metrics=("psnr",), measures=tuple(measures)).bound(None)


def test_a_measure_of_the_command_line_never_gives_a_column_of_the_track() -> None:
    track = parse_track(HEAD + LR, "t.toml")
    with pytest.raises(InputError, match="'lr_worst' is a column of the measure"):
        ScoreOptions(measures=(Measure("lr_worst", "mse"),)).bound(track)
    for table in (
        '[columns]\nlr_worst = { better = "lower" }\n',
        '[derived]\nlr_worst = { formula = "psnr", better = "lower" }\n',
    ):
        track = parse_track(HEAD + "[measure.psnr]\n" + table, "t.toml")
        with pytest.raises(InputError, match="'lr_worst' is a column of the track"):
            ScoreOptions(measures=(Measure("lr", "lr_psnr"),)).bound(track)


@pytest.mark.parametrize("measured", [LR, '[measure.lr_worst]\nmetric = "mse"\n'])
def test_a_column_of_values_from_elsewhere_is_not_measured(measured: str) -> None:
    with pytest.raises(TrackError, match="the track measures 'lr_worst'"):
        parse_track(HEAD + measured + '[columns]\nlr_worst = { better = "lower" }\n', "t.toml")
    with pytest.raises(TrackError, match="the track measures 'lr_psnr_worst'"):
        parse_track(HEAD + 'metrics = ["lr_psnr"]\n[columns]\nlr_psnr_worst = { better = "higher" }\n', "t.toml")


def test_a_result_never_fills_a_column_with_a_measure_of_its_own() -> None:
    track = parse_track(HEAD + '[measure.psnr]\n[columns]\nlr_worst = { better = "lower" }\n', "t.toml")
    image = replace(RESULT.images[0], values={"lr": 50.0, "lr_worst": 40.0}, curves={}, samples=())
    signature = Signature({"common": {"scale": 4}, "lr": {"metric": "lr_psnr"}}, {})
    result = replace(RESULT, track="t", signature=signature, images=(image,), summary=dict(image.values), curves={})
    assert "lr_worst has values, which no measurement gives" in "".join(summary_faults(result, track))
    track = parse_track(HEAD + WORST, "t.toml")
    assert "'lr_worst' is a column of the measure 'lr' already" in "".join(summary_faults(result, track))
    other = replace(result, signature=Signature({"common": {"scale": 4}, "lr_worst": {"metric": "mse"}}, {}))
    with pytest.raises(InputError, match="'lr_worst' is a column of the measure"):
        including_columns(parse_track(HEAD, "t.toml"), ["lr", "lr_worst"], [other, result])


def test_a_value_without_a_column_replaces_no_column() -> None:
    """The standard error of the patches of ``d`` is ``d_se``."""
    patches, psnr = SimpleNamespace(columns={"d"}), SimpleNamespace(columns={"d_se"})
    values = [(patches, {"d": 1.0, "d_se": 0.1}), (psnr, {"d_se": 48.0})]
    for parts in (values, values[::-1]):
        assert _joined(parts) == {"d": 1.0, "d_se": 48.0}  # type: ignore[arg-type]


def test_a_by_product_of_a_measure_is_none_of_another_one() -> None:
    """S_M measured as ``s`` also gives s_lpips_local_best, which a measure ``s_lpips`` may give."""
    gt = torch.zeros(32, 32, 3, dtype=torch.uint8)
    for ids in (["m"], ["m", "m_mse_y"]):
        measures = [Measure(name, "psnr" if name != "m" else "diversity_mse") for name in ids]
        evaluator = ImageEvaluator(gt, EvaluatorConfig(bind(measures), scale=4))
        assert "m_mse" in evaluator.update(evaluator.measure(gt + 1))
    evaluator = ImageEvaluator(gt, EvaluatorConfig(bind([Measure("m", "diversity_mse"), Measure("m_mse", "psnr")]), 4))
    assert evaluator.update(evaluator.measure(gt + 1))["m_mse"] > 40
    family = _Family.__new__(_Family)
    family._id, family._first, family.columns, family._others = (
        "s",
        bind(["diversity"])["diversity"],
        {"s"},
        ("s_lpips_",),
    )
    assert family._renamed({"diversity": 1.0, "lpips": 0.1, "lpips_local_best": 0.2, "mse": 3.0}) == {
        "s": 1.0,
        "s_mse": 3.0,
    }


def test_digits_of_other_scripts_are_no_numbers(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text("team,psnr\nA,\u0661\u0662\nB,\u22121.5\n", encoding="utf-8")
    table = read_csv_table(tmp_path / "v.csv", "team")
    assert [row.number("psnr") for row in table.lines()] == [None, -1.5]
    with pytest.raises(RankingError, match="write a number"):
        table.done()
