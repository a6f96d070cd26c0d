"""A limit on the memory that images hold while they are measured."""

from __future__ import annotations

import threading


class MemoryBudget:
    """Bytes that threads share.

    A request larger than the budget is admitted only while nothing else is held, so that even the largest image is
    measured in the end.

    Parameters
    ----------
    size
        The budget, in bytes.

    Examples
    --------
    >>> budget = MemoryBudget(100)
    >>> budget.acquire(70), budget.acquire(70), budget.held
    (True, False, 70)
    >>> budget.release(70)
    >>> budget.acquire(1000)
    True
    """

    def __init__(self, size: int) -> None:
        self._size, self._held = size, 0
        self._changed = threading.Condition()

    @property
    def held(self) -> int:
        """Bytes acquired and not yet released."""
        return self._held

    def acquire(self, size: int, timeout: float = 0) -> bool:
        """Reserve bytes, waiting for them if necessary.

        Parameters
        ----------
        size
            How many bytes.
        timeout
            The longest wait, in seconds.

        Returns
        -------
        bool
            Whether the bytes were reserved.
        """
        with self._changed:
            fits = self._changed.wait_for(lambda: self._held + size <= max(self._size, size), timeout)
            self._held += size if fits else 0
            return fits

    def release(self, size: int) -> None:
        """Return bytes that were acquired."""
        with self._changed:
            self._held -= size
            self._changed.notify_all()
