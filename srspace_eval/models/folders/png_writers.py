"""Threads that write pictures while the next ones are computed."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import BoundedSemaphore
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from srspace_eval._utils.png import write_png
from srspace_eval._utils.progress import Advance


class PngWriters:
    """A context manager whose threads write pictures.

    A few pictures wait in memory; if there are more, :meth:`write` blocks. Leaving the context waits until all are
    written. If the block raised an error, pictures whose writing has not begun are dropped. An error of a writing
    thread is raised by the next :meth:`write`, or on leaving.

    Parameters
    ----------
    advance
        Called with 1 after each picture, from the thread that wrote it.
    threads
        How many pictures are written at the same time. Twice as many are held in memory.
    """

    def __init__(self, advance: Advance, threads: int = 4) -> None:
        self._advance = advance
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="png")
        self._slots = BoundedSemaphore(2 * threads)
        self._error: BaseException | None = None

    def __enter__(self) -> PngWriters:
        return self

    def write(self, path: Path, pixels: NDArray[np.uint8]) -> None:
        """Queue a picture (H, W, 3) to be written atomically."""
        self._slots.acquire()
        self._raise_error()
        self._pool.submit(write_png, path, pixels).add_done_callback(self._done)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=error is not None)
        if error is None:
            self._raise_error()

    def _done(self, future: Future[None]) -> None:
        self._slots.release()
        if future.cancelled():
            return
        if error := future.exception():
            self._error = self._error or error
        else:
            self._advance(1)

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error
