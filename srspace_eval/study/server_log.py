"""The server's lines on stderr. A stderr that nobody reads stops no request.

A write to a full pipe waits until somebody reads it. So a thread of its own writes. Lines are dropped while it waits.
"""

from __future__ import annotations

import logging
import queue
import sys
import threading
import time

_LINES = 200
"""Number of lines that wait for stderr; further ones are dropped."""
_SECONDS = 0.5
"""Time for which a request waits until its line is written."""
_REPORTS = 10
"""Number of the HTTP server's reports that are written in a second; further ones are counted."""


class ServerLog(logging.Handler):
    """Lines for stderr, and as a handler of :mod:`logging` what the HTTP server reports.

    Requests are not logged, because their addresses hold tokens. Of the HTTP server's reports, only the fixed text and
    numbers are written.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._lines: queue.Queue[tuple[str, threading.Event]] = queue.Queue(_LINES)
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stuck = False
        self._second = self._reports = 0

    def write(self, line: str) -> None:
        """Write one line. Returns when it is written, or when stderr does not take it for half a second."""
        done = threading.Event()
        try:
            self._lines.put_nowait((line, done))
        except queue.Full:
            return
        with self._starting:
            if self._thread is None or not self._thread.is_alive():  # a forked process has no other thread
                self._thread = threading.Thread(target=self._run, name="srspace-eval-log", daemon=True)
                self._thread.start()
        if not self._stuck and not done.wait(_SECONDS):
            self._stuck = True

    def emit(self, record: logging.LogRecord) -> None:
        if (second := int(time.monotonic())) != self._second:
            if self._reports > _REPORTS:
                self.write(f"the HTTP server reported {self._reports - _REPORTS} times more")
            self._second, self._reports = second, 0
        self._reports += 1
        if self._reports > _REPORTS:
            return
        kind = record.exc_info[0] if record.exc_info else None
        numbers = isinstance(record.args, tuple) and all(isinstance(value, int) for value in record.args)
        text = record.getMessage() if numbers else record.msg
        self.write(f"the HTTP server reports: {text}{f' ({kind.__name__})' if kind else ''}")

    def _run(self) -> None:
        while True:
            line, done = self._lines.get()
            try:
                sys.stderr.write(line + "\n")
                sys.stderr.flush()
            except (OSError, ValueError, AttributeError):  # stderr is closed, or there is none
                pass
            done.set()
            self._stuck = False


LOG = ServerLog()
"""The log of all servers of this process."""
