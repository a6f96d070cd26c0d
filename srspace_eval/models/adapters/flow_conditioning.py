"""What a flow keeps of one LR, from one call to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from srspace_eval.kernels.banded_tiles import run_stages
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

    def step(self, level: int, coming: Mapping[int, FusedStep], scratch: Scratch) -> StepCondition | BandedCondition:
        """The condition of the first of the level's coming steps (index of the layer -> step).

        It is from the cache or computed again. In bands, the coming steps are computed with it, as many as the cache
        takes: the threads need not wait for each other between two steps.
        """
        index, step = next(iter(coming.items()))
        if index in self.steps:
            return self.steps[index]
        features = self.levels[level]
        if step.banded is None or not can_tile(features.own):
            return self._kept(index, step.condition(features))
        values = self._values(level, step.band_tiles)
        each = step.condition_values * values.height * values.width * features.own.itemsize
        count = max(1, self.cache_left // each)
        missing = [other for other in coming if other not in self.steps][:count]
        chain = [coming[other].condition_in_bands(values, scratch, turn % 2) for turn, other in enumerate(missing)]
        run_stages([stages for stages, _ in chain])
        found = [self._kept(other, condition()) for other, (_, condition) in zip(missing, chain, strict=True)]
        return found[0]

    def drop(self, index: int) -> None:
        """Remove a step's condition from the cache."""
        found = self.steps.pop(index, None)
        self.cache_left += 0 if found is None else found.nbytes

    def _kept(self, index: int, found: StepCondition | BandedCondition) -> StepCondition | BandedCondition:
        if found.nbytes <= self.cache_left:
            self.cache_left -= found.nbytes
            self.steps[index] = found
        return found

    def _values(self, level: int, band_tiles: int) -> SharedValues:
        """What the steps of a level share. One level's values are kept at a time."""
        if self.current is None or self.current[0] != level:
            self.current = None
            features = self.levels[level]
            self.current = level, SharedValues(features.own, features.stacked, band_tiles)
        return self.current[1]
