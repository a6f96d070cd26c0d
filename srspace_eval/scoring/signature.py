"""The signature of a run: what the run's metrics declare, the network, the files and the environment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from srspace_eval._utils.hashing import sha256_of_text
from srspace_eval.metrics.base import Metric, RunInputs, Setting
from srspace_eval.metrics.checked import WrongValueError, named
from srspace_eval.results.signature import Signature
from srspace_eval.scoring.executors.base import RuntimeInfo
from srspace_eval.submissions.check import SubmissionCheck
from srspace_eval.submissions.identical import FileInfo

_NO_GT = "none"


def make_signature(
    checked: SubmissionCheck, samples: int, metrics: Mapping[str, Metric], runtime: RuntimeInfo
) -> Signature:
    """The signature of a run.

    Groups: ``common`` for the track and the files (the digest of the GT; without a GT that of the LRs, else that of the
    images' names and sizes), ``lpips`` for the network if there is one, then one for each metric
    that declares settings, under the id that it is measured under. A metric under another id than its own also states
    ``metric``.

    Parameters
    ----------
    samples
        M.
    metrics
        The metrics by id.
    runtime
        What the numbers depend on where they are measured.
    """
    track = checked.track
    pairs = checked.pairing.pairs
    settings: dict[str, dict[str, object]] = {
        "common": {
            "track": track.name,
            "scale": track.scale,
            "samples": samples,
            "crop": track.crop,
            "images": len(pairs),
            "gt": gt_digest(checked),
        }
    }
    if checked.gt is None:
        settings["common"] |= _without_gt(checked)
    if runtime.lpips is not None:
        settings["lpips"] = dict(runtime.lpips)
    lr = None
    if checked.lr is not None and any(metric.needs.lr for metric in metrics.values()):
        lr = _lr_digest(checked)
    for measure_id, metric in metrics.items():
        declared: dict[str, object] = {**_declared(metric, RunInputs(lr))}
        if metric.network in runtime.networks:
            declared = {**runtime.networks[metric.network], **declared}
        if measure_id != metric.name:
            declared = {"metric": metric.name, **declared}
        if declared:
            settings[measure_id] = {**settings.get(measure_id, {}), **declared}
    return Signature(settings, runtime.environment)


def _declared(metric: Metric, run: RunInputs) -> dict[str, Setting]:
    with named(metric):
        declared = dict(metric.signature(run))
        others: dict[str, object] = {**declared}
        for key, value in others.items():
            if not (value is None or isinstance(value, (str, int, float, bool))):
                raise WrongValueError(f"signature(): {key} is a {type(value).__name__}; a text or a number is required")
        return declared


def gt_digest(checked: SubmissionCheck) -> str:
    """The joint SHA-256 of all GTs with the images' names; ``"none"`` if there is no GT."""
    if checked.gt is None:
        return _NO_GT
    known = checked.inspection.gt
    return _joint_digest((p.image, known[p.gt]) for p in checked.pairing.pairs if p.gt is not None)


def _lr_digest(checked: SubmissionCheck) -> str:
    known = checked.inspection.lr
    return _joint_digest((p.image, known[p.lr]) for p in checked.pairing.pairs if p.lr is not None)


def _without_gt(checked: SubmissionCheck) -> dict[str, object]:
    """What binds results to the same images without a GT: the LRs, else the images' names and sizes."""
    if checked.lr is not None:
        return {"lr": _lr_digest(checked)}
    sizes = checked.inspection.sizes
    lines = (f"{p.image}\0{sizes[p.image][1]}x{sizes[p.image][0]}\n" for p in checked.pairing.pairs)
    return {"pictures": sha256_of_text("".join(lines))}


def _joint_digest(infos: Iterable[tuple[str, FileInfo]]) -> str:
    return sha256_of_text("".join(f"{image}\0{info.sha256}\n" for image, info in infos))
