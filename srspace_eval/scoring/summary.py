"""A submission's summary and result from its images' records. Notes name infinite and undefined values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from srspace_eval._utils.notices import notify
from srspace_eval.metrics.base import MetricInfo
from srspace_eval.metrics.registry import columns, measures_of
from srspace_eval.results.means import counted_value, exact_mean, mean_curve, mean_of
from srspace_eval.results.record import Declared, ImageRecord, Kind, Result
from srspace_eval.results.signature import Signature
from srspace_eval.submissions.check import SubmissionCheck
from srspace_eval.submissions.provenance import PROVENANCE_FILE, read_provenance
from srspace_eval.submissions.readme import UNKNOWN, Readme


def summarise(
    images: Sequence[ImageRecord], known: Mapping[str, MetricInfo]
) -> tuple[dict[str, float | None], dict[str, tuple[float | None, ...]], list[str]]:
    """Summary values, curves and notes of a complete submission.

    A metric's value is the mean over the images where it is finite. Images of undefined S_M (a sample equals the GT)
    are left out and named in the notes. Images of PSNR and LR-PSNR are finite, because infinite samples count as a
    finite value (:mod:`srspace_eval.metrics.psnr.floor`); the notes name them and the mean without them. An infinite
    image of another metric counts as the mean of its finite samples, and is left out if it has none. Only if *all*
    images are infinite is the summary infinite; only if none is defined is it None.

    Parameters
    ----------
    known
        The columns of the run: undefined values of others are not mentioned in the notes.

    Returns
    -------
    tuple[dict[str, float or None], dict[str, tuple[float or None, ...]], list[str]]
        summary, curves, notes.
    """
    summary: dict[str, float | None] = {}
    notes: list[str] = []
    holders: dict[str, list[ImageRecord]] = {}
    curves: dict[str, list[Sequence[float | None]]] = {}
    for image in images:
        for metric in image.values:
            holders.setdefault(metric, []).append(image)
        for name, curve in image.curves.items():
            curves.setdefault(name, []).append(curve)
    for metric, held in holders.items():
        values = {image.image: counted_value(image, metric) for image in held}
        infinite = [name for name, v in values.items() if v is not None and math.isinf(v)]
        summary[metric] = mean_of(values.values())
        partly = [i.image for i in held if i.values[metric] != values[i.image]]
        if partly:
            notes.append(f"{metric}: infinite samples, left out of the means of their images: {_names(partly)}")
        if infinite:
            notes.append(f"{metric}: infinite, left out of the mean: {_names(infinite)}")
        left_out = {*infinite, *partly}
        exact = [i.image for i in held if i.image not in left_out and _is_exact(i, metric)]
        if exact:
            counted = set(exact)
            others = [v for name, v in values.items() if v is not None and name not in counted]
            without = f"is {exact_mean(others):.9g}" if others else "does not exist"
            notes.append(
                f"{metric}: infinite samples, counted as an error of one 8-bit step in one value: {_names(exact)}; the "
                f"mean over the other images {without}"
            )
        undefined = [i.image for i in images if values.get(i.image) is None] if metric in known else []
        if undefined:
            notes.append(f"{metric}: undefined, left out of the mean: {_names(undefined)}")
    means = {name: mean_curve(of_images) for name, of_images in curves.items()}
    return summary, {name: curve for name, curve in means.items() if curve}, notes


def _is_exact(image: ImageRecord, metric: str) -> bool:
    """Whether a sample's value is infinite, and the image's mean is not."""
    return any(sample.values.get(metric) == math.inf for sample in image.samples)


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(names[:10])
    return f"{len(names)} image{'s' if len(names) > 1 else ''} ({shown}{' …' if len(names) > 10 else ''})"


def make_result(
    checked: SubmissionCheck, team: str, kind: Kind, signature: Signature, records: list[ImageRecord]
) -> Result:
    """The result of a submission from its images' records.

    A submission of one sample an image, named without a sample number, is a deterministic method: its M samples are
    equal. The summary of an incomplete submission is empty.
    """
    pairing = checked.pairing
    completed = completed_curves(checked, int(signature.settings["common"]["samples"]), records)
    notes = []
    if completed != records:
        notes.append("one sample an image, named without a sample number: a deterministic method, S_M = 0")
        records = completed
    summary, curves, more = summarise(records, columns(measures_of(signature.settings)))
    if pairing.missing:
        summary, curves, more = dict.fromkeys(summary), {}, []
    return Result(
        team=team,
        track=checked.track.name,
        kind=kind,
        signature=signature,
        images=tuple(records),
        summary=summary,
        curves=curves,
        incomplete=pairing.missing,
        notes=(*notes, *checked.inspection.notes, *more),
        provenance=_provenance(checked),
        declared=_declared(pairing.readme),
    )


def _provenance(checked: SubmissionCheck) -> dict[str, Any] | None:
    record = read_provenance(checked.submission)
    if record is None and PROVENANCE_FILE in checked.submission.names():
        notify(f"{checked.submission.where(PROVENANCE_FILE)}: cannot be used, or is too large; not kept in the result")
    return record


def _declared(readme: tuple[str, Readme] | None) -> Declared | None:
    if readme is None:
        return None
    name, found = readme
    platforms: dict[float, Literal["cpu", "gpu"]] = {0.0: "gpu", 1.0: "cpu"}
    return Declared(
        file=name,
        runtime=None if found.runtime == UNKNOWN else found.runtime,
        platform=platforms.get(found.platform),
        extra_data={0.0: False, 1.0: True}.get(found.extra_data),
    )


def completed_curves(checked: SubmissionCheck, samples: int, records: list[ImageRecord]) -> list[ImageRecord]:
    """The records as a result stores them: the curves of a deterministic method have a value for each of M samples.

    Parameters
    ----------
    samples
        M.
    """
    pairing = checked.pairing
    single = pairing.samples == 1 and "sample" not in pairing.template
    if not single or samples == 1:
        return records
    return [_deterministic(record, samples) if record.curves else record for record in records]


def _deterministic(record: ImageRecord, samples: int) -> ImageRecord:
    """M equal samples: the curves keep their first value."""
    curves = {name: (*curve, *[curve[-1]] * (samples - 1)) for name, curve in record.curves.items()}
    return replace(record, curves=curves)
