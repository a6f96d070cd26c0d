"""Entries from a board, from a CSV table, from a study; and what is wrong with them, all at once."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.inputs.boards import make_results, write_board
from srspace_eval.errors import RankingError, ResultsError
from srspace_eval.ranking import Entry, rank
from srspace_eval.ranking.entries import add_mor, board_entries, table_entries
from srspace_eval.ranking.published_tables import load_published
from srspace_eval.results.record import ImageRecord, Result
from srspace_eval.results.signature import Signature
from srspace_eval.results.store import result_path, write_result
from srspace_eval.tracks.reader import load_track

X4 = load_track("x4")


def table(tmp_path: Path, text: str, name: str = "teams.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode("utf-8"))
    return path


def test_a_board_gives_measured_entries(tmp_path: Path) -> None:
    results = make_results(X4, 3, 4, 2, 0, incomplete=1)
    write_board(tmp_path, results)
    entries = board_entries(tmp_path, X4)
    assert [e.team for e in entries] == ["Team 01", "Team 02", "Team 03"]
    assert entries[0].values == results[0].summary
    assert entries[0].result == results[0]
    assert entries[2].incomplete == ("1 of 4 images is missing: 0804",)
    assert rank(entries, X4).rows[-1].why_unranked == "incomplete: 1 of 4 images is missing: 0804"


def test_two_boards_copied_together_are_one(tmp_path: Path) -> None:
    results = make_results(X4, 6, 5, 2, 0)
    write_board(tmp_path / "a", results[:4])
    write_board(tmp_path / "b", results[4:])
    write_board(tmp_path / "whole", results)
    shutil.copytree(tmp_path / "b", tmp_path / "a", dirs_exist_ok=True)
    whole = rank(board_entries(tmp_path / "whole", X4), X4)
    assert rank(board_entries(tmp_path / "a", X4), X4) == whole
    assert len(whole.rows) == 6


def test_one_team_in_two_files_is_an_error_that_names_both(tmp_path: Path) -> None:
    results = make_results(X4, 2, 3, 2, 0, names=["Deepest", "other"])
    write_board(tmp_path, results)
    copy = result_path(tmp_path, "x4", "copied")
    write_result(copy, replace(results[0], team="deepest"))
    with pytest.raises(RankingError, match="there twice") as caught:
        board_entries(tmp_path, X4)
    original = result_path(tmp_path, "x4", "Deepest")
    assert caught.value.problems == (f"{original} ('Deepest') and {copy} ('deepest')",)


def test_a_summary_that_contradicts_its_images_is_an_error(tmp_path: Path) -> None:
    results = make_results(X4, 2, 3, 2, 0, names=["honest", "edited"])
    summary = {**results[1].summary, "lpips": 0.001}
    write_board(tmp_path, [results[0], replace(results[1], summary=summary)])
    with pytest.raises(RankingError, match="score these again") as caught:
        board_entries(tmp_path, X4)
    (problem,) = caught.value.problems
    assert "edited.json: summary.lpips is 0.001" in problem


@pytest.mark.parametrize(
    ("metric", "words"), [("diversity", "its curve ends in another value"), ("lpips", "the mean of its samples")]
)
def test_an_image_that_contradicts_its_samples_is_an_error(tmp_path: Path, metric: str, words: str) -> None:
    honest, edited = make_results(X4, 2, 3, 2, 0, names=["honest", "edited"])
    images = tuple(replace(image, values={**image.values, metric: 99.0}) for image in edited.images)
    write_board(tmp_path, [honest, replace(edited, images=images, summary={**edited.summary, metric: 99.0})])
    with pytest.raises(RankingError, match="score these again") as caught:
        board_entries(tmp_path, X4)
    (about,) = (problem for problem in caught.value.problems if words in problem)
    assert about.endswith("(and 2 more like this)")


def _half(result: Result) -> Result:
    images = result.images[:2]
    means = {metric: sum(image.values[metric] or 0 for image in images) / 2 for metric in result.summary}
    return replace(result, images=images, summary=means)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_half, "2 images are there, 4 were to be measured"),
        (lambda r: replace(r, images=()), "0 images are there, 4 were to be measured"),
        (lambda r: replace(r, images=r.images[:3] + r.images[:1]), "image 0801 is there 2 times"),
        (lambda r: replace(r, images=(), signature=Signature({})), "0 images are there, some were"),
        (lambda r: replace(r, summary={**r.summary, "psnr": 40.0}), "summary.psnr is 40.0, the mean .* undefined"),
    ],
)
def test_a_summary_needs_every_image_once(tmp_path: Path, change: Callable[[Result], Result], words: str) -> None:
    honest, edited = make_results(X4, 2, 4, 2, 0, names=["honest", "edited"])
    honest, edited = (_of_four(result) for result in (honest, edited))
    write_board(tmp_path, [honest, change(edited)])
    with pytest.raises(RankingError, match=f"edited.json: .*{words}"):
        board_entries(tmp_path, X4)
    write_board(tmp_path, [honest, edited])
    assert len(board_entries(tmp_path, X4)) == 2


def _of_four(result: Result) -> Result:
    settings = result.signature.settings
    return replace(result, signature=Signature({**settings, "common": {**settings["common"], "images": 4}}))


def test_damaged_files_are_all_named(tmp_path: Path) -> None:
    (tmp_path / "x4").mkdir()
    for name in ("a", "b"):
        (tmp_path / "x4" / f"{name}.json").write_text("{", encoding="utf-8")
    with pytest.raises(ResultsError) as caught:
        board_entries(tmp_path, X4)
    assert len(caught.value.problems) == 2


def test_a_table(tmp_path: Path) -> None:
    path = table(
        tmp_path,
        "\ufeffteam,kind,lpips,lr_psnr,diversity,mor\r\n"
        "A,team,0.1,50.5,20,\r\n"
        '"B, the second",,0.2,,,\r\n'
        "\r\n"
        "GT,baseline,0,∞,,1.5\r\n",
    )
    a, b, gt = table_entries(path)
    assert a == Entry("A", "team", {"lpips": 0.1, "lr_psnr": 50.5, "diversity": 20.0, "mor": None}, "given")
    assert (b.team, b.kind, b.values["lr_psnr"]) == ("B, the second", "team", None)
    assert (gt.kind, gt.values["lr_psnr"], gt.values["mor"]) == ("baseline", math.inf, 1.5)


def test_every_fault_of_a_table_is_listed_with_its_line(tmp_path: Path) -> None:
    path = table(
        tmp_path,
        "team,kind,lpips,vmaf,diversity\n"
        "A,team,0.1,3,20\n"
        "A,team,0.1,3,20\n"
        ",team,0.1,3,20\n"
        "C,referee,0.1,3,20\n"
        'D,team,"0,1",3,nan\n'
        "E,team,0.1\n"
        "F,team,1_0,3,1e400\n",
    )
    with pytest.raises(RankingError) as caught:
        table_entries(path)
    assert caught.value.summary == f"{path}: the table cannot be used"
    assert [problem.split(" is ")[0].split(",")[0] for problem in caught.value.problems] == [
        "line 1: unknown column 'vmaf'; known are team",
        "line 3: 'A'",
        "line 4: no team name",
        "line 5: kind",
        "line 6: lpips",
        "line 6: diversity",
        "line 7: 3 cells under 5 columns",
        "line 8: lpips",
        "line 8: diversity",
    ]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "the column 'team' is missing"),
        ("team;lpips\nA;0.1\n", "the column 'team' is missing"),
        ("team,kind\nA,team\n", "no column of numbers"),
        ("team,lpips,lpips\nA,1,2\n", "'lpips' is there twice"),
        ('team,lpips\n"A,1\n', "not valid CSV"),
    ],
)
def test_a_file_that_is_not_a_table_is_an_error(tmp_path: Path, text: str, match: str) -> None:
    with pytest.raises(RankingError, match=match):
        table_entries(table(tmp_path, text))


def test_a_table_in_another_encoding_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "teams.csv"
    path.write_bytes("team,lpips\nÅ,0.1\n".encode("utf-16"))
    with pytest.raises(RankingError, match="UTF-8"):
        table_entries(path)


def test_a_study_adds_its_mor_and_nothing_else(tmp_path: Path) -> None:
    entries = [
        Entry("A", "team", {"lpips": 0.1, "mor": None}, "given"),
        Entry("B", "team", {"lpips": 0.2}, "given"),
        *load_published("ntire2021-x4").entries()[-3:],
    ]
    path = table(tmp_path, "team,mor,mor_low,mor_high,n\nA,2.5,2,3,90\nSRFlow,1.5,,,90\nB,,,,\n")
    merged, strangers = add_mor(entries, path)
    found = {(e.origin, e.team): e.values.get("mor") for e in merged}
    assert found[("given", "A")] == 2.5
    assert found[("given", "B")] is None
    assert found[("published", "SRFlow")] == 4.410
    assert found[("given", "SRFlow")] == 1.5
    assert strangers == ["SRFlow"]
    assert merged[-1].kind == "baseline"
    assert [e.intervals for e in merged[:2]] == [{"mor": (2.0, 3.0)}, {}]
    rows = {row.entry.team: row for row in rank(merged, X4).rows}
    assert rows["A"].intervals == {"mor": (2.0, 3.0)}
    assert [e.values.get("lpips") for e in merged[:2]] == [0.1, 0.2]


def test_faults_of_a_study_are_listed(tmp_path: Path) -> None:
    entries = [Entry("A", "team", {"mor": 2.0}, "given"), Entry("B", "team", {}, "given")]
    path = table(tmp_path, "team,mor\nA,2.5\nB,0.5\nC,x\n")
    with pytest.raises(RankingError) as caught:
        add_mor(entries, path)
    assert [p.partition(":")[0] for p in caught.value.problems] == ["line 2", "line 3", "line 4"]
    with pytest.raises(RankingError, match="mor_low is 3 and mor_high 2"):
        add_mor([], table(tmp_path, "team,mor,mor_low,mor_high\nA,2.5,3,2\n"))
    assert "already has the MOR 2" in caught.value.problems[0]


def _with_images(result: Result, change: Callable[[ImageRecord], ImageRecord]) -> Result:
    """The result with changed images, and a summary that is the mean of them."""
    images = tuple(change(image) for image in result.images)
    summary = {m: math.fsum(image.values[m] or 0 for image in images) / len(images) for m in result.summary}
    return replace(result, images=images, summary=summary)


def _set(**values: float) -> Callable[[ImageRecord], ImageRecord]:
    def change(image: ImageRecord) -> ImageRecord:
        curves = dict(image.curves)
        if "diversity" in values:
            curves["diversity_curve"] = (*curves["diversity_curve"][:-1], values["diversity"])
        return replace(image, values={**image.values, **values}, curves=curves)

    return change


def _negative_lpips(image: ImageRecord) -> ImageRecord:
    samples = tuple(replace(sample, values={**sample.values, "lpips": -0.5}) for sample in image.samples)
    return replace(image, values={**image.values, "lpips": -0.5}, samples=samples)


def _doubled(image: ImageRecord) -> ImageRecord:
    return replace(image, samples=(image.samples[0], image.samples[0]))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_set(diversity=55.0), "which its global and local best do not give"),
        (_set(diversity=150.0), "diversity is 150.0; only 0 to 100 is possible"),
        (_set(lpips_local_best=0.99), "lpips_local_best 0.99 is larger than"),
        (_negative_lpips, "lpips is -0.5; only 0 to inf is possible"),
        (_set(lr_psnr_worst=70.0), "lr_psnr_worst is 70.0, the worst of its samples"),
        (lambda image: replace(image, samples=image.samples[:2]), "2 samples are there, the signature states 3"),
        (_doubled, "a sample is there twice"),
    ],
)
def test_a_result_that_contradicts_itself_is_refused(
    tmp_path: Path, change: Callable[[ImageRecord], ImageRecord], words: str
) -> None:
    honest, edited = make_results(X4, 2, 2, 3, 0, names=["honest", "edited"])
    write_board(tmp_path, [honest, _with_images(edited, change)])
    with pytest.raises(RankingError) as caught:
        board_entries(tmp_path, X4)
    assert any("edited.json" in problem and words in problem for problem in caught.value.problems)
    assert not any("honest.json" in problem for problem in caught.value.problems)


def test_a_result_without_settings_is_refused(tmp_path: Path) -> None:
    (edited,) = make_results(X4, 1, 2, 3, 0, names=["edited"])
    write_board(tmp_path, [replace(edited, signature=Signature({}))])
    with pytest.raises(RankingError, match="states no settings"):
        board_entries(tmp_path, X4)
