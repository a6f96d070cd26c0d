"""The design of a rating study: one task for each method's version of a crop, and the raters' lists.

It is the counterpart of ``make_tasks`` and ``make_lists`` in :mod:`srspace_eval.study.design`. It reads no pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from srspace_eval._utils.notices import notify
from srspace_eval.errors import StudyError
from srspace_eval.study.design import LARGE_CELLS, UNTOUCHED, Crop, RaterList, Task, TaskKind, repeated_task
from srspace_eval.study.options import StudyOptions
from srspace_eval.study.randomization import (
    Ints,
    balanced_orders,
    place_checks,
    random_id,
    secret_generator,
    share_tasks,
)

_ATTEMPTS = 100


def make_rating_tasks(
    crops: Sequence[Crop], obvious: Sequence[Crop], entries: int, secret: bytes, *, pairs: bool
) -> list[Task]:
    """Tasks with one crop each, in the order of the crops, then of the methods. The obvious ones come last.

    Parameters
    ----------
    crops, obvious
        Result of :func:`srspace_eval.study.design.place_crops`. An obvious crop gives two tasks: a hidden GT, and the
        same in large cells.
    entries
        K, the number of methods.
    pairs
        Whether the GT is shown beside the crop.
    """

    def task(crop: Crop, kind: TaskKind, held: int) -> Task:
        labels = (kind, crop.image, str(crop.number))
        return Task(
            id=random_id(secret, "task", *labels, str(held)),
            kind=kind,
            crop=crop,
            items=(random_id(secret, "item", *labels, str(held)),),
            holds=(held,),
            reference=random_id(secret, "reference", *labels) if pairs else None,
        )

    rated = [task(crop, "rate", method) for crop in crops for method in range(entries)]
    return rated + [task(crop, "obvious", level) for crop in obvious for level in (UNTOUCHED, LARGE_CELLS)]


def make_rating_lists(
    tasks: Sequence[Task], entries: int, secret: bytes, options: StudyOptions
) -> tuple[list[Task], list[RaterList]]:
    """The raters' lists: each rater rates all methods' versions of the crops of a share, in rounds.

    A round has each crop of the share once, in random order, so two versions of a crop are far apart. Which method a
    crop shows in which round comes from :func:`srspace_eval.study.randomization.balanced_orders`: over the study, the
    counts of any two methods in a round differ by one at most, and practice and fatigue meet all methods alike.

    Parameters
    ----------
    tasks
        Result of :func:`make_rating_tasks`.
    entries
        K, the number of methods.

    Returns
    -------
    (repeats, raters)
        The tasks that repeat another task, each made for one rater, and the lists.

    Raises
    ------
    StudyError
        If a rater may not have as many tasks as there are methods.

    Warns
    -----
    Notice
        If a rater has too few tasks for the requested repeats, and gets fewer.
    """
    rng = secret_generator(secret, "lists")
    rated = [task for task in tasks if task.kind == "rate"]
    obvious = [task for task in tasks if task.kind == "obvious"]
    most = options.tasks_per_rater
    if most is not None and most < entries:
        raise StudyError(
            f"--tasks-per-rater is {most}: a rater rates all methods' versions of a crop, so it must be at least "
            f"{entries}, the number of methods"
        )
    crops = len(rated) // entries
    shares = [
        share
        for share in share_tasks(crops, None if most is None else most // entries, rng)
        for _ in range(options.raters)
    ]
    methods_of = balanced_orders([len(share) for share in shares], entries, rng)
    fewest = min(len(share) for share in shares) * entries
    half = max(fewest // 2, 1)
    if options.repeats > half:
        notify(f"--repeats is {options.repeats}: a rater with {fewest} tasks repeats at most {half}, half of them")
    digits = max(2, len(str(len(shares))))
    repeats: list[Task] = []
    raters = []
    for number, (share, methods) in enumerate(zip(shares, methods_of, strict=True), start=1):
        name = f"r{number:0{digits}d}"
        own = [rated[crop * entries + method] for crop, method in _rounds(share, methods, rng)]
        todo, checks = _with_checks(own, obvious, name, secret, options, rng)
        repeats += checks
        raters.append(
            RaterList(
                id=name,
                token=random_id(secret, "token", name, length=20),
                tasks=tuple(task.id for task in todo),
                orders=((0,),) * len(todo),
            )
        )
    return repeats, raters


def _rounds(share: Ints, methods: Ints, rng: np.random.Generator) -> list[tuple[int, int]]:
    """(crop, method) pairs: in round p, crop t of the share shows ``methods[t, p]``."""
    found: list[tuple[int, int]] = []
    for column in methods.T:
        order = [int(row) for row in rng.permutation(len(share))]
        if found and len(order) > 1 and found[-1][0] == int(share[order[0]]):
            other = int(rng.integers(1, len(order)))
            order[0], order[other] = order[other], order[0]
        found += [(int(share[row]), int(column[row])) for row in order]
    return found


def _with_checks(
    own: Sequence[Task],
    obvious: Sequence[Task],
    rater: str,
    secret: bytes,
    options: StudyOptions,
    rng: np.random.Generator,
) -> tuple[list[Task], list[Task]]:
    """A rater's list with the checks in between, and the repeats among them.

    No crop comes twice in a row, where the list allows this (ITU-T P.910 asks for it).
    """
    todo: list[Task] = []
    checks: list[Task] = []
    for _ in range(_ATTEMPTS):
        repeated, slots = place_checks(len(own), options.repeats, len(obvious), rng)
        checks = [repeated_task(own[i], rater, secret) for i in repeated]
        todo = list(own)
        pairs = list(zip(slots, [*checks, *(obvious[i] for i in rng.permutation(len(obvious)))], strict=True))
        for slot, check in sorted(pairs, key=lambda pair: -pair[0]):
            todo.insert(slot, check)
        if all(one.crop != other.crop for one, other in pairwise(todo)):
            break
    return todo, checks
