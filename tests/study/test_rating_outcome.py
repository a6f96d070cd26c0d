"""Answers of simulated raters, through the files that raters send: coverage, biases, outlying raters, tables."""

from __future__ import annotations

import csv
import json
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

import srspace_eval as se
from srspace_eval.errors import Notice, StudyError
from srspace_eval.study.collect import collect_ratings, compute_outcome, compute_ratings
from srspace_eval.study.design import Crop, Task
from srspace_eval.study.key import Key
from srspace_eval.study.options import CollectOptions, StudyOptions
from srspace_eval.study.rating_design import make_rating_lists, make_rating_tasks
from srspace_eval.study.rating_outcome import RatingOutcome
from srspace_eval.tracks.opinion_scale import ACR, OpinionScale
from tests.helpers.studies import SECRET, answer_bytes, answer_document

MEANS = np.array([1.9, 2.6, 3.2, 3.9])
BIAS, NOISE, PICTURE = 0.5, 0.6, 0.5
METHODS = ("a", "b", "c", "d")


def panel_key(raters: int = 12, crops: int = 12, methods: Sequence[str] = METHODS, **options: int) -> Key:
    """A rating study without pictures."""
    settings = StudyOptions(task="rate", raters=raters, seed=0, **options)  # type: ignore[arg-type]
    drawn = [Crop(f"{number:04d}", 0, 0, 0) for number in range(crops)]
    obvious = [Crop("0000", 1 + number, 80, 80) for number in range(settings.obvious)]
    tasks = make_rating_tasks(drawn, obvious, len(methods), SECRET, pairs=False)
    repeats, lists = make_rating_lists(tasks, len(methods), SECRET, settings)
    return Key(
        study="0" * 20,
        secret=SECRET.hex(),
        title="t",
        ties=False,
        entries=tuple(methods),
        tasks={task.id: task for task in [*tasks, *repeats]},
        raters={rater.id: rater for rater in lists},
        settings={"track": "x4", "created_with": "tests", "size": 80, "seed": 0, "lr": "not shown", "pairs": False},
        task="rate",
        scale=ACR,
    )


def graders(key: Key, seed: int) -> tuple[dict[str, Callable[[Task], float]], np.ndarray]:
    """Raters who rate by quality + bias + noise, rounded to a grade; and their biases."""
    rng = np.random.default_rng(seed)
    bias = rng.normal(0, BIAS, len(key.raters))
    effect = {task.crop: rng.normal(0, PICTURE, len(MEANS)) for task in key.tasks.values()}

    def of(number: int) -> Callable[[Task], float]:
        def grade(task: Task) -> float:
            quality = MEANS[task.holds[0]] + effect[task.crop][task.holds[0]]
            return float(np.rint(quality + bias[number] + rng.normal(0, NOISE)).clip(1, 5))

        return grade

    return {rater: of(number) for number, rater in enumerate(key.raters)}, bias


def collected(key: Key, seed: int, folder: Path, options: CollectOptions = CollectOptions()) -> RatingOutcome:
    """The outcome of a panel's answers, by way of the files."""
    by_rater, _ = graders(key, seed)
    for rater, grade in by_rater.items():
        (folder / f"{rater}.json").write_bytes(answer_bytes(answer_document(key, rater, grade=grade)))
    return compute_ratings(sorted(folder.glob("*.json")), key, options)


def expected_scores() -> np.ndarray:
    """The mean rounded and clipped grade of each method, over all raters and pictures."""
    spread = np.sqrt(BIAS**2 + PICTURE**2 + NOISE**2)
    return 1 + sum(norm.sf(edge, MEANS, spread) for edge in (1.5, 2.5, 3.5, 4.5))


def test_intervals_cover_the_truth_through_the_answer_files(tmp_path: Path) -> None:
    """200 studies, seeds 0 to 199, with both kinds of checks. The rate of 200 studies scatters by 1.5 points."""
    key = panel_key(repeats=2, obvious=1)
    truth = expected_scores()
    inside = []
    for seed in range(200):
        outcome = collected(key, seed, tmp_path, CollectOptions(tolerance=9))
        assert len(outcome.accepted) == len(key.raters)
        inside.append((outcome.scores.low <= truth) & (truth <= outcome.scores.high))
    rate = float(np.mean(inside))
    assert 0.92 <= rate <= 0.98, rate
