"""NIQE, BRISQUE and PIQE, declared. Imports no torch."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from srspace_eval._utils.whole_numbers import is_whole
from srspace_eval.errors import InputError
from srspace_eval.metrics.base import LeastSize, Metric, MetricInfo, Needs, RunInputs, Setting
from srspace_eval.metrics.steps import AnyPrepared, ImageInputs, SampleMean

if TYPE_CHECKING:
    from srspace_eval.metrics.scenes.statistics import Pixels

_CHANNELS = {"grey": "grey, 8 bits", "y8": "Y, 8 bits"}


@dataclass(frozen=True)
class SceneMetric(Metric):
    """A metric of the sample alone: it needs no GT.

    Attributes
    ----------
    channel
        ``"grey"``: MATLAB's ``rgb2gray``; ``"y8"``: luma (ITU-R BT.601, limited range). Both are rounded to 8 bits.
    border
        Pixels that are cut off on each side.
    """

    needs: ClassVar[Needs] = Needs(gt=False)
    channel: Literal["grey", "y8"] = "grey"
    border: int = 0

    def __post_init__(self) -> None:
        if not is_whole(self.border, 0):
            raise InputError(f"border = {self.border!r}: a whole number of pixels, at least 0, is required")

    @abstractmethod
    def score(self, picture: Pixels) -> float:
        """The score of a picture; NaN if it is undefined."""

    def prepare(self, image: ImageInputs) -> AnyPrepared:
        from srspace_eval.kernels.cuda import fetch

        return SampleMean(lambda sr: {self.name: self._defined(self.score(fetch(sr).numpy()))})

    def _defined(self, score: float) -> float:
        if math.isnan(score):
            raise InputError(f"{self.name} is undefined: the picture has too few textured parts")
        return score

    def least_sizes(self, net: str) -> tuple[LeastSize, ...]:
        return (LeastSize(f"{self.name} with a border of {self.border}", 2 * self.border + 1),) if self.border else ()

    def signature(self, run: RunInputs) -> Mapping[str, Setting]:
        return {"version": self.version, "channel": _CHANNELS[self.channel], "border": self.border}

    def describe(self, info: MetricInfo) -> str:
        border = f"{self.border} pixels are cut off at each side." if self.border else ""
        channel = "" if self.channel == "grey" else f"Measured on {_CHANNELS[self.channel]}."
        model = f"With the model {model}." if (model := getattr(self, "niqe_model", "")) else ""
        return " ".join(filter(None, [info.description, channel, border, model]))


@dataclass(frozen=True)
class Niqe(SceneMetric):
    """NIQE.

    Attributes
    ----------
    niqe_model
        A file with another model than the authors' (:func:`srspace_eval.metrics.scenes.models.niqe_model`).
    """

    name: ClassVar[str] = "niqe"
    columns: ClassVar[tuple[MetricInfo, ...]] = (
        MetricInfo(
            "niqe", "NIQE", "", 2, "lower", r"NIQE",
            "Distance of the picture's statistics from those of natural pictures, without a reference.", least=0,
        ),
    )  # fmt: skip
    niqe_model: str = ""

    def score(self, picture: Pixels) -> float:
        from srspace_eval.metrics.scenes.niqe import niqe

        return niqe(picture, channel=self.channel, border=self.border, model=self.niqe_model or None)

    def least_sizes(self, net: str) -> tuple[LeastSize, ...]:
        cut = 2 * self.border
        return (LeastSize("niqe", 96 + cut, longer=192 + cut),)  # two blocks of 96×96

    def signature(self, run: RunInputs) -> Mapping[str, Setting]:
        from srspace_eval.metrics.scenes.models import niqe_model

        model = niqe_model(self.niqe_model).sha256 if self.niqe_model else "authors'"
        return {**super().signature(run), "model": model}


@dataclass(frozen=True)
class Brisque(SceneMetric):
    """BRISQUE, with the authors' model."""

    name: ClassVar[str] = "brisque"
    columns: ClassVar[tuple[MetricInfo, ...]] = (
        MetricInfo(
            "brisque", "BRISQUE", "", 2, "lower", r"BRISQUE",
            "Quality learnt from people's opinion of distorted pictures, without a reference.",
        ),
    )  # fmt: skip

    def least_sizes(self, net: str) -> tuple[LeastSize, ...]:
        return (LeastSize("brisque", 3 + 2 * self.border),)  # of fewer rows, the second scale has one, and no products

    def score(self, picture: Pixels) -> float:
        from srspace_eval.metrics.scenes.brisque import brisque

        return brisque(picture, channel=self.channel, border=self.border)


@dataclass(frozen=True)
class Piqe(SceneMetric):
    """PIQE."""

    name: ClassVar[str] = "piqe"
    columns: ClassVar[tuple[MetricInfo, ...]] = (
        MetricInfo(
            "piqe", "PIQE", "", 2, "lower", r"PIQE",
            "Share and strength of visible artefacts and noise in active blocks, without a reference.",
        ),
    )  # fmt: skip

    def least_sizes(self, net: str) -> tuple[LeastSize, ...]:
        # A thinner picture would be continued to a block, which takes up to 16 times its memory.
        return (LeastSize("piqe", 16 + 2 * self.border),)

    def score(self, picture: Pixels) -> float:
        from srspace_eval.metrics.scenes.piqe import piqe

        return piqe(picture, channel=self.channel, border=self.border)
