"""The signature of a run: what the run's metrics declare, the network, the files and the environment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from srspace_eval._utils.hashing import sha256_of_text
from srspace_eval.metrics.base import Metric, RunInputs
from srspace_eval.results.signature import Signature
from srspace_eval.scoring.executors.base import RuntimeInfo
from srspace_eval.submissions.check import SubmissionCheck
from srspace_eval.submissions.inspection import FileInfo


def make_signature(
    checked: SubmissionCheck, samples: int, metrics: Mapping[str, Metric], runtime: RuntimeInfo
) -> Signature:
    """The signature of a run.

    Groups: ``common`` for the track and the files, ``lpips`` for the network if there is one, then one for each metric
    that declares settings, under the id that it is measured under. A metric under another id than its own also states
    ``metric``.

    Parameters
    ----------
    samples:
        M.
    metrics:
        The metrics by id.
    runtime:
        What the numbers depend on where they are measured.
    """
    track, inspection = checked.track, checked.inspection
    pairs = checked.pairing.pairs
    settings: dict[str, dict[str, object]] = {
        "common": {
            "track": track.name,
            "scale": track.scale,
            "samples": samples,
            "crop": track.crop,
            "images": len(pairs),
            "gt": _joint_digest((p.image, inspection.gt[p.gt]) for p in pairs),
        }
    }
    if runtime.lpips is not None:
        settings["lpips"] = dict(runtime.lpips)
    lr = None
    if checked.lr is not None and any(metric.needs.lr for metric in metrics.values()):
        lr = _joint_digest((p.image, inspection.lr[p.lr]) for p in pairs if p.lr is not None)
    for measure_id, metric in metrics.items():
        declared = dict(metric.signature(RunInputs(lr)))
        if measure_id != metric.name:
            declared = {"metric": metric.name, **declared}
        if declared:
            settings[measure_id] = {**settings.get(measure_id, {}), **declared}
    return Signature(settings, runtime.environment)


def _joint_digest(infos: Iterable[tuple[str, FileInfo]]) -> str:
    return sha256_of_text("".join(f"{image}\0{info.sha256}\n" for image, info in infos))
