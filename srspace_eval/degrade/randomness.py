"""Random numbers that are determined by (seed, image, purpose) alone.

Every decision and every field of noise has its own key of the random generator. So the order of the images, the number
of workers and other options change none of them. The numbers are the raw output of Philox-4x64-10 (Salmon et al.,
"Parallel random numbers: as easy as 1, 2, 3", SC 2011), which NumPy keeps stable (NEP 19).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from srspace_eval._utils.hashing import sha256_of_text

FloatArray = npt.NDArray[np.float64]
T = TypeVar("T")


@dataclass(frozen=True)
class Randomness:
    """The random numbers of one image.

    Attributes
    ----------
    seed, image
        The user's seed, any integer, and the image's name.

    Examples
    --------
    >>> one, other = Randomness(0, "0801"), Randomness(0, "0802")
    >>> one.between("sigma", 0.2, 3.0) == Randomness(0, "0801").between("sigma", 0.2, 3.0)
    True
    >>> one.between("sigma", 0.2, 3.0) == other.between("sigma", 0.2, 3.0)
    False
    """

    seed: int
    image: str

    def uniform(self, purpose: str, count: int) -> FloatArray:
        """``count`` numbers in the open interval (0, 1): midpoints of 2^52 equal parts."""
        text = "\0".join(["srspace-eval/degrade/1", str(int(self.seed)), self.image, purpose])
        key = int.from_bytes(bytes.fromhex(sha256_of_text(text))[:16], "little")
        raw = np.random.Philox(key=key).random_raw(count)
        # The top 52 bits. Sum and product are exact, so the numbers are the same on every machine.
        numbers: FloatArray = ((raw >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52
        return numbers

    def between(self, purpose: str, low: float, high: float) -> float:
        """One number, uniform in [low, high]."""
        return low + (high - low) * float(self.uniform(purpose, 1)[0])

    def whole(self, purpose: str, low: int, high: int) -> int:
        """One whole number, uniform in low … high, both included."""
        return low + int(float(self.uniform(purpose, 1)[0]) * (high - low + 1))

    def choose(self, purpose: str, items: Sequence[T]) -> T:
        """One of the items, all equally likely."""
        return items[self.whole(purpose, 0, len(items) - 1)]
