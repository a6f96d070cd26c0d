from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from srspace_eval.study.rankings import item_ranks, mean_opinion_rank
from tests.helpers.rankings import rankings, simulate


def test_mor_is_the_mean_rank() -> None:
    ranks = simulate(np.random.default_rng(0), 5, 30, 8)
    np.testing.assert_allclose(mean_opinion_rank(rankings(ranks).ranks), stats.tmean(ranks.reshape(150, 8), axis=0))
    assert mean_opinion_rank(ranks.reshape(-1, 8)).sum() == pytest.approx(36)


def test_ties_share_their_ranks() -> None:
    assert item_ranks((("a", "b", "c"), ("d",))) == {"a": 2, "b": 2, "c": 2, "d": 4}
