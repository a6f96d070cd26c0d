"""What readers of a result's numbers should know about its samples. Imports no torch.

Each finding follows from the values in a result alone, so that it can be shown wherever its numbers are. No finding is
a fault: an honest submission may have one, and the organiser looks at the pictures.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from srspace_eval.metrics.base import renamed_key
from srspace_eval.metrics.registry import metrics
from srspace_eval.results.means import exact_mean
from srspace_eval.results.record import ImageRecord, Result

LEAST_LR_PSNR = 22.0
"""dB. The lowest of the 62 LR-PSNRs in the published tables is 25.55 dB; other images have about 10 dB."""

LEAST_SAMPLES = 6
"""The growth of S_M over fewer samples says too little."""

LEAST_SCORE = 5.0
"""Percent. Below it, the growth of S_M is noise."""

_MARGIN = 0.2
_LEAST_PARTS = 3
_EVEN = 0.5
_STOPPED = 0.1
_NAMED = 5


@dataclass(frozen=True)
class _Distance:
    """A diversity score: its column, its curve, and the samples' mean distances."""

    column: str
    curve: str
    mean: str


_DISTANCES = (
    _Distance("diversity", "diversity_curve", "lpips"),
    _Distance("diversity_mse", "diversity_mse_curve", "mse"),
)


def suspicions(result: Result) -> list[str]:
    """One sentence for each finding.

    - A sample equals its GT.
    - LR-PSNR is below 22 dB in most images: the pictures may belong to other images, or the LRs to other pictures.
    - S_M grows evenly with the number of samples (see :func:`early_growth`), or in most images evenly up to a sample
      after which it stops (see :func:`stops_suddenly`).
    """
    return [*_exact(result), *_low(result), *_even(result)]


def early_growth(image: ImageRecord, curve: str, mean: str) -> float | None:
    """How much of the gain of all samples the first half of them has, from 0 to 1.

    l_n is the mean of the pixel-wise smallest distance of the first n samples. The value is
    (l_1 - l_h) / (l_1 - l_M) for h = M / 2, rounded up. Samples that are drawn independently gain less and less. If
    each sample is good in a part of the picture of its own, each gains the same: (h - 1) / (M - 1).

    Parameters
    ----------
    curve, mean
        The ids of the curve S_1 to S_M, and of the samples' mean distances.

    Returns
    -------
    float or None
        None if the image has no such curve, fewer than six samples, or no gain.
    """
    least = _least(image, curve, mean)
    return _share(least, len(least)) if least else None


def stops_suddenly(image: ImageRecord, curve: str, mean: str) -> bool:
    """Whether the first samples, three or more, gain evenly, and all later ones together next to nothing.

    Samples that are drawn independently do not: the expected gains fall ever more slowly, so even gains go on. Samples
    that are good in parts of their own do, if near copies follow them. A later sample gains on average less than a
    tenth of what each of the first ones gains.

    Parameters
    ----------
    curve, mean
        As for :func:`early_growth`.
    """
    least = _least(image, curve, mean)
    gains = [before - after for before, after in pairwise(least)]
    smallest = list(accumulate(gains, min))  # of the gains so far
    for first in range(_LEAST_PARTS, len(least)):
        mean_gain = (least[0] - least[first - 1]) / (first - 1)
        later = (least[first - 1] - least[-1]) / (len(least) - first)
        if (
            smallest[first - 2] > _EVEN * mean_gain
            and (_share(least, first) or 0.0) < _even_enough(first)
            and later < _STOPPED * mean_gain
        ):
            return True
    return False


def _least(image: ImageRecord, curve: str, mean: str) -> list[float]:
    """l_1 to l_M; empty if the image has no such curve, or fewer than six samples."""
    scores, means = image.curves.get(curve, ()), [sample.values.get(mean) for sample in image.samples]
    if len(scores) != len(means) or len(means) < LEAST_SAMPLES:
        return []
    least, best = [], math.inf
    for score, value in zip(scores, means, strict=True):
        if score is None or value is None:
            return []
        best = min(best, value)
        least.append(best * (1 - score / 100))
    return least


def _share(least: Sequence[float], samples: int) -> float | None:
    """How much of the gain of so many samples their first half has; None without a gain."""
    gain = least[0] - least[samples - 1]
    return (least[0] - least[_half(samples)]) / gain if gain > 0 else None


def _even_enough(samples: int) -> float:
    """The largest share of the first half that counts as even growth: a fifth above that of equal gains."""
    even = _half(samples) / (samples - 1)
    return even + _MARGIN * (1 - even)


def _half(samples: int) -> int:
    return (samples + 1) // 2 - 1


def _exact(result: Result) -> Iterator[str]:
    # Squared errors and LPIPS are measured for S_M, too, without a group of their own.
    best = {"mse": 0.0, "psnr": math.inf, "lpips": 0.0, **_values_of_equal_pictures(result.signature.settings)}
    names = [
        image.image
        for image in result.images
        if any(sample.values.get(column) == value for sample in image.samples for column, value in best.items())
    ]
    if names:
        yield f"a sample equals its GT in {_of(names, result.images)}"


def _values_of_equal_pictures(settings: Mapping[str, Mapping[str, object]]) -> dict[str, float]:
    """Column -> the value that only a sample has that equals its GT, of each measure that compares with the GT.

    It is infinite, or the best value of a built-in metric. A metric of a package may be at its best for other samples.
    """
    known, found = metrics(), {}
    for measure_id, group in settings.items():
        metric = known.get(str(group.get("metric", measure_id)))
        if metric is None or not metric.needs.gt or metric.needs.lr:
            continue
        own = metric.__module__.startswith("srspace_eval.")
        for info in metric.columns:
            best = info.most if info.direction == "higher" else info.least
            if info.per == "sample" and (best == math.inf or (own and math.isfinite(best))):
                found[renamed_key(info.id, metric.name, measure_id)] = best
    return found


def _low(result: Result) -> Iterator[str]:
    found = {image.image: value for image in result.images if (value := image.values.get("lr_psnr")) is not None}
    low = [name for name, value in found.items() if value < LEAST_LR_PSNR]
    if found and 2 * len(low) > len(found):
        files = result.signature.settings.get("lr_psnr", {}).get("reference") == "LR files"
        more = ", or the LRs that --lr named to other pictures" if files else ""
        yield (
            f"LR-PSNR is below {LEAST_LR_PSNR:g} dB in {len(low)} of {len(found)} images: the samples may belong to "
            f"other images (numbers that begin at another one, for instance){more}"
        )


def _even(result: Result) -> Iterator[str]:
    for distance in _DISTANCES:
        score = result.summary.get(distance.column)
        shares = [
            share
            for image in result.images
            if (share := early_growth(image, distance.curve, distance.mean)) is not None
        ]
        if not shares or score is None or score < LEAST_SCORE:
            continue
        samples = max(len(image.samples) for image in result.images)
        even = exact_mean(shares) < _even_enough(samples)
        stopped = sum(stops_suddenly(image, distance.curve, distance.mean) for image in result.images)
        if even or (stopped > 1 and 2 * stopped > len(shares)):
            how = "" if even else f", and then stops, in {stopped} of {len(result.images)} images"
            g = exact_mean([min(s.values[distance.mean] or 0.0 for s in i.samples) for i in result.images])
            yield (
                f"S_M ({score:.1f} %) grows evenly with the number of samples{how}, as where each is good in a part of "
                f"the picture of its own: the best single samples have a mean {distance.mean.upper()} of "
                f"{g:.4g}, far above what all of them together have; look at single samples"
            )


def _of(names: Sequence[str], images: Sequence[ImageRecord]) -> str:
    more = " …" if len(names) > _NAMED else ""
    return f"{len(names)} of {len(images)} images ({', '.join(names[:_NAMED])}{more})"
