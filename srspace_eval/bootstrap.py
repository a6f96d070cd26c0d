"""Paired bootstrap over images: how far a table's means and ranks would move on other test images. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from srspace_eval.errors import InputError


@dataclass(frozen=True)
class BootstrapPlan:
    """How intervals are made.

    Attributes
    ----------
    replicates:
        Number of resampled test sets.
    seed:
        The same seed gives the same intervals.
    level:
        Coverage of the intervals, between 0 and 1.
    """

    replicates: int = 2000
    seed: int = 0
    level: float = 0.95

    def __post_init__(self) -> None:
        if self.replicates < 100:
            raise InputError(f"replicates = {self.replicates}: an interval needs at least 100")
        if self.seed < 0:
            raise InputError(f"seed = {self.seed} must not be negative")
        if not 0 < self.level < 1:
            raise InputError(f"level = {self.level} must lie between 0 and 1")
