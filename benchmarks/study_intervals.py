"""How often the intervals of a ranking study hold the true MOR: 2 to 5 raters with tastes of their own.

``python -m benchmarks.study_intervals`` takes five minutes on one core.
"""

from __future__ import annotations

import numpy as np

from srspace_eval.study.intervals import bootstrap_mor
from srspace_eval.study.rankings import Rankings

QUALITY = np.array([0.0, 0.3, 0.6, 0.9])
CROP_EFFECT = 0.7


def ranks(rng: np.random.Generator, studies: int, raters: int, crops: int, taste: float) -> np.ndarray:
    """Ranks (studies, raters, crops, methods): quality, taste of the rater, effect of the crop, and noise 1."""
    methods = len(QUALITY)
    utility = QUALITY + rng.normal(0, taste, (studies, raters, 1, methods))
    utility = utility + rng.normal(0, CROP_EFFECT, (studies, 1, crops, methods))
    utility += rng.normal(size=utility.shape)
    return utility.argsort(-1).argsort(-1) + 1.0


def main() -> None:
    rng = np.random.default_rng(1)
    names = tuple("abcd")
    print("raters crops taste  intervals that hold the true MOR")
    for raters in (2, 3, 4, 5):
        for crops in (8, 30, 100):
            for taste in (0, 0.3, 0.6, 1.2):
                truth = np.mean([ranks(rng, 200, 4, 50, taste).mean((0, 1, 2)) for _ in range(15)], axis=0)
                rater, crop = (index.ravel() for index in np.indices((raters, crops)))
                held = []
                for study in ranks(rng, 300 if crops < 100 else 150, raters, crops, taste):
                    found = bootstrap_mor(Rankings(names, study.reshape(-1, len(names)), rater, crop), draws=400)
                    held.append((found.low <= truth) & (truth <= found.high))
                print(f"{raters:6d} {crops:5d} {taste:5.1f}  {100 * np.mean(held):.1f} %", flush=True)


if __name__ == "__main__":
    main()
