"""What is compared in a table: best and second best of the same kind, columns that do not compare, a lone team."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.inputs.boards import make_results, write_pictures
from srspace_eval.ranking import Entry, Ranking, rank
from srspace_eval.ranking.published_tables import load_published
from srspace_eval.report.files import TEXT_FORMATS, render_leaderboard
from srspace_eval.report.html import Pictures, write_site
from srspace_eval.report.table import make_table
from srspace_eval.report.terminal import to_text
from srspace_eval.results.record import Result
from srspace_eval.results.signature import Signature
from srspace_eval.tracks.reader import load_track
from tests.helpers.pages import data_of, read

X4 = load_track("x4")
PUBLISHED = load_published("ntire2021-x4").entries()


def _emphasis(ranking: Ranking, column: str, word: str) -> set[str]:
    table = make_table(ranking)
    number = [c.id for c in table.columns].index(column)
    return {line.row.entry.team for line in table.lines if line.cells[number].emphasis == word}


def _given(team: str, lpips: float, kind: Any = "team") -> Entry:
    return Entry(team, kind, {"lpips": lpips, "diversity": 10.0 + lpips}, "given")


def test_a_better_baseline_is_the_best_and_the_gt_does_not_compete() -> None:
    rows = [_given("a", 0.3), _given("b", 0.2), _given("old", 0.1, "baseline"), _given("GT", 0.0, "baseline")]
    ranking = rank(rows, X4)
    assert _emphasis(ranking, "lpips", "best") == {"old"}
    assert _emphasis(ranking, "lpips", "second") == {"b"}
    said = "Best and second best of all rows, baselines included, without the GT"
    assert make_table(ranking).legend == said
    assert said in render_leaderboard(ranking, "md")


def test_values_that_look_equal_are_marked_alike() -> None:
    ranking = rank([_given("a", 0.10049), _given("b", 0.0995), _given("c", 0.2), _given("d", 0.2004)], X4)
    assert [line.cells[0].text for line in make_table(ranking).lines if line.row.entry.team in "ab"] == ["0.100"] * 2
    assert _emphasis(ranking, "lpips", "best") == {"a", "b"}
    assert _emphasis(ranking, "lpips", "second") == {"c", "d"}


def test_published_and_measured_numbers_have_a_best_each(tmp_path: Path) -> None:
    ranking = rank([*_measured(2, 100), *PUBLISHED], X4)
    worse = max(r.values["lpips"] or 0 for r in (row.entry for row in ranking.rows) if r.origin == "measured")
    assert worse > 0.11
    best = _emphasis(ranking, "lpips", "best")
    assert len(best) == 2
    assert "SSS" in best
    write_site(tmp_path, [ranking])
    caption = read(tmp_path / "x4/index.html").one("p", id="legend").text
    assert "of the rows of the same kind (measured, published), baselines included" in caption


def test_rows_of_other_settings_do_not_compete() -> None:
    one, two, third = make_results(X4, 3, 4, 2, 0)
    third = replace(third, signature=_with(third, lpips={"net": "vgg"}))
    entries = [Entry(r.team, r.kind, r.summary, "measured", r) for r in (one, two, third)]
    entries[2] = replace(entries[2], values={**third.summary, "lpips": 0.001})
    ranking = rank(entries, X4, signature=one.signature.id)
    assert third.team not in _emphasis(ranking, "lpips", "best")
    assert "without rows measured with other settings" in make_table(ranking).legend


@pytest.mark.parametrize("teams", [1, 2])
def test_a_lone_team_among_published_baselines_has_no_rank(teams: int) -> None:
    ranking = rank([*_measured(teams, 100), *PUBLISHED], X4)
    own = [row for row in ranking.rows if row.entry.origin == "measured"]
    assert [bool(row.ranks) for row in own] == [teams > 1] * teams
    if teams == 1:
        assert own[0].why_unranked == "it is the only team; published rows are not ranked"
        assert "no final rank: it is the only team" in render_leaderboard(ranking, "md")
        assert (own[0].place, own[0].final_rank) == (None, None)
        assert own[0].intervals, "its intervals do not need others"


def test_a_lone_team_without_published_rows_keeps_its_rank() -> None:
    assert rank([_given("a", 0.1)], X4).rows[0].ranks == {"diversity": 1.0}


def test_columns_that_do_not_compare_carry_a_mark_and_a_note_in_every_format(tmp_path: Path) -> None:
    """12 of 100 images for all; the trunk is custom for LPIPS and S_M alone."""
    changes = {"lpips": {"trunk": "custom"}, "common": {"samples": 10}}
    ranking = rank([*_measured(2, 12, **changes), *PUBLISHED], X4)
    table = make_table(ranking)
    assert {column.id: column.mark for column in table.columns} == {
        "lpips": "†", "lr_psnr": "††", "diversity": "†", "mor": "",
    }  # fmt: skip
    start = "not comparable with the published numbers"
    images = "other or unknown images (here 12; published on the challenge's 100 test images)"
    assert table.departures == (f"† LPIPS, S_10: {start}: {images}, trunk custom.", f"†† LR-PSNR: {start}: {images}.")
    for form in (*TEXT_FORMATS, "txt"):
        text = to_text(table) if form == "txt" else render_leaderboard(ranking, form)
        if form != "csv":  # for programs; it has no notes
            assert "100 test images), trunk custom" in text, form
            assert "measured with weights that are not torchvision's" in text.replace("\n", " "), form
        if form in ("md", "txt"):
            assert "LPIPS†" in text
    write_site(tmp_path, [ranking])
    page = read(tmp_path / "x4/index.html")
    assert [mark.text for mark in page.one("table", id="board").all("sup", cls="dagger")] == ["†", "†", "††"]
    assert "100 test images), trunk custom" in page.one("section", id="notes").text


def test_charts_previews_and_pages_of_images_carry_the_marks(tmp_path: Path) -> None:
    """The marks of the table's columns stand wherever their values are drawn or listed; published values have none."""
    results = [
        replace(r, signature=_with(r, lpips={"trunk": "custom"}, common={"samples": 10}))
        for r in make_results(X4, 2, 3, 10, 0, size=(40, 48))
    ]
    gt, folders, results = write_pictures(tmp_path / "in", results)
    results = [replace(r, signature=_with(r, lpips={"trunk": "custom"}, common={"samples": 10})) for r in results]
    entries = [Entry(r.team, r.kind, r.summary, "measured", r) for r in results]
    site = tmp_path / "site"
    write_site(site, [rank([*entries, *PUBLISHED], X4)], pictures={"x4": Pictures(gt, folders)})
    name = next((site / "x4/viewer").glob("[!c]*.html")).name

    track = read(site / "x4/index.html")
    charts = data_of(track)
    assert charts["scatter"]["x"] == "LPIPS† ↓"
    assert charts["scatter"]["y"] == "<i>S</i><sub>10</sub>† (%) ↑"
    assert [curve["y"] for curve in charts["curves"]] == ["<i>S</i><sub>n</sub>† (%) ↑"]
    hovers = {point["source"]: point["hover"] for point in charts["scatter"]["points"]}
    assert "LPIPS† 0." in hovers["measured"]
    assert "†" not in hovers["published"]
    captions = [caption.text for caption in track.one("section", id="charts").all("figcaption")]
    assert [text.count("† These values do not compare with the published ones") for text in captions] == [1, 1]

    index = read(site / "index.html")
    assert ["†" in text.text for text in index.one("svg", cls="thumb").all("text")] == [True, True]
    assert len(index.one("table", cls="leaders").all("sup", cls="dagger")) == 3

    page = read(site / "x4/teams" / name)
    strips = {strip["metric"]: strip["label"] for strip in data_of(page)["strips"]}
    assert strips["lpips"] == "LPIPS† ↓"
    assert strips["lr_psnr"] == "LR-PSNR†† (dB) ↑"
    assert [chart["y"] for chart in data_of(page)["growth"]] == ["<i>S</i><sub>n</sub>† (%) ↑"]
    assert [mark.text for mark in page.one("dl", cls="tiles").all("sup", cls="dagger")] == ["†", "†", "††"]
    assert "trunk custom" in page.all("p", cls="departure")[0].text

    images = read(site / "x4/images.html")
    marked = {
        part.attributes["data-metric"]: bool(part.all("sup", cls="dagger"))
        for part in images.all("section", cls="metric")
    }
    assert (marked["lpips"], marked["diversity"]) == (True, True)
    assert len(images.all("p", cls="departure")) == sum(marked.values())
    for viewer in (f"viewer/{name}", "viewer/compare.html"):
        shown = read(site / "x4" / viewer)
        assert "LPIPS† 0." in json.dumps(data_of(shown), ensure_ascii=False), viewer
        assert "trunk custom" in shown.all("p", cls="small")[-2].text, viewer


def test_another_trunk_is_noted_without_published_rows_too(tmp_path: Path) -> None:
    note = (
        "LPIPS, S_10: measured with weights that are not torchvision's (trunk custom). These values do not compare "
        "with published ones."
    )
    ranking = rank(_measured(2, 3, lpips={"trunk": "custom"}), X4)
    assert [one for one in ranking.notes if "torchvision" in one] == [note]
    write_site(tmp_path, [ranking])
    shown = note.replace("S_10", "S10")  # the number is a subscript
    assert shown in read(tmp_path / "x4/index.html").one("section", id="notes").text
    assert not [one for one in rank(_measured(2, 3), X4).notes if "torchvision" in one]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"lr_psnr": {"convention": "matlab"}}, {"lr_psnr": "convention matlab"}),
        ({"lpips": {"net": "vgg"}}, {"lpips": "net vgg", "diversity": "net vgg"}),
        ({"common": {"samples": 4}}, {"diversity": "4 samples instead of 10"}),
        ({}, {}),
    ],
)
def test_each_setting_marks_the_columns_that_depend_on_it(
    changes: dict[str, Any], said: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _declare_gt(monkeypatch)
    changes = {"common": {"samples": 10}, **changes}
    ranking = rank([*_measured(2, 100, **changes), *PUBLISHED], X4)
    assert {column: one.text for one in ranking.departures for column in one.columns} == said


def test_as_many_images_of_the_same_names_are_not_the_same_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the digest of the GT says that the images are the same: a published table may declare it."""
    measured = _measured(2, 100)
    unknown = rank([*measured, *PUBLISHED], X4).departures
    assert [one.columns for one in unknown] == [("lpips", "lr_psnr", "diversity")]
    assert unknown[0].text == "other or unknown images (here 100; published on the challenge's 100 test images)"
    _declare_gt(monkeypatch)
    assert rank([*measured, *PUBLISHED], X4).departures == ()
    _declare_gt(monkeypatch, "0" * 64)
    (other,) = rank([*measured, *PUBLISHED], X4).departures
    assert other.text == "other images (here 100; published on the challenge's 100 test images)"


def _declare_gt(monkeypatch: pytest.MonkeyPatch, digest: str | None = None) -> None:
    """Let the published table state the GT of the measured results, or another one."""
    own = make_results(X4, 1, 100, 2, 0)[0].signature.settings["common"]["gt"]
    declared = replace(load_published("ntire2021-x4"), gt_sha256=own if digest is None else digest)
    monkeypatch.setattr("srspace_eval.ranking.departures.table_of", lambda _: declared)


def test_without_published_numbers_in_a_column_nothing_is_marked() -> None:
    assert rank(_measured(2, 12), X4).departures == ()
    elsewhere = [replace(entry, values={"mor": 4.0}) for entry in PUBLISHED]
    assert rank([*_measured(2, 12), *elsewhere], X4).departures == ()


def _measured(teams: int, images: int, **changes: dict[str, Any]) -> list[Entry]:
    changes = {"common": {"samples": 10}, **changes}
    results = [replace(r, signature=_with(r, **changes)) for r in make_results(X4, teams, images, 2, 0)]
    return [Entry(r.team, r.kind, r.summary, "measured", r) for r in results]


def _with(result: Result, **changes: dict[str, Any]) -> Signature:
    settings = result.signature.settings
    return Signature({**settings, **{group: {**settings[group], **new} for group, new in changes.items()}})
