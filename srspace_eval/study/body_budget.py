"""The memory that clients may take with answers that have not arrived whole.

Each request states its length. A request that does not fit waits until others are done, and is not read meanwhile. No
answer is lost by this: the sender's system keeps it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

TOTAL = 1 << 26
"""Bytes for the answers of all raters."""
SHARE = 1 << 23
"""Bytes for the answers of one rater, so that one rater cannot keep the others waiting."""


class BodyBudget:
    """Bytes that requests hold, in total and by rater. Threads may share it.

    Parameters
    ----------
    largest
        The largest answer. There is always room for one.
    wake
        Called when there is room for a request that was told to wait.

    Examples
    --------
    >>> budget = BodyBudget(largest=SHARE)
    >>> budget.take("r01", SHARE), budget.take("r01", 1), budget.take("r02", 1)
    (True, False, True)
    >>> budget.give_back("r01", SHARE)
    >>> budget.take("r01", 1)
    True
    """

    def __init__(self, largest: int, wake: Callable[[], None] = lambda: None) -> None:
        self.total, self.share = max(TOTAL, largest), max(SHARE, largest)
        self.wake = wake
        self.given_back = 0
        """Number of times that there was more room than before."""
        self._held: dict[str, int] = {}
        self._sum = 0
        self._waiting = False
        self._lock = threading.Lock()

    def take(self, rater: str, size: int) -> bool:
        """Take bytes for a rater's request. False: there is no room for them now."""
        with self._lock:
            held = self._held.get(rater, 0)
            if held + size > self.share or self._sum + size > self.total:
                self._waiting = True
                return False
            self._held[rater] = held + size
            self._sum += size
            return True

    def give_back(self, rater: str, size: int) -> None:
        """Give back what a request has taken."""
        with self._lock:
            self._held[rater] -= size
            self._sum -= size
            self.given_back += 1
            wake, self._waiting = self._waiting, False
        if wake:
            self.wake()
