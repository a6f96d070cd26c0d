"""How often the 95 % intervals of a human study hold the truth, from 2 raters and 2 crops on.

The studies are simulated: raters have tastes (and biases, where they rate), crops have effects, and answers have noise.
``python -m benchmarks.study_intervals`` takes about ten minutes on one core. The last lines are the ranges that
``srspace_eval/study/intervals.py`` states: the lowest and the highest percentage of all studies in which the smaller of
the numbers of raters and crops is 2, 3, 4, or at least 5.
"""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np

from srspace_eval.study.intervals import bootstrap_mor, two_way_error
from srspace_eval.study.opinion_scores import mean_opinion_scores
from srspace_eval.study.rankings import Rankings

RATERS, CROPS = (2, 3, 4, 5, 10, 20), (2, 3, 4, 5, 10, 30)
QUALITY = np.array([0.0, 0.6, 1.2, 1.8])
CROP_EFFECT = 0.7
GRADES = np.array([2.0, 2.7, 3.4, 4.1])
BIAS, PICTURE, NOISE = 0.5, 0.5, 0.7
NAMES = tuple("abcd")
Held = dict[str, float]


def utilities(
    rng: np.random.Generator, shape: tuple[int, int, int], mean: np.ndarray, taste: float, crop: float, noise: float
) -> np.ndarray:
    """(studies, raters, crops, methods): quality, taste of the rater, effect of the crop, and noise."""
    studies, raters, crops = shape
    found = mean + rng.normal(0, taste, (studies, raters, 1, len(mean)))
    found = found + rng.normal(0, crop, (studies, 1, crops, len(mean)))
    return found + rng.normal(0, noise, (*shape, len(mean)))


def ranks(rng: np.random.Generator, shape: tuple[int, int, int], taste: float) -> np.ndarray:
    return utilities(rng, shape, QUALITY, taste, CROP_EFFECT, 1.0).argsort(-1).argsort(-1) + 1.0


def grades(rng: np.random.Generator, shape: tuple[int, int, int], taste: float) -> np.ndarray:
    bias = rng.normal(0, BIAS, (*shape[:2], 1, 1))
    return np.clip(np.rint(utilities(rng, shape, GRADES, taste, PICTURE, NOISE) + bias), 1, 5)


def ranking(rng: np.random.Generator, raters: int, crops: int, taste: float, studies: int) -> Held:
    truth = ranks(rng, (200_000, 1, 1), taste).mean((0, 1, 2))
    rater, crop = (index.ravel() for index in np.indices((raters, crops)))
    held = defaultdict(list)
    for study in ranks(rng, (studies, raters, crops), taste):
        data = Rankings(NAMES, study.reshape(-1, len(NAMES)), rater, crop)
        found = bootstrap_mor(data, draws=200)
        held["MOR"].append((found.low <= truth) & (truth <= found.high))
        place = np.arange(1, len(NAMES) + 1)
        held["place"].append((found.rank_low <= place) & (place <= found.rank_high))
        difference = np.diff(data.ranks)  # of neighbours, as in compare_pairs
        half = two_way_error(difference, rater, crop).half_width(0.95)
        held["difference"].append(np.abs(difference.mean(0) - np.diff(truth)) <= half)
    return {what: 100 * float(np.mean(values)) for what, values in held.items()}


def rating(rng: np.random.Generator, raters: int, crops: int, taste: float, studies: int) -> Held:
    truth = grades(rng, (200_000, 1, 1), taste).mean((0, 1, 2))
    rater, crop, method = (i.ravel().astype(str).tolist() for i in np.indices((raters, crops, len(GRADES))))
    held = defaultdict(list)
    for study in grades(rng, (studies, raters, crops), taste):
        found = mean_opinion_scores(method, crop, rater, study.ravel().tolist())
        held["MOS"].append((found.low <= truth) & (truth <= found.high))
        held["unbiased"].append((found.unbiased_low <= truth) & (truth <= found.unbiased_high))
    return {what: 100 * float(np.mean(values)) for what, values in held.items()}


def main() -> None:
    ranges: dict[tuple[str, int, str], list[float]] = defaultdict(list)
    for measure, tastes, studies in ((ranking, (0.0, 0.4, 0.8), 120), (rating, (0.0, 0.4), 200)):
        for raters in RATERS:
            rng = np.random.default_rng(raters)
            for crops in CROPS:
                for taste in tastes:
                    held = measure(rng, raters, crops, taste, studies)
                    told = ", ".join(f"{what} {percent:.1f} %" for what, percent in held.items())
                    print(f"{raters:2d} raters, {crops:2d} crops, taste {taste}: {told}", flush=True)
                    for what, percent in held.items():
                        ranges[measure.__name__, min(raters, crops, 5), what].append(percent)
    for (task, least, what), percents in sorted(ranges.items()):
        print(f"{task}, smaller number {least}: {what} {math.floor(min(percents))} to {math.ceil(max(percents))} %")


if __name__ == "__main__":
    main()
