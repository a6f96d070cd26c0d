"""The mean absolute error of samples, as a metric of srspace-eval."""

from __future__ import annotations

from dataclasses import dataclass

from srspace_eval import ImageInputs, InputError, Metric, MetricInfo, SampleMean


@dataclass(frozen=True)
class MeanError(Metric):
    name = "mean_error"
    columns = (
        MetricInfo(
            id="mean_error",
            label="MAE",
            unit="",
            digits=2,
            direction="lower",
            tex="MAE",
            description="Mean absolute error of 8-bit values.",
            least=0.0,
            most=255.0,
        ),
    )
    border: int = 0

    def __post_init__(self) -> None:
        if self.border < 0:
            raise InputError(f"border = {self.border}: must not be negative")

    def prepare(self, image: ImageInputs) -> SampleMean:
        height, width = image.gt.shape[:2]
        inside = slice(self.border, height - self.border), slice(self.border, width - self.border)
        gt = image.gt[inside].double()
        return SampleMean(lambda sr: {"mean_error": float((sr[inside].double() - gt).abs().mean())})
