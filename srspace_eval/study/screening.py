"""Which answers count: valid, complete, attentive, and one a rater. For rankings and for ratings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from srspace_eval._utils.untrusted_text import visible
from srspace_eval.study.answers import Answer, AnswerError, read_answer
from srspace_eval.study.design import Crop
from srspace_eval.study.key import Key
from srspace_eval.study.obvious_answers import notify_doubtful, obvious_checks
from srspace_eval.study.options import CollectOptions
from srspace_eval.study.rankings import Floats, held_ranks

_NAMED = 3  # other files that a reason names; with all of them, the reasons would grow with the square of the files
_ROUNDING = 1e-9  # a mean of exactly the threshold passes, however its sum is rounded


@dataclass(frozen=True)
class RejectedAnswer:
    """An answer file that does not count, and the reason. ``others``: the files that the reason names."""

    file: str
    reason: str
    others: tuple[str, ...] = ()

    @property
    def published(self) -> dict[str, str]:
        """The entry of a published result, without absolute paths."""
        reason = self.reason
        for other in sorted(self.others, key=len, reverse=True):
            reason = reason.replace(other, short_path(other))
        return {"file": short_path(self.file), "reason": reason}


@dataclass(frozen=True)
class AcceptedAnswer:
    """An answer that counts.

    Attributes
    ----------
    agreement
        How far a rater agrees with him- or herself on the repeated tasks. Rankings: mean Kendall tau of both rankings.
        Ratings: mean difference of both ratings, in grades. None: no repeated task.
    """

    file: str
    answer: Answer
    agreement: float | None


def screen_answers(
    paths: Sequence[Path], key: Key, options: CollectOptions
) -> tuple[list[AcceptedAnswer], list[RejectedAnswer]]:
    """The answers that count, and the others with the reasons.

    An answer counts if it is valid, complete (unless ``options.partial`` is ``"use"``), passes the attention checks,
    and no other answer of the same rater contradicts it.

    Warns
    -----
    Notice
        For each obvious check that most of at least three raters fail.
    """
    rejected: list[RejectedAnswer] = []
    readable: list[tuple[str, Answer]] = []
    for path in paths:
        file = visible(str(path))
        try:
            answer = read_answer(path, key)
        except AnswerError as error:
            rejected.append(RejectedAnswer(file, str(error)))
            continue
        lost = len(answer.missing(key))
        if not answer.given:
            rejected.append(RejectedAnswer(file, "it has no answered task"))
        elif lost and options.partial == "refuse":
            total = len(key.raters[answer.rater].tasks)
            rejected.append(
                RejectedAnswer(file, f"incomplete: {lost} of {total} tasks are not answered (--partial use takes it)")
            )
        else:
            readable.append((file, answer))
    single, doubles = _one_a_rater(readable, key)
    rejected += doubles
    notify_doubtful([answer for _, answer in single], key)
    accepted = []
    for file, answer in single:
        reason, agreement = _attention(answer, key, options)
        if reason is None:
            accepted.append(AcceptedAnswer(file, answer, agreement))
        else:
            rejected.append(RejectedAnswer(file, reason))
    return accepted, rejected


def short_path(file: str) -> str:
    """How published results name a file: an absolute path by its last folder and its name alone.

    >>> short_path("answers/r01.json"), Path(short_path(str(Path("/home/ann/answers/r01.json")))).as_posix()
    ('answers/r01.json', 'answers/r01.json')
    """
    path = Path(file)
    return str(Path(*path.parts[1:][-2:])) if path.is_absolute() else file


def _one_a_rater(
    readable: Sequence[tuple[str, Answer]], key: Key
) -> tuple[list[tuple[str, Answer]], list[RejectedAnswer]]:
    """Each rater's answer: a complete one before a partial one, then the latest revision, then the most tasks.

    A browser that has sent a complete answer keeps all tasks. A later partial answer therefore is from another
    browser, and does not replace a complete one. No answer counts of a rater whose answers of the latest revision
    contradict each other: answers from two browsers, or of version 0.1.0, which had no revisions.
    """
    by_rater: dict[str, list[tuple[str, Answer]]] = defaultdict(list)
    for file, answer in readable:
        by_rater[answer.rater].append((file, answer))
    kept, rejected = [], []
    for rater, every in sorted(by_rater.items()):
        complete = [(file, answer) for file, answer in every if not answer.missing(key)]
        sent = complete or every
        rejected += [
            RejectedAnswer(file, f"{rater} also sent a complete answer ({sent[0][0]})", (sent[0][0],))
            for file, answer in every
            if complete and answer.missing(key)
        ]
        latest = max(answer.revision for _, answer in sent)
        found = [(file, answer) for file, answer in sent if answer.revision == latest]
        rejected += [
            RejectedAnswer(file, f"{rater} corrected it: revision {latest} ({found[0][0]}) is later", (found[0][0],))
            for file, answer in sent
            if answer.revision != latest
        ]
        best = max(range(len(found)), key=lambda i: len(found[i][1].given))
        full = found[best][1].given
        if all(full.get(task) == given for _, answer in found for task, given in answer.given.items()):
            kept.append(found[best])
            rejected += [
                RejectedAnswer(
                    file, f"{rater} again: it adds nothing to {found[best][0]}, which counts", (found[best][0],)
                )
                for i, (file, _) in enumerate(found)
                if i != best
            ]
            continue
        # Only the rater knows which one is meant. The times of files are not reliable.
        for file, answer in found:
            different = list(islice((other for other in found if other[1] is not answer), _NAMED))
            named = [f"{other} ({_difference(answer, theirs)})" for other, theirs in different]
            more = len(found) - 1 - len(different)
            named += [f"{more} more"] if more else []
            rejected.append(
                RejectedAnswer(
                    file,
                    f"{rater} also sent {' and '.join(named)}: ask {rater} which counts, and collect without the "
                    f"other file{'s' if len(found) > 2 else ''}",
                    tuple(other for other, _ in different),
                )
            )
    return kept, rejected


def _difference(one: Answer, other: Answer) -> str:
    mine = one.given
    count = sum(mine[task] != given for task, given in other.given.items() if task in mine)
    if not count:
        return "answers other tasks"
    return f"{count} {'task' if count == 1 else 'tasks'} {'ranked' if one.rankings else 'rated'} differently"


def _attention(answer: Answer, key: Key, options: CollectOptions) -> tuple[str | None, float | None]:
    """Why an attention check fails (None: all pass), and the agreement on repeated tasks."""
    if (evasion := _unanswered_checks(answer, key)) is not None:
        return evasion, None
    return _rating_attention(answer, key, options) if key.task == "rate" else _ranking_attention(answer, key, options)


def _ranking_attention(answer: Answer, key: Key, options: CollectOptions) -> tuple[str | None, float | None]:
    if not all(obvious_checks(answer, key).values()):
        return "failed an attention check: the order of an obvious task is wrong", None
    taus = []
    for name, groups in answer.rankings.items():
        task = key.tasks[name]
        if task.of is not None and task.of in answer.rankings:
            first = held_ranks(key.tasks[task.of], answer.rankings[task.of])
            second = held_ranks(task, groups)
            taus.append(_tau(first, second))
    if not taus:
        return None, None
    mean = float(np.mean(taus))
    if mean < options.agreement - _ROUNDING:
        return (
            f"failed an attention check: repeated tasks were ranked differently (Kendall tau {mean:.2f}, "
            f"--agreement asks for at least {options.agreement:g})",
            mean,
        )
    return None, mean


def _tau(first: Floats, second: Floats) -> float:
    """Kendall's tau-a: tied pairs count as pairs, and add nothing. Else a rater who ties everything would agree."""
    higher, lower = np.triu_indices(len(first), 1)
    return float(np.mean(np.sign(first[higher] - first[lower]) * np.sign(second[higher] - second[lower])))


def probability_of_chance(entries: int, repeats: int, agreement: float) -> float:
    """The probability that random rankings without ties pass the repeated tasks of a ranking study.

    Parameters
    ----------
    entries
        Crops in a task, at least 2.
    repeats
        Number of repeated tasks. 0: everybody passes.
    agreement
        Least mean Kendall tau, as in :class:`~srspace_eval.study.options.CollectOptions`.

    Examples
    --------
    >>> round(probability_of_chance(3, 2, 0.3), 4)
    0.3611
    """
    # The number of discordant pairs of a random ranking is a sum of independent uniform numbers (Mahonian numbers).
    one = np.ones(1)
    for count in range(2, entries + 1):
        one = np.convolve(one, np.full(count, 1 / count))
    total = np.ones(1)
    for _ in range(repeats):
        total = np.convolve(total, one)
    pairs = repeats * entries * (entries - 1) / 2
    taus = 1 - 2 * np.arange(len(total)) / max(pairs, 1)
    return float(total[taus >= agreement - _ROUNDING].sum()) if repeats else 1.0


def _rating_attention(answer: Answer, key: Key, options: CollectOptions) -> tuple[str | None, float | None]:
    if not all(obvious_checks(answer, key).values()):
        return "failed an attention check: a destroyed picture is not rated worse than its original", None
    differences = []
    for name, grade in answer.ratings.items():
        task = key.tasks[name]
        if task.of is not None and task.of in answer.ratings:
            differences.append(abs(grade - answer.ratings[task.of]))
    if not differences:
        return None, None
    mean = float(np.mean(differences))
    if mean > options.tolerance + _ROUNDING:
        return (
            f"failed an attention check: repeated pictures were rated differently (by {mean:.2f} grades on average, "
            f"--tolerance allows {options.tolerance:g})",
            mean,
        )
    return None, mean


def _unanswered_checks(answer: Answer, key: Key) -> str | None:
    """Why a partial answer evades the attention checks. None: it does not.

    The page shows the tasks in the order of the rater's list. A rater who stops early has answered the first tasks.
    """
    own = key.raters[answer.rater].tasks
    checks = [i for i, task in enumerate(own) if key.tasks[task].kind not in ("rank", "rate")]
    if not checks:
        return None
    given = answer.given
    obvious: dict[Crop, set[str]] = defaultdict(set)
    for i in checks:
        if key.tasks[own[i]].kind == "obvious":
            obvious[key.tasks[own[i]].crop].add(own[i])
    last = max(i for i, task in enumerate(own) if task in given)
    skipped = sum(i <= last and own[i] not in given for i in checks)
    if skipped:
        return f"{skipped} attention {'check is' if skipped == 1 else 'checks are'} left out before the last answer"
    if not any(_needed(own[i], key, obvious) <= given.keys() for i in checks):
        return "no attention check is answered, so nothing shows that the rater paid attention"
    return None


def _needed(name: str, key: Key, obvious: Mapping[Crop, Set[str]]) -> Set[str]:
    """The tasks that must be answered before a check says anything.

    A repeat is compared with its task. A rating study has two pictures for each obvious crop, and compares them.
    """
    task = key.tasks[name]
    if task.kind == "obvious":
        return obvious[task.crop]
    return {name} if task.of is None else {name, task.of}
