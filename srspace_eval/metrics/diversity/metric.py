"""The diversity score S_M with the squared error as its distance, declared. Imports no torch.

:mod:`srspace_eval.metrics.lpips.metric` declares the forms that use LPIPS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from srspace_eval.metrics.base import Metric, MetricInfo, RunInputs, Setting
from srspace_eval.metrics.steps import AnyPrepared, ImageInputs


@dataclass(frozen=True)
class DiversityMse(Metric):
    """S_M over all pixels, with the box-filtered squared error as the distance."""

    name: ClassVar[str] = "diversity_mse"
    columns: ClassVar[tuple[MetricInfo, ...]] = (
        MetricInfo(
            "diversity_mse", "S_M (MSE)", "%", 3, "higher", r"$S_{M}^{\mathrm{MSE}}$",
            "Diversity score with the squared error, box-filtered 16×16.",
            per="image", curve="diversity_mse_curve", aspect="diversity", least=0, most=100,
        ),
    )  # fmt: skip
    curves: ClassVar[tuple[str, ...]] = ("diversity_mse_curve",)

    def prepare(self, image: ImageInputs) -> AnyPrepared:
        from srspace_eval.metrics.diversity.prepared import PreparedDiversityMse

        return PreparedDiversityMse(image.gt)

    def signature(self, run: RunInputs) -> Mapping[str, Setting]:
        return {"box": 16}
