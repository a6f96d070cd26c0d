"""The design of a study: crops, tasks and the raters' lists.

It fills the numbers of :mod:`srspace_eval.study.randomization` with images, methods and ids. It reads no pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from srspace_eval._utils.notices import notify
from srspace_eval.errors import StudyError
from srspace_eval.study.options import StudyOptions
from srspace_eval.study.randomization import (
    balanced_orders,
    draw_corners,
    place_checks,
    random_id,
    secret_generator,
    seeded,
    share_tasks,
)

TaskKind = Literal["rank", "rate", "repeat", "obvious"]

UNTOUCHED, SMALL_CELLS, LARGE_CELLS = 0, 1, 2
"""What an item of an obvious task shows: the GT, or the GT in small or in large cells."""

SECONDS_PER_TASK, SECONDS_PER_CROP = 5.0, 3.0
"""Estimated time for the reference of a task, and for each crop. ``study collect`` reports the measured time."""


@dataclass(frozen=True)
class Crop:
    """A square of an image: its left upper corner, in pixels of the GT."""

    image: str
    number: int
    x: int
    y: int


@dataclass(frozen=True)
class Task:
    """Crops to rank, or a crop to rate.

    Attributes
    ----------
    kind
        ``"rank"``: the ranking counts for the MOR. ``"rate"``: the rating counts for the MOS. ``"repeat"``: another
        task once more. ``"obvious"``: every attentive rater gives the same order.
    items
        Ids of the crops' files, sorted. The order carries no information. A crop to rate is the only item.
    holds
        What each item is: the index of its method, or in an obvious task its place in the right order (0: best). Items
        of the same place may have any order.
    reference
        Id of the file that shows the LR around the crop, or of the GT's crop. None: no reference.
    of
        The task that a repeat repeats.
    """

    id: str
    kind: TaskKind
    crop: Crop
    items: tuple[str, ...]
    holds: tuple[int, ...]
    reference: str | None
    of: str | None = None


@dataclass(frozen=True)
class RaterList:
    """What one rater does: ids of the tasks in their order, and the positions (indices into ``Task.items``) in each."""

    id: str
    token: str
    tasks: tuple[str, ...]
    orders: tuple[tuple[int, ...], ...]

    @property
    def code(self) -> str:
        """What the rater's link ends with: the id and the token."""
        return f"{self.id}-{self.token}"


def expected_minutes(tasks: float, entries: int) -> float:
    """A rater's estimated time for tasks that show ``entries`` crops each, in minutes.

    >>> expected_minutes(60, 8)
    29.0
    """
    return tasks * (SECONDS_PER_TASK + SECONDS_PER_CROP * entries) / 60


def choose_images(images: Sequence[str], options: StudyOptions) -> list[str]:
    """The images of the study: all, or ``options.images`` of them drawn by seed. They keep their order.

    Raises
    ------
    StudyError
        If there are fewer images than the options ask for.
    """
    if options.images is None:
        return list(images)
    if options.images > len(images):
        raise StudyError(f"--images is {options.images}: there are only {len(images)}")
    drawn = seeded(options.fixed_seed, "images").choice(len(images), size=options.images, replace=False)
    return [images[i] for i in sorted(drawn)]


def place_crops(
    sizes: Mapping[str, tuple[int, int]], step: int, options: StudyOptions
) -> tuple[list[Crop], list[Crop]]:
    """The crops of every image, and those of the obvious tasks.

    Parameters
    ----------
    sizes
        Image -> (height, width) of its cropped GT.
    step
        Corners lie on multiples of this number (the scale).

    Returns
    -------
    (crops, obvious)
        An obvious task has a crop of its own, because its GT must not reveal the GT of a ranked crop.

    Raises
    ------
    StudyError
        If images have no room. It lists all of them.
    """
    images = list(sizes)
    hosts = [images[i % len(images)] for i in seeded(options.fixed_seed, "obvious").permutation(len(images))]
    hosts = (hosts * (options.obvious // len(hosts) + 1))[: options.obvious]
    crops: list[Crop] = []
    obvious: list[Crop] = []
    problems = []
    for image, (height, width) in sizes.items():
        count = options.crops + hosts.count(image)
        try:
            corners = draw_corners(options.fixed_seed, image, height, width, count=count, size=options.size, step=step)
        except StudyError as error:
            problems.append(str(error))
            continue
        drawn = [Crop(image, number, x, y) for number, (x, y) in enumerate(corners)]
        crops += drawn[: options.crops]
        obvious += drawn[options.crops :]
    if problems:
        raise StudyError("the crops do not fit into the images", problems)
    return crops, obvious


def make_tasks(crops: Sequence[Crop], obvious: Sequence[Crop], entries: Sequence[str], secret: bytes) -> list[Task]:
    """Tasks with random ids. The id of an item follows from the secret, its crop and its method.

    Parameters
    ----------
    crops, obvious
        Result of :func:`place_crops`.
    entries
        Names of the methods.
    """

    def task(crop: Crop, kind: str, names: Sequence[str]) -> Task:
        labels = (kind, crop.image, str(crop.number))
        holds = range(len(names)) if kind == "rank" else obvious_levels(len(names))
        items = sorted((random_id(secret, "item", *labels, name), i) for i, name in zip(holds, names, strict=True))
        return Task(
            id=random_id(secret, "task", *labels),
            kind="rank" if kind == "rank" else "obvious",
            crop=crop,
            items=tuple(item for item, _ in items),
            holds=tuple(i for _, i in items),
            reference=random_id(secret, "reference", *labels),
        )

    pieces = [str(piece) for piece in range(len(entries))]
    return [task(crop, "rank", entries) for crop in crops] + [task(crop, "obvious", pieces) for crop in obvious]


def obvious_levels(pieces: int) -> list[int]:
    """What the items of an obvious task show. It has as many as the other tasks, so that it does not stand out.

    >>> obvious_levels(2), obvious_levels(7)
    ([0, 2], [0, 1, 1, 1, 2, 2, 2])
    """
    small = (pieces - 1) // 2
    return [UNTOUCHED] + [SMALL_CELLS] * small + [LARGE_CELLS] * (pieces - 1 - small)


def make_lists(
    tasks: Sequence[Task], entries: int, secret: bytes, options: StudyOptions
) -> tuple[list[Task], list[RaterList]]:
    """The raters' lists: shuffled tasks, balanced positions, attention checks in between.

    Parameters
    ----------
    tasks
        Result of :func:`make_tasks`.
    entries
        K, the number of methods.

    Returns
    -------
    (repeats, raters)
        The tasks that repeat another task, each made for one rater, and the lists.

    Warns
    -----
    Notice
        If a rater has too few tasks for the requested repeats, and gets fewer.
    """
    rng = secret_generator(secret, "lists")
    ranked = [t for t in tasks if t.kind == "rank"]
    obvious = [t for t in tasks if t.kind == "obvious"]
    shares = [s for s in share_tasks(len(ranked), options.tasks_per_rater, rng) for _ in range(options.raters)]
    methods_at = balanced_orders([len(share) for share in shares], entries, rng)
    fewest = min(len(share) for share in shares)
    most = max(fewest // 2, 1)
    if options.repeats > most:
        notify(f"--repeats is {options.repeats}: a rater with {fewest} tasks repeats at most {most}, half of them")
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
        repeated, slots = place_checks(len(own), options.repeats, len(obvious), rng)
        checks = [repeated_task(own[i], name, secret) for i in repeated]
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


def repeated_task(task: Task, rater: str, secret: bytes) -> Task:
    """A task once more for a rater, under an id of its own."""
    new = random_id(secret, "repeat", rater, task.id)
    return Task(new, "repeat", task.crop, task.items, task.holds, task.reference, of=task.id)
