"""What a sample depends on beside the model and the LR: its number, its heat, and the settings of the run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import get_args

import numpy as np

from srspace_eval.errors import InputError
from srspace_eval.models.precision import Precision
from srspace_eval.models.protocol import Quantize


@dataclass(frozen=True)
class SampleRequest:
    """One sample to be made: its number, from 0, and its heat."""

    sample: int
    heat: float


@dataclass(frozen=True)
class SamplingSettings:
    """The settings that all samples of a run share.

    Attributes
    ----------
    seed
        Seed of the latents, any integer.
    quantize
        ``"trunc"``: the fraction of x · 255 is cut off, as in the authors' programs of the flows; ``"round"``: rounded
        to the nearest, halves to even.
    precision
        ``"float32"``, or autocast to ``"bf16"`` or ``"fp16"``.
    """

    seed: int = 0
    quantize: Quantize = "trunc"
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        check_quantize(self.quantize)


def check_quantize(quantize: object) -> None:
    """Check the name of the way in which pixels become whole numbers.

    Raises
    ------
    InputError
        If it is not ``"trunc"`` or ``"round"``.
    """
    if quantize not in get_args(Quantize):
        raise InputError(f"quantize = {quantize!r}: choose from {', '.join(get_args(Quantize))}")


def check_heat(heat: object) -> float:
    """Return a heat as a float.

    >>> check_heat(np.float32(0.5))
    0.5

    Raises
    ------
    InputError
        If it is not a finite number of 0 or more.
    """
    if isinstance(heat, (int, float, np.integer, np.floating)) and not isinstance(heat, bool):
        number = float(heat) + 0.0  # turns -0.0 into 0.0
        if math.isfinite(number) and number >= 0:
            return number
    raise InputError(f"heat = {heat!r} is not a number of 0 or more")
