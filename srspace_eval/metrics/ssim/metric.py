"""SSIM, declared. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from srspace_eval.errors import InputError
from srspace_eval.metrics.base import LeastSize, Metric, MetricInfo, RunInputs, Setting
from srspace_eval.metrics.steps import AnyPrepared, ImageInputs, SampleMean

_SIZES = {"gaussian": 11, "uniform": 7}
_WINDOW_NAMES = {"gaussian": "gaussian 11, 1.5", "uniform": "uniform 7, sample covariance"}


@dataclass(frozen=True)
class Ssim(Metric):
    """Structural similarity to the GT.

    Attributes
    ----------
    channel:
        ``"rgb"``: the mean of the three channels'; ``"y"``: luma alone (ITU-R BT.601, limited range, not rounded);
        ``"y8"``: luma rounded to 8 bits.
    border:
        Pixels that are cut off on each side.
    window:
        ``"gaussian"``: 11×11, σ = 1.5. ``"uniform"``: 7×7 with sample covariances, the defaults of scikit-image.
    """

    name: ClassVar[str] = "ssim"
    columns: ClassVar[tuple[MetricInfo, ...]] = (
        MetricInfo("ssim", "SSIM", "", 4, "higher", r"SSIM", "Structural similarity to the GT, mean over samples."),
    )
    channel: Literal["rgb", "y", "y8"] = "rgb"
    border: int = 0
    window: Literal["gaussian", "uniform"] = "gaussian"

    def __post_init__(self) -> None:
        if self.border < 0:
            raise InputError(f"border = {self.border}: a whole number of pixels, at least 0, is required")

    def prepare(self, image: ImageInputs) -> AnyPrepared:
        from srspace_eval.metrics.ssim.function import picture_ssim

        return SampleMean(lambda sr: {"ssim": picture_ssim(sr, image.gt, self.channel, self.border, self.window)})

    def least_sizes(self, net: str) -> tuple[LeastSize, ...]:
        return (LeastSize("ssim", _SIZES[self.window] + 2 * self.border),)

    def signature(self, run: RunInputs) -> Mapping[str, Setting]:
        channels = {"rgb": "RGB mean", "y": "Y", "y8": "Y, 8 bits"}[self.channel]
        return {"channels": channels, "border": self.border, "window": _WINDOW_NAMES[self.window]}
