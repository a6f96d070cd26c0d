"""Who is ranked with whom: a published table's teams among themselves, own entries among themselves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from benchmarks.inputs.boards import make_results
from srspace_eval.errors import Notice
from srspace_eval.ranking import Entry, Ranking, apply_rule, rank
from srspace_eval.ranking.participants import ONLY_PUBLISHED
from srspace_eval.ranking.published_tables import load_published
from srspace_eval.tracks.reader import load_track

X8 = load_track("x8")
PRINTED = {row.team: row for row in load_published("ntire2021-x8").rows}
OWN: dict[str, Any] = {
    "measured": lambda: make_results(X8, 2, 4, 2, 0),
    "measured baseline": lambda: [replace(make_results(X8, 1, 4, 2, 0)[0], kind="baseline")],
    "given": lambda: [Entry("Mine", "team", {"lpips": 0.1, "lr_psnr": 60.0, "diversity": 99.0, "mor": 1.0}, "given")],
}


def _published(ranking: Ranking) -> dict[str, Any]:
    rows = [row for row in ranking.rows if row.entry.origin == "published"]
    return {row.entry.team: row for row in rows}


@pytest.mark.filterwarnings("ignore:only the published teams are ranked")
@pytest.mark.parametrize("own", OWN)
@pytest.mark.parametrize("beside", [(), "ncsr-x8", "all"])
def test_ranks_of_a_published_table_stay_as_printed(own: str, beside: Any) -> None:
    alone = _published(rank(published="ntire2021-x8"))
    ranking = rank(OWN[own](), X8, published="ntire2021-x8", with_published=beside)
    found = _published(ranking)
    for team, row in alone.items():
        # Another published table may have a row of the same name (SRFlow).
        if PRINTED[team].kind == "team":
            assert (found[team].ranks, found[team].final_rank, found[team].place) == (
                row.ranks,
                row.final_rank,
                row.place,
            )
            assert {metric: row.ranks[metric] for metric in PRINTED[team].ranks} == PRINTED[team].ranks
            assert row.final_rank == PRINTED[team].final_rank
    for row in ranking.rows:
        assert not row.indistinguishable_from_next, "nothing published is compared by own images"
        if row.entry.origin != "published":
            assert (row.ranks, row.place) == ({}, None)
            assert row.why_unranked == (
                ONLY_PUBLISHED if row.entry.kind == "team" else "baselines are shown, not ranked"
            )
            assert row.intervals or own == "given", "values and their intervals are shown"


@pytest.mark.filterwarnings("ignore:only the published teams are ranked")
def test_own_rows_stand_between_published_teams_and_baselines() -> None:
    rows = rank(OWN["measured"](), X8, published="ntire2021-x8").rows
    order = [(row.entry.origin, row.entry.kind) for row in rows]
    assert list(dict.fromkeys(order)) == [("published", "team"), ("measured", "team"), ("published", "baseline")]


def test_a_notice_says_who_has_no_ranks_and_how_all_get_them() -> None:
    with pytest.warns(
        Notice,
        match=r"published teams are ranked; 'Mine': shown without ranks; rank_together=True ranks all rows together",
    ):
        ranking = rank(OWN["given"](), X8, published="ntire2021-x8")
    assert "All other rows are shown without ranks." in " ".join(ranking.notes)
    # Notices are errors in these tests: nothing is said here.
    rank(published="ntire2021-x8")
    rank(OWN["measured"](), X8, with_published="ntire2021")


def test_all_rows_are_ranked_together_on_demand() -> None:
    ranking = rank(OWN["given"](), X8, published="ntire2021-x8", rank_together=True)
    assert (ranking.rows[0].entry.team, ranking.rows[0].place) == ("Mine", 1)
    assert _published(ranking)["Deepest"].ranks["diversity"] == 3
    assert "ranked together, as asked" in " ".join(ranking.notes)
    without = rank(OWN["measured"](), X8, with_published="ntire2021", rank_together=True)
    assert not any(row.ranks for row in without.rows if row.entry.origin == "published")
    assert "ranked together" not in " ".join(without.notes)


def test_published_baselines_take_no_part_in_an_own_ranking_that_ranks_baselines() -> None:
    """A table that ``rank`` wrote has the published baselines as rows; there they compete unless they are kept out."""
    track = load_track("ntire2020-rwsr-2")
    own = [Entry(name, "team", {"mor": value}, "given") for name, value in (("A", 1.0), ("B", 2.0))]
    values = {"mor": 1.5}
    ranking = apply_rule([*own, Entry("Bicubic", "baseline", values, "published")], track)
    assert [row.place for row in ranking.rows] == [1, 2, None]
    assert ranking.rows[-1].why_unranked == "published, not measured here: baselines are shown, not ranked"
    ranked = apply_rule([*own, Entry("Bicubic", "baseline", values, "given")], track)
    assert {row.entry.team: row.place for row in ranked.rows} == {"A": 1, "Bicubic": 2, "B": 3}


def test_rows_beside_own_ones_are_in_the_order_of_their_published_ranks() -> None:
    ranking = rank(OWN["measured"](), X8, with_published=["ntire2021", "ncsr"])
    beside = [row.entry.team for row in ranking.rows if row.entry.origin == "published"]
    assert beside[:13] == [row.entry.team for row in rank(published="ntire2021-x8").rows]
    assert beside[:2] == ["Deepest", "CIPLAB"]
    assert beside[13:] == [row.team for row in load_published("ncsr-x8").rows], "no competition: as printed"
