"""The design of a study: which crops, which samples, in which order each rater sees them. Pure; imports no pictures.

Two sources of chance are kept apart. The *seed* decides what is shown (images, crops, samples): it belongs to the
protocol and may be published. The *secret* decides what must stay unknown to raters (file names, positions, order):
whoever has it can name the method behind every crop, so it stands in the key file only.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from srspace_eval.errors import StudyError

TaskKind = Literal["rank", "repeat", "obvious"]

SECONDS_PER_TASK, SECONDS_PER_CROP = 5.0, 3.0
"""What a task is taken to cost before anybody has done one: looking at the reference, then each crop. ``collect``
tells what it did cost."""

_ATTEMPTS, _DRAWS = 100, 300
_MIXING_ROUNDS = 8


def expected_minutes(tasks: float, entries: int) -> float:
    """A rater's time for so many tasks of so many crops, in minutes.

    >>> expected_minutes(60, 8)
    29.0
    """
    return tasks * (SECONDS_PER_TASK + SECONDS_PER_CROP * entries) / 60


@dataclass(frozen=True)
class Crop:
    """A square of an image, in pixels of the GT: its left upper corner."""

    image: str
    number: int
    x: int
    y: int


@dataclass(frozen=True)
class Task:
    """One thing to rank.

    Attributes
    ----------
    kind:
        ``"rank"``: counts for the MOR; ``"repeat"``: the same crops once more; ``"obvious"``: an order that everybody
        who looks gives.
    items:
        Ids of the crops' files, sorted: an order that says nothing.
    holds:
        What each item is: the index of its method, or in an obvious task its place in the right order (0: best).
    reference:
        Id of the file that shows the LR around the crop.
    of:
        The task that a repeat repeats.
    """

    id: str
    kind: TaskKind
    crop: Crop
    items: tuple[str, ...]
    holds: tuple[int, ...]
    reference: str
    of: str | None = None


@dataclass(frozen=True)
class RaterList:
    """What one rater does: task ids in their order, and for each the positions (indices into ``Task.items``)."""

    id: str
    token: str
    tasks: tuple[str, ...]
    orders: tuple[tuple[int, ...], ...]


def seeded(seed: int, *labels: str) -> np.random.Generator:
    """A generator for one draw: it depends on the seed and the labels alone, so that what is drawn for one image does
    not change when another is added.

    >>> int(seeded(0, "crops", "0801").integers(1000)) == int(seeded(0, "crops", "0801").integers(1000))
    True
    """
    digest = hashlib.sha256("\0".join([str(seed), *labels]).encode("utf-8", "surrogatepass")).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))


def random_id(secret: bytes, *labels: str, length: int = 13) -> str:
    """Lower-case letters and digits that nobody without the secret can tie to the labels (HMAC-SHA-256, base 32)."""
    digest = hmac.new(secret, "\0".join(labels).encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
    return base64.b32encode(digest).decode("ascii").lower()[:length]


def secret_generator(secret: bytes, *labels: str) -> np.random.Generator:
    """A generator for one of the draws that raters must not be able to repeat."""
    digest = hmac.new(secret, "\0".join(labels).encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))


def draw_crops(seed: int, image: str, height: int, width: int, *, count: int, size: int, step: int) -> list[Crop]:
    """Squares of one image that do not overlap, drawn uniformly, corners on multiples of ``step`` (the scale).

    Raises
    ------
    StudyError
        If the image has no room for them.
    """
    rows, columns = (height - size) // step + 1, (width - size) // step + 1
    crops: list[Crop] = []
    if rows > 0 and columns > 0:
        rng = seeded(seed, "crops", image)
        # In a small image the first crops may leave no room for the last although there is room for all: start anew.
        for _ in range(_ATTEMPTS):
            crops = []
            for _ in range(_DRAWS):
                if len(crops) == count:
                    break
                x, y = int(rng.integers(columns)) * step, int(rng.integers(rows)) * step
                if all(abs(x - c.x) >= size or abs(y - c.y) >= size for c in crops):
                    crops.append(Crop(image, len(crops), x, y))
            if len(crops) == count:
                break
    if len(crops) < count:
        raise StudyError(
            f"image {image} ({width} × {height}) has no room for {count} crops of {size} × {size} that do not overlap: "
            "ask for fewer (--crops) or smaller ones (--size), or leave the image out"
        )
    return crops


def draw_sample(seed: int, team: str, image: str, available: Sequence[int]) -> int:
    """Which of a method's samples of an image is shown; all crops of an image come from the same one."""
    return int(available[int(seeded(seed, "sample", team, image).integers(len(available)))])


def latin_square(n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """A random Latin square (n, n) of 0..n-1: rows, columns and symbols of the cyclic one, shuffled."""
    cyclic = (np.arange(n)[:, None] + np.arange(n)[None, :]) % n
    square = rng.permutation(n)[cyclic][rng.permutation(n)][:, rng.permutation(n)]
    return np.asarray(square, dtype=np.int64)


def balanced_orders(shares: Sequence[int], entries: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Positions for every rater, balanced over the study.

    Parameters
    ----------
    shares:
        The number of tasks of each rater.
    entries:
        K, the number of methods.

    Returns
    -------
    list of (tasks, K) arrays
        Row t, column p: the method at position p of the rater's t-th task. Over the study each method stands equally
        often at each position, within one.

    The balance is that of Latin squares, which are taken apart and dealt to everybody. A rater who did a whole square
    would never see a method twice at the same position: from the lists of a few such raters, which all lie in the
    folder, anybody could tell which crops of different tasks are from one method.
    """
    needed = sum(shares)
    squares = [latin_square(entries, rng) for _ in range(ceil(needed / entries))]
    rows = np.concatenate(squares)[:needed] if squares else np.zeros((0, entries), np.int64)
    for _ in range(_MIXING_ROUNDS):
        rows = rng.permutation(rows, axis=0)
        for first, second in zip(rows[::2], rows[1::2], strict=False):
            _exchange(first, second, rng)
    return np.split(rng.permutation(rows, axis=0), np.cumsum(shares)[:-1])


def _exchange(first: NDArray[np.int64], second: NDArray[np.int64], rng: np.random.Generator) -> None:
    """Let two rows exchange, in place, what they hold at some positions: sets of positions at which both hold the same
    methods, so that both stay permutations and each position keeps its methods."""
    place = np.argsort(first)
    left = set(range(len(first)))
    while left:
        cycle = [min(left)]
        while (after := int(place[second[cycle[-1]]])) != cycle[0]:
            cycle.append(after)
        left -= set(cycle)
        if rng.random() < 0.5:
            first[cycle], second[cycle] = second[cycle], first[cycle]


def share_tasks(count: int, per_rater: int | None, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Split the tasks into shares of nearly equal size, none larger than ``per_rater``; one share if it is None."""
    shares = 1 if per_rater is None else ceil(count / per_rater)
    return [np.asarray(part, dtype=np.int64) for part in np.array_split(rng.permutation(count), shares)]


def spread_checks(tasks: int, repeats: int, obvious: int, rng: np.random.Generator) -> tuple[list[int], list[int]]:
    """Where a rater's attention checks stand.

    Returns
    -------
    (repeated, slots)
        ``repeated``: positions, in the first half of the rater's own tasks, of those to be repeated. ``slots``: for
        the repeats, then for the obvious tasks, the own task after which the check comes (repeats: in the last third,
        so that at least a sixth of the tasks lies between).
    """
    first_half = max(tasks // 2, 1)
    repeated = [int(i) for i in rng.choice(first_half, size=min(repeats, first_half), replace=False)]
    late = max(tasks - tasks // 3, first_half)
    slots = [int(rng.integers(late, tasks + 1)) for _ in repeated]
    slots += [int(rng.integers(1, tasks + 1)) for _ in range(obvious)]
    return repeated, slots
