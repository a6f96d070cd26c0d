"""Checks that a result agrees with itself: everything that follows from other fields is computed again.

A result is a file that anybody may edit. What it states twice must be the same: means, worst and best values, S_M, the
curves' ends, the number of images and samples, the digest of all GTs. Numbers that only a measurement can give are not
checked here; ``srspace-eval verify`` measures them again. Imports no torch.

The module is long because each check has a sentence of its own for what it finds.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain

from srspace_eval._utils.hashing import sha256_of_text
from srspace_eval._utils.untrusted_text import short_name, visible
from srspace_eval.errors import InputError
from srspace_eval.metrics.base import MetricInfo, may_be_infinite
from srspace_eval.metrics.measures import Measure
from srspace_eval.metrics.psnr.floor import floored_columns, psnr_columns
from srspace_eval.metrics.registry import (
    columns,
    columns_of,
    default_metric,
    is_known_column,
    measures_of,
    metrics,
    refuse_shared_columns,
)
from srspace_eval.results.means import counted_value, mean_curve, mean_of, states_no_floor
from srspace_eval.results.record import ImageRecord, Result
from srspace_eval.tracks.model import Track

_ROUNDING = 1e-9
_RELATIVE = 1e-6
_IMAGE = re.compile(r"^image .*?: ")
_NUMBER = re.compile(r"(?<![\w.-])-?\d[\d.]*(?:e[+-]?\d+)?(?![\w])")

Largest = Callable[[int, int], Mapping[str, float]]
"""Height, width -> column -> the value that an infinite sample counts as."""


def summary_faults(result: Result, track: Track) -> list[str]:
    """The contradictions within a result, one sentence each.

    Of an incomplete result, which is not ranked, only the missing summary is checked. Contradictions that differ only
    in the image and the values are one sentence, which says how many there are.

    Parameters
    ----------
    track
        The track that it is ranked in.
    """
    if result.incomplete:
        given = [metric for metric, value in result.summary.items() if value is not None]
        return [f"summary.{metric} has a value, although the result is incomplete" for metric in given]
    settings = result.signature.settings
    largest = cache(lambda height, width: floored_columns(settings, height, width))
    known = track.columns()
    return _folded(
        chain(
            _signature_faults(result, track),
            _column_faults(result, track),
            _image_faults(result, known, largest),
            _range_faults(result, known, largest),
            _mean_faults(result),
            _mse_faults(result),
        )
    )


def _folded(faults: Iterable[str]) -> list[str]:
    """The first fault of each kind, with the number of the others.

    >>> _folded(["image 0801: mae is -1; not possible", "image 0802: mae is -2; not possible", "other"])
    ['image 0801: mae is -1; not possible (and 1 more like this)', 'other']
    """
    first: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for fault in faults:
        kind = _NUMBER.sub("#", _IMAGE.sub("", fault))
        first.setdefault(kind, fault)
        counts[kind] += 1
    more = {kind: f" (and {count - 1} more like this)" if count > 1 else "" for kind, count in counts.items()}
    return [f"{fault}{more[kind]}" for kind, fault in first.items()]


def _signature_faults(result: Result, track: Track) -> Iterator[str]:
    settings = result.signature.settings
    common = settings.get("common", {})
    if not settings:
        yield "the signature states no settings, so nothing says what was measured"
    for key, own in {"track": result.track, "scale": track.scale}.items():
        if common.get(key, own) != own:
            yield f"the signature states {key} {short_name(repr(common[key]), 200)}, the result is of {key} {own!r}"
    joint = sha256_of_text("".join(f"{image.image}\0{image.gt_sha256}\n" for image in result.images))
    if all(image.gt_sha256 is None for image in result.images):
        joint = "none"
    if common.get("gt", joint) != joint:
        yield "the GT digests of its images do not give the signature's (common.gt)"
    wanted = common.get("samples")
    for image in result.images:
        numbers = [sample.sample for sample in image.samples]
        if len(set(numbers)) != len(numbers) or len({sample.file for sample in image.samples}) != len(numbers):
            yield f"image {image.image}: a sample is there twice"
        # One sample without a number is a deterministic method.
        if isinstance(wanted, int) and len(numbers) not in (1, wanted):
            yield f"image {image.image}: {len(numbers)} samples are there, the signature states {wanted}"
        crop = common.get("crop")
        if isinstance(crop, int) and crop > 0 and (image.height % crop or image.width % crop):
            yield f"image {image.image}: {image.height}×{image.width} is not a multiple of the crop {crop}"


def _column_faults(result: Result, track: Track) -> Iterator[str]:
    """Values that no measurement gives, such as a MOR, and values that only some images have."""
    measured = {info.id for metric in metrics().values() for info in metric.columns}
    stated = {measure.id: measure for measure in (*measures_of(result.signature.settings), *track.measures)}
    try:
        refuse_shared_columns(stated.values())
    except InputError as error:
        yield visible(str(error))
    measures = [m for m in measures_of(result.signature.settings) if _may_give(m, track)]
    measured |= (columns(measures).keys() - columns().keys()) | {measure.id for measure in measures}
    known = track.columns()
    counts = Counter(key for image in result.images for key in image.values)
    for key, count in counts.items():
        if key in known and key not in measured:
            yield f"{key} has values, which no measurement gives; remove them, and give them with --mor or --values"
        if count < len(result.images):
            absent = next(image.image for image in result.images if key not in image.values)
            yield f"image {absent}: {key} is missing, which other images have"


def _may_give(measure: Measure, track: Track) -> bool:
    """Whether a measure may give a column that is not measured as a rule, such as NRQM, or a runtime.

    Otherwise a result could hold its PSNR under such an id, and be verified.
    """
    if measure.id in {declared.id for declared in track.measures}:
        return True
    if is_known_column(measure.id) or not track.unmeasured.keys().isdisjoint(columns_of(measure)):
        return is_known_column(measure.id) and measure.metric == default_metric(measure.id)
    return True


def _range_faults(result: Result, columns: Mapping[str, MetricInfo], largest: Largest) -> Iterator[str]:
    bounded = {
        metric: info for metric, info in columns.items() if math.isfinite(info.least) or math.isfinite(info.most)
    }
    for image in result.images:
        limits = largest(image.height, image.width)
        for values in (image.values, *(sample.values for sample in image.samples)):
            for metric, value in values.items():
                if value is None:
                    if metric in limits and values is image.values:
                        yield f"image {image.image}: {metric} has no value, although every picture has one"
                    continue
                info, limit = bounded.get(metric), limits.get(metric, math.inf)
                if info is not None and not info.least - _ROUNDING <= value <= info.most + _ROUNDING:
                    yield f"image {image.image}: {metric} is {value}; only {info.least:g} to {info.most:g} is possible"
                known = columns.get(metric)
                if known is not None and math.isinf(value) and not (value > 0 and may_be_infinite(known)):
                    yield f"image {image.image}: {metric} is {value}, which no measurement gives"
                exact = value == math.inf and values is not image.values  # a sample that equals the reference
                if limit + _ROUNDING < value and not exact:
                    yield f"image {image.image}: {metric} is {value}; 8-bit pictures give at most {limit:.9g}"
        yield from _best_faults(image, limits)


def _best_faults(image: ImageRecord, largest: Mapping[str, float]) -> Iterator[str]:
    """Values that follow from others of the same image: S_M from g and l, g and the worst from the samples."""
    values = image.values
    g, local = values.get("lpips_global_best"), values.get("lpips_local_best")
    given = values.get("diversity")
    if g is not None:
        found = [value for sample in image.samples if (value := sample.values.get("lpips")) is not None]
        if found and not _same(g, min(found)):
            yield f"image {image.image}: lpips_global_best is {g}, the best of its samples {min(found):.9g}"
    elif any(sample.values.get("lpips") is not None for sample in image.samples) and "lpips_global_best" in values:
        yield f"image {image.image}: lpips_global_best has no value, although its samples have an LPIPS"
    if g is not None and local is None and "lpips_local_best" in values:
        yield f"image {image.image}: lpips_local_best has no value, although its samples have an LPIPS"
    if g and "diversity_mse" in values and values["diversity_mse"] is None:
        yield f"image {image.image}: diversity_mse has no value, although no sample equals the GT"
    if given is not None and (g is None or local is None):
        yield f"image {image.image}: diversity is {given}, without the global and local best that it follows from"
    if g is not None and local is not None:
        if local > g + _ROUNDING:
            yield f"image {image.image}: lpips_local_best {local} is larger than lpips_global_best {g}"
        score = None if g == 0 else 100 * (g - local) / g
        if given is None or score is None:
            agrees = given is None and (score is None or "diversity" not in values)
        else:
            agrees = math.isclose(given, score, rel_tol=_RELATIVE, abs_tol=1e-6)
        if not agrees:
            yield f"image {image.image}: diversity is {given}, which its global and local best do not give"
    for metric in [key for key in values if key.endswith("_worst")]:
        sample_metric = metric.removesuffix("_worst")
        numbers = [v for sample in image.samples if (v := sample.values.get(sample_metric)) is not None]
        value = values[metric]
        if value is not None and numbers:
            worst = min(*numbers, largest.get(metric, math.inf))
            if not _same(value, worst):
                yield f"image {image.image}: {metric} is {value}, the worst of its samples {worst:.9g}"


def _image_faults(result: Result, columns: Mapping[str, MetricInfo], largest: Largest) -> Iterator[str]:
    counts = Counter(image.image for image in result.images)
    yield from (f"image {name} is there {count} times" for name, count in counts.items() if count > 1)
    wanted = result.signature.settings.get("common", {}).get("images", len(result.images))
    if not result.images or wanted != len(result.images):
        yield f"{len(result.images)} images are there, {wanted or 'some'} were to be measured"
    by_sample = [metric for metric, info in columns.items() if info.per == "sample"]
    elsewhere = {key for image in result.images for key, value in image.values.items() if value is not None}
    curves = {info.curve: metric for metric, info in columns.items() if info.curve}
    without_floor = psnr_columns(result.signature.settings)
    for image in result.images:
        limits = largest(image.height, image.width)
        for metric in by_sample:
            value = image.values.get(metric)
            values = [sample.values.get(metric) for sample in image.samples]
            given = [v for v in values if v is not None]
            if value is not None and not given:
                yield f"image {image.image}: {metric} has a value, and none of its samples has one"
                continue
            if value is None and (given or (metric in image.values and metric in elsewhere)):
                whose = "its samples have" if given else "other images have"
                yield f"image {image.image}: {metric} has no value, although {whose}"
            if value is None or not given:
                continue
            if len(given) < len(values):
                yield f"image {image.image}: {metric} has a value, {len(values) - len(given)} of its samples have none"
                continue
            if (limit := limits.get(metric)) is not None:
                given = [min(v, limit) for v in given]
            elif math.inf in given and columns[metric].direction == "higher":
                # Of another metric, only the metric knows the value that an infinite sample counts as.
                if metric in without_floor and value != math.inf:
                    yield f"image {image.image}: {metric} is {value}, the mean of its samples inf"
                continue
            mean = sum(given) / len(given)
            if not _same(value, mean):
                yield f"image {image.image}: {metric} is {value}, the mean of its samples {mean:.9g}"
        for curve, metric in curves.items():
            yield from _curve_faults(image, curve, metric, result.signature.settings)


def _curve_faults(
    image: ImageRecord, name: str, metric: str, settings: Mapping[str, Mapping[str, object]]
) -> Iterator[str]:
    curve = image.curves.get(name)
    if not curve:
        return
    wanted = settings.get("common", {}).get("samples")
    if isinstance(wanted, int) and len(curve) != wanted:
        yield f"image {image.image}: {name} has {len(curve)} values, the signature states {wanted} samples"
    if curve[-1] != image.values.get(metric):
        yield f"image {image.image}: {metric} is {image.values.get(metric)}, its curve ends in another value"
    outside = [v for v in curve if v is not None and not -_ROUNDING <= v <= 100 + _ROUNDING]
    if outside:
        yield f"image {image.image}: {name} has the value {outside[0]}; only 0 to 100 is possible"
    # One sample has no diversity, and M equal ones have none either.
    first = curve if len(image.samples) == 1 else curve[:1]
    if any(v is not None and abs(v) > _ROUNDING for v in first):
        yield f"image {image.image}: {name} starts with {first[0]}, S_1 is 0"


def _mse_faults(result: Result) -> Iterator[str]:
    """PSNR follows from MSE, if both were measured on the same channels and pixels."""
    settings = result.signature.settings
    compared = [{key: settings.get(name, {}).get(key) for key in ("channels", "border")} for name in ("psnr", "mse")]
    if compared[0] != compared[1] or not {"psnr", "mse"} <= settings.keys():
        return
    for image in result.images:
        for sample in image.samples:
            psnr, mse = sample.values.get("psnr"), sample.values.get("mse")
            if psnr is None or mse is None or mse < 0:
                continue
            wanted = 10 * math.log10(255**2 / mse) if mse else math.inf
            if not math.isclose(psnr, wanted, rel_tol=_RELATIVE, abs_tol=1e-4):
                yield f"image {image.image}: psnr is {psnr}, its MSE {mse:.9g} gives {wanted:.9g}"


def _mean_faults(result: Result) -> Iterator[str]:
    # Each value and curve is read once, so that ids that few images have cost nothing.
    measured: dict[str, list[float | None]] = {}
    counted: dict[str, list[float | None]] = {}
    curves: dict[str, list[Sequence[float | None]]] = {name: [] for name in result.curves}
    for image in result.images:
        for metric, value in image.values.items():
            measured.setdefault(metric, []).append(value)
            counted.setdefault(metric, []).append(counted_value(image, metric))
        for name, curve in image.curves.items():
            curves.setdefault(name, []).append(curve)
    yield from (f"summary.{metric} is missing" for metric in measured if metric not in result.summary)
    for metric, value in result.summary.items():
        found = measured.get(metric, [])
        means = [mean_of(counted.get(metric, []))]
        if states_no_floor(result.signature.settings, metric):
            means.append(mean_of(found))
        mean = means[0] if means[0] is not None and math.isfinite(means[0]) else None
        if mean is None:
            # All images are infinite or undefined; the summary must be, too.
            agrees = value is None or value in found
        else:
            agrees = value is not None and any(
                wanted is not None and math.isclose(value, wanted, rel_tol=_RELATIVE, abs_tol=1e-9) for wanted in means
            )
        if not agrees:
            shown = "undefined" if mean is None else f"{mean:.9g}"
            yield f"summary.{metric} is {value}, the mean of its images {shown}"
    for name, of_images in curves.items():
        if not _same_curve(result.curves.get(name, ()), mean_curve(of_images)):
            yield f"{name} is not the mean of its images' curves"


def _same_curve(given: Sequence[float | None], means: Sequence[float | None]) -> bool:
    return len(given) == len(means) and all(
        value is mean is None
        or (value is not None and mean is not None and math.isclose(value, mean, rel_tol=_RELATIVE, abs_tol=1e-9))
        for value, mean in zip(given, means, strict=True)
    )


def _same(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=_RELATIVE)
