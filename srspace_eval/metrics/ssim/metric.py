"""SSIM, declared. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from srspace_eval.errors import InputError
from srspace_eval.metrics.base import LeastSize, Metric, MetricInfo, RunInputs, Setting
from srspace_eval.metrics.steps import AnyPrepared, ImageInputs, SampleMean

_WINDOW = 11


@dataclass(frozen=True)
class Ssim(Metric):
    """Structural similarity to the GT.

    Attributes
    ----------
    channel:
        ``"rgb"``: the mean of the three channels'; ``"y"``: luma alone (ITU-R BT.601, limited range, not rounded).
    border:
        Pixels that are cut off on each side.
    """

    name: ClassVar[str] = "ssim"
    columns: ClassVar[tuple[MetricInfo, ...]] = (
        MetricInfo("ssim", "SSIM", "", 4, "higher", r"SSIM", "Structural similarity to the GT, mean over samples."),
    )
    channel: Literal["rgb", "y"] = "rgb"
    border: int = 0

    def __post_init__(self) -> None:
        if self.border < 0:
            raise InputError(f"border = {self.border}: a whole number of pixels, at least 0, is required")

    def prepare(self, image: ImageInputs) -> AnyPrepared:
        from srspace_eval.metrics.ssim.function import picture_ssim

        return SampleMean(lambda sr: {"ssim": picture_ssim(sr, image.gt, self.channel, self.border)})

    def least_sizes(self, net: str) -> tuple[LeastSize, ...]:
        return (LeastSize("ssim", _WINDOW + 2 * self.border),)

    def signature(self, run: RunInputs) -> Mapping[str, Setting]:
        channels = "RGB mean" if self.channel == "rgb" else "Y"
        return {"channels": channels, "border": self.border, "window": "gaussian 11, 1.5"}
