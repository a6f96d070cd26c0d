"""The rule: who is ranked, ties, the final rank, the order, what is refused."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from srspace_eval.errors import RankingError
from srspace_eval.metrics.registry import columns
from srspace_eval.ranking import Entry, Ranking, Row, apply_rule
from srspace_eval.ranking.published_tables import load_published, published_tables
from srspace_eval.results.record import Result
from srspace_eval.results.signature import Signature
from srspace_eval.tracks.model import RankedMetric, RankingRule
from srspace_eval.tracks.reader import load_track

X4 = load_track("x4")


def team(name: str, *, kind: Any = "team", incomplete: tuple[str, ...] = (), **values: float | None) -> Entry:
    return Entry(name, kind, values, "given", incomplete=incomplete)


def by_name(ranking: Ranking) -> dict[str, Row]:
    return {row.entry.team: row for row in ranking.rows}


def names(ranking: Ranking) -> list[str]:
    return [row.entry.team for row in ranking.rows]


def measured(name: str, settings: dict[str, dict[str, Any]], **values: float | None) -> Entry:
    result = Result(name, "x4", Signature(settings), (), values)
    return Entry(name, "team", values, "measured", result)


@pytest.mark.parametrize(
    ("scale", "finals"),
    [
        ("x4", {"Deepest": 1.5, "CIPLAB": 3.0, "njtech&seu": 3.0, "BeWater": 3.5, "SSS": 5.5}),
        ("x8", {"Deepest": 1.5, "CIPLAB": 3.0, "BeWater": 4.0, "SR_DL": 5.0, "SSS": 5.5}),
    ],
)
def test_ntire_2021_is_reproduced(scale: str, finals: dict[str, float]) -> None:
    table = load_published("ntire2021", scale)
    ranking = apply_rule(table.entries("as published"), load_track(scale))
    rows = by_name(ranking)
    assert {name: row.final_rank for name, row in rows.items() if row.final_rank is not None} == finals
    brackets = 0
    for printed in table.rows:
        got = rows[printed.team].ranks
        assert {metric: got[metric] for metric in printed.ranks} == printed.ranks
        brackets += len(printed.ranks)
        if printed.kind == "baseline":
            assert got == {}
        assert rows[printed.team].final_rank == printed.final_rank
    assert brackets == {"x4": 16, "x8": 15}[scale]
    assert names(ranking)[: len(finals)] == list(finals)
    # The challenge's own order: outside the study by S_10, references at the end.
    outside = {"x4": "SR_DL FutureReference FudanZmic21 nanbeihuishi SYSU-FVL svnit_ntnu",
               "x8": "njtech&seu FutureReference FudanZmic21 SYSU-FVL svnit_ntnu"}[scale]  # fmt: skip
    assert names(ranking)[len(finals) :] == [*outside.split(), "SRFlow", "ESRGAN", "GT"]


def test_ties_share_the_best_place() -> None:
    rows = by_name(apply_rule([team(n, diversity=v) for n, v in zip("abcd", (9, 8, 8, 7), strict=True)], X4))
    assert [rows[n].ranks["diversity"] for n in "abcd"] == [1, 2, 2, 4]


def test_plateau_of_lr_psnr() -> None:
    rows = by_name(apply_rule([team("a", lr_psnr=math.inf), team("b", lr_psnr=45.0), team("c", lr_psnr=44.99)], X4))
    assert [rows[n].ranks["lr_psnr"] for n in "abc"] == [1, 1, 3]


def test_baselines_take_no_place() -> None:
    rows = by_name(
        apply_rule([team("a", diversity=5.0), team("GT", kind="baseline", diversity=99.0, lr_psnr=math.inf)], X4)
    )
    assert rows["a"].ranks == {"diversity": 1}
    assert rows["GT"].ranks == {}
    assert rows["GT"].why_unranked == "baselines are shown, not ranked"


def test_an_incomplete_submission_is_listed_with_its_reason_and_not_ranked() -> None:
    entries = [
        team("a", diversity=5.0, mor=1.0),
        team("half", diversity=99.0, mor=1.0, incomplete=("3 of 100 images are missing",)),
    ]
    ranking = apply_rule(entries, X4)
    row = by_name(ranking)["half"]
    assert (row.ranks, row.final_rank) == ({}, None)
    assert row.why_unranked == "incomplete: 3 of 100 images are missing"
    assert by_name(ranking)["a"].ranks["diversity"] == 1


def test_not_measured_is_none_and_never_zero() -> None:
    entries = [team("a", lpips=0.2, diversity=5.0), team("b", lpips=None), team("c", diversity=math.nan)]
    rows = by_name(apply_rule(entries, X4))
    assert rows["b"].entry.values["lpips"] is None
    assert rows["c"].entry.values["diversity"] is None
    assert rows["b"].ranks == rows["c"].ranks == {}


def test_a_team_outside_the_study_has_a_reason() -> None:
    rows = by_name(
        apply_rule([team("in", diversity=5.0, mor=2.0), team("out", diversity=6.0), team("none", mor=3.0)], X4)
    )
    assert rows["in"].final_rank == (1 + 2) / 2
    assert rows["out"].why_unranked == "outside the human study"
    assert rows["none"].why_unranked == "S_10 was not measured"


def test_a_criterion_can_rank_among_the_study_only() -> None:
    criteria = (RankedMetric("diversity", among="study"), RankedMetric("mor", among="study"))
    rule = RankingRule(criteria, ("mor", "diversity"))
    track = replace(X4, ranking=rule)
    rows = by_name(apply_rule([team("a", diversity=5.0, mor=2.0), team("b", diversity=6.0)], track))
    assert rows["a"].ranks["diversity"] == 1
    assert rows["b"].ranks == {}


def test_before_the_study_rows_are_in_the_order_of_their_ranks_and_a_note_says_so() -> None:
    entries = [team("a", diversity=5.0, lr_psnr=50.0), team("b", diversity=7.0, lr_psnr=30.0, lpips=0.1),
               team("c", diversity=7.0, lr_psnr=46.0)]  # fmt: skip
    ranking = apply_rule(entries, X4)
    assert names(ranking) == ["c", "b", "a"]
    assert all(row.why_unranked == "no mean opinion rank yet" for row in ranking.rows)
    notes = " ".join(ranking.notes)
    assert "There is no final rank yet: it needs MOR and S_10." in notes
    assert "Rows are ordered by their ranks in S_10, then LR-PSNR." in notes
    assert "LPIPS only hints at photo-realism" in notes


def test_a_track_without_final_rank() -> None:
    track = replace(X4, ranking=replace(X4.ranking, final=()))
    assert apply_rule([team("a", diversity=5.0)], track).rows[0].why_unranked == "the track has no final rank"


def test_the_order_of_entries_changes_no_rank() -> None:
    entries = load_published("ntire2021-x8").entries("as published")
    forward, backward = by_name(apply_rule(entries, X4)), by_name(apply_rule(entries[::-1], X4))
    assert {n: r.ranks for n, r in forward.items()} == {n: r.ranks for n, r in backward.items()}


def test_columns_follow_the_rule_and_can_be_chosen() -> None:
    assert apply_rule([team("a")], X4).columns == ("lpips", "lr_psnr", "diversity", "mor")
    assert apply_rule([team("a")], load_track("x4-2022")).columns == (
        "lpips",
        "lr_psnr",
        "diversity",
        "diversity_mse",
        "mor",
    )
    assert apply_rule([team("a")], X4, columns=["ssim"]).columns == ("ssim",)


@pytest.mark.parametrize("other", ["deepest", "DEEPEST", "Ｄeepest"])
def test_one_name_twice_is_an_error(other: str) -> None:
    with pytest.raises(RankingError, match="there twice") as caught:
        apply_rule([team("Deepest"), team(other)], X4)
    assert repr(other).replace("\uff24", "\\uff24") in str(caught.value)


def test_two_papers_may_have_the_same_method() -> None:
    entries = load_published("ncsr-x4").entries() + load_published("srflow-da-x4").entries()
    assert names(apply_rule(entries, X4)).count("SRFlow") == 2


@pytest.mark.parametrize("name", ["", "  ", "a\ud800"])
def test_names_that_cannot_be_shown_are_errors(name: str) -> None:
    with pytest.raises(RankingError, match="name"):
        apply_rule([team(name)], X4)


def test_unknown_metrics_are_errors() -> None:
    with pytest.raises(RankingError, match="unknown metric vmaf"):
        apply_rule([team("a", vmaf=3.0)], X4)


ALEX = {"common": {"scale": 4}, "lpips": {"net": "alex"}}
VGG = {"common": {"scale": 4}, "lpips": {"net": "vgg"}}


def test_different_settings_are_refused_and_named() -> None:
    with pytest.raises(RankingError, match="signature=ID") as caught:
        apply_rule([measured("a", ALEX, lpips=0.1), measured("b", VGG, lpips=0.2), measured("c", ALEX, lpips=0.3)], X4)
    (problem,) = caught.value.problems
    assert problem.startswith('lpips.net: "alex" in ')
    assert "'a' (x4/a.json" in problem
    assert "'c' (x4/c.json" in problem
    assert f"\"vgg\" in 'b' (x4/b.json, signature {Signature(VGG).id})" in problem


def test_a_setting_that_only_one_states_is_a_difference() -> None:
    with pytest.raises(RankingError, match="not stated in 'b'"):
        apply_rule(
            [measured("a", {"lpips": {"net": "alex", "tf32": True}}), measured("b", {"lpips": {"net": "alex"}})], X4
        )


def test_groups_that_only_one_has_do_not_conflict() -> None:
    entries = [measured("a", ALEX, lpips=0.1), measured("b", {**ALEX, "ssim": {"window": 11}}, lpips=0.2)]
    assert "Measured with common:scale=4|lpips:net=alex|ssim:window=11." in apply_rule(entries, X4).notes


def test_one_signature_can_be_chosen_and_the_others_are_listed() -> None:
    entries = [measured("a", ALEX, diversity=1.0), measured("b", VGG, diversity=2.0), team("given", diversity=3.0)]
    ranking = apply_rule(entries, X4, signature=Signature(ALEX).id[:6])
    rows = by_name(ranking)
    assert rows["a"].ranks == {"diversity": 2}
    assert rows["b"].ranks == {}
    assert rows["b"].why_unranked == "measured with other settings (lpips.net: vgg / alex)"
    assert "1 result was measured with other settings. It is listed without ranks." in ranking.notes


def test_an_unknown_signature_is_an_error() -> None:
    with pytest.raises(RankingError, match="no result has an id that starts with 'zz'") as caught:
        apply_rule([measured("a", ALEX)], X4, signature="zz")
    assert Signature(ALEX).id in str(caught.value)


def test_a_note_names_given_numbers_beside_measured_ones() -> None:
    entries = [measured("a", ALEX, diversity=1.0), team("b", diversity=2.0)]
    assert any("given in a table" in note for note in apply_rule(entries, X4).notes)
    assert not any("given in a table" in note for note in apply_rule(entries[1:], X4).notes)


def test_every_published_table_can_be_shown_beside_entries() -> None:
    own = measured("mine", ALEX, lpips=0.1, lr_psnr=50.0, diversity=20.0)
    for name, table in published_tables().items():
        ranking = apply_rule([own, *table.entries()], X4, columns=list(columns()))
        assert len(ranking.rows) == 1 + len(table.rows), name
        assert ranking.rows[0].ranks == {}, "a lone team has nobody to be ranked among"
        assert ranking.rows[0].why_unranked == "it is the only team; published rows are not ranked"
        assert all(row.final_rank is None and not row.ranks for row in ranking.rows[1:])
        assert "Rows marked as published were not measured here." in ranking.notes


def test_a_published_mor_does_not_count_as_a_study() -> None:
    own = team("mine", lpips=0.1, diversity=20.0)
    notes = " ".join(apply_rule([own, *load_published("ntire2021-x4").entries()], X4).notes)
    assert "LPIPS only hints at photo-realism" in notes
    assert "A published MOR comes from another study" in notes
    alone = " ".join(apply_rule(load_published("ntire2021-x4").entries("as published"), X4).notes)
    assert "LPIPS only hints" not in alone
    assert "A published MOR" not in alone
