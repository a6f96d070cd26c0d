"""The forms of the diversity score S_M, declared. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from srspace_eval.errors import InputError
from srspace_eval.metrics.base import LeastSize, Metric, MetricInfo, RunInputs, Setting
from srspace_eval.metrics.lpips.metric import LpipsFamily
from srspace_eval.metrics.steps import AnyPrepared, ImageInputs

if TYPE_CHECKING:
    from srspace_eval.metrics.diversity.function import PatchPlan


@dataclass(frozen=True)
class Diversity(LpipsFamily):
    """S_M over all pixels, with spatial LPIPS as the distance: the challenge's official form."""

    name: ClassVar[str] = "diversity"
    columns: ClassVar[tuple[MetricInfo, ...]] = (
        MetricInfo(
            "diversity", "S_M", "%", 3, "higher", r"$S_{M}$",
            "Diversity score with spatial LPIPS: how much the pixel-wise best of M samples gains on the best.",
            per="image", curve="diversity_curve", aspect="diversity",
        ),
    )  # fmt: skip


@dataclass(frozen=True)
class DiversityMse(Metric):
    """S_M over all pixels, with the box-filtered squared error as the distance."""

    name: ClassVar[str] = "diversity_mse"
    columns: ClassVar[tuple[MetricInfo, ...]] = (
        MetricInfo(
            "diversity_mse", "S_M (MSE)", "%", 3, "higher", r"$S_{M}^{\mathrm{MSE}}$",
            "Diversity score with the squared error, box-filtered 16×16.",
            per="image", curve="diversity_mse_curve", aspect="diversity",
        ),
    )  # fmt: skip
    curves: ClassVar[tuple[str, ...]] = ("diversity_mse_curve",)

    def prepare(self, image: ImageInputs) -> AnyPrepared:
        from srspace_eval.metrics.diversity.prepared import PreparedDiversityMse

        return PreparedDiversityMse(image.gt)

    def signature(self, run: RunInputs) -> Mapping[str, Setting]:
        return {"box": 16}


@dataclass(frozen=True)
class DiversityPatches(LpipsFamily):
    """S_M over K random N×N patches an image, with spatial LPIPS as the distance, as the paper writes it.

    Attributes
    ----------
    patches, size, seed:
        K (0: not given yet), N, and the seed of the patches' places.
    """

    name: ClassVar[str] = "diversity_patches"
    columns: ClassVar[tuple[MetricInfo, ...]] = (
        MetricInfo(
            "diversity_patches", "S_M (patches)", "%", 3, "higher", r"$S_{M}^{\mathrm{patch}}$",
            "Diversity score over K random N×N patches, as the paper writes it.", per="image",
        ),
    )  # fmt: skip
    patches: int = 0
    size: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        if self.patches < 0 or self.size < 1 or self.seed < 0:
            raise InputError(
                f"patches: at least 1 patch of at least 1 pixel and a seed from 0 on are required, not "
                f"patches={self.patches}, size={self.size}, seed={self.seed}"
            )

    @property
    def plan(self) -> PatchPlan:
        """The patches, as the pure function takes them."""
        from srspace_eval.metrics.diversity.function import PatchPlan

        return PatchPlan(self.patches, self.size, self.seed)

    def least_size(self, net: str) -> LeastSize | None:
        trunk = super().least_size(net)
        if trunk is not None and trunk.side >= self.size:
            return trunk
        return LeastSize(self.name, self.size, "give a smaller --patch-size")

    def signature(self, run: RunInputs) -> Mapping[str, Setting]:
        return {"patches": self.patches, "size": self.size, "seed": self.seed}

    def missing(self) -> str:
        return "" if self.patches else "the number of patches, --patches K"
