"""Threads that write pictures while the next ones are made."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import BoundedSemaphore
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from srspace_eval._utils.png import write_png


class PngWriters:
    """A context in which pictures are written by threads; at most a few wait, then :meth:`write` does.

    Leaving the context waits for all of them; after an error inside it, those not yet begun are dropped. An error of
    a writer is raised by the next :meth:`write`, or on leaving.

    Parameters
    ----------
    written:
        Called with 1 after each picture, from the writer's thread.
    threads:
        How many pictures are written at the same time; twice as many are held in memory.
    """

    def __init__(self, written: Callable[[int], None], threads: int = 4) -> None:
        self._written = written
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="png")
        self._room = BoundedSemaphore(2 * threads)
        self._error: BaseException | None = None

    def __enter__(self) -> PngWriters:
        return self

    def write(self, path: Path, pixels: NDArray[np.uint8]) -> None:
        """Write a picture, atomically, some time soon."""
        self._room.acquire()
        self._raise()
        self._pool.submit(write_png, path, pixels).add_done_callback(self._done)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=error is not None)
        if error is None:
            self._raise()

    def _done(self, future: Future[None]) -> None:
        self._room.release()
        if future.cancelled():
            return
        if error := future.exception():
            self._error = self._error or error
        else:
            self._written(1)

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error
