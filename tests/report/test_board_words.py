"""What boards say: how many samples, what bold means, which value decides, from when and from where numbers are."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.inputs.boards import make_results, write_board, write_pictures
from srspace_eval import rank
from srspace_eval.errors import InputError, Notice, RankingError
from srspace_eval.ranking import Entry
from srspace_eval.ranking.model import Ranking
from srspace_eval.ranking.published_tables import load_published, published_tables
from srspace_eval.report.files import render_leaderboard, write_leaderboards
from srspace_eval.report.html import Pictures, write_site
from srspace_eval.report.html.charts import off_chart, plane
from srspace_eval.report.table import make_table
from srspace_eval.results.signature import Signature
from srspace_eval.tracks.reader import load_track
from srspace_eval.tracks.teams import Team
from tests.helpers.commands import run
from tests.helpers.pages import read

X4 = load_track("x4")


def _measured(samples: int, teams: int = 3) -> list[Entry]:
    results = make_results(X4, teams, 4, samples, seed=0)
    return [Entry(r.team, r.kind, r.summary, "measured", r) for r in results]


def test_a_board_of_two_samples_says_so_everywhere(tmp_path: Path) -> None:
    ranking = rank(_measured(2), X4)
    write_leaderboards([ranking], tmp_path)
    assert ranking.notes[0] == "The results have 2 samples per image. The track asks for 10."
    assert "† S_2: not comparable with the published numbers: 2 samples instead of 10." in make_table(ranking).notes()
    page = read(tmp_path / "x4/index.html")
    assert "2 samples for each image (the track asks for 10)" in page.text
    assert "S10" not in page.text
    assert "2 samples each" in read(tmp_path / "index.html").text
    for form in ("md", "tex"):
        text = (tmp_path / f"x4.{form}").read_text()
        assert "S₁₀" not in text
        assert "S_{10}" not in text
    assert rank(_measured(10), X4).departures == ()
    assert rank(_measured(10), X4).notes[0] != ranking.notes[0]


def test_other_settings_are_marked_without_published_rows() -> None:
    entries = [_with(entry, trunk="custom") for entry in _measured(10)]
    table = make_table(rank(entries, X4))
    assert {c.id: c.mark for c in table.columns if c.mark} == {"lpips": "†", "diversity": "†"}
    assert [note for note in table.notes() if "trunk custom" in note]


def _with(entry: Entry, **settings: str) -> Entry:
    assert entry.result is not None
    signature = entry.result.signature
    changed = {**signature.settings, "lpips": {**signature.settings["lpips"], **settings}}
    return replace(entry, result=replace(entry.result, signature=Signature(changed, signature.environment)))


def _lr_psnr(*values: float) -> list[str]:
    entries = [Entry(f"t{i}", "team", {"lr_psnr": value}, "given") for i, value in enumerate(values)]
    table = make_table(rank(entries, X4))
    number = next(i for i, column in enumerate(table.columns) if column.id == "lr_psnr")
    found = {line.row.entry.team: line.cells[number].emphasis for line in table.lines}
    return [found[f"t{i}"] for i in range(len(values))]


def test_values_on_the_plateau_are_bold_and_nothing_below_is_second() -> None:
    assert _lr_psnr(50.0, 46.0, 44.7, 30.0) == ["best", "best", "", ""]
    assert _lr_psnr(50.0, 44.7, 30.0) == ["best", "", ""]
    assert _lr_psnr(44.7, 44.0, 30.0) == ["best", "second", ""]
    assert _lr_psnr(50.0, 46.0) == ["", ""], "all are equal"


def test_the_caption_says_how_the_plateau_is_shown() -> None:
    ranking = rank(None, "x4", published="ntire2021")
    said = "LR-PSNR: all values at or above 45 dB rank alike, so all are bold and none is underlined."
    assert said in make_table(ranking).explain("bold", "underlined")
    assert said in render_leaderboard(ranking, "tex")
    assert r"\underline{44.70}" not in render_leaderboard(ranking, "tex")
    low = rank([Entry(n, "team", {"lr_psnr": v}, "given") for n, v in (("a", 30.0), ("b", 40.0), ("c", 41.0))], X4)
    assert "rank alike" not in make_table(low).explain("bold", "underlined")


def test_rules_are_told_with_the_columns_names_and_their_values_are_shown(tmp_path: Path) -> None:
    ranking = rank(None, "imagesr-x4-2026", published="imagesr-x4-2026")
    assert "Entries are ordered by the best of the ranks in HR-PSNR and Score, best (rank 1) first." in ranking.notes
    table = make_table(ranking)
    assert [column.label for column in table.columns][-2:] == ["Best rank", "Mean rank"]
    second = table.lines[1]
    assert [cell.text for cell in second.cells[-2:]] == ["2", "6"], "ranks 2 and 10"
    assert (second.row.ranks["psnr"], second.row.ranks["score"]) == (2.0, 10.0)
    assert [c.id for c in make_table(ranking, complete=True).columns][-1] == "final_rank", (
        "files for programs as before"
    )
    write_site(tmp_path, [ranking])
    assert "rank(psnr)" not in read(tmp_path / "imagesr-x4-2026/index.html").text


def test_measures_with_options_are_described_by_them() -> None:
    columns = load_track("imagesr-x4-2026").columns()
    assert columns["psnr"].description == (
        "PSNR between the sample and the GT on Y, 4 pixels cut off at each side, mean over samples."
    )
    assert columns["ssim"].description == (
        "Structural similarity to the GT on Y, 4 pixels cut off at each side, mean over samples."
    )
    plain = load_track("ntire2020-rwsr-1").columns()
    assert "spatial" not in plain["lpips"].description
    assert plain["ssim"].description == "Structural similarity to the GT with a uniform window, mean over samples."
    assert "over RGB" in load_track("x4").columns()["psnr"].description


@pytest.mark.parametrize("form", ["md", "tex"])
def test_what_holds_for_all_rows_is_said_once(form: str, tmp_path: Path) -> None:
    ranking = rank(None, "x4", published="ntire2021")
    text = render_leaderboard(ranking, form)
    assert text.count("not measured here") == 1
    write_site(tmp_path, [ranking])
    page = read(tmp_path / "x4/index.html")
    assert page.one("table", id="board").all("span", cls="published") == []
    assert len([li for li in page.all("li") if "not measured here" in li.text]) == 1
    assert "All numbers are published ones." in page.text
    assert "Numbers published in 2021, none measured here." in page.one("footer").text
    assert "published numbers, none measured here" in read(tmp_path / "index.html").text
    circles = read(tmp_path / "index.html").one("svg", cls="thumb").all("circle")
    assert circles
    assert all(circle.attributes.get("class") == "open" for circle in circles)


def test_published_rows_stand_in_their_own_order() -> None:
    ranking = rank(_measured(10), X4, with_published=["ntire2021", "durso2022-x4"])
    shown = [row.entry.team for row in ranking.rows if row.entry.origin == "published"]
    own = [row.entry.team for row in rank(None, "x4", published="ntire2021").rows]
    assert shown[: len(own)] == own
    assert own[0] == "Deepest"
    assert len(shown) == len(own) + len(load_published("durso2022-x4").rows)


def test_the_scatter_shows_what_the_boards_own_rows_have() -> None:
    entries = [
        replace(entry, values={"lr_psnr": 40.0 + i, "diversity": 10.0 + i}) for i, entry in enumerate(_measured(10))
    ]
    ranking = rank(entries, X4, with_published="ntire2021")
    assert plane(ranking) == ("lr_psnr", "diversity"), "the own rows have no LPIPS"
    assert off_chart(ranking) == []
    less = rank([*entries, Entry("half", "team", {"lr_psnr": 30.0}, "given")], X4, with_published="ntire2021")
    assert off_chart(less) == ["half"]


def test_dates_are_declared_and_shown_and_no_number_depends_on_them(tmp_path: Path) -> None:
    write_board(tmp_path / "board", make_results(X4, 2, 3, 2, seed=0))
    teams = [Team("Team 01", date="2026-03-01"), Team("Team 02", date="2026-03-04")]
    ranking = rank(tmp_path / "board", X4, teams=teams)
    assert ranking.date == "2026-03-04"
    assert rank(tmp_path / "board", X4, teams=teams, date="2026-04-01").date == "2026-04-01"
    assert _numbers(ranking) == _numbers(rank(tmp_path / "board", X4))
    write_leaderboards([ranking], tmp_path / "site")
    page = read(tmp_path / "site/x4/index.html")
    assert "2026-03-01" in page.one("table", id="board").text
    assert "Newest result: 2026-03-04" in page.one("footer").text
    assert "2026-03-01" in (tmp_path / "site/x4.csv").read_text()
    assert json.loads((tmp_path / "site/history.json").read_text())["entries"][0]["day"] == "2026-03-04"


def _numbers(ranking: Ranking) -> list[object]:
    return [(row.entry.team, row.entry.values, row.ranks, row.place) for row in ranking.rows]


@pytest.mark.parametrize("day", ["2026-02-30", "1.2.2026", "2026", "<b>"])
def test_a_date_is_a_day(day: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match="write a day such as 2026-11-21"):
        Team("a", date=day)
    with pytest.raises(RankingError, match="is not a day; write one such as 2026-11-21"):
        rank(None, "x4", published="ntire2021", date=day)
    assert run("rank", "--published", "ntire2021-x4", "--date", day) == 1
    assert "is not a day" in capsys.readouterr().err


def test_a_published_board_has_the_declared_day(tmp_path: Path) -> None:
    write_site(tmp_path, [rank(None, "x4", published="ntire2021", date="2021-06-19")])
    assert "Newest result: 2021-06-19" in read(tmp_path / "x4/index.html").one("footer").text
    assert all(table.year is not None for table in published_tables().values())


def test_the_history_leaves_out_what_nobody_has_a_value_of(tmp_path: Path) -> None:
    entries = [Entry(n, "team", {"lr_psnr": v, "diversity": v}, "given") for n, v in (("a", 30.0), ("b", 40.0))]
    write_site(tmp_path, [rank(entries, X4)])
    text = read(tmp_path / "history.html").text
    assert "LR-PSNR" in text
    assert "LPIPS" not in text
    assert "MOR" not in text


def test_unknown_submissions_of_the_viewer_name_the_table_of_teams(tmp_path: Path) -> None:
    gt, folders, results = write_pictures(tmp_path, make_results(X4, 2, 2, 2, seed=0))
    entries = [Entry(r.team, r.kind, r.summary, "measured", r) for r in results]
    pictures = Pictures(gt, {"team01": folders["Team 01"], "Team 02": folders["Team 02"]})
    with pytest.warns(Notice, match=r"give it here too \(teams=FILE.csv\); else write TEAM=PATH"):
        write_site(tmp_path / "site", [rank(entries, X4)], pictures={"x4": pictures})
