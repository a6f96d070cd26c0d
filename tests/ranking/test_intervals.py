"""Intervals of ranks and final ranks, and neighbours that the data can or cannot tell apart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from benchmarks.inputs.boards import make_results
from srspace_eval.ranking import BootstrapPlan, Entry, Ranking, Row, apply_rule
from srspace_eval.results.record import ImageRecord, Result
from srspace_eval.results.signature import Signature
from srspace_eval.tracks.reader import load_track

X4 = load_track("x4")
PLAN = BootstrapPlan(replicates=2000, seed=0)
ALIKE = Signature({"common": {"track": "x4"}})


def entry(name: str, values: Mapping[str, Sequence[float | None]], **given: float) -> Entry:
    """A measured entry from per-image values."""
    count = len(next(iter(values.values())))
    images = tuple(
        ImageRecord(f"{801 + i:04d}", 8, 8, "", {m: v[i] for m, v in values.items()}, {}, ()) for i in range(count)
    )
    finite = {m: [x for x in v if x is not None and math.isfinite(x)] for m, v in values.items()}
    summary = {m: math.fsum(v) / len(v) if v else math.inf for m, v in finite.items()}
    return Entry(name, "team", {**summary, **given}, "measured", Result(name, "x4", ALIKE, images, summary))


def rows(ranking: Ranking) -> dict[str, Row]:
    return {row.entry.team: row for row in ranking.rows}


def test_a_small_but_constant_lead_is_real_although_intervals_overlap() -> None:
    hard = np.random.default_rng(0).normal(20.0, 5.0, 100)
    ranking = apply_rule([entry("a", {"diversity": hard + 0.01}), entry("b", {"diversity": hard})], X4, bootstrap=PLAN)
    a, b = rows(ranking)["a"], rows(ranking)["b"]
    assert a.intervals["diversity"][0] < b.intervals["diversity"][1]
    assert a.indistinguishable_from_next == {"diversity": False}
    assert (a.rank_intervals["diversity"], b.rank_intervals["diversity"]) == ((1, 1), (2, 2))
    assert "diversity" not in b.indistinguishable_from_next


def test_a_lead_by_chance_is_not_real() -> None:
    generator = np.random.default_rng(1)
    a, b = generator.normal(20.0, 5.0, (2, 100))
    ranking = apply_rule([entry("a", {"diversity": a}), entry("b", {"diversity": b})], X4, bootstrap=PLAN)
    first, second = ranking.rows
    assert first.indistinguishable_from_next["diversity"]
    assert first.rank_intervals["diversity"] == second.rank_intervals["diversity"] == (1, 2)


def test_how_often_ranks_swap_is_known_for_one_image_that_decides() -> None:
    """b leads on one image of n and a on another, by as much: a wins if its image is drawn more often."""
    n = 50
    a, b = np.zeros(n), np.zeros(n)
    a[0], b[1] = 1.0, 1.0
    plan = BootstrapPlan(replicates=20000, seed=0)
    ranking = apply_rule([entry("a", {"diversity": a}), entry("b", {"diversity": b})], X4, bootstrap=plan)
    # A resampled mean is Binomial(n, 1/n) / n.
    high = stats.binom(n, 1 / n).ppf(0.975) / n
    assert rows(ranking)["a"].intervals["diversity"] == pytest.approx((0.0, high))
    assert rows(ranking)["a"].ranks["diversity"] == rows(ranking)["b"].ranks["diversity"] == 1
    assert all(row.indistinguishable_from_next == {} for row in ranking.rows), "they share a rank already"


def test_intervals_agree_with_scipy_through_the_ranking() -> None:
    results = make_results(X4, 3, 100, 2, 7)
    entries = [Entry(r.team, "team", r.summary, "measured", r) for r in results]
    ranking = apply_rule(entries, X4, bootstrap=replace(PLAN, replicates=10000))
    for result in results:
        for metric in ("lpips", "lr_psnr", "diversity"):
            values = np.array([image.values[metric] for image in result.images], dtype=float)
            found = stats.bootstrap(
                (values,), np.mean, method="percentile", n_resamples=9999, rng=np.random.default_rng(0)
            ).confidence_interval
            mine = rows(ranking)[result.team].intervals[metric]
            assert mine == pytest.approx((found.low, found.high), abs=0.05 * (found.high - found.low))


def test_values_above_the_plateau_are_equal() -> None:
    entries = [entry("a", {"lr_psnr": [50.0, 51.0, 52.0]}), entry("b", {"lr_psnr": [47.0, 47.5, 47.2]})]
    row = rows(apply_rule(entries, X4, bootstrap=PLAN))["a"]
    assert row.rank_intervals["lr_psnr"] == (1, 1)
    assert "lr_psnr" not in row.indistinguishable_from_next


def test_near_the_plateau_teams_can_be_indistinguishable() -> None:
    values = np.random.default_rng(8).normal(45.0, 2.0, 100)
    values += 45.1 - values.mean()
    entries = [entry("a", {"lr_psnr": [50.0] * 100}), entry("b", {"lr_psnr": values - 0.2})]
    first, second = apply_rule(entries, X4, bootstrap=PLAN).rows
    assert (first.ranks["lr_psnr"], second.ranks["lr_psnr"]) == (1, 2)
    assert second.rank_intervals["lr_psnr"] == (1, 2)
    assert first.indistinguishable_from_next["lr_psnr"]


def test_infinite_and_undefined_images_are_left_out_of_intervals() -> None:
    entries = [
        entry("a", {"lr_psnr": [math.inf, 40.0, 42.0, 41.0], "diversity": [None, 5.0, 6.0, 7.0]}),
        entry("b", {"lr_psnr": [math.inf] * 4, "diversity": [4.0, 4.0, 4.0, 4.0]}),
    ]
    found = rows(apply_rule(entries, X4, bootstrap=PLAN))
    assert 40.0 <= found["a"].intervals["lr_psnr"][0] <= found["a"].intervals["lr_psnr"][1] <= 42.0
    assert "lr_psnr" not in found["b"].intervals
    assert found["b"].ranks["lr_psnr"] == 1
    assert found["a"].rank_intervals["lr_psnr"] == (2, 2)
    assert found["b"].indistinguishable_from_next["lr_psnr"] is False


def test_final_rank_has_an_interval_that_holds_the_mor_fixed() -> None:
    generator = np.random.default_rng(2)
    base = generator.normal(20.0, 5.0, (3, 100))
    base = base[np.argsort(-base.mean(axis=1))]  # the study agrees: final ranks 1, 2, 3
    entries = [entry(n, {"diversity": base[i]}, mor=1.0 + i) for i, n in enumerate("abc")]
    ranking = apply_rule(entries, X4, bootstrap=PLAN)
    for row in ranking.rows:
        low, high = row.intervals["final_rank"]
        assert row.final_rank is not None
        assert low <= row.final_rank <= high
        mor, (best, worst) = row.ranks["mor"], row.rank_intervals["diversity"]
        assert (mor + best) / 2 - 0.01 <= low <= high <= (mor + worst) / 2 + 0.01
        assert "mor" not in row.intervals
    assert "Intervals of the final rank treat the ranks in MOR as exact." in ranking.notes
    assert {"final_rank", "diversity"} <= ranking.rows[0].indistinguishable_from_next.keys()


def test_final_rank_moves_with_a_study_s_own_draws() -> None:
    """a always leads in S_M, and in 7 of 10 resampled studies; more replicates than draws, which come again."""
    hard = np.random.default_rng(5).normal(20.0, 5.0, 50)
    draws = {"a": (1.2,) * 7 + (1.8,) * 3, "b": (1.8,) * 7 + (1.2,) * 3}
    fixed = [entry("a", {"diversity": hard + 1}, mor=1.38), entry("b", {"diversity": hard}, mor=1.62)]
    moving = [replace(e, draws={"mor": draws[e.team]}) for e in fixed]
    before, after = (rows(apply_rule(entries, X4, bootstrap=PLAN)) for entries in (fixed, moving))
    assert before["a"].intervals["final_rank"] == (1.0, 1.0)
    assert before["a"].indistinguishable_from_next["final_rank"] is False
    assert after["a"].intervals["final_rank"] == (1.0, 1.5)
    assert after["b"].intervals["final_rank"] == (1.5, 2.0)
    assert after["a"].indistinguishable_from_next["final_rank"]
    assert after["a"].indistinguishable_from_next["mor"]
    assert after["a"].rank_intervals == {"diversity": (1, 1), "mor": (1, 2)}
    assert after["a"].intervals["mor"] == pytest.approx((1.2, 1.8))
    assert [row.final_rank for row in after.values()] == [row.final_rank for row in before.values()] == [1.0, 2.0]
    notes = apply_rule(moving, X4, bootstrap=PLAN).notes
    assert any(note.startswith("MOR: intervals over raters and crops") for note in notes)
    assert not any("fixed" in note for note in notes)


def test_given_numbers_stay_fixed_while_measured_ones_move() -> None:
    values = np.random.default_rng(3).normal(20.0, 5.0, 100)
    table = Entry("given", "team", {"diversity": float(values.mean()) - 0.1}, "given")
    found = rows(apply_rule([entry("a", {"diversity": values}), table], X4, bootstrap=PLAN))
    assert found["given"].intervals == found["given"].rank_intervals == {}
    assert found["a"].rank_intervals["diversity"] == (1, 2)
    assert found["a"].indistinguishable_from_next["diversity"]


def test_baselines_get_intervals_but_no_ranks() -> None:
    values = np.random.default_rng(4).normal(20.0, 5.0, 50)
    entries = [entry("a", {"diversity": values}), replace(entry("SRFlow", {"diversity": values + 1}), kind="baseline")]
    found = rows(apply_rule(entries, X4, bootstrap=PLAN))
    assert found["SRFlow"].intervals.keys() == {"diversity"}
    assert found["SRFlow"].rank_intervals == {}
    assert found["a"].rank_intervals["diversity"] == (1, 1)


def test_without_images_to_resample_there_are_no_intervals() -> None:
    one = entry("a", {"diversity": [3.0]})
    for entries in ([one], [Entry("t", "team", {"diversity": 1.0}, "given")], []):
        ranking = apply_rule(entries, X4, bootstrap=PLAN)
        assert ranking.bootstrap is None
        assert not any("bootstrap" in note for note in ranking.notes)


def test_the_seed_decides_and_the_order_of_images_and_teams_does_not() -> None:
    results = make_results(X4, 5, 30, 2, 11)
    entries = [Entry(r.team, "team", r.summary, "measured", r) for r in results]
    turned = [replace(e, result=replace(r, images=r.images[::-1])) for e, r in zip(entries, results, strict=True)]
    first = rows(apply_rule(entries, X4, bootstrap=PLAN))
    again = rows(apply_rule(turned[::-1], X4, bootstrap=PLAN))
    other = rows(apply_rule(entries, X4, bootstrap=replace(PLAN, seed=1)))
    for name, row in first.items():
        assert again[name].rank_intervals == row.rank_intervals
        for metric, ends in row.intervals.items():
            assert again[name].intervals[metric] == pytest.approx(ends, rel=1e-12)
    assert any(other[n].intervals != row.intervals for n, row in first.items())


def test_submissions_over_other_images_are_not_paired() -> None:
    a = entry("a", {"diversity": [1.0, 2.0, 3.0]})
    b = entry("b", {"diversity": [1.0, 2.0]})
    found = rows(apply_rule([a, b], X4, bootstrap=PLAN))
    assert "diversity" in found["a"].intervals
    assert found["b"].intervals == {}
