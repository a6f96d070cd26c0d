"""What readers of a result's numbers should know about its samples. Imports no torch.

Each finding follows from the values in a result alone, so that it can be shown wherever its numbers are. No finding is
a fault: an honest submission may have one, and the organiser looks at the pictures.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from srspace_eval.results.record import ImageRecord, Result

LEAST_LR_PSNR = 22.0
"""dB. The lowest of the 62 LR-PSNRs in the published tables is 25.55 dB; other images have about 10 dB."""

LEAST_SAMPLES = 6
"""The growth of S_M over fewer samples says too little."""

LEAST_SCORE = 5.0
"""Percent. Below it, the growth of S_M is noise."""

_MARGIN = 0.2
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
    - S_M grows evenly with the number of samples: see :func:`early_growth`.
    """
    return [*_exact(result.images), *_low(result), *_even(result)]


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
    scores, means = image.curves.get(curve, ()), [sample.values.get(mean) for sample in image.samples]
    if len(scores) != len(means) or len(means) < LEAST_SAMPLES:
        return None
    least, best = [], math.inf
    for score, value in zip(scores, means, strict=True):
        if score is None or value is None:
            return None
        best = min(best, value)
        least.append(best * (1 - score / 100))
    gain = least[0] - least[-1]
    return (least[0] - least[_half(len(least))]) / gain if gain > 0 else None


def _half(samples: int) -> int:
    return (samples + 1) // 2 - 1


def _exact(images: Sequence[ImageRecord]) -> Iterator[str]:
    names = [image.image for image in images if any(_is_exact(sample.values) for sample in image.samples)]
    if names:
        yield f"a sample equals its GT in {_of(names, images)}"


def _is_exact(values: Mapping[str, float | None]) -> bool:
    return values.get("mse") == 0 or values.get("psnr") == math.inf or values.get("lpips") == 0


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
        even = _half(samples) / (samples - 1)
        if math.fsum(shares) / len(shares) < even + _MARGIN * (1 - even):
            g = math.fsum(min(s.values[distance.mean] or 0.0 for s in i.samples) for i in result.images)
            yield (
                f"S_M ({score:.1f} %) grows evenly with the number of samples, as where each is good in a part of the "
                f"picture of its own: the best single samples have a mean {distance.mean.upper()} of "
                f"{g / len(result.images):.4g}, far above what all of them together have; look at single samples"
            )


def _of(names: Sequence[str], images: Sequence[ImageRecord]) -> str:
    more = " …" if len(names) > _NAMED else ""
    return f"{len(names)} of {len(images)} images ({', '.join(names[:_NAMED])}{more})"
