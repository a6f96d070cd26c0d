"""How a submission is measured: the options of ``score``, with the defaults of the command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from srspace_eval.errors import InputError
from srspace_eval.metrics.base import Metric, Setting
from srspace_eval.metrics.diversity.function import PatchPlan
from srspace_eval.metrics.lpips.metric import DiversityPatches
from srspace_eval.metrics.measures import Measure, options_of
from srspace_eval.metrics.registry import bind
from srspace_eval.scoring.executors.base import NetworkPlan
from srspace_eval.tracks.model import Track

Net = Literal["alex", "vgg", "squeeze"]
Convention = Literal["ntire21", "matlab", "matlab-legacy"]


@dataclass(frozen=True)
class ScoreOptions:
    """How to measure.

    Attributes
    ----------
    metrics:
        Names of :func:`srspace_eval.list_metrics`, ids of the track's measures, and
        :class:`~srspace_eval.metrics.measures.Measure` values with options; None: the track's.
    measures:
        Measured beside ``metrics``.
    samples:
        M instead of the track's.
    net, lpips_weights, weights_dir:
        LPIPS trunk; a file with its weights; a folder with torchvision's files.
    convention:
        Of the downscaling for LR-PSNR.
    patches:
        K, N and seed of the sampled diversity score.
    device, precision:
        Where the trunk runs (``"auto"``, ``"cpu"``, ``"cuda"``) and in what precision.
    workers:
        Threads; None: as many as cores.
    scheduler:
        Dask cluster to measure on instead of in this process: see
        :func:`srspace_eval.scoring.executors.opening.open_executor`.
    incomplete:
        Measure what is there of a submission that lacks images or samples. Its summary stays empty.
    """

    metrics: tuple[str | Measure, ...] | None = None
    samples: int | None = None
    net: Net = "alex"
    lpips_weights: Path | None = None
    weights_dir: Path | None = None
    convention: Convention = "ntire21"
    patches: PatchPlan | None = None
    device: str = "auto"
    precision: str = "float32"
    workers: int | None = None
    scheduler: str | None = None
    incomplete: bool = False
    measures: tuple[Measure, ...] = ()

    def bound(self, track: Track | None) -> dict[str, Metric]:
        """The metrics to measure, by id, with their options; empty if only the track names them and it is not known.

        Raises
        ------
        InputError
            If a metric or an option is unknown, or a value does not suit.
        """
        names = self.metrics or (track.measured if track is not None else None)
        if names is None:
            return {}
        shared: list[dict[str, Setting]] = [{"convention": self.convention}]
        if self.patches is not None:
            plan: dict[str, Setting] = {
                "patches": self.patches.patches, "size": self.patches.size, "seed": self.patches.seed,
            }  # fmt: skip
            shared.append(plan)
        found = bind([*names, *self.measures], track.measures if track is not None else (), shared)
        if self.patches is not None and not any(plan.keys() <= options_of(type(m)).keys() for m in found.values()):
            raise InputError(f"patches are given, but no metric uses them; add {DiversityPatches.name} to the metrics")
        for measure_id, metric in found.items():
            if missing := metric.missing():
                raise InputError(f"{measure_id} needs {missing}")
        return found

    def network(self, metrics: Mapping[str, Metric]) -> NetworkPlan | None:
        """The network to load; None if no metric needs one."""
        if not any(metric.needs.network for metric in metrics.values()):
            return None
        return NetworkPlan(self.net, self.lpips_weights, self.weights_dir, self.device, self.precision)
