"""How the scoring program ends without a score: a fault that is told, or the clock."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from srspace_eval._utils.files import write_atomic
from srspace_eval._utils.untrusted_text import visible
from srspace_eval.codabench.settings import Settings
from srspace_eval.report.html.alone import faults_file


class Clock:
    """Stops the program before the platform's limit, and says how far it came."""

    def __init__(self, output: Path, settings: Settings, begin: float) -> None:
        self._output, self._settings, self._begin = output, settings, begin
        self._lock = threading.Lock()
        self._ended = False
        self._done, self._total, self._what = 0, 0, "Checking"
        left = settings.seconds - (time.monotonic() - begin)
        self._timer = threading.Timer(max(0.0, left), self._stop)
        self._timer.daemon = True

    def __enter__(self) -> Clock:
        self._timer.start()
        return self

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._ended = True
        self._timer.cancel()

    @contextmanager
    def progress(self, description: str, total: int) -> Iterator[Callable[[int], None]]:
        """A progress callback that remembers how far the work is."""
        with self._lock:
            self._what, self._done, self._total = description, 0, total

        def advance(n: int) -> None:
            with self._lock:
                self._done += n

        yield advance

    @contextmanager
    def last_step(self) -> Iterator[None]:
        """Writing the scores: from here on the clock does not stop the program."""
        with self._lock:
            self._ended = True
        yield

    def _stop(self) -> None:
        with self._lock:
            if self._ended:
                return
            self._ended = True
            told = (
                f"{self._what}: {self._done} of {self._total} samples were done after {self._settings.seconds:g} s. "
                "Larger or more pictures than the phase asks for take longer. Otherwise tell the organisers."
            )
            fail(self._output, "The time limit was reached. Nothing was scored.", [told], self._settings.hidden)
            sys.stdout.flush()
            os._exit(1)


def fail(output: Path, lead: str, problems: Sequence[str], hidden: bool) -> None:
    """Tell why nothing was scored, on stderr and on the page.

    Every participant can read the page, so that a hidden phase's page does not list files.
    """
    say(f"error: {visible(lead)}")
    for problem in problems:
        say("\n".join(f"  - {visible(line)}" for line in problem.splitlines()))
    sys.stderr.flush()
    (output / "scores.json").unlink(missing_ok=True)
    listed = [f"{len(problems)} faults; this phase does not list them"] if hidden else problems
    write_atomic(output / "detailed_results.html", faults_file(lead, listed))


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
