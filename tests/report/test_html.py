"""The site as files: what stands in which page, and what does not."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest

from benchmarks.inputs.boards import make_results
from srspace_eval._utils.untrusted_text import slug
from srspace_eval.errors import RankingError
from srspace_eval.ranking import BootstrapPlan, Entry, rank
from srspace_eval.ranking.published_tables import load_published
from srspace_eval.report.html import write_site
from srspace_eval.results.record import Result
from srspace_eval.tracks.reader import load_track
from tests.helpers.pages import data_of, rank_of, read, table, value

HOSTILE = '<script>alert(1)</script>"&'
X8 = load_track("x8")


def _measured(results: list[Result], **mor: float) -> list[Entry]:
    return [Entry(r.team, r.kind, {**r.summary, "mor": mor.get(r.team)}, "measured", r, r.incomplete) for r in results]


def _write(out: Path, entries: list[Entry], *, plan: BootstrapPlan | None = None) -> Path:
    return write_site(out, [rank(entries, X8, bootstrap=plan)])


@pytest.mark.parametrize("track", ["x4", "x8"])
def test_published_ranks_are_the_brackets(tmp_path: Path, track: str) -> None:
    printed = load_published(f"ntire2021-{track}")
    write_site(tmp_path, [rank(printed.entries("as published"), load_track(track))])
    rows = table(read(tmp_path / track / "index.html"))
    assert len(rows) == len(printed.rows)
    compared = 0
    for row in printed.rows:
        cells = rows[row.team]
        for metric, label in (("lr_psnr", "LR-PSNR"), ("diversity", "S10"), ("mor", "MOR")):
            if metric in row.ranks:
                assert rank_of(cells[label]) == str(row.ranks[metric]), (row.team, metric)
                compared += 1
        final = "–" if row.final_rank is None else f"{row.final_rank:g}"
        assert value(cells["Mean rank"]) == final, row.team
        assert float(cells["LPIPS"].attributes["data-v"]) == row.values["lpips"]
    assert compared >= 15
    finals = sorted(row.final_rank for row in printed.rows if row.final_rank is not None)
    assert [value(cells["Mean rank"]) for cells in rows.values()][:5] == [f"{final:g}" for final in finals]
    places = [str(finals.index(final) + 1) for final in finals]  # 1, 2, 2, 4
    assert [value(cells["Place"]) for cells in rows.values()][:6] == [*places, "–"]
    assert list(next(iter(rows.values())))[:5] == ["Place", "Team", "Mean rank", "S10", "MOR"], (
        "what decides comes first"
    )


def test_cells_show_value_rank_interval_and_threshold(tmp_path: Path) -> None:
    results = make_results(X8, 12, 12, 4, seed=0)
    ranking = rank(_measured(results), X8, bootstrap=BootstrapPlan(replicates=200))
    write_site(tmp_path, [ranking])
    rows = table(read(tmp_path / "x8/index.html"))
    reached = []
    for row in ranking.rows:
        cell = rows[row.entry.team]["LR-PSNR"]
        measured = row.entry.values["lr_psnr"]
        assert measured is not None
        low, high = row.intervals["lr_psnr"]
        assert value(cell) == f"{measured:.2f}"
        assert rank_of(cell) == f"{row.ranks['lr_psnr']:g}"
        assert f"95% interval {low:.2f}–{high:.2f}" in cell.one("span", cls="interval").text
        assert bool(cell.all("span", cls="yes")) == (measured >= 45)
        assert bool(cell.all("span", cls="no")) == (measured < 45)
        assert len(cell.one("svg").all("line", cls="mark")) == 1
        reached.append(measured >= 45)
    assert len(set(reached)) == 2, "both sides of the threshold are tested"


def test_neighbours_are_named_as_the_ranking_says(tmp_path: Path) -> None:
    results = make_results(X8, 12, 6, 4, seed=5)
    ranking = rank(_measured(results), X8, bootstrap=BootstrapPlan(replicates=200))
    write_site(tmp_path, [ranking])
    rows = table(read(tmp_path / "x8/index.html"))
    by_rank = sorted(ranking.rows, key=lambda row: row.ranks["diversity"])
    seen = 0
    for row, following in pairwise(by_rank):
        ties = rows[row.entry.team]["S4"].all("span", cls="tie")
        if row.indistinguishable_from_next["diversity"]:
            assert following.entry.team in ties[0].text
            seen += 1
        else:
            assert ties == []
    assert 0 < seen < len(by_rank) - 1


def test_an_incomplete_submission_is_shown_with_its_reason(tmp_path: Path) -> None:
    results = make_results(X8, 3, 5, 2, seed=0, incomplete=1)
    _write(tmp_path, _measured(results))
    row = table(read(tmp_path / "x8/index.html"))["Team 03"]
    assert "1 of 5 images is missing: 0805" in row["Team"].text
    assert value(row["LPIPS"]) == "–"
    assert row["LPIPS"].attributes["data-v"] == ""
    page = read(tmp_path / f"x8/teams/{slug('Team 03')}.html")
    assert "Not ranked: 1 of 5 images is missing: 0805" in page.text


def test_published_rows_are_marked(tmp_path: Path) -> None:
    baselines = [e for e in load_published("ntire2021-x8", "x8").entries() if e.team == "SRFlow"]
    _write(tmp_path, [*_measured(make_results(X8, 2, 4, 2, seed=0)), *baselines])
    page = read(tmp_path / "x8/index.html")
    row = table(page)["SRFlow"]
    assert "published" in row["Team"].text
    assert "baseline" in row["Team"].text
    mark = row["Team"].one("a", cls="mark").attributes["href"].removeprefix("#")
    note = page.one("li", id=mark).text
    assert "published, not measured here" in note
    assert "Table 3" in note


def test_names_are_text_and_file_names_are_safe(tmp_path: Path) -> None:
    names = [HOSTILE, "con", "../../up", "a" * 400, "\u202eesrever", "index", "Same", "new\nline\x00", "{{ 7*7 }}"]
    results = make_results(X8, len(names), 3, 2, seed=0, names=names)
    _write(tmp_path / "site", _measured(results))
    assert {path.name for path in tmp_path.iterdir()} == {"site"}
    pages = sorted((tmp_path / "site").rglob("*.html"))
    assert len(pages) == 4 + len(names)
    for path in pages:
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,80}\.html", path.name)
        assert path.stem.lower() != "con"
        page = read(path)
        for script in page.all("script"):
            assert "src" in script.attributes or script.attributes == {"type": "application/json", "id": "data"}
        assert "\u202e" not in page.text
        assert not [e for e in page.all() if any(key.startswith("on") for key in e.attributes)]
    shown = table(read(tmp_path / "site/x8/index.html"))
    assert HOSTILE in shown
    assert "{{ 7*7 }}" in shown
    assert "\\u202eesrever" in shown
    points = data_of(read(tmp_path / "site/x8/index.html"))["scatter"]["points"]
    assert '&lt;script&gt;alert(1)&lt;/script&gt;"&amp;' in {point["name"] for point in points}


def test_everything_untrusted_in_a_record_is_escaped(tmp_path: Path) -> None:
    (result,) = make_results(X8, 1, 2, 2, seed=0)
    evil = "</script><img src=x onerror=alert(1)>"
    result = replace(
        result,
        notes=(evil,),
        provenance={evil: {evil: [evil]}},
        images=tuple(
            replace(image, image=evil + str(n), samples=tuple(replace(s, file=evil) for s in image.samples))
            for n, image in enumerate(result.images)
        ),
    )
    result = replace(result, signature=replace(result.signature, environment={evil: evil}))
    _write(tmp_path, _measured([result]))
    for path in tmp_path.rglob("*.html"):
        page = read(path)
        assert not page.all("img")
    page = read(next((tmp_path / "x8/teams").iterdir()))
    assert page.text.count(evil) >= 5


def test_deep_provenance_is_counted_instead_of_shown(tmp_path: Path) -> None:
    deep: dict[str, object] = {"bottom": 1}
    for _ in range(500):
        deep = {"in": deep}
    (result,) = make_results(X8, 1, 2, 2, seed=0)
    provenance = {"model": {"heat": 0.9, "exact": True}, "images": [{"a": 1}, {"b": 2}], "seeds": [1, 2], "deep": deep}
    _write(tmp_path, _measured([replace(result, provenance=provenance)]))
    page = read(next((tmp_path / "x8/teams").iterdir()))
    pairs = {dt.text: dd.text for dt, dd in zip(page.all("dt"), page.all("dd"), strict=True)}
    assert (pairs["model.heat"], pairs["model.exact"], pairs["images"]) == ("0.9", "yes", "2 entries")
    assert pairs["seeds"] == "1, 2"
    assert pairs["deep.in.in.in"] == "1 entry"


def test_curves_of_unequal_length_fill_up_with_nothing(tmp_path: Path) -> None:
    results = make_results(X8, 2, 3, 4, seed=0)
    short = replace(results[1], curves={"diversity_curve": results[1].curves["diversity_curve"][:2]})
    _write(tmp_path, _measured([results[0], short]))
    page = read(tmp_path / "x8/index.html")
    (chart,) = data_of(page)["curves"]
    assert {len(line["y"]) for line in chart["lines"]} == {4}
    numbers = page.one("table", cls="plain-table")
    assert {len(row.all("td")) for row in numbers.one("tbody").all("tr")} == {4}
    assert len(numbers.one("thead").all("th")) == 5


def test_nothing_points_outside_the_folder(tmp_path: Path) -> None:
    _write(tmp_path, _measured(make_results(X8, 3, 4, 2, seed=0)))
    for path in tmp_path.rglob("*.html"):
        page = read(path)
        policy = next(m for m in page.all("meta") if m.attributes.get("http-equiv") == "Content-Security-Policy")
        assert policy.attributes["content"].startswith("default-src 'none'; script-src 'self' file:;")
        for element in page.all():
            for key in ("href", "src"):
                link = element.attributes.get(key, "").split("#")[0]
                if link and not link.startswith("data:"):
                    assert (path.parent / link).resolve().is_relative_to(tmp_path.resolve()), link
                    assert (path.parent / link).is_file(), link
    for path in (tmp_path / "assets").iterdir():
        if path.suffix in (".css", ".js") and path.name != "plotly.min.js":
            assert "://" not in path.read_text(encoding="utf-8"), path.name


def test_the_same_rankings_give_the_same_bytes(tmp_path: Path) -> None:
    entries = _measured(make_results(X8, 4, 5, 3, seed=0))
    contents = []
    for name in ("one", "two"):
        _write(tmp_path / name, entries, plan=BootstrapPlan(replicates=100))
        contents.append({p.relative_to(tmp_path / name): p.read_bytes() for p in (tmp_path / name).rglob("*.*")})
    assert contents[0] == contents[1]


def test_pages_of_withdrawn_submissions_are_deleted_and_other_files_kept(tmp_path: Path) -> None:
    out = tmp_path / "site"
    entries = _measured(make_results(X8, 3, 3, 2, seed=0))
    _write(out, entries)
    mine = out / "x8/mine.html"
    outside = tmp_path / "outside.html"
    for path in (mine, outside):
        path.write_text("mine")
    (out / "assets/pages.txt").write_text((out / "assets/pages.txt").read_text() + "../outside.html\n")
    _write(out, entries[:2])
    assert sorted(p.stem for p in (out / "x8/teams").iterdir()) == sorted(slug(e.team) for e in entries[:2])
    assert mine.read_text() == outside.read_text() == "mine"


def test_numbers_from_a_table_need_no_records(tmp_path: Path) -> None:
    entries = [
        Entry("A", "team", {"lpips": 0.1, "lr_psnr": math.inf, "diversity": 20.0}, "given"),
        Entry("B", "team", {"lpips": None, "lr_psnr": 40.0, "diversity": None}, "given"),
    ]
    _write(tmp_path, entries)
    page = read(tmp_path / "x8/index.html")
    rows = table(page)
    assert list(rows["A"]) == ["Team", "S10", "LPIPS", "LR-PSNR"], "no column without a value, no empty final rank"
    assert value(rows["A"]["LR-PSNR"]) == "∞"
    assert rows["A"]["LR-PSNR"].attributes["data-v"] == "Infinity"
    assert value(rows["B"]["LPIPS"]) == "–"
    assert "from a table of numbers" in page.one("section", id="notes").text
    assert data_of(page)["curves"] == []
    assert not (tmp_path / "x8/teams").exists()


def test_a_board_without_any_number_gives_a_page(tmp_path: Path) -> None:
    results = make_results(X8, 2, 3, 2, seed=0, incomplete=2)
    _write(tmp_path, _measured(results))
    page = read(tmp_path / "x8/index.html")
    assert len(table(page)) == 2
    assert data_of(page) == {"scatter": None, "curves": []}
    assert "No complete submission yet" in read(tmp_path / "index.html").text


def test_undefined_and_infinite_values_of_images(tmp_path: Path) -> None:
    (result,) = make_results(X8, 1, 3, 2, seed=0)
    first = replace(
        result.images[0],
        values={**result.images[0].values, "diversity": None, "lr_psnr": math.inf},
        curves={"diversity_curve": (None, None)},
    )
    _write(tmp_path, _measured([replace(result, images=(first, *result.images[1:]))]))
    page = read(next((tmp_path / "x8/teams").iterdir()))
    row = page.one("table", id="images").one("tbody").all("tr")[0]
    assert [cell.text for cell in row.all("td")].count("–") == 1
    assert [cell.text for cell in row.all("td")].count("∞") == 1
    strips = {strip["metric"]: strip for strip in data_of(page)["strips"]}
    assert len(strips["diversity"]["values"]) == len(strips["lr_psnr"]["values"]) == 2
    assert len(strips["lpips"]["values"]) == 3


def test_growth_is_the_mean_and_the_quartiles_over_images(tmp_path: Path) -> None:
    (result,) = make_results(X8, 1, 4, 2, seed=0)
    images = tuple(
        replace(image, curves={"diversity_curve": (0.0, float(10 * n))}) for n, image in enumerate(result.images)
    )
    _write(tmp_path, _measured([replace(result, images=images)]))
    (chart,) = data_of(read(next((tmp_path / "x8/teams").iterdir())))["growth"]
    assert (chart["mean"], chart["low"], chart["high"]) == ([0.0, 15.0], [0.0, 7.5], [0.0, 22.5])


def test_best_and_worst_images(tmp_path: Path) -> None:
    (result,) = make_results(X8, 1, 8, 2, seed=0)
    _write(tmp_path, _measured([result]))
    page = read(next((tmp_path / "x8/teams").iterdir()))
    order = sorted(result.images, key=lambda image: image.values["lpips"] or 0)
    for label, images in (("Best", order[:3]), ("Worst", order[:-4:-1])):
        block = page.one("div", cls="extremes").parts
        lpips = next(p for p in block if not isinstance(p, str) and "LPIPS" in p.all("h3")[0].text)
        lists = dict(zip([h.text for h in lpips.all("h4")], lpips.all("ol"), strict=True))
        assert [li.all("bdi")[0].text for li in lists[label].all("li")] == [image.image for image in images]


def test_two_tracks_of_one_name_do_not_share_pages(tmp_path: Path) -> None:
    entries = _measured(make_results(X8, 1, 2, 2, seed=0))
    shouted = replace(X8, name="X8", title="Another")
    write_site(tmp_path, [rank(entries, X8), rank(entries, shouted)])
    assert (tmp_path / "x8/index.html").is_file()
    assert (tmp_path / "X8-2/index.html").is_file()


def test_nothing_to_write_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RankingError, match="no track to write"):
        write_site(tmp_path, [])


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RankingError, match="file"):
        _write(tmp_path / "file", _measured(make_results(X8, 1, 2, 2, seed=0)))


def test_the_site_is_written_without_torch(tmp_path: Path) -> None:
    code = "import sys, srspace_eval.report.html; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False).returncode == 0


def test_without_lpips_the_scatter_shows_consistency(tmp_path: Path) -> None:
    results = make_results(load_track("x8-2022"), 3, 4, 2, seed=0)
    entries = [
        replace(entry, values={key: entry.values[key] for key in ("lr_psnr", "diversity_mse")})
        for entry in _measured(results)
    ]
    write_site(tmp_path, [rank(entries, load_track("x8-2022"))])
    page = read(tmp_path / "x8-2022/index.html")
    chart = data_of(page)["scatter"]
    assert (chart["x"], chart["y"]) == ("LR-PSNR (dB) ↑", "<i>S</i><sub>2</sub> (MSE)† (%) ↑")
    assert "LR-PSNR to the right (higher is better)" in page.text
    assert "the best place is top right" in page.text
    assert "LR-PSNR ↑" in read(tmp_path / "index.html").one("svg", cls="thumb").text


@pytest.mark.parametrize("measured", [True, False])
def test_a_long_name_is_cut_from_view_with_a_page_or_without(tmp_path: Path, measured: bool) -> None:
    entries = _measured(make_results(X8, 2, 3, 2, seed=0, names=("a" * 300, "short")))
    if not measured:
        entries = [Entry(e.team, e.kind, e.values, "given") for e in entries]
    _write(tmp_path, entries)
    for page in (tmp_path / "index.html", tmp_path / "x8/index.html"):
        rows = read(page).all("tbody")[0].all("th")
        classes = {bdi.text: bdi.attributes.get("class", "").split() for row in rows for bdi in row.all("bdi")[:1]}
        assert "cut" in classes["a" * 300], page
        assert "cut" not in classes["short"], page


def test_notes_have_true_subscripts(tmp_path: Path) -> None:
    _write(tmp_path, _measured(make_results(X8, 2, 3, 2, seed=0)))
    notes = read(tmp_path / "x8/index.html").one("section", id="notes").all("li")
    (note,) = (note for note in notes if note.text.startswith("There is no final rank yet: it needs MOR and S2."))
    assert [sub.text for sub in note.all("sub")] == ["2", "2"]


def test_the_studys_report_is_linked(tmp_path: Path) -> None:
    report = tmp_path / "my opinions/report.html"
    report.parent.mkdir()
    report.touch()
    ranking = rank(_measured(make_results(X8, 2, 3, 2, seed=0)), X8)
    write_site(tmp_path / "site", [ranking], study_report=report)
    page = tmp_path / "site/x8/index.html"
    links = {link.text: link.attributes["href"] for link in read(page).one("nav", cls="jump").all("a")}
    assert links["The human study"] == "../../my%20opinions/report.html"
    assert (page.parent / unquote(links["The human study"])).resolve() == report.resolve()
    write_site(tmp_path / "site", [ranking], study_report="https://example.org/study")
    assert read(page).one("nav", cls="jump").all("a")[-1].attributes["href"] == "https://example.org/study"
    write_site(tmp_path / "site", [ranking])
    assert "The human study" not in read(page).text
    for wrong in ("javascript:alert(1)", str(tmp_path / "nothing.html")):
        with pytest.raises(RankingError, match="neither a file nor an address"):
            write_site(tmp_path / "other", [ranking], study_report=wrong)
    assert not (tmp_path / "other").exists()
