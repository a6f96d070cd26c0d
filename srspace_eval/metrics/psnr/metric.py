"""PSNR, MSE and LR-PSNR, declared. Imports no torch."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from srspace_eval._utils.whole_numbers import is_whole
from srspace_eval.errors import InputError
from srspace_eval.metrics.base import LeastSize, Metric, MetricInfo, Needs, RunInputs, Setting
from srspace_eval.metrics.psnr.floor import CHANNEL_NAMES, ONE_STEP, largest_psnr
from srspace_eval.metrics.steps import AnyPrepared, ImageInputs, SampleMean

if TYPE_CHECKING:
    from torch import Tensor

Floor = Literal["one step", "none"]


@dataclass(frozen=True)
class PixelMetric(Metric):
    """A metric that compares pixels of the sample and of the GT.

    Attributes
    ----------
    channel
        ``"rgb"``; ``"y"``: luma alone (ITU-R BT.601, limited range, not rounded); ``"y8"``: luma rounded to 8 bits.
    border
        Pixels that are cut off on each side.
    """

    channel: Literal["rgb", "y", "y8"] = "rgb"
    border: int = 0

    def __post_init__(self) -> None:
        if not is_whole(self.border, 0):
            raise InputError(f"border = {self.border!r}: a whole number of pixels, at least 0, is required")

    @abstractmethod
    def compare(self, sr: Tensor, gt: Tensor) -> float:
        """The value of two (H, W, 3) uint8 tensors."""

    def prepare(self, image: ImageInputs) -> AnyPrepared:
        return SampleMean(lambda sr: {self.name: self.compare(sr, image.gt)})

    def least_sizes(self, net: str) -> tuple[LeastSize, ...]:
        return (LeastSize(f"{self.name} with a border of {self.border}", 2 * self.border + 1),) if self.border else ()

    def signature(self, run: RunInputs) -> Mapping[str, Setting]:
        return {"channels": CHANNEL_NAMES[self.channel], "border": self.border}

    def describe(self, info: MetricInfo) -> str:
        start, comma, end = info.description.partition(", mean over samples")
        channels = [f"on {CHANNEL_NAMES[self.channel]}"] if self.channel != "rgb" else []
        border = [f"{self.border} pixels cut off at each side"] if self.border else []
        said = ", ".join([*channels, *border, *self._further()])
        if self.channel != "rgb":
            start = start.removesuffix(" over RGB")
        link = " " if channels or (said and not border) else ", "
        return f"{start}{link}{said}{comma}{end}" if said else info.description

    def _further(self) -> list[str]:
        """Further options in words, if they are not the defaults."""
        return []


@dataclass(frozen=True)
class Psnr(PixelMetric):
    """PSNR between the sample and the GT.

    Attributes
    ----------
    floor
        ``"one step"``: in means, a sample that equals the GT counts as one 8-bit step in one value
        (:mod:`srspace_eval.metrics.psnr.floor`). ``"none"``: its value is infinite, and so is the image's mean.
        The mean over images then counts the image's finite samples.
    """

    name: ClassVar[str] = "psnr"
    columns: ClassVar[tuple[MetricInfo, ...]] = (
        MetricInfo(
            "psnr", "HR-PSNR", "dB", 2, "higher", r"PSNR",
            "PSNR between the sample and the GT over RGB, mean over samples.", least=0,
        ),
    )  # fmt: skip
    floor: Floor = "one step"

    def prepare(self, image: ImageInputs) -> AnyPrepared:
        height, width = (max(0, side - 2 * self.border) for side in image.gt.shape[:2])
        # A picture without pixels inside the border is refused when it is measured.
        largest = largest_psnr(height, width, self.channel) if self.floor == ONE_STEP and height and width else math.inf
        return SampleMean(lambda sr: {self.name: self.compare(sr, image.gt)}, {self.name: largest})

    def signature(self, run: RunInputs) -> Mapping[str, Setting]:
        return {**super().signature(run), **_stated(self.floor)}

    def compare(self, sr: Tensor, gt: Tensor) -> float:
        from srspace_eval.metrics.psnr.function import picture_psnr

        return picture_psnr(sr, gt, self.channel, self.border)


@dataclass(frozen=True)
class Mse(PixelMetric):
    """Mean squared error between the sample and the GT, on the scale of 0..255 values."""

    name: ClassVar[str] = "mse"
    columns: ClassVar[tuple[MetricInfo, ...]] = (
        MetricInfo(
            "mse", "MSE", "", 2, "lower", r"MSE",
            "Mean squared error between the sample and the GT, for values from 0 to 255, mean over samples.", least=0,
        ),
    )  # fmt: skip

    def compare(self, sr: Tensor, gt: Tensor) -> float:
        from srspace_eval.metrics.psnr.function import picture_mse

        return picture_mse(sr, gt, self.channel, self.border)


@dataclass(frozen=True)
class LrPsnr(Metric):
    """PSNR between the downscaled sample and the LR: the mean of the samples', and the worst sample's.

    Attributes
    ----------
    convention
        Of the downscaling; see :func:`srspace_eval.imresize`.
    floor
        ``"one step"``: in means and in the image's worst, a sample whose downscaled picture equals the LR counts as one
        8-bit step in one value of the LR (:mod:`srspace_eval.metrics.psnr.floor`). ``"none"``: as the challenge's
        program has it; its value is infinite, and so is the image's mean.
    """

    name: ClassVar[str] = "lr_psnr"
    columns: ClassVar[tuple[MetricInfo, ...]] = (
        MetricInfo(
            "lr_psnr", "LR-PSNR", "dB", 2, "higher", r"LR-PSNR",
            "PSNR between the downscaled sample and the LR, mean over samples.", aspect="consistency", least=0,
        ),
        MetricInfo(
            "lr_psnr_worst", "LR-PSNR worst", "dB", 2, "higher", r"LR-PSNR\textsubscript{worst}",
            "PSNR between the downscaled sample and the LR, worst sample of each image.", per="image", least=0,
        ),
    )  # fmt: skip
    needs: ClassVar[Needs] = Needs(gt=False, lr=True)
    convention: Literal["ntire21", "matlab", "matlab-legacy"] = "ntire21"
    floor: Floor = "one step"

    def prepare(self, image: ImageInputs) -> AnyPrepared:
        from srspace_eval.metrics.psnr.prepared import PreparedLrPsnr

        return PreparedLrPsnr(image, self.convention, floored=self.floor == ONE_STEP)

    def signature(self, run: RunInputs) -> Mapping[str, Setting]:
        floor = _stated(self.floor)
        if run.lr is None:
            return {"convention": self.convention, "reference": "downscaled GT", **floor}
        return {"convention": self.convention, "reference": "LR files", "lr": run.lr, **floor}


def _stated(floor: Floor) -> Mapping[str, Setting]:
    """What signatures state: nothing if there is no floor, as in version 0.1.0."""
    return {} if floor == "none" else {"floor": floor}
