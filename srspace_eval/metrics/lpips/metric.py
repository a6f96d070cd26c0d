"""LPIPS and the forms of S_M that use it, declared: one family that shares the network's pass. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from srspace_eval._utils.whole_numbers import LARGEST_SEED, is_whole
from srspace_eval.errors import InputError
from srspace_eval.metrics.base import (
    LeastSize,
    Metric,
    MetricInfo,
    Needs,
    NetworkSettings,
    RunInputs,
    Setting,
)
from srspace_eval.metrics.lpips.nets import NETS
from srspace_eval.metrics.steps import AnyPrepared, ImageInputs

if TYPE_CHECKING:
    from srspace_eval.metrics.lpips.network import LPIPS


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
        from srspace_eval.metrics.diversity.function import PatchPlan
        from srspace_eval.metrics.lpips.prepared import PreparedLpips

        plans = [PatchPlan(m.patches, m.size, m.seed) for m in members if isinstance(m, DiversityPatches)]
        return PreparedLpips(image, plans[0] if plans else None)

    def least_sizes(self, net: str) -> tuple[LeastSize, ...]:
        return (LeastSize(f"LPIPS with the {net} trunk", NETS[net].smallest),)

    def gt_bytes(self, net: str) -> int:
        return NETS[net].gt_bytes

    def signature(self, run: RunInputs) -> Mapping[str, Setting]:
        return {}  # the network's own group says everything


@dataclass(frozen=True)
class Lpips(LpipsFamily):
    """LPIPS v0.1: the mean of the samples', the best sample's, and the pixel-wise best.

    Attributes
    ----------
    spatial
        ``True``: the mean of the map in which every layer is upsampled to the picture's size. ``False``: the sum of
        the layers' means, as the package ``lpips`` computes it by default; there is no pixel-wise best then.
    net
        The trunk; ``"default"``: the run's (``score --lpips-net``), whose pass S_M shares.
    """

    name: ClassVar[str] = "lpips"
    columns: ClassVar[tuple[MetricInfo, ...]] = (
        MetricInfo(
            "lpips", "LPIPS", "", 3, "lower", r"LPIPS",
            "Perceptual distance to the GT: mean of the spatial LPIPS v0.1 map, mean over samples.",
            aspect="photo-realism", least=0,
        ),
        MetricInfo(
            "lpips_global_best", "LPIPS global best", "", 3, "lower", r"LPIPS\textsubscript{global}",
            "Smallest LPIPS of any one sample.", per="image", least=0,
        ),
        MetricInfo(
            "lpips_local_best", "LPIPS local best", "", 3, "lower", r"LPIPS\textsubscript{local}",
            "Mean over the image of the pixel-wise smallest LPIPS of any sample.", per="image", least=0,
        ),
    )  # fmt: skip
    spatial: bool = True
    net: Literal["default", "alex", "vgg", "squeeze"] = "default"

    @property
    def shared_pass(self) -> str:
        return self.family if self.spatial and self.net == "default" else ""

    @property
    def network(self) -> str:
        return "lpips" if self.net == "default" else f"lpips-{self.net}"

    @property
    def trunk(self) -> str:
        return "" if self.net == "default" else self.net

    def load_network(self, settings: NetworkSettings) -> LPIPS:
        from srspace_eval.metrics.lpips.network import LPIPS

        own = settings.of(self.net)
        return LPIPS(
            own.net, weights=own.weights, weights_dir=own.weights_dir, device=own.device, precision=own.precision
        )

    def prepare(self, image: ImageInputs) -> AnyPrepared:
        if self.net != "default":
            image = replace(image, network=image.networks[self.network])
        if self.spatial:
            return LpipsFamily.prepare_family(image, [self])
        from srspace_eval.metrics.lpips.prepared import PreparedLayerMeans

        return PreparedLayerMeans(image)

    def least_sizes(self, net: str) -> tuple[LeastSize, ...]:
        return super().least_sizes(net if self.net == "default" else self.net)

    def gt_bytes(self, net: str) -> int:
        return super().gt_bytes(net if self.net == "default" else self.net)

    @classmethod
    def prepare_family(cls, image: ImageInputs, members: Sequence[Metric]) -> AnyPrepared:
        if len(members) == 1 and isinstance(members[0], Lpips) and not members[0].shared_pass:
            return members[0].prepare(image)
        return super().prepare_family(image, members)

    def describe(self, info: MetricInfo) -> str:
        about = info.description
        if not self.spatial:
            about = about.replace("mean of the spatial LPIPS v0.1 map", "LPIPS v0.1 without a map")
        return about if self.net == "default" else f"{about} The trunk is {self.net}."

    def columns_as(self, measure_id: str) -> tuple[MetricInfo, ...]:
        renamed = super().columns_as(measure_id)
        return renamed if self.spatial else renamed[:-1]

    def signature(self, run: RunInputs) -> Mapping[str, Setting]:
        net: dict[str, Setting] = {} if self.net == "default" else {"net": self.net}
        return net if self.spatial else {**net, "spatial": False}


@dataclass(frozen=True)
class Diversity(LpipsFamily):
    """S_M over all pixels, with spatial LPIPS as the distance: the challenge's official form."""

    name: ClassVar[str] = "diversity"
    columns: ClassVar[tuple[MetricInfo, ...]] = (
        MetricInfo(
            "diversity", "S_M", "%", 3, "higher", r"$S_{M}$",
            "Diversity score with spatial LPIPS: how much the pixel-wise best of M samples gains on the best.",
            per="image", curve="diversity_curve", aspect="diversity", least=0, most=100,
        ),
    )  # fmt: skip


@dataclass(frozen=True)
class DiversityPatches(LpipsFamily):
    """S_M over K random N×N patches an image, with spatial LPIPS as the distance, as the paper writes it.

    Attributes
    ----------
    patches, size, seed
        K (0: not given yet), N, and the seed of the patches' places.
    """

    name: ClassVar[str] = "diversity_patches"
    columns: ClassVar[tuple[MetricInfo, ...]] = (
        MetricInfo(
            "diversity_patches", "S_M (patches)", "%", 3, "higher", r"$S_{M}^{\mathrm{patch}}$",
            "Diversity score over K random N×N patches, as the paper writes it.", per="image", least=0, most=100,
        ),
    )  # fmt: skip
    patches: int = 0
    size: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        if not (is_whole(self.patches, 0) and is_whole(self.size, 1) and is_whole(self.seed, 0, LARGEST_SEED)):
            raise InputError(
                f"patches: at least 1 patch of at least 1 pixel and a seed from 0 to 2^63 - 1 are required, not "
                f"patches={self.patches}, size={self.size}, seed={self.seed}"
            )

    def least_sizes(self, net: str) -> tuple[LeastSize, ...]:
        return (*super().least_sizes(net), LeastSize(self.name, self.size, "give a smaller --patch-size"))

    def signature(self, run: RunInputs) -> Mapping[str, Setting]:
        return {"patches": self.patches, "size": self.size, "seed": self.seed}

    def missing(self) -> str:
        return "" if self.patches else "the option patches (--patches K)"
