"""PSNR, MSE and LR-PSNR, declared. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from srspace_eval.errors import InputError
from srspace_eval.metrics.base import LeastSize, Metric, MetricInfo, Needs, RunInputs, Setting
from srspace_eval.metrics.steps import AnyPrepared, ImageInputs, SampleMean

CHANNEL_NAMES = {"rgb": "RGB", "y": "Y", "y8": "Y, 8 bits"}
"""Channels as signatures name them."""


@dataclass(frozen=True)
class Psnr(Metric):
    """PSNR between the sample and the GT.

    Attributes
    ----------
    channel:
        ``"rgb"``; ``"y"``: luma alone (ITU-R BT.601, limited range, not rounded); ``"y8"``: luma rounded to 8 bits.
    border:
        Pixels that are cut off on each side.
    """

    name: ClassVar[str] = "psnr"
    columns: ClassVar[tuple[MetricInfo, ...]] = (
        MetricInfo(
            "psnr", "HR-PSNR", "dB", 2, "higher", r"PSNR",
            "PSNR between the sample and the GT over RGB, mean over samples.",
        ),
    )  # fmt: skip
    channel: Literal["rgb", "y", "y8"] = "rgb"
    border: int = 0

    def __post_init__(self) -> None:
        if self.border < 0:
            raise InputError(f"border = {self.border}: a whole number of pixels, at least 0, is required")

    def prepare(self, image: ImageInputs) -> AnyPrepared:
        from srspace_eval.metrics.psnr.function import picture_psnr

        return SampleMean(lambda sr: {"psnr": picture_psnr(sr, image.gt, self.channel, self.border)})

    def least_sizes(self, net: str) -> tuple[LeastSize, ...]:
        return (LeastSize(f"psnr with a border of {self.border}", 2 * self.border + 1),) if self.border else ()

    def signature(self, run: RunInputs) -> Mapping[str, Setting]:
        return {"channels": CHANNEL_NAMES[self.channel], "border": self.border}


@dataclass(frozen=True)
class Mse(Metric):
    """Mean squared error between the sample and the GT, on the scale of 0..255 values.

    Attributes
    ----------
    channel, border:
        As for :class:`Psnr`.
    """

    name: ClassVar[str] = "mse"
    columns: ClassVar[tuple[MetricInfo, ...]] = (
        MetricInfo(
            "mse", "MSE", "", 2, "lower", r"MSE",
            "Mean squared error between the sample and the GT, for values from 0 to 255, mean over samples.", least=0,
        ),
    )  # fmt: skip
    channel: Literal["rgb", "y", "y8"] = "rgb"
    border: int = 0

    def __post_init__(self) -> None:
        if self.border < 0:
            raise InputError(f"border = {self.border}: a whole number of pixels, at least 0, is required")

    def prepare(self, image: ImageInputs) -> AnyPrepared:
        from srspace_eval.metrics.psnr.function import picture_mse

        return SampleMean(lambda sr: {"mse": picture_mse(sr, image.gt, self.channel, self.border)})

    def least_sizes(self, net: str) -> tuple[LeastSize, ...]:
        return (LeastSize(f"mse with a border of {self.border}", 2 * self.border + 1),) if self.border else ()

    def signature(self, run: RunInputs) -> Mapping[str, Setting]:
        return {"channels": CHANNEL_NAMES[self.channel], "border": self.border}


@dataclass(frozen=True)
class LrPsnr(Metric):
    """PSNR between the downscaled sample and the LR: the mean of the samples', and the worst sample's.

    Attributes
    ----------
    convention:
        Of the downscaling; see :func:`srspace_eval.imresize`.
    """

    name: ClassVar[str] = "lr_psnr"
    columns: ClassVar[tuple[MetricInfo, ...]] = (
        MetricInfo(
            "lr_psnr", "LR-PSNR", "dB", 2, "higher", r"LR-PSNR",
            "PSNR between the downscaled sample and the LR, mean over samples.", aspect="consistency",
        ),
        MetricInfo(
            "lr_psnr_worst", "LR-PSNR worst", "dB", 2, "higher", r"LR-PSNR\textsubscript{worst}",
            "PSNR between the downscaled sample and the LR, worst sample of each image.", per="image",
        ),
    )  # fmt: skip
    needs: ClassVar[Needs] = Needs(gt=False, lr=True)
    convention: Literal["ntire21", "matlab", "matlab-legacy"] = "ntire21"

    def prepare(self, image: ImageInputs) -> AnyPrepared:
        from srspace_eval.metrics.psnr.prepared import PreparedLrPsnr

        return PreparedLrPsnr(image, self.convention)

    def signature(self, run: RunInputs) -> Mapping[str, Setting]:
        if run.lr is None:
            return {"convention": self.convention, "reference": "downscaled GT"}
        return {"convention": self.convention, "reference": "LR files", "lr": run.lr}
