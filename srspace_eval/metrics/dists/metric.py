"""DISTS, declared. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from srspace_eval.errors import InputError
from srspace_eval.metrics.base import LeastSize, Metric, MetricInfo, Needs, NetworkSettings, RunInputs, Setting
from srspace_eval.metrics.lpips.nets import NETS
from srspace_eval.metrics.steps import AnyPrepared, ImageInputs, SampleMean

if TYPE_CHECKING:
    from srspace_eval.metrics.dists.network import DISTS

_GT_BYTES = 500  # a pixel: 122 activations and 3 values, 4 bytes each


@dataclass(frozen=True)
class Dists(Metric):
    """DISTS: structure and texture similarity of VGG-16's activations."""

    name: ClassVar[str] = "dists"
    columns: ClassVar[tuple[MetricInfo, ...]] = (
        MetricInfo(
            "dists", "DISTS", "", 4, "lower", r"DISTS",
            "Distance to the GT by structure and texture of VGG-16's activations, mean over samples.", least=0, most=1,
        ),
    )  # fmt: skip
    needs: ClassVar[Needs] = Needs(weights="VGG weights")

    @property
    def network(self) -> str:
        return "dists"

    @property
    def trunk(self) -> str:
        return "vgg"

    def load_network(self, settings: NetworkSettings) -> DISTS:
        from srspace_eval.metrics.dists.network import DISTS

        if settings.precision != "float32":
            raise InputError(f"dists is measured in float32 only, not in {settings.precision}; choose other metrics")
        own = settings.of(self.trunk)
        return DISTS(weights=own.weights, weights_dir=own.weights_dir, device=own.device)

    def prepare(self, image: ImageInputs) -> AnyPrepared:
        network: DISTS = image.networks[self.network]
        gt = network.prepare(image.gt)
        return SampleMean(lambda sr: {self.name: network.distance(gt, sr)})

    def least_sizes(self, net: str) -> tuple[LeastSize, ...]:
        return (LeastSize("dists", NETS[self.trunk].smallest),)

    def gt_bytes(self, net: str) -> int:
        return _GT_BYTES

    def signature(self, run: RunInputs) -> Mapping[str, Setting]:
        return {}  # the network's settings say everything
