"""The comparison of a stored result with what is measured now: signature, files, values, summary."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from srspace_eval._utils import strict_json
from srspace_eval.metrics.base import Metric
from srspace_eval.metrics.psnr.floor import floored_columns
from srspace_eval.metrics.registry import columns, measures_of
from srspace_eval.results.means import exact_mean, mean_of, states_no_floor
from srspace_eval.results.record import ImageRecord, Result
from srspace_eval.results.signature import Signature
from srspace_eval.results.verification import Cause, Difference
from srspace_eval.scoring.summary import summarise
from srspace_eval.scoring.tasks import ImageTask
from srspace_eval.submissions.check import SubmissionCheck

NETWORK_RELATIVE = 2e-5
"""Values of metrics that need the network, on another device or CPU: the deviation over the value."""

NETWORK_PERCENT = 0.002
"""The same for percentages (S_M), in percentage points."""

RELATIVE = 1e-6
"""Values of all other metrics: the deviation over the value."""

_SUMMATION = 1e-9
"""Means that are computed again from stored values, relative."""

_DEVICE_SETTINGS = frozenset({"deviation"})
"""Settings of the network that depend on the device."""


@dataclass(frozen=True)
class Tolerance:
    """How far a value may be from the measured one: an absolute bound, or a share of the value."""

    absolute: float = 0.0
    relative: float = 0.0

    def __str__(self) -> str:
        return f"{self.absolute:g} absolute" if self.absolute else f"{self.relative:g} relative"

    def allows(self, stored: float, found: float) -> bool:
        """Whether two finite values are equal within the tolerance."""
        return abs(stored - found) <= max(self.absolute, self.relative * max(abs(stored), abs(found)))


class Comparison:
    """Collects the differences between a result and what is measured now.

    Attributes
    ----------
    differences, deviations, values, environment
        As in :class:`srspace_eval.results.verification.Verification`.
    comparable
        Images whose files are those that the result was measured from.
    other_trunk
        Whether the result was measured with another network.
    """

    def __init__(self, result: Result, now: Signature, metrics: Mapping[str, Metric], checked: SubmissionCheck) -> None:
        self.differences: list[Difference] = []
        self.deviations: dict[str, float] = {}
        self.values = 0
        self.environment: list[str] = []
        self.comparable: set[str] = set()
        self.other_trunk = False
        self._result, self._now, self._checked = result, now, checked
        self._by_network = {
            info.id: bool(metric.network)
            for measure_id, metric in metrics.items()
            for info in metric.columns_as(measure_id)
        }
        self._known = columns(measures_of(result.signature.settings))
        # Of two records of one image, which is a difference, the first is compared.
        self._stored = {record.image: record for record in reversed(result.images)}
        self._keys: frozenset[str] | None = None  # of an image's values, once one has been measured

    def tolerance(self, key: str) -> Tolerance:
        """The tolerance of a value or of the curve that ends in it."""
        column = key.removesuffix("_curve")
        if not self._by_network.get(column, False):
            return Tolerance(relative=RELATIVE)
        percent = column in self._known and self._known[column].unit == "%"
        return Tolerance(absolute=NETWORK_PERCENT) if percent else Tolerance(relative=NETWORK_RELATIVE)

    def signature(self) -> None:
        """Compare the settings and the environment."""
        stored = self._result.signature.settings
        now = strict_json.loads(strict_json.dumps(self._now.settings).encode())
        for group in dict.fromkeys([*stored, *now]):
            then, here = stored.get(group, {}), now.get(group, {})
            for key in dict.fromkeys([*then, *here]):
                # As text, because 1, 1.0 and true are equal, and give other ids.
                if strict_json.dumps(then.get(key)) == strict_json.dumps(here.get(key)):
                    continue
                where = f"signature.settings.{group}.{key}"
                if key in _DEVICE_SETTINGS and group != "common":
                    self.environment.append(f"{where}: {then.get(key)} / {here.get(key)}")
                    continue
                cause = _cause(group, key)
                self.other_trunk |= cause == "trunk"
                self._add(cause, where, then.get(key), here.get(key))
        then, here = self._result.signature.environment, self._now.environment
        self.environment += [
            f"{key}: {then.get(key)} / {here.get(key)}"
            for key in dict.fromkeys([*then, *here])
            if then.get(key) != here.get(key)
        ]

    def files(self, tasks: Sequence[ImageTask]) -> None:
        """Compare the images, sizes, digests, file names and sample numbers with those of the tasks."""
        stored: dict[str, ImageRecord] = {}
        for record in self._result.images:
            if record.image in stored:
                self._add("summary", f"images.{record.image}", "twice", "once", image=record.image)
            stored[record.image] = record
        for task in tasks:
            if task.image not in stored:
                self._add("submission", f"images.{task.image}", None, "an image with samples", image=task.image)
                continue
            before = len(self.differences)
            self._image_files(stored[task.image], task)
            if len(self.differences) == before:
                self.comparable.add(task.image)
        there = {task.image for task in tasks}
        order = [name for name in stored if name in there]
        wanted = [task.image for task in tasks if task.image in stored]
        if order != wanted:
            self._add("summary", "images", f"{', '.join(order[:3])} …", f"{', '.join(wanted[:3])} …")
        known = {p.image for p in self._checked.pairing.pairs}
        for image in stored.keys() - there:
            cause: Cause = "submission" if image in known else "gt"
            self._add(cause, f"images.{image}", "an image", None, image=image)
        missing = self._checked.pairing.missing
        if self._result.incomplete != missing:
            self._add("submission", "incomplete", "; ".join(self._result.incomplete), "; ".join(missing))

    def _image_files(self, record: ImageRecord, task: ImageTask) -> None:
        image, place = record.image, f"images.{record.image}"
        gt = None if task.gt is None else task.gt.sha256
        if record.gt_sha256 != gt:
            self._add("gt", f"{place}.gt_sha256", record.gt_sha256, gt, image=image)
        for key in ("height", "width"):
            if getattr(record, key) != getattr(task, key):
                self._add("gt", f"{place}.{key}", getattr(record, key), getattr(task, key), image=image)
        numbers = [sample.sample for sample in record.samples]
        wanted = [number for number, _ in task.samples]
        if numbers != wanted:
            self._add("submission", f"{place}.samples", str(numbers), str(wanted), image=image)
            return
        for sample, (number, ref) in zip(record.samples, task.samples, strict=True):
            for key, found in (("file", ref.name), ("sha256", ref.sha256)):
                if getattr(sample, key) != found:
                    where = f"{place}.samples.{number}.{key}"
                    self._add("submission", where, getattr(sample, key), found, image=image, sample=number)

    def measured(self, found: ImageRecord) -> None:
        """Compare every value and curve of an image with the measured ones.

        With another trunk, values that were not measured again are left out. The trunk is reported instead.
        """
        partial = self.other_trunk
        self._keys = frozenset(found.values)
        stored = self._stored[found.image]
        image, place = found.image, f"images.{found.image}"
        for key, old, new in _joined(stored.values, found.values, partial):
            self._value("value", f"{place}.{key}", key, old, new, image=image)
        for key in _keys(stored.curves, found.curves, partial):
            old_curve, new_curve = stored.curves.get(key), found.curves.get(key)
            if old_curve is None or new_curve is None or len(old_curve) != len(new_curve):
                shown = [None if c is None else f"{len(c)} values" for c in (old_curve, new_curve)]
                self._add("value", f"{place}.{key}", *shown, image=image, metric=key)
                continue
            for n, (old, new) in enumerate(zip(old_curve, new_curve, strict=True)):
                self._value("value", f"{place}.{key}[{n}]", key, old, new, image=image)
        for old_sample, new_sample in zip(stored.samples, found.samples, strict=True):
            where, number = f"{place}.samples.{new_sample.sample}", new_sample.sample
            for key, old, new in _joined(old_sample.values, new_sample.values, partial):
                self._value("value", f"{where}.{key}", key, old, new, image=image, sample=number)

    def summary(self) -> None:
        """Compare the summary and its curves with those of the stored images, and each image with its samples."""
        summary, curves, _ = summarise(self._result.images, self._known)
        if self._result.incomplete:
            summary, curves = dict.fromkeys(summary), {}
        for key, old, new in _joined(self._result.summary, summary):
            if not _same(old, new) and not self._is_older_mean(key, old):
                self._add("summary", f"summary.{key}", old, new, metric=key)
        for key in _keys(self._result.curves, curves):
            old_curve, new_curve = self._result.curves.get(key, ()), curves.get(key, ())
            for n in range(max(len(old_curve), len(new_curve))):
                old, new = (curve[n] if n < len(curve) else None for curve in (old_curve, new_curve))
                if not _same(old, new):
                    self._add("summary", f"{key}[{n}]", old, new, metric=key)
        for record in self._result.images:
            self._image_means(record)
        if self._keys is not None and not self.other_trunk:
            told = {known.where for known in self.differences}
            for record in self._result.images:
                self._image_keys(record, self._keys, told)

    def _is_older_mean(self, key: str, stored: float | None) -> bool:
        """Whether a value is the mean of version 0.1.0, which left images with an infinite mean out."""
        if self._result.incomplete or not states_no_floor(self._result.signature.settings, key):
            return False
        return _same(stored, mean_of(image.values.get(key) for image in self._result.images))

    def _image_keys(self, record: ImageRecord, keys: frozenset[str], told: Collection[str]) -> None:
        """Each image has the values that are measured, also an image that was not measured again."""
        for key in sorted(keys ^ record.values.keys()):
            where = f"images.{record.image}.{key}"
            if where not in told:
                stored = record.values.get(key)
                self._add("value", where, stored, None if key in record.values else "a value", image=record.image,
                          metric=key)  # fmt: skip

    def _image_means(self, record: ImageRecord) -> None:
        """An image's value is the mean of its samples' values, and the last value of its curve."""
        largest = floored_columns(self._result.signature.settings, record.height, record.width)
        for key, value in record.values.items():
            info = self._known.get(key)
            values = [sample.values.get(key) for sample in record.samples]
            where = f"images.{record.image}.{key}"
            if info is not None and info.per == "sample" and value is None and any(v is not None for v in values):
                self._add("summary", where, None, "the mean of its samples", image=record.image, metric=key)
            if info is None or value is None or not math.isfinite(value):
                continue
            finite = [min(v, largest.get(key, v)) for v in values if v is not None]
            finite = [v for v in finite if math.isfinite(v)]
            if info.per == "sample" and values and len(finite) == len(values):
                mean = exact_mean(finite)
                if not math.isclose(value, mean, rel_tol=_SUMMATION):
                    self._add("summary", where, value, mean, image=record.image, metric=key)
            curve = record.curves.get(info.curve) if info.curve else None
            if curve and not _same(curve[-1], value):
                self._add("summary", where, value, curve[-1], image=record.image, metric=key)

    def _value(
        self, cause: Cause, where: str, key: str, old: float | None, new: float | None, *, image: str,
        sample: int | None = None,
    ) -> None:  # fmt: skip
        self.values += 1
        if old == new:
            return
        finite = old is not None and new is not None and math.isfinite(old) and math.isfinite(new)
        if finite and old is not None and new is not None and self.tolerance(key).allows(old, new):
            self.deviations[key] = max(self.deviations.get(key, 0.0), abs(old - new))
            return
        self._add(cause, where, old, new, image=image, sample=sample, metric=key)

    def _add(
        self, cause: Cause, where: str, stored: object, found: object, *, image: str | None = None,
        sample: int | None = None, metric: str | None = None,
    ) -> None:  # fmt: skip
        self.differences.append(Difference(cause, where, stored, found, image, sample, metric))


def _cause(group: str, key: str) -> Cause:
    if group == "common" and key in ("gt", "images"):
        return "gt"
    if group == "common" and key == "pictures":
        return "submission"
    if group == "lpips" or key in ("trunk", "trunk_sha256", "calibration_sha256", "weights_sha256"):
        return "trunk"
    return "lr" if key in ("lr", "reference") else "signature"


def _same(a: float | None, b: float | None) -> bool:
    return a == b or (a is not None and b is not None and math.isclose(a, b, rel_tol=_SUMMATION))


def _keys(a: Mapping[str, object], b: Mapping[str, object], partial: bool = False) -> list[str]:
    return list(b) if partial else list(dict.fromkeys([*a, *b]))


def _joined(
    a: Mapping[str, float | None], b: Mapping[str, float | None], partial: bool = False
) -> Iterator[tuple[str, float | None, float | None]]:
    """Key, a's value, b's value; None where one of them lacks the key. ``partial``: only the keys of b."""
    for key in _keys(a, b, partial):
        yield key, a.get(key), b.get(key)
