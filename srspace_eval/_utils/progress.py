"""The type of progress callbacks, and the one that does nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeAlias

Advance: TypeAlias = Callable[[int], None]
"""Called with the number of steps that were done since the last call."""

Progress: TypeAlias = Callable[[str, int], AbstractContextManager[Advance]]
"""``progress(description, total)`` returns a context manager, which gives the :data:`Advance` function."""


@contextmanager
def no_progress(description: str, total: int) -> Iterator[Advance]:
    """No-op progress callback.

    >>> with no_progress("Scoring", 10) as advance:
    ...     advance(1)
    """
    yield lambda n: None
