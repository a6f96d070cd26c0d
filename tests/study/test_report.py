from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from srspace_eval.ranking import Entry
from srspace_eval.ranking.entries import add_mor
from srspace_eval.study.collect import compute_outcome
from srspace_eval.study.key import Key
from srspace_eval.study.options import CollectOptions
from srspace_eval.study.outcome import StudyOutcome
from srspace_eval.study.report import report_page, write_outcome
from tests.helpers.studies import METHODS, answer_document

Study = tuple[Path, Key]


@pytest.fixture
def outcome(study: Study, tmp_path: Path) -> StudyOutcome:
    _, key = study
    paths = [tmp_path / "r01.json", tmp_path / "<b>bad.json"]
    paths[0].write_text(json.dumps(answer_document(key, "r01", order=lambda m: [2, 0, 1][m])))
    return compute_outcome(paths, key)


class Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_the_mor_file_has_the_names_exactly_best_first(outcome: StudyOutcome, tmp_path: Path) -> None:
    write_outcome(outcome, tmp_path / "out")
    with (tmp_path / "out/MOR.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["team"], float(row["mor"]), row["n"]) for row in rows] == [
        ("gan<b>", 1.0, "6"),
        ("blur", 2.0, "6"),
        ("flow", 3.0, "6"),
    ]
    # One rater: no interval, no draws.
    assert {row["mor_low"] + row["mor_high"] for row in rows} == {""}
    assert (tmp_path / "out/MOR-draws.csv").read_text(encoding="utf-8").count("\n") == 1
    found, _ = add_mor([], tmp_path / "out")
    assert [(entry.values["mor"], entry.intervals, entry.draws) for entry in found] == [(m, {}, {}) for m in (1, 2, 3)]
    assert "one rater does not show" in report_page(outcome)
    names = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert names == ["MOR-draws.csv", "MOR.csv", "plotly.min.js", "report.html", "study.json"]


def test_rank_takes_the_folder_with_its_draws(study: Study, tmp_path: Path) -> None:
    _, key = study
    paths = [tmp_path / f"{rater}.json" for rater in key.raters]
    for path, order in zip(paths, ([2, 0, 1], [0, 2, 1]), strict=True):
        path.write_text(json.dumps(answer_document(key, path.stem, order=lambda m, order=order: order[m])))
    outcome = compute_outcome(paths, key, CollectOptions(draws=500))
    write_outcome(outcome, tmp_path / "out")
    entries, strangers = add_mor([Entry(name, "team", {}, "given") for name in METHODS], tmp_path / "out")
    assert strangers == []
    draws = np.array([entry.draws["mor"] for entry in entries]).T
    assert draws.shape == (500, 3)
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    np.testing.assert_allclose(low, outcome.intervals.low, atol=1e-4)
    np.testing.assert_allclose(high, outcome.intervals.high, atol=1e-4)
    assert np.all(draws.std(axis=0)[:2] > 0)


def test_the_mor_file_keeps_names_with_quotes_formulas_and_overrides(study: Study, tmp_path: Path) -> None:
    _, key = study
    paths = [tmp_path / f"{rater}.json" for rater in key.raters]
    for path, order in zip(paths, ([2, 0, 1], [0, 2, 1]), strict=True):
        path.write_text(json.dumps(answer_document(key, path.stem, order=lambda m, order=order: order[m])))
    outcome = compute_outcome(paths, key)
    names = ('a,"b"', "x;=cmd()", "é\u202e名")
    write_outcome(replace(outcome, rankings=replace(outcome.rankings, methods=names)), tmp_path)
    with (tmp_path / "MOR.csv").open(newline="", encoding="utf-8") as file:
        assert {row["team"] for row in csv.DictReader(file)} == {'a,"b"', "x;'=cmd()", "é\\u202e名"}
    found, _ = add_mor([], tmp_path)
    assert {entry.team for entry in found if entry.draws["mor"]} == set(names)


def test_the_document_is_strict_json_with_every_number(outcome: StudyOutcome, tmp_path: Path) -> None:
    write_outcome(outcome, tmp_path)
    document = json.loads((tmp_path / "study.json").read_text(), parse_constant=pytest.fail)
    assert document["format"] == "srspace-eval/study-result/1"
    assert [m["team"] for m in document["methods"]] == ["gan<b>", "blur", "flow"]
    assert document["kendall_w"] == {"raters": None, "crops": None}  # undefined for one rater
    assert document["friedman"]["blocks"] == 6
    assert len(document["pairs"]) == 3
    assert document["rejected"][0]["reason"] == "there is no such file"


def test_the_page_shows_names_as_text_and_needs_nothing_from_outside(outcome: StudyOutcome) -> None:
    page = report_page(outcome)
    tags = Tags(page).tags
    assert "<bdi>gan&lt;b&gt;</bdi>" in page
    assert "gan<b>" not in page
    assert "&lt;b&gt;bad.json" in page
    assert [a["src"] for t, a in tags if t == "script" and "src" in a] == ["plotly.min.js"]
    assert not [a for t, a in tags if any(str(v).startswith(("http:", "https:", "//")) for v in a.values())]
    assert re.search(r'<td class="n">1\.000</td>', page)
    assert len([t for t, _ in tags if t == "b"]) == 1  # that of the legend


def test_a_second_collect_replaces_the_first(outcome: StudyOutcome, tmp_path: Path) -> None:
    write_outcome(outcome, tmp_path)
    first = {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.is_file() and p.suffix != ".json"}
    write_outcome(outcome, tmp_path)
    assert first == {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.is_file() and p.suffix != ".json"}


def test_page_and_charts_show_invisible_characters(outcome: StudyOutcome) -> None:
    names = ("evil\x1b[2J\u202etxt.exe", '<a href="javascript:x">&', "x" * 99)
    page = report_page(replace(outcome, rankings=replace(outcome.rankings, methods=names)))
    assert "\u202e" not in page
    assert "\x1b" not in page
    assert "<bdi>evil\\u001b[2J\\u202etxt.exe</bdi>" in page
    assert not [tag for tag, attributes in Tags(page).tags if "href" in attributes and tag == "a"]
    (figures,) = re.findall(r'id="figures">(.*?)</script>', page)
    labels = json.loads(figures)["mor"]["layout"]["yaxis"]["ticktext"]
    assert "evil\\u001b[2J\\u202etxt.exe" in labels
    assert '&lt;a href="javascript:x"&gt;&amp;' in labels
    assert ("x" * 21 + "…" + "x" * 10) in labels


def test_the_page_has_the_leaderboards_design(outcome: StudyOutcome) -> None:
    sheet = files("srspace_eval.report.html").joinpath("assets").joinpath("style.css").read_text(encoding="utf-8")
    page = report_page(outcome)
    assert sheet in page
    assert "#1f5ca3" not in page, "no colours of its own"


def test_the_report_says_what_the_mor_is_and_gives_the_shares_as_numbers(outcome: StudyOutcome) -> None:
    page = report_page(outcome)
    assert "is the mean of its ranks in all rankings. Lower is better." in page
    shares = page[page.index('id="shares"') : page.index('id="pairs"')]
    assert [f"rank {rank}" in shares for rank in (1, 2, 3, 4)] == [True, True, True, False]
    assert re.findall(r"(\d+) %", shares) == ["100", "0", "0", "0", "100", "0", "0", "0", "100"]
    regions = [
        attributes.get("aria-label") for tag, attributes in Tags(page).tags if attributes.get("role") == "region"
    ]
    assert None not in regions
    assert len(set(regions)) == len(regions) == 4
