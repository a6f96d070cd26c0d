"""What a run of :func:`~srspace_eval.models.folders.sample_folder.sample_folder` makes: the options of ``sample``."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass

from srspace_eval._utils.whole_numbers import is_whole
from srspace_eval.errors import InputError
from srspace_eval.models.precision import Precision
from srspace_eval.models.protocol import Quantize
from srspace_eval.models.sampling.settings import check_heat, check_quantize
from srspace_eval.models.sampling.tiling import STEP
from srspace_eval.tracks.model import Track


@dataclass(frozen=True)
class SampleOptions:
    """The options of ``srspace-eval sample``, with the same defaults.

    Attributes
    ----------
    samples
        Number of samples of each LR.
    heats
        Standard deviations of the latents. With one heat the samples are written to the output folder itself. With
        several, each heat gets a folder of its own in it, such as ``heat-0.7``, which is a submission by itself. All
        heats scale the same latents.
    seed, quantize, precision
        See :class:`srspace_eval.models.sampling.settings.SamplingSettings`. With ``quantize`` None the model's own
        :attr:`~srspace_eval.models.protocol.ModelConfig.quantize` is used.
    tile
        ``"auto"``: an LR is decoded whole if the memory allows, else in the largest tiles that the memory allows;
        ``"off"``: always whole; a number: the side of the tiles in LR pixels, a multiple of 16.
    memory_limit
        Bytes that may be used on the model's device; None: most of what is free.
    track, names
        See :func:`srspace_eval.models.folders.lr_folder.name_samples`.
    overwrite
        Make all samples again, instead of only the missing ones.

    Raises
    ------
    InputError
        If a value is out of range.

    Examples
    --------
    >>> SampleOptions(samples=3, heats=(0.7, 0.9)).tile
    'auto'
    """

    samples: int = 10
    heats: tuple[float, ...] = (0.9,)
    seed: int = 0
    quantize: Quantize | None = None
    precision: Precision = "float32"
    tile: int | str = "auto"
    memory_limit: int | None = None
    track: Track | None = None
    names: str | None = None
    overwrite: bool = False

    def __post_init__(self) -> None:
        if not is_whole(self.samples, 1):
            raise InputError(f"samples = {self.samples!r}: at least one sample must be requested")
        if not is_whole(self.seed, -math.inf):
            raise InputError(f"seed = {self.seed!r} is not an integer")
        for name in ("samples", "seed"):  # the record is JSON, which has no integers of NumPy
            object.__setattr__(self, name, operator.index(getattr(self, name)))
        if self.memory_limit is not None and not is_whole(self.memory_limit, 1):
            raise InputError(f"memory_limit = {self.memory_limit!r} is not a number of bytes")
        if self.quantize is not None:
            check_quantize(self.quantize)
        if not isinstance(self.tile, int) and self.tile not in ("auto", "off"):
            raise InputError(f"tile = {self.tile!r} is not auto, off or a number of LR pixels")
        if isinstance(self.tile, int) and (self.tile < STEP or self.tile % STEP):
            raise InputError(f"tile = {self.tile} is not a multiple of {STEP}")
        if not self.heats or len({check_heat(heat) for heat in self.heats}) < len(self.heats):
            raise InputError(f"heats {', '.join(map(str, self.heats))}: give at least one, and each once")
