"""What a flow keeps of one LR, from one call to the next."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from srspace_eval.kernels.upsampled_tiles import SharedValues
from srspace_eval.kernels.winograd_tiles import Scratch, can_tile
from srspace_eval.models.adapters.banded_step import BandedCondition
from srspace_eval.models.adapters.fused import FusedStep, StepCondition
from srspace_eval.models.adapters.fused_condition import LevelInput


@dataclass
class FlowConditioning:
    """What a flow computed from one LR. :meth:`FlowModel.condition` makes it; its content is private to the model.

    Attributes
    ----------
    height, width
        Size of the LR before padding.
    lr
        The padded LR.
    levels
        Level -> the features that its steps read.
    cache_left
        Bytes that ``steps`` may still grow by.
    steps
        Index of a layer -> what that step needs of the LR; a cache, filled when a step is first decoded.
    current
        During decoding: a level, and what its steps share.
    """

    height: int
    width: int
    lr: Tensor
    levels: dict[int, LevelInput]
    cache_left: int
    steps: dict[int, StepCondition | BandedCondition] = field(default_factory=dict)
    current: tuple[int, SharedValues] | None = None

    def step(self, index: int, step: FusedStep, level: int, scratch: Scratch) -> StepCondition | BandedCondition:
        """The condition of a decoding step, from the cache or computed again."""
        found = self.steps.get(index)
        if found is None:
            features = self.levels[level]
            if step.banded is not None and can_tile(features.own):
                found = step.condition_in_bands(self._values(level), scratch)
            else:
                found = step.condition(features)
            if found.nbytes <= self.cache_left:
                self.cache_left -= found.nbytes
                self.steps[index] = found
        return found

    def _values(self, level: int) -> SharedValues:
        """What the steps of a level share. One level's values are kept at a time."""
        if self.current is None or self.current[0] != level:
            self.current = None
            features = self.levels[level]
            self.current = level, SharedValues(features.own, features.stacked)
        return self.current[1]
