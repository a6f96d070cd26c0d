"""S_1 to S_M of one image, sample by sample: only the pixel-wise smallest distance so far is kept."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from torch import Tensor

from srspace_eval.metrics.diversity.function import score


@dataclass
class RunningScore:
    """The state after some samples.

    Attributes
    ----------
    minimum
        The pixel-wise smallest distance of any sample; None before the first.
    global_best, local_best
        The smallest mean distance of any one sample, and the mean of ``minimum``.
    means
        Each sample's mean distance.
    curve
        S_1 to S_n; None where the score is undefined.
    """

    minimum: Tensor | None = None
    global_best: float = math.inf
    local_best: float = math.inf
    means: list[float] = field(default_factory=list)
    curve: list[float | None] = field(default_factory=list)

    def update(self, mean: float, local_best: float, minimum: Tensor) -> float:
        """Take one sample's reduction; returns its mean."""
        self.minimum = minimum
        self.global_best = min(self.global_best, mean)
        self.local_best = local_best
        self.means.append(mean)
        self.curve.append(defined(score(self.global_best, local_best)))
        return mean

    def mean(self) -> float:
        """The mean over the samples."""
        return math.fsum(self.means) / len(self.means)


def defined(value: float) -> float | None:
    """The value; None for NaN."""
    return None if math.isnan(value) else value
