"""A sign of life on the terminal until a command prints something: loading PyTorch and a model takes seconds."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
DELAY = 0.3
"""Seconds before the first frame; quick commands show none."""

_STEP = 0.12


class _Watched:
    """A stream that ends the sign of life before it writes anything. All else is the stream's own."""

    def __init__(self, stream: TextIO, activity: _Activity) -> None:
        self._stream, self._activity = stream, activity

    def write(self, text: str) -> int:
        self._activity.stop()
        return self._stream.write(text)

    def writelines(self, lines: Any) -> None:
        self._activity.stop()
        self._stream.writelines(lines)

    def __getattr__(self, name: str) -> Any:
        if name == "buffer":  # whoever writes bytes writes them past this object
            self._activity.stop()
        return getattr(self._stream, name)


class _Activity:
    def __init__(self, stream: TextIO, text: str) -> None:
        self._stream, self._text = stream, text
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._draw, name="activity", daemon=True)
        self._thread.start()

    def _draw(self) -> None:
        frame = 0
        wait = DELAY
        while not self._ended.wait(wait):
            self._stream.write(f"\r{FRAMES[frame % len(FRAMES)]} {self._text}")
            self._stream.flush()
            frame, wait = frame + 1, _STEP
        if frame:
            self._stream.write("\r\x1b[2K")
            self._stream.flush()

    def stop(self) -> None:
        if not self._ended.is_set():
            self._ended.set()
            if threading.current_thread() is not self._thread:
                self._thread.join()


@contextmanager
def sign_of_life(text: str) -> Iterator[None]:
    """Show a moving sign and a text on stderr, if it is a terminal, until anything is printed.

    Parameters
    ----------
    text
        What is being done.
    """
    stdout, stderr = sys.stdout, sys.stderr
    # A stream that was closed before the start (2>&-) is None.
    can_show = stdout is not None and stderr is not None and stderr.isatty()
    can_show = can_show and (stderr.encoding or "").lower().replace("-", "") == "utf8"
    if not can_show:
        yield
        return
    activity = _Activity(stderr, text)
    watched: Any = _Watched(stderr, activity), _Watched(stdout, activity)
    sys.stderr, sys.stdout = watched
    try:
        yield
    finally:
        sys.stdout, sys.stderr = stdout, stderr
        activity.stop()
