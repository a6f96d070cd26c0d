"""The ninth attack, results and rankings: dear formulas, keys of places, claims beside a chosen signature."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.inputs.boards import make_results
from srspace_eval._utils.notices import Notice
from srspace_eval._utils.untrusted_text import line_key, name_key, visible
from srspace_eval.errors import RankingError
from srspace_eval.ranking import derived, rule
from srspace_eval.ranking.entries import table_entries
from srspace_eval.ranking.leaderboard import rank
from srspace_eval.ranking.model import Entry
from srspace_eval.ranking.published_tables import load_published, published_tables
from srspace_eval.results.record import Result
from srspace_eval.results.signature import Signature
from srspace_eval.results.store import result_path, write_result
from srspace_eval.tracks.formula_words import formula_words
from srspace_eval.tracks.model import Track
from srspace_eval.tracks.reader import load_track
from tests.helpers.commands import run

X4 = load_track("x4")


OWN = 'name = "own"\ntitle = "Own"\nscale = 4\nsamples = 1\nmetrics = ["psnr"]\n'


def own_track(folder: Path, rules: str) -> Track:
    (folder / "own.toml").write_text(OWN + rules)
    return load_track(folder / "own.toml")


def own_result(
    team: str, settings: dict[str, Any], value: float = 30.0, track: str = "own", column: str = ""
) -> Result:
    """A result of one image with one column; empty: ``psnr``."""
    first = make_results(X4, 1, 1, 1, 0)[0]
    values = {column or "psnr": value}
    sample = replace(first.images[0].samples[0], values=values)
    image = replace(first.images[0], values=values, curves={}, samples=(sample,))
    groups = {"common": {"scale": 4, "samples": 1, "images": 1}, **settings}
    return replace(
        first, team=team, track=track, images=(image,), summary=values, curves={}, signature=Signature(groups)
    )


PLAIN = {"psnr": {"floor": "none"}}


def test_formulas_of_images_are_bounded_for_results_of_few_images(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    track = own_track(
        tmp_path,
        '[derived.d]\nbetter = "higher"\nformula = "psnr"\nof = "images"\n[ranking]\n'
        'criteria = [{ metric = "psnr" }]\n',
    )
    results = [own_result(name, PLAIN) for name in "ABC"]
    monkeypatch.setattr(derived, "MAX_WORK", 3000)
    assert len(rank(results, track, bootstrap=None).rows) == 3
    monkeypatch.setattr(derived, "MAX_WORK", 2999)
    with pytest.raises(RankingError, match="3000 steps"):
        rank(results, track, bootstrap=None)


def test_keys_of_places_count_as_columns(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    track = own_track(
        tmp_path,
        '[ranking]\ncriteria = [{ metric = "psnr" }]\n'
        'order_by = ["rank(psnr)", { by = "psnr+1", better = "higher" }]\n',
    )
    entries = [Entry(name, "team", {"psnr": 30.0}, "given") for name in "AB"]
    monkeypatch.setattr(rule, "MAX_CELLS", 6)
    assert len(rank(entries, track).rows) == 2
    monkeypatch.setattr(rule, "MAX_CELLS", 5)
    with pytest.raises(RankingError, match="its rankings of 2 entries have 6 values"):
        rank(entries, track)


def measured_by(team: str, metric: str, value: float) -> Result:
    settings = {"metric": metric, "channels": "y", "border": 4} | ({"floor": "none"} if metric == "psnr" else {})
    return own_result(team, {"y": settings}, value, "x4", "y")


def test_a_result_that_the_signature_leaves_out_does_not_decide_what_a_column_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad, other = measured_by("Good", "psnr", 31.0), measured_by("Bad", "psnr", 20.0), measured_by("AAA", "mse", 1)
    chosen = good.signature.id
    for results in ([other, good, bad], [good, bad, other]):
        ranking = rank(results, X4, columns=["y"], signature=chosen, bootstrap=None)
        assert ranking.track.columns()["y"].direction == "higher"
        assert [row.entry.team for row in ranking.rows if row.other_settings] == ["AAA"]
    for one in (other, good, bad):
        write_result(result_path(tmp_path, "x4", one.team), one)
    assert run("rank", "--board", tmp_path, "--track", "x4", "--columns", "y", "--signature", chosen) == 0
    shown = capsys.readouterr().out
    assert "PSNR" in shown
    assert "MSE (y)" not in shown
    # The start of no id is told by the error that lists the ids.
    with pytest.raises(RankingError, match="no result has an id that starts with 'none'"):
        rank([other, good], X4, columns=["y"], signature="none", bootstrap=None)


def test_a_signature_is_chosen_where_others_conflict_with_each_other() -> None:
    claims = {"C1": {"zzz": {"a": 1}}, "C2": {"zzz": {"a": 2}}, "C3": {"yyy": {"a": 1}}, "C4": {"yyy": {"a": 2}}}
    results = [
        own_result(team, {**PLAIN, **more}, track="x4") for team, more in {"Good": {}, "Bad": {}, **claims}.items()
    ]
    with pytest.raises(RankingError, match="keep one group with signature"):
        rank(results, X4, columns=["psnr"], bootstrap=None)
    expected = {"Good": {*claims}, "C1": {"C2", "C3", "C4"}, "C3": {"C1", "C2", "C4"}}
    for chosen, left_out in expected.items():
        (signature,) = (one.signature.id for one in results if one.team == chosen)
        ranking = rank(results, X4, columns=["psnr"], bootstrap=None, signature=signature)
        reasons = {row.entry.team: str(row.why_unranked) for row in ranking.rows if row.other_settings}
        assert reasons.keys() == left_out
        assert all("zzz.a" in why or "yyy.a" in why for why in reasons.values())
    assert (
        "zzz.a: 1, and 2 in another result"
        in {
            row.entry.team: str(row.why_unranked)
            for row in rank(results, X4, columns=["psnr"], bootstrap=None, signature=results[0].signature.id).rows
        }["C1"]
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Lugmayr", "\u3164\nLugmayr"),
        ("Lugmayr", "\u200b\nLugmayr"),
        (" Table", "\u2800Table"),
        (" Table", "\u3164Table"),
        (" Table", " " * 500 + "Table"),
        (" Table", " " + "\u200b" * 500 + "Table"),
        ("-", "\u2010"),
        (",", "\u201a"),
        (":", "\ua789"),
    ],
)
def test_a_citation_that_reads_the_same_is_compared(old: str, new: str, tmp_path: Path) -> None:
    citation = load_published("ntire2021-x8").citation
    assert old in citation
    path = tmp_path / "t.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(
            [("team", "lpips", "source", "note"), ("Deepest", 0.001, "published", citation.replace(old, new))]
        )
    with pytest.warns(Notice, match="shown as given, and not as published"):
        (entry,) = table_entries(path, load_track("x8"))
    assert entry.origin == "given"


def test_citations_differ_by_their_letters() -> None:
    keys = {line_key(table.citation) for table in published_tables().values()}
    assert len(keys) == len(published_tables())
    assert all(keys)
    assert line_key("\u200b\n \n") == ""


@pytest.mark.parametrize("sign", "\u115f\u1160\u2800\u3164\uffa0")
def test_signs_that_look_like_blanks_are_written_out(sign: str) -> None:
    name = f"Deep{sign}Est"
    assert visible(name) == f"Deep\\u{ord(sign):04x}Est"
    assert name_key(name) == name_key("DeepEst")


def test_formulas_in_words_and_reasons_are_short(tmp_path: Path) -> None:
    label = "L" * 200
    columns = "".join(f'c{i} = {{ label = "{i}{label[3:]}", better = "higher" }}\n' for i in range(99))
    named = "+".join(f"c{i}" for i in range(99))
    condition = "+".join(["c1"] * 140) + ">0"
    track = own_track(
        tmp_path,
        f'[columns]\n{columns}[rankings.a]\ncriteria = [{{ metric = "psnr" }}]\neligible = ["{condition}"]\n'
        f'final = ["psnr"]\n[rankings.b]\ncriteria = [{{ metric = "psnr" }}]\norder_by = ["{named}"]\n',
    )
    ranking = rank([Entry("A", "team", {"psnr": 30.0, "c1": -1.0}, "given")], track, columns=["psnr"])
    first, second = (str(one.rows[0].why_unranked) for one in ranking.all)
    assert first.startswith("not eligible: 1LLL")
    assert len(first) < 1100
    assert second.endswith("; and 88 more reasons")
    assert len(second) < 3000
    assert len(formula_words(track.rankings[1].order_by[0].formula, track.label)) == 500
