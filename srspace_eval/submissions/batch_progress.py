"""One progress over many submissions: each has a share of it, by the number of its PNGs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from srspace_eval._utils.progress import Advance, Progress
from srspace_eval.errors import SrspaceEvalError
from srspace_eval.submissions.sources import open_source


class Share:
    """The part of a batch's progress that belongs to one submission: what its own steps report, scaled to its files.

    A share is itself a :data:`srspace_eval._utils.progress.Progress`. Only the steps named ``counted`` advance it.
    """

    def __init__(self, advance: Advance, size: int, counted: str) -> None:
        self._advance, self._size, self._counted, self._done = advance, size, counted, 0

    @contextmanager
    def __call__(self, description: str, total: int) -> Iterator[Advance]:
        """Advance by the share of ``total`` steps that are done."""
        steps = 0

        def step(count: int) -> None:
            nonlocal steps
            steps += count
            self._to(min(self._size, self._size * steps // max(total, 1)))

        yield step if description == self._counted else (lambda count: None)

    def finish(self) -> None:
        """Advance by what is left: a submission with faults ends early."""
        self._to(self._size)

    def _to(self, done: int) -> None:
        if done > self._done:
            self._advance(done - self._done)
            self._done = done


@contextmanager
def batch_progress(progress: Progress, counted: str, paths: Sequence[Path]) -> Iterator[list[Share]]:
    """One progress over the files of all submissions; yields each submission's share of it.

    Parameters
    ----------
    counted
        The description of the steps that count, such as ``"Checking"``.
    """
    sizes = [_files(path) for path in paths]
    with progress(f"{counted} {len(paths)} submissions", sum(sizes)) as advance:
        yield [Share(advance, size, counted) for size in sizes]


def _files(path: Path) -> int:
    try:
        return max(1, sum(name.lower().endswith(".png") for name in open_source(path).names()))
    except SrspaceEvalError:
        return 1  # the fault is reported by its check
