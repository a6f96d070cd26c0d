"""Tracks with formulas, eligibility, tolerances and several rankings."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from benchmarks.inputs.boards import make_results
from srspace_eval.errors import RankingError, TrackError
from srspace_eval.ranking import BootstrapPlan, Entry, rank
from srspace_eval.ranking.places import places_by
from srspace_eval.results.record import Result
from srspace_eval.tracks.model import Track
from srspace_eval.tracks.reader import load_track

HEAD = 'name = "t"\ntitle = "T"\nscale = 3\n'
PIRM = """
[columns]
rmse = { better = "lower", digits = 2 }
pi = { better = "lower" }
[ranking]
eligible = ["11.5 < rmse <= 12.5"]
criteria = [{ metric = "pi", tolerance = 0.01 }]
order_by = [{ by = "pi", tolerance = 0.01 }, "rmse"]
"""


def _track(folder: Path, text: str, head: str = HEAD) -> Track:
    path = folder / "track.toml"
    path.write_text(head + text, encoding="utf-8")
    return load_track(path)


def _given(**values: dict[str, float | None]) -> list[Entry]:
    return [Entry(team, "team", numbers, "given") for team, numbers in values.items()]


def _places(entries: list[Entry], track: Track) -> dict[str, int | None]:
    return {row.entry.team: row.place for row in rank(entries, track, bootstrap=None).rows}


def test_tolerance_eligibility_and_ties(tmp_path: Path) -> None:
    track = _track(tmp_path, PIRM)
    entries = _given(
        a={"pi": 2.11, "rmse": 12.4}, b={"pi": 2.10, "rmse": 12.5}, c={"pi": 2.13, "rmse": 11.6},
        out={"pi": 1.9, "rmse": 12.51}, low={"pi": 1.8, "rmse": 11.5}, none={"pi": None, "rmse": 12.0},
        twin={"pi": 2.13, "rmse": 11.6}, lost={"pi": 2.0, "rmse": None},
    )  # fmt: skip
    expected = {"a": 1, "b": 2, "c": 3, "twin": 3, "none": None, "lost": None, "low": None, "out": None}
    first = rank(entries, track, bootstrap=None)
    assert {row.entry.team: row.place for row in first.rows} == expected
    assert [row.entry.team for row in first.rows] == list(expected)
    rows = {row.entry.team: row for row in first.rows}
    assert rows["a"].ranks == {"pi": 1.0} == rows["b"].ranks
    assert rows["out"].why_unranked == "not eligible: 11.5 < rmse ≤ 12.5 (rmse is 12.51)"
    assert rows["lost"].why_unranked == "not eligible: 11.5 < rmse ≤ 12.5 (rmse has no value)"
    assert rows["none"].why_unranked == "no value of PI"
    assert rows["out"].ranks == {}
    for seed in range(5):
        shuffled = random.Random(seed).sample(entries, len(entries))
        assert rank(shuffled, track, bootstrap=None).rows == first.rows


def test_places_by_is_the_definition_in_every_table() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 6, (40, 9)).astype(float), rng.integers(0, 4, (40, 9)).astype(float)
    found = places_by([(first, 1.0), (second, 0.0)])
    for row in range(40):
        groups, anchor, number = {}, -np.inf, 0
        for value in sorted(set(first[row])):
            if value > anchor + 1.0:
                anchor, number = value, number + 1
            groups[value] = number
        keys = [(groups[a], b) for a, b in zip(first[row], second[row], strict=True)]
        assert found[row].tolist() == [1 + sum(other < key for other in keys) for key in keys]


def test_missing_never_ranks_first(tmp_path: Path) -> None:
    text = '[columns]\na = { better = "higher" }\n[ranking]\ncriteria = [{ metric = "a" }]\norder_by = ["%s"]'
    entries = _given(x={"a": float("nan")}, y={"a": -5.0}, z={"a": None}, w={})
    for key in ("rank(a)", "a", "-a", "a if a > 0 else 1 / 0"):
        places = _places(entries, _track(tmp_path, text % key))
        assert [places[team] for team in "xzw"] == [None] * 3
        assert places["y"] == (None if "1 / 0" in key else 1)


def test_baseline_values_and_a_baseline_that_is_missing(tmp_path: Path) -> None:
    text = (
        '[columns]\nt = { better = "lower" }\n[derived]\ns = { formula = "t / baseline(t)", better = "lower" }\n'
        '[ranking]\ncriteria = [{ metric = "s" }]\norder_by = ["rank(s)"]\n'
    )
    track = _track(tmp_path, 'baseline = "Ref"\n' + text)
    entries = [*_given(a={"t": 4.0}, b={"t": 1.0}), Entry("ref", "baseline", {"t": 2.0}, "given")]
    rows = rank(entries, track, bootstrap=None).rows
    assert [(row.entry.team, row.place, row.entry.values["s"]) for row in rows] == [
        ("b", 1, 0.5), ("a", 2, 2.0), ("ref", None, 1.0),
    ]  # fmt: skip
    (row, _) = rank(entries[:2], track, bootstrap=None).rows
    assert row.why_unranked == "no value of s; no entry is called 'Ref', whose values the formulas need"
    ranked = rank(entries, _track(tmp_path, 'baseline = "Ref"\n' + text + "baselines_ranked = true\n"), bootstrap=None)
    assert [(row.entry.team, row.place) for row in ranked.rows] == [("b", 1), ("ref", 2), ("a", 3)]


MEASURED = """
[measure.lpips]
[measure.lr_psnr]
[columns]
runtime = { better = "lower" }
[derived]
double = { formula = "2 * lpips", better = "lower" }
root = { formula = "sqrt(lpips)", better = "lower", of = "images" }
iqa = { formula = "per_image_rank(lpips, lr_psnr)", better = "lower" }
mixed = { formula = "lpips + runtime", better = "lower" }
[rankings.one]
title = "first table"
criteria = [{ metric = "double" }, { metric = "root" }, { metric = "iqa" }, { metric = "mixed" }]
order_by = ["mean(rank(double), rank(root))", "iqa"]
[rankings.two]
criteria = [{ metric = "lr_psnr" }]
order_by = ["rank(lr_psnr)"]
"""


def _board(folder: Path, head: str = HEAD) -> tuple[Track, list[Result]]:
    track = _track(folder, MEASURED, head)
    return track, make_results(track, 6, 12, 10, seed=3)


def _entries(results: list[Result], **runtime: float) -> list[Entry]:
    return [Entry(r.team, "team", {**r.summary, **runtime}, "measured", r) for r in results]


def _known(track: Track, entries: list[Entry]) -> list[Entry]:
    ids = track.columns()
    return [Entry(e.team, e.kind, {k: v for k, v in e.values.items() if k in ids}, e.origin, e.result) for e in entries]


def test_derived_of_images_and_per_image_ranks(tmp_path: Path) -> None:
    track, results = _board(tmp_path)
    entries = _known(track, _entries(results, runtime=1.0))
    ranking = rank(entries, track, bootstrap=None)
    images = [[image.values for image in sorted(r.images, key=lambda i: i.image)] for r in results]
    for number, result in enumerate(results):
        row = next(row for row in ranking.rows if row.entry.team == result.team)
        lpips = [values["lpips"] for values in images[number]]
        assert row.entry.values["root"] == pytest.approx(np.mean(np.sqrt(np.array(lpips, dtype=float))), rel=1e-12)
        ranks = [
            1 + sum(sign * (other[i][key] or 0) < sign * (images[number][i][key] or 0) for other in images)
            for i in range(len(lpips))
            for key, sign in (("lpips", 1), ("lr_psnr", -1))
        ]
        assert row.entry.values["iqa"] == pytest.approx(np.mean(ranks), rel=1e-12)
    assert [one.track.ranking.name for one in ranking.all] == ["one", "two"]
    assert ranking.title == "T: first table"


def test_intervals_evaluate_the_formulas_again(tmp_path: Path) -> None:
    track, results = _board(tmp_path)
    entries = _known(track, _entries(results, runtime=1.0))
    ranking = rank(entries, track, bootstrap=BootstrapPlan(replicates=400))
    for row in ranking.rows:
        low, high = row.intervals["lpips"]
        assert row.intervals["double"] == pytest.approx((2 * low, 2 * high), rel=1e-12)
        assert row.intervals["root"][0] < (row.entry.values["root"] or 0) < row.intervals["root"][1]
        assert row.intervals["iqa"][0] < (row.entry.values["iqa"] or 0) < row.intervals["iqa"][1]
        assert "runtime" not in row.intervals
    for row in ranking.rows:
        low, high = row.intervals["lpips"]
        assert row.intervals["mixed"] == pytest.approx((low + 1, high + 1), rel=1e-12)
        assert row.place is not None
        assert row.intervals["final_rank"][0] <= row.place <= row.intervals["final_rank"][1]
    again = rank(entries, track, bootstrap=BootstrapPlan(replicates=400))
    assert again == ranking


def test_order_by_of_one_mean_is_final(tmp_path: Path) -> None:
    text = (
        '[columns]\nmor = { better = "lower" }\n[ranking]\ncriteria = [{ metric = "lpips" }, { metric = "lr_psnr" }]\n'
    )
    head = HEAD + 'metrics = ["lpips", "lr_psnr"]\n'
    old = _track(tmp_path, text + 'final = ["lpips", "lr_psnr"]', head)
    new = _track(tmp_path, text + 'order_by = ["mean(rank(lpips), rank(lr_psnr))"]', head)
    entries = _known(old, _entries(make_results(old, 8, 12, 10, seed=1)))
    rows = [
        {
            row.entry.team: (row.place, row.final_rank, row.intervals, row.rank_intervals)
            for row in rank(entries, track, bootstrap=BootstrapPlan(replicates=300)).rows
        }
        for track in (old, new)
    ]
    assert rows[0] == rows[1]


def test_values_are_joined(tmp_path: Path) -> None:
    track, results = _board(tmp_path)
    values = tmp_path / "values.csv"
    team = results[0].team
    values.write_text(f"# timed on one machine\nteam,runtime\n{team},3.5\nStranger,1\n", encoding="utf-8")
    entries = _known(track, _entries(results))
    with pytest.warns(match="Stranger"):
        ranking = rank(entries, track, values=values, bootstrap=None)
    rows = {row.entry.team: row for row in ranking.rows}
    assert rows[team].entry.values["runtime"] == 3.5
    assert rows[team].entry.result is not None
    assert (rows["Stranger"].entry.kind, rows["Stranger"].place) == ("baseline", None)
    values.write_text(f"team,runtime,lpips,speed\n{team},fast,9,1\n", encoding="utf-8")
    with pytest.raises(RankingError, match=r"values\.csv") as caught:
        rank(entries, track, values=values, bootstrap=None)
    for words in ("unknown column 'speed'", "runtime is 'fast'", "already has lpips"):
        assert words in str(caught.value)


def test_values_of_declared_columns_may_have_intervals(tmp_path: Path) -> None:
    track, results = _board(tmp_path)
    values = tmp_path / "MOS.csv"
    team, other = results[0].team, results[1].team
    values.write_text(f"team,runtime,runtime_low,runtime_high\n{team},3.5,3.25,4\n{other},5,,\n", encoding="utf-8")
    ranking = rank(_known(track, _entries(results)), track, values=values, bootstrap=BootstrapPlan(replicates=200))
    rows = {row.entry.team: row for row in ranking.rows}
    assert rows[team].intervals["runtime"] == (3.25, 4)
    assert "runtime" not in rows[other].intervals
    assert "runtime: intervals as in the table of values." in ranking.notes
    values.write_text(f"team,runtime,runtime_low,runtime_high\n{team},3.5,4,3\n", encoding="utf-8")
    with pytest.raises(RankingError, match="runtime_low is 4 and runtime_high 3; the lower end comes first"):
        rank(_known(track, _entries(results)), track, values=values)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[columns]\na = { label = "A" }', "columns.a: 'better' is missing"),
        ('[derived]\na = { formula = "lpips" }', "derived.a: 'better' is missing"),
        ('[derived]\na = { formula = "lpisp", better = "lower" }', "derived.a.formula: unknown id lpisp; known are"),
        ('[derived]\na = { formula = "lpips.x", better = "lower" }', "column 1: lpips.x is not allowed"),
        ('[derived]\na = { formula = "b", better = "lower" }\nb = { formula = "1", better = "lower" }', "unknown id b"),
        ('[derived]\na = { formula = "baseline(lpips)", better = "lower" }', "needs the key baseline"),
        ('[derived]\na = { formula = "rank(lpips)", better = "lower" }', "in order_by only"),
        ('[derived]\nlpips = { formula = "1", better = "lower" }', "there is a column 'lpips' already"),
        ('[ranking]\norder_by = ["rank(lpips)"]', r'add { metric = "lpips" } to criteria'),
        ('[ranking]\neligible = ["rank(lpips) < 3"]', "eligible"),
        ('[ranking]\ncriteria = [{ metric = "psnr" }]\nfinal = ["psnr"]\norder_by = ["psnr"]', "keep one of them"),
        ('[rankings."a/b"]\n', "a name has letters"),
        ("[ranking]\n[rankings.main]\n", "there is a ranking 'main' already"),
        ("[ranking]\norder_by = [{ by = 'psnr', tolerance = -1 }]", "tolerance"),
        ("[measure.psnr]\n[columns]\npsnr = { better = 'lower' }", "the track measures 'psnr'"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(TrackError, match=r"track\.toml: ") as caught:
        _track(tmp_path, text)
    assert words in str(caught.value)


def test_a_scale_without_crop(tmp_path: Path) -> None:
    assert [_track(tmp_path, "", f'name = "t"\ntitle = "T"\nscale = {n}\n').crop for n in (3, 4, 16)] == [3, 8, 16]
