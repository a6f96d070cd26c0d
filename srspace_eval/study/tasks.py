"""From images and methods to tasks and rater lists: the design of a study, filled with names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from srspace_eval._utils.notices import notify
from srspace_eval.errors import StudyError
from srspace_eval.study.design import (
    Crop,
    RaterList,
    Task,
    balanced_orders,
    draw_crops,
    random_id,
    secret_generator,
    seeded,
    share_tasks,
    spread_checks,
)

OBVIOUS_LEVELS = 3
"""Crops in an obvious task: the GT, and the same in small and in large cells."""


@dataclass(frozen=True)
class Options:
    """What the organiser chooses.

    Attributes
    ----------
    crops, size:
        Crops an image, and their side in GT pixels.
    raters:
        People who do each task.
    tasks_per_rater:
        At most so many tasks for one person, so that tasks are shared among more people; None: everybody does all.
    images:
        So many images, drawn by seed; None: all.
    ties:
        Whether crops may share a rank.
    repeats, obvious:
        Attention checks for each rater: own tasks shown again, and tasks with an obvious order.
    context:
        Side of the region of the LR that is shown around a crop, in GT pixels; None: six times ``size``.
    seed:
        Decides images, crops and samples.
    title:
        The page's heading.
    """

    crops: int = 3
    size: int = 80
    raters: int = 5
    tasks_per_rater: int | None = None
    images: int | None = None
    ties: bool = False
    repeats: int = 0
    obvious: int = 0
    context: int | None = None
    seed: int = 0
    title: str = "Which looks most like a photograph?"

    def check(self, scale: int) -> None:
        """Raise StudyError unless the choices make sense for this scale."""
        problems = [
            f"--{name} = {value} must be at least 1"
            for name, value in (
                ("crops", self.crops),
                ("size", self.size),
                ("raters", self.raters),
                ("tasks-per-rater", self.tasks_per_rater),
                ("images", self.images),
            )
            if value is not None and value < 1
        ]
        problems += [
            f"--{name} = {value} must not be negative"
            for name, value in (("repeats", self.repeats), ("obvious", self.obvious))
            if value < 0
        ]
        if not self.title.strip():
            problems.append("--title is empty: it is the page's heading")
        if self.size % scale:
            problems.append(f"--size {self.size} must be a multiple of the scale {scale}: a crop is whole LR pixels")
        if self.context is not None and self.context < self.size:
            problems.append(f"--context {self.context} must not be smaller than --size {self.size}")
        if problems:
            raise StudyError("the study cannot be built", problems)


def choose_images(images: Sequence[str], options: Options) -> list[str]:
    """The study's images: all, or so many drawn by seed, in their own order."""
    if options.images is None:
        return list(images)
    if options.images > len(images):
        raise StudyError(f"--images {options.images}: there are only {len(images)}")
    drawn = seeded(options.seed, "images").choice(len(images), size=options.images, replace=False)
    return [images[i] for i in sorted(drawn)]


def place_crops(sizes: Mapping[str, tuple[int, int]], step: int, options: Options) -> tuple[list[Crop], list[Crop]]:
    """The crops of every image, and those of the obvious tasks.

    Parameters
    ----------
    sizes:
        Image -> (height, width) of its cropped GT.

    Returns
    -------
    (crops, obvious)
        An obvious task has a place of its own: its GT must not give away a crop that is to be ranked.

    Raises
    ------
    StudyError
        If images have no room; all of them at once.
    """
    images = list(sizes)
    hosts = [images[i % len(images)] for i in seeded(options.seed, "obvious").permutation(len(images))]
    hosts = (hosts * (options.obvious // len(hosts) + 1))[: options.obvious]
    crops: list[Crop] = []
    obvious: list[Crop] = []
    problems = []
    for image, (height, width) in sizes.items():
        count = options.crops + hosts.count(image)
        try:
            drawn = draw_crops(options.seed, image, height, width, count=count, size=options.size, step=step)
        except StudyError as error:
            problems.append(str(error))
            continue
        crops += drawn[: options.crops]
        obvious += drawn[options.crops :]
    if problems:
        raise StudyError("the crops do not fit into the images", problems)
    return crops, obvious


def make_tasks(crops: Sequence[Crop], obvious: Sequence[Crop], entries: Sequence[str], secret: bytes) -> list[Task]:
    """Tasks with random ids; an item's id follows from the secret, its crop and its method."""

    def task(crop: Crop, kind: str, names: Sequence[str]) -> Task:
        labels = (kind, crop.image, str(crop.number))
        items = sorted((random_id(secret, "item", *labels, name), i) for i, name in enumerate(names))
        return Task(
            id=random_id(secret, "task", *labels),
            kind="rank" if kind == "rank" else "obvious",
            crop=crop,
            items=tuple(item for item, _ in items),
            holds=tuple(i for _, i in items),
            reference=random_id(secret, "reference", *labels),
        )

    levels = [str(level) for level in range(OBVIOUS_LEVELS)]
    return [task(crop, "rank", entries) for crop in crops] + [task(crop, "obvious", levels) for crop in obvious]


def make_lists(
    tasks: Sequence[Task], entries: int, secret: bytes, options: Options
) -> tuple[list[Task], list[RaterList]]:
    """Every rater's list: own tasks shuffled, positions balanced over the study, attention checks strewn in.

    Returns
    -------
    (repeats, raters)
        The tasks that repeat another one, made for one rater each, and the lists.

    Warns
    -----
    Notice
        If somebody has so few tasks that fewer repeats are made than asked for.
    """
    rng = secret_generator(secret, "lists")
    ranked = [t for t in tasks if t.kind == "rank"]
    obvious = [t for t in tasks if t.kind == "obvious"]
    shares = [s for s in share_tasks(len(ranked), options.tasks_per_rater, rng) for _ in range(options.raters)]
    methods_at = balanced_orders([len(share) for share in shares], entries, rng)
    fewest = min(len(share) for share in shares)
    most = max(fewest // 2, 1)
    if options.repeats > most:
        notify(f"--repeats {options.repeats}: with {fewest} tasks a rater repeats at most {most}, half of them")
    digits = max(2, len(str(len(shares))))
    repeats: list[Task] = []
    raters = []
    for number, (share, methods) in enumerate(zip(shares, methods_at, strict=True), start=1):
        name = f"r{number:0{digits}d}"
        own = [ranked[i] for i in rng.permutation(share)]
        todo = [
            (task, tuple(task.holds.index(int(method)) for method in order))
            for task, order in zip(own, methods, strict=True)
        ]
        repeated, slots = spread_checks(len(own), options.repeats, len(obvious), rng)
        checks = [_repeat(own[i], name, secret) for i in repeated]
        repeats += checks
        for slot, check in sorted(zip(slots, checks + obvious, strict=True), key=lambda pair: -pair[0]):
            todo.insert(slot, (check, tuple(int(i) for i in rng.permutation(len(check.items)))))
        raters.append(
            RaterList(
                id=name,
                token=random_id(secret, "token", name, length=20),
                tasks=tuple(task.id for task, _ in todo),
                orders=tuple(order for _, order in todo),
            )
        )
    return repeats, raters


def _repeat(task: Task, rater: str, secret: bytes) -> Task:
    new = random_id(secret, "repeat", rater, task.id)
    return Task(new, "repeat", task.crop, task.items, task.holds, task.reference, of=task.id)


def position_counts(raters: Sequence[RaterList], tasks: Mapping[str, Task], entries: int) -> np.ndarray:
    """How often each method stands at each position, over all ranked tasks: (K, K) counts, [method, position]."""
    counts = np.zeros((entries, entries), dtype=np.int64)
    for rater in raters:
        for name, order in zip(rater.tasks, rater.orders, strict=True):
            task = tasks[name]
            if task.kind == "rank":
                for position, item in enumerate(order):
                    counts[task.holds[item], position] += 1
    return counts
