"""Competition ranks and the keys they sort by."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from srspace_eval.ranking.ties_and_plateau import competition_ranks, sort_keys
from srspace_eval.tracks.model import RankedMetric


@given(st.lists(st.one_of(st.integers(-3, 3), st.just(math.inf)), max_size=12))
def test_ranks_agree_with_scipy(keys: list[float]) -> None:
    assert competition_ranks(keys).tolist() == stats.rankdata(keys, method="min").tolist()


def test_many_tables_are_ranked_at_once_as_each_alone() -> None:
    keys = np.random.default_rng(0).integers(0, 5, (50, 8)).astype(float)
    assert np.array_equal(competition_ranks(keys), np.array([competition_ranks(row) for row in keys]))


def test_direction() -> None:
    assert competition_ranks(sort_keys([0.3, 0.1], RankedMetric("lpips"), "lower")).tolist() == [2.0, 1.0]
    assert competition_ranks(sort_keys([0.3, 0.1], RankedMetric("diversity"), "higher")).tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("value", "rank"), [(45.0, 1.0), (45.0001, 1.0), (math.inf, 1.0), (44.9999, 2.0), (-math.inf, 2.0)]
)
def test_plateau_begins_at_its_value(value: float, rank: float) -> None:
    keys = sort_keys([60.0, value], RankedMetric("lr_psnr", plateau=45.0), "higher")
    assert competition_ranks(keys)[1] == rank


def test_plateau_of_a_metric_where_lower_is_better() -> None:
    keys = sort_keys([0.1, 0.2, 0.3], RankedMetric("lpips", plateau=0.2), "lower")
    assert competition_ranks(keys).tolist() == [1.0, 1.0, 3.0]


def test_sums_in_another_order_tie() -> None:
    assert 0.1 + 0.2 != 0.3
    assert competition_ranks(sort_keys([0.1 + 0.2, 0.3], RankedMetric("lpips"), "lower")).tolist() == [1.0, 1.0]


def test_none_sorts_last() -> None:
    assert competition_ranks(sort_keys([math.nan, 1.0], RankedMetric("diversity"), "higher")).tolist() == [2.0, 1.0]
