"""What users should know of the networks' weights: a trunk that is not torchvision's, and weights that are missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from srspace_eval.metrics.base import Metric
from srspace_eval.metrics.lpips.weights import find, trunk_file
from srspace_eval.scoring.executors.base import RuntimeInfo
from srspace_eval.scoring.options import ScoreOptions
from srspace_eval.tracks.model import Track


def custom_trunks(runtime: RuntimeInfo, metrics: Mapping[str, Metric]) -> Iterator[str]:
    """A notice for each network whose trunk is not torchvision's.

    Parameters
    ----------
    runtime
        What the executor found.
    metrics
        Id -> metric, as :meth:`srspace_eval.scoring.options.ScoreOptions.bound` gives them.
    """
    for network, signature in {"lpips": runtime.lpips or {}, **runtime.networks}.items():
        if signature.get("trunk") == "custom":
            using = [measure_id for measure_id, metric in metrics.items() if metric.network == network]
            yield (
                f"{', '.join(using)}: measured with weights that are not torchvision's (trunk custom, SHA-256 "
                f"{str(signature.get('trunk_sha256'))[:8]}…). The values do not compare with published ones"
            )


def missing_weights(track: Track) -> Iterator[str]:
    """A notice for each trunk that ``score`` needs for a track and would not find.

    Parameters
    ----------
    track
        The track, whose own metrics are taken.
    """
    options = ScoreOptions()
    using: dict[str, list[str]] = {}
    for measure_id, metric in options.bound(track).items():
        net = options.net if metric.network == "lpips" else metric.trunk
        if net:
            using.setdefault(net, []).append(measure_id)
    for net, ids in using.items():
        if find(net) is None:
            yield (
                f"`score` will need {trunk_file(net).name} to measure {', '.join(ids)}, and this file is missing; run "
                f"`srspace-eval weights fetch {net}`, or give `score` a file with --lpips-weights"
            )
