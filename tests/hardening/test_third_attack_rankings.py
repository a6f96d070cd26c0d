"""Attacks on rankings: values of tables in measured rows, baselines, formulas, names of columns, few images."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import srspace_eval as se
from srspace_eval.errors import RankingError, TrackError
from srspace_eval.ranking.bootstrap import BootstrapPlan, coverage, draw_counts, interval, resampled_means
from srspace_eval.ranking.model import Entry
from srspace_eval.report.files import render_leaderboard
from srspace_eval.report.table import make_table
from srspace_eval.report.terminal import to_text
from srspace_eval.results.record import ImageRecord, Result, SampleRecord
from srspace_eval.results.signature import Signature
from srspace_eval.results.store import result_path, write_result
from srspace_eval.tracks.model import Track
from srspace_eval.tracks.reader import load_track

HEAD = 'name = "own"\ntitle = "Own"\nscale = 4\nfirst = 801\nsamples = 1\ncrop = 4\nmetrics = ["psnr"]\n'
RUNTIME = '[columns]\nruntime = { label = "Runtime", unit = "s", better = "lower" }\n'
BY_RUNTIME = '[ranking]\ncriteria = [{ metric = "runtime" }]\norder_by = ["rank(runtime)"]\n'
SCORE = '[derived]\nscore = { formula = "FORMULA", better = "higher", digits = 4OF }\n'
BY_SCORE = '[ranking]\ncriteria = [{ metric = "score" }]\norder_by = ["rank(score)"]\n'


def track_of(folder: Path, text: str) -> Track:
    (folder / "own.toml").write_text(HEAD + text, encoding="utf-8")
    return load_track(folder / "own.toml")


def score_track(folder: Path, formula: str, of: str = "", before: str = "", columns: str = "") -> Track:
    derived = SCORE.replace("FORMULA", formula).replace("OF", f', of = "{of}"' if of else "")
    return track_of(folder, before + columns + derived + BY_SCORE)


def measured(
    team: str, values: Sequence[float], kind: Any = "team", border: int = 0, crop: int = 4, lpips: float | None = None
) -> Result:
    """A result with the PSNR of each image, and one LPIPS for all."""
    settings: Mapping[str, Mapping[str, Any]] = {
        "common": {"track": "own", "scale": 4, "samples": 1, "crop": crop, "images": len(values)},
        "psnr": {"channels": "RGB", "border": border, "floor": "one step"},
    }
    more = {} if lpips is None else {"lpips": lpips}
    if more:
        settings = {**settings, "lpips": {"net": "alex"}}
    images = tuple(
        ImageRecord(
            f"{801 + i:04d}", 48, 64, "a" * 64, {"psnr": value, **more}, {},
            (SampleRecord(0, f"{i:06d}_sample00000.png", "b" * 64, {"psnr": value, **more}),),
        )
        for i, value in enumerate(values)
    )  # fmt: skip
    return Result(
        team, "own", Signature(settings), images, {"psnr": math.fsum(values) / len(values), **more}, kind=kind
    )


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def put(board: Path, result: Result) -> Path:
    path = result_path(board, result.track, result.team)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_result(path, result)
    return path


def rows_of(ranking: se.Ranking) -> dict[str, Any]:
    return {row.entry.team: row for row in ranking.rows}


# Values of tables in measured rows.


def test_values_of_a_table_are_marked_in_measured_rows_in_all_formats(tmp_path: Path) -> None:
    track = track_of(tmp_path, RUNTIME + BY_RUNTIME)
    values = write(tmp_path / "v.csv", "team,runtime,lpips\nA,1.5,0.001\nB,2.5,\n")
    ranking = se.rank(
        [measured("A", [30.0, 31.0]), measured("B", [32.0, 33.0])],
        track,
        values=values,
        columns=["runtime", "lpips", "psnr"],
    )
    note = "‡ LPIPS, Runtime: marked values were not measured. Source: the table of values v.csv."
    for text in (to_text(make_table(ranking)), render_leaderboard(ranking, "md")):
        assert note in text
        assert "1.500‡" in text.replace("*", "")
        assert text.count("‡") == 4, "three cells and the note; PSNR was measured"
    assert render_leaderboard(ranking, "tex").count(r"\ddagger") == 3
    assert r"\ddag{} LPIPS, Runtime" in render_leaderboard(ranking, "tex")
    lines = list(csv.DictReader(io.StringIO(render_leaderboard(ranking, "csv"))))
    assert [line["not_measured"] for line in lines] == ["runtime lpips", "runtime"]
    document = json.loads(render_leaderboard(ranking, "json"))
    assert note in document["notes"]
    assert document["rows"][1]["not_measured"] == {"runtime": "the table of values v.csv"}
    assert ranking.to_frame()["not_measured"].tolist() == ["runtime lpips", "runtime"]
    se.write_leaderboards([ranking], tmp_path / "site")
    index, board = (tmp_path / "site" / name for name in ("index.html", "own/index.html"))
    for page in (index, board, *(tmp_path / "site" / "own" / "teams").glob("*.html")):
        text = page.read_text(encoding="utf-8")
        assert "Not measured; see the notes" in text, page
        assert "marked values were not measured" in text, page


def test_a_formula_of_given_values_is_marked_and_a_hidden_column_is_told(tmp_path: Path) -> None:
    track = score_track(tmp_path, "psnr / runtime", columns=RUNTIME)
    values = write(tmp_path / "v.csv", "team,runtime\nA,1.5\n")
    ranking = se.rank([measured("A", [30.0]), measured("B", [31.0])], track, values=values, columns=["score", "psnr"])
    assert rows_of(ranking)["A"].entry.joined["score"] == "computed from Runtime"
    text = to_text(make_table(ranking))
    assert "‡ score: marked values were not measured. Source: computed from Runtime." in text
    assert "‡ Runtime (not shown): marked values were not measured." in text


def test_a_given_value_does_not_compete_with_measured_ones(tmp_path: Path) -> None:
    """A and B were measured with LPIPS; C hands in a table."""
    track = track_of(tmp_path, '[ranking]\ncriteria = [{ metric = "psnr" }]\norder_by = ["rank(psnr)"]\n')
    values = write(tmp_path / "v.csv", "team,lpips\nC,0.001\nD,0.002\n")
    results = [measured(team, [psnr], lpips=lpips) for team, psnr, lpips in (("A", 33.0, 0.2), ("B", 32.0, 0.3))]
    results += [measured("C", [31.0]), measured("D", [30.0])]
    table = make_table(se.rank(results, track, values=values, columns=["psnr", "lpips"]))
    assert [line.cells[1].emphasis for line in table.lines] == ["best", "second", "best", "second"]
    assert "the rows of the same kind (measured, given)" in table.legend


@pytest.mark.filterwarnings("ignore:.*no entry has this name")
def test_a_result_s_own_values_and_rows_without_results_have_no_mark(tmp_path: Path) -> None:
    track = track_of(tmp_path, RUNTIME + BY_RUNTIME)
    values = write(tmp_path / "v.csv", "team,psnr,runtime\nA,30.5,\nC,,2\n")
    ranking = se.rank([measured("A", [30.0, 31.0])], track, values=values, columns=["runtime", "psnr"])
    assert all(not row.entry.joined for row in ranking.rows)
    assert "‡" not in to_text(make_table(ranking))
    assert "not_measured" not in render_leaderboard(ranking, "csv").splitlines()[0]


@pytest.mark.parametrize("runtime", ["-5", "-0", "0"])
def test_an_impossible_runtime_is_refused(tmp_path: Path, runtime: str) -> None:
    track = track_of(tmp_path, RUNTIME + BY_RUNTIME)
    teams = write(tmp_path / "teams.csv", f"team,runtime\nA,{runtime}\nB,0.3\n")
    results = [measured("A", [30.0]), measured("B", [31.0])]
    with pytest.raises(RankingError, match=r"(?s)'A': runtime is -?[05]; a runtime is greater than 0") as caught:
        se.rank(results, track, teams=teams)
    assert "'B'" not in str(caught.value)
    with pytest.raises(RankingError, match="a runtime is greater than 0"):
        se.rank(results, track, values=write(tmp_path / "v.csv", f"team,runtime\nA,{runtime}\n"))


def test_a_declared_runtime_is_marked(tmp_path: Path) -> None:
    track = track_of(tmp_path, RUNTIME + BY_RUNTIME)
    teams = write(tmp_path / "teams.csv", "team,runtime\nA,0.4\nB,0.3\n")
    ranking = se.rank([measured("A", [30.0]), measured("B", [31.0])], track, teams=teams)
    told = "‡ Runtime: marked values were not measured. Source: the table of teams"
    assert told in to_text(make_table(ranking))


def test_csv_and_frame_say_which_rows_are_claims(tmp_path: Path) -> None:
    for team, value in (("A", 30.0), ("B", 31.0)):
        put(tmp_path / "board", measured(team, [value]))
    track = track_of(tmp_path, '[ranking]\ncriteria = [{ metric = "psnr" }]\norder_by = ["rank(psnr)"]\n')
    ranking = se.rank(tmp_path / "board", track)
    text = render_leaderboard(ranking, "csv")
    assert [line["evidence"] for line in csv.DictReader(io.StringIO(text))] == ["claim", "claim"]
    assert ranking.to_frame()["evidence"].tolist() == ["claim", "claim"]
    again = se.rank(table=write(tmp_path / "again.csv", text), track=track)
    assert [row.entry.origin for row in again.rows] == ["given", "given"]


# Baselines.


@pytest.mark.filterwarnings("ignore:only the published teams are ranked")
def test_own_rows_do_not_change_the_scores_of_a_publication(tmp_path: Path) -> None:
    head = "team,psnr_val,psnr_test,runtime_ms,params_m,flops_g\n"
    table = write(tmp_path / "own.csv", head + "Ours,27.0,27.1,5.0,0.1,8\n00_SPAN,27.0,27.1,50.0,0.151,9.8\n")
    before = se.rank(track="esr-2026", published="esr-2026")
    after = se.rank(track="esr-2026", published="esr-2026", table=table)

    def published(ranking: se.Ranking) -> list[tuple[Any, ...]]:
        rows = [row for row in ranking.rows if row.entry.origin == "published"]
        return sorted((row.entry.team, row.place or 0, tuple(row.entry.values.items())) for row in rows)

    assert published(after) == published(before)
    own = {row.entry.team: row.entry.values for row in after.rows if row.entry.origin == "given"}
    alone = {row.entry.team: row.entry.values for row in se.rank(track="esr-2026", table=table).rows}
    assert own == alone, "own rows read their own baseline"


def test_a_participant_cannot_take_the_baseline_s_name(tmp_path: Path) -> None:
    track = score_track(tmp_path, "psnr - baseline(psnr)", before='baseline = "EFDN"\n')
    results = [measured("A", [30.0, 31.0]), measured("ＥＦＤＮ", [20.0, 20.0])]
    with pytest.raises(RankingError, match=r"name of the baseline of track own.*If it is the baseline"):
        se.rank(results, track)
    ranked = se.rank([results[0], measured("EFDN", [20.0, 20.0], kind="baseline")], track)
    assert rows_of(ranked)["A"].entry.values["score"] == 10.5


def test_a_baseline_with_other_settings_gives_no_scores(tmp_path: Path) -> None:
    track = score_track(tmp_path, "max(0, psnr - baseline(psnr))", before='baseline = "EFDN"\n')
    a, b = measured("A", [30.0, 31.0]), measured("B", [32.0, 33.0])
    other = measured("EFDN", [40.0, 40.0], kind="baseline", border=4)
    rows = rows_of(se.rank([a, b, other], track, signature=a.signature.id))
    for team in ("A", "B"):
        assert rows[team].entry.values["score"] is None
        assert "the baseline 'EFDN' was measured with other settings" in (rows[team].why_unranked or "")


# Formulas.


@pytest.mark.parametrize("formula", ["sqrt(psnr - 20)", "log(psnr - 20)"])
def test_an_image_without_a_value_cannot_be_lost(tmp_path: Path, formula: str) -> None:
    track = score_track(tmp_path, formula, of="images")
    ranking = se.rank([measured("A", [30.0] * 4), measured("B", [34.0, 34.0, 8.0, 8.0])], track)
    rows = rows_of(ranking)
    assert rows["A"].place == 1
    assert rows["B"].place is None
    assert "score" not in rows["B"].intervals
    assert "the formula gives no number for 2 images" in (rows["B"].why_unranked or "")


def test_a_derived_column_that_has_values_is_not_told_as_empty(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    track = score_track(tmp_path, "sqrt(psnr)", of="images")
    ranking = se.rank([measured("A", [30.0, 31.0])], track, columns=["score", "psnr"])
    assert ranking.rows[0].entry.values["score"] is not None
    assert "no entry has a value" not in capsys.readouterr().err


# Names of columns, and keys of documents.


def test_a_field_of_the_teams_does_not_take_the_place_of_a_column(tmp_path: Path) -> None:
    track = track_of(tmp_path, RUNTIME + 'date = { better = "lower" }\n' + BY_RUNTIME)
    values = write(tmp_path / "v.csv", "team,runtime,date\nA,1.5,3\n")
    teams = write(tmp_path / "teams.csv", "team,runtime,date\nA,7,2026-11-21\n")
    ranking = se.rank([measured("A", [30.0, 31.0])], track, values=values, teams=teams, columns=["runtime", "date"])
    frame, text = ranking.to_frame(), render_leaderboard(ranking, "csv")
    header = text.splitlines()[0].split(",")
    assert len(set(header)) == len(header)
    assert list(frame.columns) == header
    assert frame.loc[0, ["runtime", "date", "about_runtime", "about_date"]].tolist() == [1.5, 3.0, "7", "2026-11-21"]
    (again,) = se.rank(table=write(tmp_path / "again.csv", text), track=track).rows
    assert (again.entry.values["runtime"], again.entry.about["runtime"]) == (1.5, "7")


@pytest.mark.parametrize(
    "id_", ["values", "about", "track", "not_measured", "place_second", "about_runtime", "final_rank_low"]
)
def test_a_column_cannot_have_the_name_of_a_key(tmp_path: Path, id_: str) -> None:
    with pytest.raises(TrackError, match=id_):
        track_of(tmp_path, f'[columns]\n{id_} = {{ better = "lower" }}\n' + BY_RUNTIME.replace("runtime", id_))


def test_a_claim_cannot_take_the_columns_of_a_frame(tmp_path: Path) -> None:
    track_of(tmp_path, BY_RUNTIME.replace("runtime", "psnr"))
    (tmp_path / "own").mkdir()
    (tmp_path / "own.toml").rename(tmp_path / "own" / "track.toml")
    put(tmp_path, measured("A", [30.0]))
    path = put(tmp_path, measured("B", [31.0]))
    document = json.loads(path.read_text(encoding="utf-8"))
    for values in (document["summary"], document["images"][0], document["images"][0]["samples"][0]):
        values |= {key: 1.0 for key in ("track", "images_", "complete") if key not in values}
    document["summary"] |= {"team": 1.0, "signature": 2.0, "images": 3.0}
    path.write_text(json.dumps(document), encoding="utf-8")
    frame = se.load_board(tmp_path).to_frame()
    assert frame["team"].tolist() == ["A", "B"]
    assert frame["track"].tolist() == ["own", "own"]
    assert frame["images"].tolist() == [1, 1]
    forged = next(result for result in se.load_board(tmp_path).results("own") if result.team == "B")
    assert forged.to_frame()["track"].tolist() == ["own"]


# Entries that a program makes.


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (Entry("A", "Team", {"diversity": 30.0}, "given"), "kind is 'Team'"),  # type: ignore[arg-type]
        (Entry("A", "team", {"diversity": 30.0}, "Published"), "origin is 'Published'"),  # type: ignore[arg-type]
        (Entry("A", "team", {"diversity": 10**400}, "given"), "give a number"),
        (Entry("A", "team", {"diversity": "30"}, "given"), "diversity is '30'; give a number"),  # type: ignore[dict-item]
        (Entry("A", "team", {"diversity": 900.0, "mor": -1.0}, "given"), "diversity is 900"),
        (Entry("A", "team", {"lpips": -math.inf}, "given"), "lpips is -inf"),
    ],
)
def test_an_impossible_entry_is_refused(entry: Entry, said: str) -> None:
    with pytest.raises(RankingError, match=said):
        se.rank([Entry("B", "team", {"diversity": 20.0}, "given"), entry], "x4")


# Settings and intervals.


def test_another_crop_than_the_track_s_is_told(tmp_path: Path) -> None:
    track = track_of(tmp_path, '[ranking]\ncriteria = [{ metric = "psnr" }]\norder_by = ["rank(psnr)"]\n')
    told = "The results were measured with crop 8. The track asks for crop 4: score the submissions again."
    assert told in se.rank([measured("A", [30.0], crop=8)], track).notes
    assert not any("crop" in note for note in se.rank([measured("A", [30.0])], track).notes if "asks" in note)


@pytest.mark.parametrize("images", [2, 3, 5, 8])
def test_the_coverage_of_few_images_is_the_told_one(images: int) -> None:
    plan, trials = BootstrapPlan(replicates=500), 4000
    values = np.random.default_rng(images).normal(0, 1, (trials, images))
    low, high = interval(resampled_means(values, draw_counts(images, plan)), plan.level)
    held = float(((low <= 0) & (high >= 0)).mean())
    assert held == pytest.approx(coverage(images), abs=0.03)


def test_few_images_are_told_with_their_coverage(tmp_path: Path) -> None:
    track = track_of(tmp_path, '[ranking]\ncriteria = [{ metric = "psnr" }]\norder_by = ["rank(psnr)"]\n')
    rng = np.random.default_rng(0)
    few, many = (
        se.rank([measured(team, rng.normal(30, 1, n).tolist()) for team in "AB"], track).notes for n in (3, 15)
    )
    assert any("of 3 images held the true mean in only about 75%" in note for note in few)
    assert not any("Few images" in note for note in many)
