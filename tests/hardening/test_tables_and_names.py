"""Numbers in tables, names, and studies that would give a team a rank which it has not earned."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from benchmarks.inputs.boards import make_results
from benchmarks.inputs.submissions import small
from srspace_eval import Entry, rank
from srspace_eval.errors import InputError, Notice, RankingError, ResultsError
from srspace_eval.ranking.entries import add_mor, add_values, table_entries
from srspace_eval.ranking.ties_and_plateau import rounded
from srspace_eval.report.escaping import escape_markdown
from srspace_eval.results.documents import from_document, to_document
from srspace_eval.scoring.run import score
from srspace_eval.tracks.reader import load_track

X4 = load_track("x4")
HONEST = "team,lpips,lr_psnr,diversity,ssim,mor\nHonest,0.2,48,25,0.9,1.5\n"


def table(folder: Path, text: str, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Evil,0.1,50,inf,0.9,2", "diversity is inf; a finite number"),
        ("Evil,0.1,50,130,0.9,2", "diversity is 130; only 0 to 100 is possible"),
        ("Evil,0.1,50,-5,0.9,2", "diversity is -5; only 0 to 100 is possible"),
        ("Evil,-0.1,50,20,0.9,2", "lpips is -0.1; only 0 to inf is possible"),
        ("Evil,-inf,50,20,0.9,2", "lpips is -inf; a finite number"),
        ("Evil,0.1,50,20,1.2,2", "ssim is 1.2; only -1 to 1 is possible"),
        ("Evil,0.1,50,20,0.9,0.5", "mor is 0.5; only 1 to "),
        ("Evil,0.1,50,20,0.9,-inf", "mor is -inf; a finite number"),
    ],
)
def test_a_table_gives_no_value_that_no_measurement_gives(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(RankingError, match="the table cannot be used") as caught:
        table_entries(table(tmp_path, f"{HONEST}{line}\n"), X4)
    assert [problem for problem in caught.value.problems if words in problem]
    names, numbers = HONEST.splitlines()[0].split(","), line.split(",")
    for name, number in zip(names[1:], numbers[1:], strict=True):
        if f"{name} is" in words:
            with pytest.raises(RankingError, match="the table cannot be used"):
                add_values([], table(tmp_path, f"team,{name}\nEvil,{number}\n", "v.csv"), X4)


def test_an_infinite_psnr_of_a_table_is_possible(tmp_path: Path) -> None:
    (entry,) = table_entries(table(tmp_path, "team,lr_psnr\nA,inf\n"), X4)
    assert entry.values["lr_psnr"] == np.inf


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("A,2,3,1", "the lower end comes first"),
        ("A,5,1,2", "which is not from mor_low 1 to mor_high 2"),
        ("A,5,1,", "mor_high has none"),
    ],
)
def test_a_mor_lies_in_its_interval(tmp_path: Path, line: str, words: str) -> None:
    entries = [Entry("A", "team", {"lr_psnr": 50.0}, "given")]
    with pytest.raises(RankingError) as caught:
        add_mor(entries, table(tmp_path, f"team,mor,mor_low,mor_high\n{line}\n"))
    assert words in caught.value.problems[0]


@pytest.mark.parametrize("name", ["GT", "gt", "G\u200bT"])
def test_a_team_called_gt_does_not_get_the_opinion_of_the_gt(tmp_path: Path, name: str) -> None:
    entries = [Entry(name, "team", {"lr_psnr": 50.0, "diversity": 20.0}, "given")]
    entries += [Entry("A", "team", {"lr_psnr": 50.0, "diversity": 25.0}, "given")]
    study = table(tmp_path, f"team,mor\n{name},1\nA,2\n")
    with pytest.raises(RankingError, match="is the name of the ground truth"):
        rank(entries, "x4", mor=study)
    with pytest.warns(Notice, match="'GT': no entry has this name; shown as a baseline"):
        ranking = rank([Entry("A", "team", {"lpips": 0.1}, "given")], "x4", mor=table(tmp_path, "team,mor\nGT,1\nA,2"))
    assert [row.entry.kind for row in ranking.rows if row.entry.team == "GT"] == ["baseline"]


@pytest.mark.parametrize("name", ["\u200b", "\u2800", " \u3164\u00ad"])
def test_a_name_that_shows_nothing_is_no_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(RankingError) as caught:
        table_entries(table(tmp_path, f"team,diversity\n{name},50\nB,2\n"), X4)
    assert any("shows nothing" in problem or "no team name" in problem for problem in caught.value.problems)
    with pytest.raises(RankingError, match="no team name that can be seen"):
        rank([Entry(name, "team", {"diversity": 20.0}, "given")], "x4")
    document = to_document(make_results(X4, 1, 1, 2, 0)[0])
    with pytest.raises(ResultsError, match="shows nothing"):
        from_document({**document, "team": name}, "t.json")


def test_large_values_are_ranked_without_overflow() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = rounded([1e308, np.inf, -1e308, 0.1234567891])
    assert found.tolist() == [1e308, np.inf, -1e308, 0.123456789]


def test_github_shows_no_emoji_for_a_name() -> None:
    assert escape_markdown("a:tada:") == "a:<!-- -->tada:"
    assert escape_markdown(":+1: :e_mail:") == ":<!-- -->+1: :<!-- -->e\\_mail:"
    assert escape_markdown("note: x: y") == "note: x: y"


@pytest.mark.parametrize("name", ["\u200b", "\u2800", " \n"])
def test_no_submission_is_scored_under_a_name_that_shows_nothing(tmp_path: Path, name: str) -> None:
    folder = small(tmp_path)
    with pytest.raises(InputError, match="leaderboards cannot show this name"):
        score(folder / "sub", folder / "gt", track="x4", metrics=["lr_psnr"], samples=2, team=name, board=tmp_path)
