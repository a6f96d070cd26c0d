"""LPIPS, declared. One family with the S_M forms of LPIPS: they share the network's pass. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from srspace_eval.metrics.base import LeastSize, Metric, MetricInfo, Needs
from srspace_eval.metrics.lpips.nets import NETS
from srspace_eval.metrics.steps import AnyPrepared, ImageInputs


@dataclass(frozen=True)
class LpipsFamily(Metric):
    """A metric that is computed from LPIPS's distance maps."""

    needs: ClassVar[Needs] = Needs(network=True)
    curves: ClassVar[tuple[str, ...]] = ("diversity_curve",)
    family: ClassVar[str] = "lpips"

    def prepare(self, image: ImageInputs) -> AnyPrepared:
        return self.prepare_family(image, [self])

    @classmethod
    def prepare_family(cls, image: ImageInputs, members: Sequence[Metric]) -> AnyPrepared:
        from srspace_eval.metrics.lpips.prepared import PreparedLpips

        return PreparedLpips(image, members)

    def least_size(self, net: str) -> LeastSize | None:
        return LeastSize(f"LPIPS with the {net} trunk", NETS[net].smallest)

    def gt_bytes(self, net: str) -> int:
        return NETS[net].gt_bytes


@dataclass(frozen=True)
class Lpips(LpipsFamily):
    """Spatial LPIPS v0.1: the mean of the samples', the best sample's, and the pixel-wise best."""

    name: ClassVar[str] = "lpips"
    columns: ClassVar[tuple[MetricInfo, ...]] = (
        MetricInfo(
            "lpips", "LPIPS", "", 3, "lower", r"LPIPS",
            "Perceptual distance to the GT: mean of the spatial LPIPS v0.1 map, mean over samples.",
            aspect="photo-realism",
        ),
        MetricInfo(
            "lpips_global_best", "LPIPS global best", "", 3, "lower", r"LPIPS\textsubscript{global}",
            "Smallest LPIPS of any one sample.", per="image",
        ),
        MetricInfo(
            "lpips_local_best", "LPIPS local best", "", 3, "lower", r"LPIPS\textsubscript{local}",
            "Mean over the image of the pixel-wise smallest LPIPS of any sample.", per="image",
        ),
    )  # fmt: skip
