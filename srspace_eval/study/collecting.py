"""From answer files to the study's outcome: who is counted, who is not and why, and the numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from srspace_eval._utils.text import visible
from srspace_eval.errors import StudyError
from srspace_eval.study.answers import Answer, AnswerError, read_answer
from srspace_eval.study.key import Key
from srspace_eval.study.rankings import Floats, Rankings, as_rankings, held_ranks
from srspace_eval.study.statistics import (
    Friedman,
    Intervals,
    Pair,
    bootstrap_intervals,
    compare_pairs,
    friedman,
    kendall_w,
    mean_opinion_rank,
)


@dataclass(frozen=True)
class Rules:
    """What is asked of an answer, and how intervals are made.

    Attributes
    ----------
    partial:
        Use answers that lack tasks.
    agreement:
        Least mean Kendall tau between a rater's first and second ranking of the repeated tasks.
    by_image:
        Generalise over images (with all their crops) instead of crops.
    level, draws, seed:
        Of the bootstrap.
    """

    partial: bool = False
    agreement: float = 0.3
    by_image: bool = False
    level: float = 0.95
    draws: int = 2000
    seed: int = 0


@dataclass(frozen=True)
class Rejected:
    """An answer file that is not counted, and why."""

    file: str
    reason: str


@dataclass(frozen=True)
class Accepted:
    """An answer that counts. ``agreement``: with itself on repeated tasks, None if it has none."""

    file: str
    answer: Answer
    agreement: float | None


@dataclass(frozen=True)
class Agreement:
    """Kendall's W: of the raters' overall orders, and its mean over crops (NaN: fewer than two raters)."""

    overall: float
    crops: float


@dataclass(frozen=True)
class Outcome:
    """A study's result. Arrays are (K,), in the order of ``rankings.methods``."""

    key: Key
    rules: Rules
    accepted: tuple[Accepted, ...]
    rejected: tuple[Rejected, ...]
    rankings: Rankings
    mor: Floats
    intervals: Intervals
    agreement: Agreement
    friedman: Friedman
    pairs: tuple[Pair, ...]
    shares: Floats  # (K, K): share of rankings in which a method (row) has rank 1, 2, ... (a tie counts for each)
    seconds: float  # median time of a task

    @property
    def order(self) -> list[int]:
        """Methods from the best MOR to the worst."""
        return [int(i) for i in np.argsort(self.mor, kind="stable")]


def collect(paths: Sequence[Path], key: Key, rules: Rules) -> Outcome:
    """Check all answers and compute the study's outcome from those that hold.

    An answer that is not accepted has no influence on any number.

    Raises
    ------
    StudyError
        If no answer is left; the message lists why each was rejected.
    """
    accepted, rejected = sift(paths, key, rules)
    if not accepted:
        raise StudyError("no answer can be used", [f"{r.file}: {r.reason}" for r in rejected])
    answers = [a.answer for a in accepted]
    rankings = as_rankings(answers, key, by_image=rules.by_image)
    if not len(rankings.ranks):
        raise StudyError("the answers rank nothing but attention checks: there is no MOR yet")
    seconds = [s for answer in answers for s in answer.seconds.values()]
    return Outcome(
        key=key,
        rules=rules,
        accepted=tuple(accepted),
        rejected=tuple(rejected),
        rankings=rankings,
        mor=mean_opinion_rank(rankings.ranks),
        intervals=bootstrap_intervals(rankings, level=rules.level, draws=rules.draws, seed=rules.seed),
        agreement=rater_agreement(rankings),
        friedman=friedman(rankings.means(rankings.unit)),
        pairs=tuple(compare_pairs(rankings, rules.level)),
        shares=rank_shares(rankings.ranks),
        seconds=float(np.median(seconds)),
    )


def sift(paths: Sequence[Path], key: Key, rules: Rules) -> tuple[list[Accepted], list[Rejected]]:
    """Which answers count; the others with the reason."""
    rejected: list[Rejected] = []
    readable: list[tuple[str, Answer]] = []
    for path in paths:
        file = visible(str(path))
        try:
            answer = read_answer(path, key)
        except AnswerError as error:
            rejected.append(Rejected(file, str(error)))
            continue
        lost = len(answer.missing(key))
        if not answer.rankings:
            rejected.append(Rejected(file, "answers no task"))
        elif lost and not rules.partial:
            total = len(key.raters[answer.rater].tasks)
            rejected.append(
                Rejected(file, f"incomplete: {lost} of {total} tasks are not answered (--partial use takes it)")
            )
        else:
            readable.append((file, answer))
    single, doubles = _one_a_rater(readable)
    rejected += doubles
    accepted = []
    for file, answer in single:
        reason, agreement = _attention(answer, key, rules)
        if reason is None:
            accepted.append(Accepted(file, answer, agreement))
        else:
            rejected.append(Rejected(file, reason))
    return accepted, rejected


def _one_a_rater(readable: Sequence[tuple[str, Answer]]) -> tuple[list[tuple[str, Answer]], list[Rejected]]:
    """A rater's fullest answer, if it says what the others of the same rater say; none if they contradict."""
    by_rater: dict[str, list[tuple[str, Answer]]] = defaultdict(list)
    for file, answer in readable:
        by_rater[answer.rater].append((file, answer))
    kept, rejected = [], []
    for rater, found in sorted(by_rater.items()):
        best = max(range(len(found)), key=lambda i: len(found[i][1].rankings))
        full = found[best][1].rankings
        if all(full.get(task) == groups for _, answer in found for task, groups in answer.rankings.items()):
            kept.append(found[best])
            rejected += [
                Rejected(file, f"{rater} again: says no more than {found[best][0]}, which counts")
                for i, (file, _) in enumerate(found)
                if i != best
            ]
            continue
        # Which of them was meant only the rater knows: a file's time is easily changed.
        for file, answer in found:
            others = [f"{other} ({_difference(answer, theirs)})" for other, theirs in found if theirs is not answer]
            rejected.append(
                Rejected(
                    file,
                    f"{rater} also sent {' and '.join(others)}: ask {rater} which counts, and collect without the "
                    f"other file{'s' if len(others) > 1 else ''}",
                )
            )
    return kept, rejected


def _difference(one: Answer, other: Answer) -> str:
    count = sum(one.rankings[task] != groups for task, groups in other.rankings.items() if task in one.rankings)
    if not count:
        return "answers other tasks"
    return f"{count} {'task' if count == 1 else 'tasks'} ranked differently"


def _attention(answer: Answer, key: Key, rules: Rules) -> tuple[str | None, float | None]:
    """Why the attention checks fail, if they do; and the agreement on repeated tasks."""
    taus = []
    for name, groups in answer.rankings.items():
        task = key.tasks[name]
        if task.kind == "obvious" and not np.all(np.diff(held_ranks(task, groups)) > 0):
            return "failed an attention check: the order of an obvious task is wrong", None
        if task.of is not None and task.of in answer.rankings:
            first = held_ranks(key.tasks[task.of], answer.rankings[task.of])
            tau = float(stats.kendalltau(first, held_ranks(task, groups)).statistic)
            # All tied, twice: the same answer.
            taus.append(1.0 if np.isnan(tau) else tau)
    if not taus:
        return None, None
    mean = float(np.mean(taus))
    if mean < rules.agreement:
        return (
            f"failed an attention check: repeated tasks were ranked differently (Kendall tau {mean:.2f}, at least "
            f"{rules.agreement:g} is asked for)",
            mean,
        )
    return None, mean


def rater_agreement(rankings: Rankings) -> Agreement:
    """Kendall's W of the raters' overall orders, and the mean of the W of each crop's rankings."""
    each = [kendall_w(rankings.ranks[rankings.unit == unit]) for unit in range(rankings.units)]
    known = [w for w in each if not np.isnan(w)]
    return Agreement(
        overall=kendall_w(rankings.means(rankings.rater)),
        crops=float(np.mean(known)) if known else float("nan"),
    )


def rank_shares(ranks: Floats) -> Floats:
    """(K, K): the share of rankings in which each method (row) takes each rank (column); a tie is spread evenly."""
    n, k = ranks.shape
    tied = (ranks[:, :, None] == ranks[:, None, :]).sum(axis=2)  # how many share the method's rank
    first = ranks - (tied - 1) / 2
    places = np.arange(1, k + 1)
    inside = (places >= first[:, :, None]) & (places < (first + tied)[:, :, None])
    shares: Floats = (inside / tied[:, :, None]).sum(axis=0) / n
    return shares
