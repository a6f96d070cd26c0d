"""S_M with the squared error of one image's samples."""

from __future__ import annotations

from torch import Tensor

from srspace_eval.kernels import error_boxes
from srspace_eval.metrics.diversity.running import RunningScore
from srspace_eval.metrics.steps import ImageValues, Prepared


class PreparedDiversityMse(Prepared[Tensor]):
    """S_M with the box-filtered squared error; records also get each sample's ``mse``."""

    def __init__(self, gt: Tensor) -> None:
        self._gt = gt
        self._running = RunningScore()

    def measure(self, sr: Tensor) -> Tensor:
        return sr  # one pass gives the error and the running minimum: in update

    def update(self, measured: Tensor) -> dict[str, float]:
        reduction = error_boxes.reduce_into(measured, self._gt, self._running.minimum)
        return {"mse": self._running.update(*reduction)}

    def compute(self) -> ImageValues:
        running = self._running
        values = {"mse": running.mean(), "diversity_mse": running.curve[-1]}
        return ImageValues(values, {"diversity_mse_curve": running.curve})
