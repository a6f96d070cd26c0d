"""Simulated rankings of raters with known preferences."""

from __future__ import annotations

import numpy as np
from scipy import stats

from srspace_eval.study.rankings import Rankings


def simulate(
    rng: np.random.Generator, raters: int, crops: int, methods: int, *, taste: float = 0.0, crop: float = 0.0
) -> np.ndarray:
    """Ranks (raters, crops, methods) of raters with known preferences: quality + taste + crop + noise."""
    utility = (
        np.linspace(0, 2, methods)
        + taste * rng.normal(size=(raters, 1, methods))
        + crop * rng.normal(size=(1, crops, methods))
        + rng.normal(size=(raters, crops, methods))
    )
    return np.asarray(stats.rankdata(utility, axis=2))


def rankings(ranks: np.ndarray) -> Rankings:
    raters, crops, methods = ranks.shape
    return Rankings(
        tuple(f"m{i}" for i in range(methods)),
        ranks.reshape(-1, methods),
        np.repeat(np.arange(raters), crops),
        np.tile(np.arange(crops), raters),
    )
