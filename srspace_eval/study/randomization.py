"""Randomization of a study: which crops and samples are shown, at which positions, in which order.

Pure functions of numbers; :mod:`srspace_eval.study.design` turns their results into tasks and lists. There are two
sources of chance. The *seed* decides what is shown (images, crops, samples). It belongs to the protocol and may be
published. The *secret* decides what raters must not know (file names, positions, orders). With the secret, the method
of every crop can be computed; therefore only the key holds it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from math import ceil

import numpy as np
from numpy.typing import NDArray

from srspace_eval._utils.hashing import sha256_of_text
from srspace_eval.errors import StudyError

Ints = NDArray[np.int64]

_ATTEMPTS, _DRAWS = 100, 300
_LATE_ATTEMPTS, _DRAWS_EACH = 3, 30
_MIXING_ROUNDS = 8


def seeded(seed: int, *labels: str) -> np.random.Generator:
    """A generator that depends on the seed and the labels alone.

    What is drawn for one image therefore does not change when another image is added.

    >>> int(seeded(0, "crops", "0801").integers(1000))
    254
    """
    return np.random.default_rng(int(sha256_of_text("\0".join([str(seed), *labels])), 16))


def random_id(secret: bytes, *labels: str, length: int = 13) -> str:
    """A name that is tied to the labels by the secret alone (HMAC-SHA-256).

    It consists of the letters a to z and the digits 2 to 7 (base 32): five bits a character.

    >>> random_id(bytes(32), "task", "0801")
    'ikatseksi7dds'
    """
    return base64.b32encode(_keyed_digest(secret, labels)).decode("ascii").lower()[:length]


def secret_generator(secret: bytes, *labels: str) -> np.random.Generator:
    """A generator for draws that raters must not be able to repeat."""
    return np.random.default_rng(int.from_bytes(_keyed_digest(secret, labels), "big"))


def _keyed_digest(secret: bytes, labels: Sequence[str]) -> bytes:
    return hmac.new(secret, "\0".join(labels).encode("utf-8", "surrogatepass"), hashlib.sha256).digest()


def draw_corners(
    seed: int, image: str, height: int, width: int, *, count: int, size: int, step: int
) -> list[tuple[int, int]]:
    """Squares of one image that do not overlap, drawn uniformly.

    Parameters
    ----------
    image
        Name of the image. Each image has draws of its own.
    height, width
        Size of the image.
    count, size
        Number of squares, and their side.
    step
        Corners lie on multiples of this number (the scale).

    Returns
    -------
    list[tuple[int, int]]
        list of ``count`` left upper corners (x, y).

    Raises
    ------
    StudyError
        If the image has no room for them.

    >>> draw_corners(0, "0801", 400, 400, count=2, size=80, step=8)
    [(80, 216), (24, 72)]
    """
    rows, columns = (height - size) // step + 1, (width - size) // step + 1
    corners: list[tuple[int, int]] = []
    if rows > 0 and columns > 0:
        rng = seeded(seed, "crops", image)
        # In a small image the first squares may leave no room for the last, although there is room for all. The draw
        # then starts again.
        places = np.empty((min(count, rows * columns), 2), dtype=np.int64)
        for draws in _draws(count, height * width // size**2):
            corners = []
            for _ in range(draws):
                if len(corners) == count:
                    break
                x, y = int(rng.integers(columns)) * step, int(rng.integers(rows)) * step
                taken = np.abs(places[: len(corners)] - (x, y)) < size
                if not taken.all(axis=1).any():
                    places[len(corners)] = x, y
                    corners.append((x, y))
            if len(corners) == count:
                break
    if len(corners) < count:
        raise StudyError(
            f"image {image} ({width} × {height}) has no room for {count} crops of {size} × {size} that do not overlap: "
            "choose fewer (--crops) or smaller ones (--size), or leave the image out"
        )
    return corners


def _draws(count: int, room: int) -> list[int]:
    """How many squares each attempt draws. Many squares need more draws, and then fewer attempts.

    ``room``: a bound on the number of squares that do not overlap.
    """
    if count > room:
        return []
    few = [_DRAWS] * _ATTEMPTS if count <= _DRAWS else []
    return few + ([_DRAWS_EACH * count] * _LATE_ATTEMPTS if _DRAWS_EACH * count > _DRAWS else [])


def draw_sample(seed: int, team: str, image: str, count: int) -> int:
    """Which of a method's samples of an image is shown, in [0, count). All crops of an image show the same sample."""
    return int(seeded(seed, "sample", team, image).integers(count))


def latin_square(n: int, rng: np.random.Generator) -> Ints:
    """A random Latin square (n, n) of 0..n-1: the cyclic square with shuffled rows, columns and symbols."""
    cyclic = (np.arange(n)[:, None] + np.arange(n)[None, :]) % n
    square = rng.permutation(n)[cyclic][rng.permutation(n)][:, rng.permutation(n)]
    return np.asarray(square, dtype=np.int64)


def balanced_orders(shares: Sequence[int], entries: int, rng: np.random.Generator) -> list[Ints]:
    """Positions of the methods in every rater's tasks, balanced over the study.

    The balance comes from Latin squares. Their rows are mixed and dealt to all raters. A rater with a whole square
    would never see a method twice at the same position. The lists of a few such raters, which all lie in the folder,
    would tell which crops of different tasks are from one method.

    Parameters
    ----------
    shares
        The number of tasks of each rater.
    entries
        K, the number of methods.

    Returns
    -------
    list of (tasks, K) arrays
        Row t, column p: the method at position p of the rater's t-th task. Over the study, the counts of any two
        methods at a position differ by one at most.
    """
    needed = sum(shares)
    squares = [latin_square(entries, rng) for _ in range(ceil(needed / entries))]
    rows = np.concatenate(squares)[:needed] if squares else np.zeros((0, entries), np.int64)
    for _ in range(_MIXING_ROUNDS):
        rows = rng.permutation(rows, axis=0)
        for first, second in zip(rows[::2], rows[1::2], strict=False):
            _exchange(first, second, rng)
    return np.split(rng.permutation(rows, axis=0), np.cumsum(shares)[:-1])


def _exchange(first: Ints, second: Ints, rng: np.random.Generator) -> None:
    """Exchange, in place, what two rows hold at random sets of positions.

    At the positions of a set both rows hold the same methods. Both rows therefore stay permutations, and each position
    keeps its methods.
    """
    place = np.argsort(first)
    left = set(range(len(first)))
    while left:
        cycle = [min(left)]
        while (after := int(place[second[cycle[-1]]])) != cycle[0]:
            cycle.append(after)
        left -= set(cycle)
        if rng.random() < 0.5:
            first[cycle], second[cycle] = second[cycle], first[cycle]


def share_tasks(count: int, per_rater: int | None, rng: np.random.Generator) -> list[Ints]:
    """Split the tasks into shares of nearly equal size, at most ``per_rater`` each. None: one share."""
    shares = 1 if per_rater is None else ceil(count / per_rater)
    return [np.asarray(part, dtype=np.int64) for part in np.array_split(rng.permutation(count), shares)]


def place_checks(tasks: int, repeats: int, obvious: int, rng: np.random.Generator) -> tuple[list[int], list[int]]:
    """Positions of the attention checks in a rater's list.

    Parameters
    ----------
    tasks
        Number of the rater's own tasks.
    repeats, obvious
        Numbers of repeated and of obvious tasks.

    Returns
    -------
    (repeated, slots)
        ``repeated``: indices of the own tasks that are repeated; they lie in the first half. ``slots``: for the
        repeats, then for the obvious tasks, the number of own tasks before the check. Repeats come in the last third,
        so at least a sixth of the tasks lies between a task and its repeat.
    """
    first_half = max(tasks // 2, 1)
    repeated = [int(i) for i in rng.choice(first_half, size=min(repeats, first_half), replace=False)]
    late = max(tasks - tasks // 3, first_half)
    slots = [int(rng.integers(late, tasks + 1)) for _ in repeated]
    slots += [int(rng.integers(1, tasks + 1)) for _ in range(obvious)]
    return repeated, slots
