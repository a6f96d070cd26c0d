"""Properties of every built-in track's rules, on random boards with ties, infinite and missing values."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from srspace_eval.ranking import Entry, Ranking, rank
from srspace_eval.tracks.model import Track
from srspace_eval.tracks.reader import builtin_tracks

TRACKS = builtin_tracks()
BY_HAND = {"psnr_val": 26.8, "psnr_test": 26.9, "mse": 140.0, "mor": 1.0}
"""Values around thresholds, and where small numbers are not possible."""


def _given_ids(track: Track) -> list[str]:
    """The ids that entries may have values of: all but those that formulas give."""
    derived = {one.info.id for one in track.derived}
    named = {*track.measured, *(info.id for info in track.given), *(m for rule in track.rankings for m in rule.named)}
    return sorted(named - derived)


@st.composite
def boards(draw: st.DrawFn) -> tuple[Track, list[Entry], int]:
    track = TRACKS[draw(st.sampled_from(sorted(TRACKS)))]
    # Few different values, so that there are ties and plateaus. NaN and None are missing.
    step = st.integers(0, 4)
    value = st.one_of(step.map(lambda k: 0.1 * k), st.sampled_from([None, math.nan, math.inf]))
    number = draw(st.integers(1, 6))

    def later(key: str) -> float:
        return 2.0 if track.name == "esr-2022" and key.startswith("psnr") else 0.0

    def possible(key: str, x: float) -> float:
        info = track.columns()[key]
        return x if math.isnan(x) else min(max(x, info.least), info.most)

    names = [f"team {i}" for i in range(number)] + ([track.baseline] if track.baseline else ["reference"])
    entries = [
        Entry(
            name,
            "baseline" if i == number else "team",
            {
                key: None if (x := draw(value)) is None else possible(key, BY_HAND.get(key, 1.0) + x + later(key))
                for key in _given_ids(track)
            },
            "given",
        )
        for i, name in enumerate(names)
    ]
    return track, entries, draw(st.integers(0, 10**6))


def _rows(ranking: Ranking) -> list[Mapping[str, Any]]:
    return [
        {
            row.entry.team: (dict(row.ranks), row.place, row.final_rank, row.why_unranked, dict(row.entry.values))
            for row in one.rows
        }
        for one in ranking.all
    ]


@settings(max_examples=150, deadline=None)
@given(boards())
def test_the_order_of_the_entries_changes_nothing(board: tuple[Track, list[Entry], int]) -> None:
    track, entries, seed = board
    shuffled = random.Random(seed).sample(entries, len(entries))
    before, after = rank(entries, track, bootstrap=None), rank(shuffled, track, bootstrap=None)
    assert _rows(before) == _rows(after)
    for one, other in zip(before.all, after.all, strict=True):
        placed = [[row.entry.team for row in r.rows if row.place is not None] for r in (one, other)]
        # Rows that share a place may stand in either order where nothing else tells them apart.
        places = [[row.place for row in r.rows if row.place is not None] for r in (one, other)]
        assert places[0] == places[1] == sorted(places[0])
        assert sorted(placed[0]) == sorted(placed[1])


@settings(max_examples=150, deadline=None)
@given(boards())
def test_missing_values_have_no_ranks_and_never_come_first(board: tuple[Track, list[Entry], int]) -> None:
    track, entries, _ = board
    for one in rank(entries, track, bootstrap=None).all:
        rule = one.track.ranking
        missing = {
            row.entry.team: {key for key, value in row.entry.values.items() if value is None} for row in one.rows
        }
        needed = {key for k in rule.order_by[:1] for key in k.formula.reads} | set(rule.final)
        needed |= {key for condition in rule.eligible for key in condition.reads}
        for row in one.rows:
            assert not missing[row.entry.team] & row.ranks.keys()
            assert not any(math.isnan(x) for x in row.ranks.values())
            assert (row.place is None) == (row.final_rank is None)
            if missing[row.entry.team] & needed:
                assert row.place is None
            if row.place is None:
                assert row.why_unranked
        places = [row.place for row in one.rows if row.place is not None]
        assert not places or min(places) == 1
        for criterion in rule.criteria:
            ranks = [row.ranks[criterion.metric] for row in one.rows if criterion.metric in row.ranks]
            assert not ranks or min(ranks) == 1


@pytest.mark.parametrize("name", TRACKS)
def test_a_single_entry_is_first_in_every_column_that_it_has(name: str) -> None:
    track = TRACKS[name]
    high = {"psnr_val": 30.0, "psnr_test": 30.0, "mse": 100.0}
    values = {key: high.get(key, 1.0) for key in _given_ids(track)}
    entries = [Entry("only", "team", values, "given")]
    if track.baseline:
        entries.append(Entry(track.baseline, "baseline", values, "given"))
    first = rank(entries, track, bootstrap=None)
    row = next(row for row in first.rows if row.entry.team == "only")
    assert set(row.ranks.values()) <= {1.0}
    assert row.place == 1
    images = {"iqa_rank"} if name == "ntire2020-rwsr-2" else set()  # ranks of images, which a table does not have
    assert row.ranks.keys() == {criterion.metric for criterion in track.ranking.criteria} - images
