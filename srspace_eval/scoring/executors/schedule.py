"""The order in which threads measure images: which step comes next, and when an image may begin."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from typing import TypeAlias

from srspace_eval.metrics.evaluator import ImageEvaluator, SampleMeasurement
from srspace_eval.results.record import SampleRecord
from srspace_eval.scoring.executors.budget import MemoryBudget
from srspace_eval.scoring.tasks import ImageTask


class ImageInProgress:
    """An image that is being measured: its evaluator, and the samples that wait for an earlier one.

    Parameters
    ----------
    task
        The image.
    size
        The memory that it holds while it is measured.
    budget
        Where that memory is acquired.
    before
        The image before it, which acquires its memory first.
    """

    def __init__(self, task: ImageTask, size: int, budget: MemoryBudget, before: ImageInProgress | None) -> None:
        self.task = task
        self.evaluator: Future[ImageEvaluator] = Future()
        self.lock = threading.Lock()
        self.waiting: dict[int, SampleMeasurement] = {}
        self.records: list[SampleRecord] = []
        self._size, self._budget, self._before = size, budget, before
        self._admitted = False
        self._held = 0

    def admit(self, timeout: float = 0) -> bool:
        """Try to acquire the image's memory. Returns True if it was acquired now or earlier.

        Images acquire memory in their order. Otherwise small ones could starve a large one.
        """
        if self._admitted or (self._before is not None and not self._before._admitted):
            return self._admitted
        if self._budget.acquire(self._size, timeout):
            self._admitted, self._held, self._before = True, self._size, None
        return self._admitted

    def release(self) -> None:
        """Drop the evaluator, and release the memory if it is held."""
        self.evaluator = Future()
        held, self._held = self._held, 0
        self._budget.release(held)


Step: TypeAlias = tuple[ImageInProgress, int | None]
"""(image, None) prepares an image's GT; (image, i) measures its i-th sample."""


def steps_of(images: Sequence[ImageInProgress], workers: int) -> Iterator[Step]:
    """The steps of all images, in order.

    The next GT is prepared while the last samples of an image are measured, so that no thread waits for it. If its
    memory is not free in time, it is prepared after those samples.
    """
    if not images:
        return
    yield images[0], None
    for image, following in zip(images, [*images[1:], None], strict=True):
        ahead = False
        for position in range(len(image.task.samples)):
            if following is not None and not ahead and position >= len(image.task.samples) - workers:
                ahead = following.admit()
                if ahead:
                    yield following, None
            yield image, position
        if following is not None and not ahead:
            yield following, None
