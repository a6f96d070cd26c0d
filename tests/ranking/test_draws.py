"""A study's resampled MORs, from its folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from srspace_eval.errors import RankingError
from srspace_eval.ranking import Entry
from srspace_eval.ranking.draws import draws_csv, read_draws
from srspace_eval.ranking.entries import add_mor

MOR = {"a": 1.25, 'b, "c"': 1.75}
DRAWS = [[1.0, 2.0], [1.5, 1.5], [1.25, 1.75]] * 20


def result(folder: Path, draws: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "MOR.csv").write_text('team,mor,mor_low,mor_high,n\na,1.25,1,1.5,4\n"b, ""c""",1.75,1.5,2,4\n')
    (folder / "MOR-draws.csv").write_text(draws, encoding="utf-8")
    return folder


def test_written_draws_are_read_back(tmp_path: Path) -> None:
    folder = result(tmp_path / "result", draws_csv(list(MOR), DRAWS))
    entries = [Entry(name, "team", {}, "given") for name in MOR]
    found, strangers = add_mor(entries, folder)
    assert strangers == []
    assert [e.values["mor"] for e in found] == [1.25, 1.75]
    assert [e.draws["mor"] for e in found] == [(1.0, 1.5, 1.25) * 20, (2.0, 1.5, 1.75) * 20]
    alone, _ = add_mor(entries, folder / "MOR.csv")
    assert [e.draws for e in alone] == [{}, {}]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not a study's draws"),
        ("a,b\n1,x\n", "not a study's draws"),
        ('"a', "not a study's draws"),
        (draws_csv(["a", "other"], DRAWS), "does not belong"),
        (draws_csv(["a", "a"], DRAWS), "does not belong"),
        (draws_csv(list(MOR), [[1.0, 2.0], [1.0]] * 30), "does not belong"),
        (draws_csv(list(MOR), [[1.0, 2.0], [1.2, float("nan")]] * 30), "does not belong"),
        (draws_csv(list(MOR), [[1.0, 2.0], [0.5, 2.5]] * 30), "does not belong"),
        (draws_csv(list(MOR), [[1.5, 1.5], [1.4, 1.6]] * 30), "does not belong"),
        (draws_csv(list(MOR), [[1.0, 2.0]]), "resampled studies is 1,"),
        (draws_csv(list(MOR), DRAWS[:49]), "resampled studies is 49,"),
    ],
)
def test_draws_of_another_study_are_refused(tmp_path: Path, text: str, said: str) -> None:
    folder = result(tmp_path / "result", text)
    with pytest.raises(RankingError, match=said) as caught:
        read_draws(folder / "MOR-draws.csv", MOR)
    assert "MOR-draws.csv" in str(caught.value)
    assert "study collect" in str(caught.value)


def test_a_folder_without_a_study_s_result_says_so(tmp_path: Path) -> None:
    with pytest.raises(RankingError, match=r"MOR\.csv"):
        add_mor([], tmp_path)
    result(tmp_path, "")
    (tmp_path / "MOR-draws.csv").unlink()
    with pytest.raises(RankingError, match=r"MOR-draws\.csv.*study collect"):
        add_mor([], tmp_path)
