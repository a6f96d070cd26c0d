"""SSIM, declared. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from srspace_eval.metrics.base import LeastSize, MetricInfo, RunInputs, Setting
from srspace_eval.metrics.psnr.floor import CHANNEL_NAMES
from srspace_eval.metrics.psnr.metric import PixelMetric

if TYPE_CHECKING:
    from torch import Tensor

_SIZES = {"gaussian": 11, "uniform": 7}
_WINDOW_NAMES = {"gaussian": "gaussian 11, 1.5", "uniform": "uniform 7, sample covariance"}


@dataclass(frozen=True)
class Ssim(PixelMetric):
    """Structural similarity to the GT; over RGB the mean of the three channels'.

    Attributes
    ----------
    window
        ``"gaussian"``: 11×11, σ = 1.5. ``"uniform"``: 7×7 with sample covariances, the defaults of scikit-image.
    """

    name: ClassVar[str] = "ssim"
    columns: ClassVar[tuple[MetricInfo, ...]] = (
        MetricInfo(
            "ssim", "SSIM", "", 4, "higher", r"SSIM", "Structural similarity to the GT, mean over samples.",
            least=-1, most=1,
        ),
    )  # fmt: skip
    window: Literal["gaussian", "uniform"] = "gaussian"

    def compare(self, sr: Tensor, gt: Tensor) -> float:
        from srspace_eval.metrics.ssim.function import picture_ssim

        return picture_ssim(sr, gt, self.channel, self.border, self.window)

    def _further(self) -> list[str]:
        return [] if self.window == "gaussian" else [f"with a {self.window} window"]

    def least_sizes(self, net: str) -> tuple[LeastSize, ...]:
        return (LeastSize("ssim", _SIZES[self.window] + 2 * self.border),)

    def signature(self, run: RunInputs) -> Mapping[str, Setting]:
        channels = "RGB mean" if self.channel == "rgb" else CHANNEL_NAMES[self.channel]
        return {"channels": channels, "border": self.border, "window": _WINDOW_NAMES[self.window]}
