"""Measuring images on this machine: threads that decode and measure samples, results in order.

Every thread runs its samples with one core, so all cores are busy through decoding, trunk and reductions alike, and
no number depends on how many threads there are.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import AbstractContextManager, nullcontext, suppress

import numpy as np
import torch

from srspace_eval._utils.progress import Advance
from srspace_eval.errors import ImageError, InputError
from srspace_eval.kernels.cuda import pinned
from srspace_eval.metrics.evaluator import ImageMeter, MeterConfig, SampleMeasurement
from srspace_eval.metrics.lpips.network import LPIPS
from srspace_eval.results.record import ImageRecord, SampleRecord
from srspace_eval.scoring.executors.base import NetworkPlan, RuntimeInfo, runtime_info
from srspace_eval.scoring.tasks import FileRef, ImageTask, TaskSources, load
from srspace_eval.submissions.sources import Source

_GT_BYTES = {"alex": 42, "squeeze": 140, "vgg": 490}
"""A GT's activations, in bytes a pixel."""

_ROOM = 1_500_000_000
"""Bytes of GTs' activations that a process holds, but at least one image's: further images wait."""

_DEVICE_SLOTS = 2
"""Samples that a process has on an accelerator at once: while one is computed, the next is queued."""

_DECODING = 4
"""A sample takes about so many times longer to decode than it waits for an accelerator; waiting threads need no core,
so that there are more threads than workers by this share."""


def measure_images(
    tasks: Sequence[ImageTask],
    sources: TaskSources,
    config: MeterConfig,
    lpips: LPIPS | None,
    *,
    workers: int,
    advance: Callable[[int], None] = lambda n: None,
) -> Iterator[ImageRecord]:
    """Measure images, each record as soon as it is complete (not always in the order of the tasks).

    Parameters
    ----------
    tasks, sources:
        What to measure, where to read it.
    config, lpips:
        What to measure it with; ``lpips`` is None where no metric needs it.
    workers:
        Number of threads that decode, at least 1.
    advance:
        Called with the number of samples done, from any thread.

    Raises
    ------
    ImageError
        If a file cannot be decoded, has vanished, or has changed since it was looked at.
    """
    run = _Run(tasks, sources, config, lpips, workers, advance)
    threads = [threading.Thread(target=run.work, name=f"measure-{i}", daemon=True) for i in range(run.threads)]
    intra_op = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for thread in threads:
            thread.start()
        for _ in tasks:
            outcome = run.outcomes.get()
            if isinstance(outcome, BaseException):
                raise outcome
            yield outcome
    finally:
        run.stop.set()
        for thread in threads:
            with suppress(RuntimeError):  # an interrupt came before it was started
                thread.join()
        run.leave()
        torch.set_num_threads(intra_op)


class _Room:
    """The memory that the GTs of all runs of this process share. Who finds it empty may take more than there is."""

    def __init__(self, size: int) -> None:
        self._size, self._taken = size, 0
        self._changed = threading.Condition()

    def take(self, size: int, timeout: float = 0) -> bool:
        """Whether there was room, or there is within so many seconds."""
        with self._changed:
            fits = self._changed.wait_for(lambda: self._taken + size <= max(self._size, size), timeout)
            self._taken += size if fits else 0
            return fits

    def give_back(self, size: int) -> None:
        with self._changed:
            self._taken -= size
            self._changed.notify_all()


_room = _Room(_ROOM)
_device_slots = threading.BoundedSemaphore(_DEVICE_SLOTS)


class _Image:
    """One image under way: its meter, and the samples measured but not yet their turn."""

    def __init__(self, task: ImageTask, size: int, before: _Image | None) -> None:
        self.task = task
        self.before = before
        self.size = size
        """Bytes of the GT's activations."""
        self.admitted = False
        """Whether it has, or has had, its share of the room."""
        self.held = 0
        self.meter: Future[ImageMeter] = Future()
        self.lock = threading.Lock()
        self.waiting: dict[int, SampleMeasurement] = {}
        self.records: list[SampleRecord] = []

    def admit(self, timeout: float = 0) -> bool:
        """Take its share of the room, within so many seconds; never before the image before it, which would starve."""
        if not self.admitted and (self.before is None or self.before.admitted) and _room.take(self.size, timeout):
            self.admitted, self.held, self.before = True, self.size, None
        return self.admitted

    def free(self) -> None:
        """Let the GT's activations go."""
        self.meter = Future()
        held, self.held = self.held, 0
        _room.give_back(held)


class _Run:
    def __init__(
        self,
        tasks: Sequence[ImageTask],
        sources: TaskSources,
        config: MeterConfig,
        lpips: LPIPS | None,
        workers: int,
        advance: Callable[[int], None],
    ) -> None:
        self.sources, self.config, self.lpips, self.advance = sources, config, lpips, advance
        self.outcomes: queue.Queue[ImageRecord | BaseException] = queue.Queue()
        self.stop = threading.Event()
        self.device = torch.device("cpu") if lpips is None else lpips.device
        on_cpu = self.device.type == "cpu"
        self.threads = workers if on_cpu else workers + workers // _DECODING
        self._images: list[_Image] = []
        for task in tasks:
            self._images.append(_Image(task, self._size(task), self._images[-1] if self._images else None))
        self._jobs = _jobs(self._images, workers)
        self._next = threading.Lock()
        self._working = self.threads
        # Many threads keep an accelerator fed with decoded samples, but few may fill its memory at once.
        self._device_slots: AbstractContextManager[object] = nullcontext() if on_cpu else _device_slots

    def _size(self, task: ImageTask) -> int:
        return 0 if self.lpips is None else _GT_BYTES[self.lpips.signature["net"]] * task.height * task.width

    def leave(self) -> None:
        """Give back what images hold that were not finished; all threads must have ended."""
        for image in self._images:
            image.free()

    def work(self) -> None:
        try:
            self._work()
        finally:
            with self._next:
                self._working -= 1
                last = not self._working
            if last:  # who waits for the threads may be interrupted once more, and not come to it
                self.leave()

    def _work(self) -> None:
        torch.set_num_threads(1)
        while not self.stop.is_set():
            with self._next:
                job = next(self._jobs, None)
            if job is None:
                return
            image, position = job
            try:
                if position is None:
                    self._prepare(image)
                else:
                    self._measure(image, position)
            except BaseException as error:  # noqa: BLE001 - handed to the thread that waits for the outcome
                self.outcomes.put(error)  # before any thread is stopped: what it says then is not the cause
                self.stop.set()
                if position is None:
                    image.meter.set_exception(error)
                return

    def _load(self, source: Source, ref: FileRef, task: ImageTask) -> torch.Tensor:
        """A file's pixels, cropped, where the device can fetch them from."""
        pixels = load(source, ref)[: task.height, : task.width]
        return pinned(torch.from_numpy(np.ascontiguousarray(pixels)), self.device)

    def _prepare(self, image: _Image) -> None:
        task = image.task
        while not image.admit(timeout=0.1):
            if self.stop.wait(0.01):
                raise CancelledError
        gt = self._load(self.sources.gt, task.gt, task)
        lr = None
        if task.lr is not None:
            assert self.sources.lr is not None
            lr = load(self.sources.lr, task.lr)[: task.height // self.config.scale, : task.width // self.config.scale]
        try:
            with self._device_slots:
                meter = ImageMeter(gt, self.config, self.lpips, lr, task.image)
        except InputError as error:  # too small for a metric
            raise ImageError(f"{self.sources.gt.where(task.gt.name)}: {error}; choose other --metrics") from error
        image.meter.set_result(meter)

    def _measure(self, image: _Image, position: int) -> None:
        task = image.task
        meter = image.meter.result()
        sr = self._load(self.sources.samples, task.samples[position][1], task)
        try:
            with self._device_slots:
                measured = meter.measure(sr)
        except InputError as error:
            where = self.sources.samples.where(task.samples[position][1].name)
            raise ImageError(f"{where}: {error}; choose other --metrics") from error
        del sr
        with image.lock:
            image.waiting[position] = measured
            while len(image.records) in image.waiting:
                number, ref = task.samples[len(image.records)]
                values = meter.add(image.waiting.pop(len(image.records)))
                image.records.append(SampleRecord(number, ref.name, ref.sha256, values))
                self.advance(1)
            if len(image.records) < len(task.samples):
                return
        total = meter.finish()
        del meter
        image.free()
        self.outcomes.put(
            ImageRecord(
                image=task.image,
                height=task.height,
                width=task.width,
                gt_sha256=task.gt.sha256,
                values=total.values,
                curves={name: tuple(curve) for name, curve in total.curves.items()},
                samples=tuple(image.records),
            )
        )


def _jobs(images: Sequence[_Image], workers: int) -> Iterator[tuple[_Image, int | None]]:
    """(image, None) prepares an image's GT, (image, i) measures its i-th sample.

    The next GT is prepared while the last samples of an image are measured, so that no thread waits for it, if there
    is room for it by then; else after them.
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


class LocalExecutor:
    """Threads of this process.

    Parameters
    ----------
    workers:
        How many.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._network: LPIPS | None = None

    def prepare(self, plan: NetworkPlan | None) -> RuntimeInfo:
        self._network = None if plan is None else plan.load()
        return runtime_info(self._network)

    def measure(
        self, tasks: Sequence[ImageTask], sources: TaskSources, config: MeterConfig, *, advance: Advance
    ) -> Iterator[ImageRecord]:
        return measure_images(tasks, sources, config, self._network, workers=self._workers, advance=advance)
