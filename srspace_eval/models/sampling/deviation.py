"""How far a model's reduced precision is from float32, measured on a built-in test picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from srspace_eval.models.lr_input import to_tensor
from srspace_eval.models.precision import Precision, inference
from srspace_eval.models.protocol import Decoder
from srspace_eval.models.sampling.tiling import tile_latents, whole

_SIDE = 24  # LR pixels


@dataclass(frozen=True)
class Deviation:
    """Absolute differences between a reduced precision and float32, of values clamped to [0, 1].

    Attributes
    ----------
    largest, mean
        Over all values of the picture. NaN if the reduced precision overflows.
    """

    largest: float
    mean: float

    def __str__(self) -> str:
        return f"{self.largest:.2g} at most, {self.mean:.2g} in the mean, of values in [0, 1], on a test picture"


def measure_deviation(model: Decoder, precision: Precision, heat: float) -> Deviation:
    """Decode a small test picture in float32 and in another precision, with the same latents.

    Parameters
    ----------
    model
        The model.
    precision
        The reduced precision.
    heat
        Standard deviation of the latents.

    Examples
    --------
    >>> from srspace_eval.models.adapters.bicubic import Bicubic
    >>> measure_deviation(Bicubic(2), "bf16", 0.9).largest
    0.0
    """
    lr = to_tensor(_test_picture(), model.device)
    fields = tile_latents(
        model, (_SIDE, _SIDE), whole(_SIDE, _SIDE), seed=0, image="deviation", sample=0, heat=heat
    )  # fmt: skip
    exact = _decode(model, lr, fields, "float32")
    difference = (_decode(model, lr, fields, precision) - exact).abs()
    return Deviation(float(difference.max()), float(difference.mean()))


def _decode(model: Decoder, lr: Tensor, fields: list[NDArray[np.float32]], precision: Precision) -> Tensor:
    with inference(model.device, precision):
        latents = [torch.from_numpy(field)[None].to(model.device) for field in fields]
        picture, _ = model.decode(model.condition(lr), latents)
        return picture.double().clamp(0, 1)


def _test_picture() -> NDArray[np.uint8]:
    """Gradients, edges and waves: (24, 24, 3) uint8."""
    y, x = np.mgrid[0:_SIDE, 0:_SIDE] / (_SIDE - 1)
    waves = 0.5 + 0.4 * np.sin(20 * x * y)
    edges = np.where((x > 0.5) ^ (y > 0.3), 0.85, 0.15)
    levels = 255 * np.stack([0.1 + 0.8 * x, waves, edges], -1)
    return np.asarray(np.rint(levels), np.uint8)
