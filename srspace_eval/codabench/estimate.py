"""What a phase asks of the platform: the size of its data and submissions, and the time of one submission."""

from __future__ import annotations

import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from srspace_eval._utils.png import decode_png
from srspace_eval._utils.png_structure import inspect_png
from srspace_eval.codabench.phase import PUBLIC_QUEUE_SECONDS, CompetitionPhase
from srspace_eval.codabench.plan import CompetitionPlan
from srspace_eval.codabench.starting_kit import gt_fields, sample_template
from srspace_eval.errors import ImageError, InputError, Notice, SrspaceEvalError, SubmissionError
from srspace_eval.submissions.pairing import reference_names
from srspace_eval.submissions.sources import open_source

LARGEST_DATA = 350_000_000
"""Bytes of a bundle from which on unpacking hangs in practice (codalab/codabench #2304, #2322)."""

LARGEST_SUBMISSION = 500_000_000
"""Bytes of a submission from which on uploads take 15 minutes and more (codalab/codabench #2250)."""

QUOTA = 15_000_000_000
"""Bytes that a participant may store. A submission counts twice (codalab/codabench #1865)."""

_MEASURED_SAMPLES = 2
_SHARE = 0.9


@dataclass(frozen=True)
class BundleEstimate:
    """What a phase asks of the platform.

    Attributes
    ----------
    phase
        Its name.
    images, samples
        Images, and samples of each image.
    submission_bytes
        About the size of a submission: one GT's file for each sample.
    data_bytes
        Size of the GTs.
    advice
        What exceeds the platform's limits, and what to do.
    seconds
        About the time of scoring one submission on this machine; None if it was not measured.
    measured_on
        The device and number of cores that the time belongs to, or why there is no time.

    Examples
    --------
    >>> print(BundleEstimate("Test", 100, 10, 3_500_000_000, 350_000_000, ()))
    phase Test: 100 images × 10 samples, about 3500.0 MB a submission, 350.0 MB of GTs
    """

    phase: str
    images: int
    samples: int
    submission_bytes: int
    data_bytes: int
    advice: tuple[str, ...]
    seconds: float | None = None
    measured_on: str = ""

    def to_document(self) -> dict[str, Any]:
        """The estimate as ``srspace-eval codabench --json`` prints it.

        Returns
        -------
        dict[str, object]
            Values that JSON can hold. The keys are the fields of the estimate. Sizes are in bytes, times in seconds.
        """
        return {
            "phase": self.phase, "images": self.images, "samples": self.samples,
            "submission_bytes": self.submission_bytes, "data_bytes": self.data_bytes, "seconds": self.seconds,
            "measured_on": self.measured_on, "advice": list(self.advice),
        }  # fmt: skip

    def __str__(self) -> str:
        text = (
            f"phase {self.phase}: {self.images} images × {self.samples} samples, about "
            f"{self.submission_bytes / 1e6:.1f} MB a submission, {self.data_bytes / 1e6:.1f} MB of GTs"
        )
        if self.seconds is not None:
            return f"{text}, about {self.seconds:.3g} s to score one on {self.measured_on}"
        return f"{text}; time not measured: {self.measured_on}" if self.measured_on else text


def estimate_bundle(plan: CompetitionPlan, *, measure: bool = True) -> list[BundleEstimate]:
    """The estimate of each phase whose GTs are at hand. Nothing is written.

    Parameters
    ----------
    plan
        Track, phases and settings of the competition.
    measure
        Score two samples of each phase's first image, and extrapolate by the number of samples and pixels. The samples
        are copies of the GT.

    Returns
    -------
    list[BundleEstimate]
        One estimate for each phase whose GTs are at hand, in order.

    Raises
    ------
    InputError, SubmissionError
        If a GT cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import srspace_eval as se
    >>> with tempfile.TemporaryDirectory() as name:
    ...     folder = Path(name)
    ...     (folder / "gt").mkdir()
    ...     se.write_png(folder / "gt/0801.png", np.zeros((32, 32, 3), np.uint8))
    ...     phase = se.CompetitionPhase.parse(f"Test={folder / 'gt'},2026-03-10")
    ...     plan = se.CompetitionPlan(se.load_track("x4"), (phase,), "a/b:1", metrics=("psnr",), samples=1)
    ...     (found,) = estimate_bundle(plan)
    >>> found.images, found.samples, found.seconds > 0
    (1, 1, True)
    """
    estimates: list[BundleEstimate] = []
    for phase in plan.phases:
        if not phase.at_hand:
            continue
        gts = read_gts(plan, phase)
        before = sum(estimate.data_bytes for estimate in estimates)
        estimate = make_estimate(plan, phase, [len(data) for data in gts.values()], before=before)
        estimates.append(_timed(estimate, plan, phase, gts) if measure else estimate)
    return estimates


def make_estimate(
    plan: CompetitionPlan, phase: CompetitionPhase, sizes: Sequence[int], *, before: int = 0
) -> BundleEstimate:
    """The estimate of sizes alone.

    Parameters
    ----------
    sizes
        Bytes of the phase's GTs.
    before
        Bytes of the GTs of other phases of the same bundle.
    """
    total = sum(sizes)
    submission = total * plan.sample_count
    advice = []
    if total + before > LARGEST_DATA:
        advice.append(
            f"{(total + before) / 1e6:.0f} MB of GTs: bundles of more than {LARGEST_DATA / 1e6:.0f} MB hang; upload "
            "the GTs as a dataset and give its UUID, or keep them on a worker of your own (/app/data/NAME)"
        )
    if submission > LARGEST_SUBMISSION:
        advice.append(
            f"about {submission / 1e6:.0f} MB a submission: uploads of more than {LARGEST_SUBMISSION / 1e6:.0f} MB "
            "take very long or hang; ask for crops, for fewer images, or for fewer samples (--samples)"
        )
    stored = 2 * submission * phase.submissions
    if stored > QUOTA:
        advice.append(
            f"{phase.submissions} submissions of one participant take {stored / 1e9:.0f} GB; the platform gives "
            f"{QUOTA / 1e9:.0f} GB, which hold {QUOTA // (2 * submission)}; allow fewer submissions, or ask for "
            "smaller ones"
        )
    if phase.seconds > PUBLIC_QUEUE_SECONDS and not plan.queue:
        advice.append(
            f"{phase.seconds} s: the public queue stops at {PUBLIC_QUEUE_SECONDS} s; give a queue of your own (--queue)"
        )
    return BundleEstimate(phase.name, len(sizes), plan.sample_count, submission, total, tuple(advice))


def read_gts(plan: CompetitionPlan, phase: CompetitionPhase) -> dict[str, bytes]:
    """The GTs of a phase: the pictures that the track names, and nothing else of the folder.

    Raises
    ------
    InputError, SubmissionError
        If the folder or zip is missing or cannot be read, or contains other pictures.
    """
    path = Path(phase.gt)
    if not path.exists():
        raise InputError(
            f"phase {phase.name!r}: {phase.gt}: there is no such folder or zip; "
            "a UUID or /app/data/NAME is possible, too"
        )
    source = open_source(path)
    images, _ = reference_names(source, plan.track)
    gts, problems = {}, []
    for name in images.values():
        try:
            gts[name] = source.read(name)
            decode_png(gts[name], source.where(name))
        except ImageError as error:
            problems.append(str(error))
    if problems:
        raise SubmissionError(f"phase {phase.name!r}: {phase.gt}: some GTs cannot be read; replace them", problems)
    return gts


def _timed(
    estimate: BundleEstimate, plan: CompetitionPlan, phase: CompetitionPhase, gts: Mapping[str, bytes]
) -> BundleEstimate:
    """The estimate with the time that two samples of the first image take, for all images and samples."""
    pixels = {name: _pixels(name, data) for name, data in gts.items()}
    name = next(iter(gts))
    device = "auto" if plan.queue else "cpu"
    try:
        each = _seconds(plan, name, gts[name], device)
    except SrspaceEvalError as error:
        return replace(estimate, measured_on=str(error).splitlines()[0])
    seconds = each * estimate.samples * sum(pixels.values()) / pixels[name]
    place = f"{os.cpu_count()} cores" if device == "cpu" else f"{os.cpu_count()} cores and a GPU if there is one"
    estimate = replace(estimate, seconds=seconds, measured_on=f"this machine ({place})")
    if seconds <= _SHARE * phase.seconds:
        return estimate
    told = (
        f"about {seconds:.3g} s to score one submission here, and the phase's limit is {phase.seconds} s; ask for "
        "crops, for fewer images, for fewer samples (--samples) or for fewer metrics (--metrics), or use a worker of "
        "your own (--queue, --seconds)"
    )
    return replace(estimate, advice=(*estimate.advice, told))


def _seconds(plan: CompetitionPlan, name: str, gt: bytes, device: str) -> float:
    """Seconds of one sample of one image. A first run is not counted: it loads and compiles."""
    from srspace_eval.scoring.run import score

    count = min(plan.sample_count, _MEASURED_SAMPLES)
    template, fields = sample_template(plan), gt_fields(plan, name)
    spans: list[float] = []

    @contextmanager
    def progress(description: str, total: int) -> Iterator[Callable[[int], None]]:
        begin = time.perf_counter()
        yield lambda n: None
        spans.append(time.perf_counter() - begin)

    with tempfile.TemporaryDirectory() as place, warnings.catch_warnings():
        warnings.simplefilter("ignore", Notice)
        for part in ("gt", "submission"):
            Path(place, part).mkdir()
        Path(place, "gt", name).write_bytes(gt)
        for samples in sorted({1, count}):
            for sample in range(samples):
                Path(place, "submission", template.format(**fields, sample=sample)).write_bytes(gt)
            spans.clear()
            score(
                Path(place, "submission"), Path(place, "gt"), track=plan.track, team="estimate",
                board=Path(place, f"board{samples}"), metrics=plan.metrics or None, samples=samples, net=plan.net,
                device=device, progress=progress,
            )  # fmt: skip
    return spans[-1] / count


def _pixels(name: str, data: bytes) -> int:
    info = inspect_png(data, name)
    return info.height * info.width
