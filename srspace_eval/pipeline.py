"""Measuring images on this machine: threads that decode and measure samples, results in order.

Every thread runs its samples with one core, so all cores are busy through decoding, trunk and reductions alike, and
no number depends on how many threads there are.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass

import torch

from srspace_eval.errors import ImageError, InputError
from srspace_eval.images import Pixels, decode_png, digest
from srspace_eval.metrics.lpips import LPIPS
from srspace_eval.metrics.meter import ImageMeter, MeterConfig, SampleMeasurement
from srspace_eval.results import ImageRecord, SampleRecord
from srspace_eval.sources import Source

_HEAVY_TRUNKS = frozenset({"vgg"})
"""Trunks whose activations of one 2K GT take more than a gigabyte: only one image is under way at a time."""

_DEVICE_SLOTS = 2
"""Samples that may be on an accelerator at once: one is measured while the next is copied."""


@dataclass(frozen=True)
class FileRef:
    """A file of a source, with the SHA-256 that it had when it was looked at."""

    name: str
    sha256: str


@dataclass(frozen=True)
class ImageTask:
    """One image to measure: its GT, LR if given, samples as (number, file), and the size after the crop."""

    image: str
    height: int
    width: int
    gt: FileRef
    lr: FileRef | None
    samples: tuple[tuple[int, FileRef], ...]


@dataclass(frozen=True)
class Sources:
    """Where the files of tasks are read from."""

    samples: Source
    gt: Source
    lr: Source | None = None

    def all(self) -> list[Source]:
        """Those that there are."""
        return [source for source in (self.samples, self.gt, self.lr) if source is not None]


def default_workers() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def measure_images(
    tasks: Sequence[ImageTask],
    sources: Sources,
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
        Number of threads, at least 1.
    advance:
        Called with the number of samples done, from any thread.

    Raises
    ------
    ImageError
        If a file cannot be decoded, has vanished, or has changed since it was looked at.
    """
    run = _Run(tasks, sources, config, lpips, workers, advance)
    threads = [threading.Thread(target=run.work, name=f"measure-{i}", daemon=True) for i in range(workers)]
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
        torch.set_num_threads(intra_op)


class _Image:
    """One image under way: its meter, and the samples measured but not yet their turn."""

    def __init__(self, task: ImageTask, after: threading.Event | None = None) -> None:
        self.task = task
        self.after = after
        """Set when the image before is done; None: this one need not wait for it."""
        self.done = threading.Event()
        self.meter: Future[ImageMeter] = Future()
        self.lock = threading.Lock()
        self.waiting: dict[int, SampleMeasurement] = {}
        self.records: list[SampleRecord] = []


class _Run:
    def __init__(
        self,
        tasks: Sequence[ImageTask],
        sources: Sources,
        config: MeterConfig,
        lpips: LPIPS | None,
        workers: int,
        advance: Callable[[int], None],
    ) -> None:
        self.sources, self.config, self.lpips, self.advance = sources, config, lpips, advance
        self.outcomes: queue.Queue[ImageRecord | BaseException] = queue.Queue()
        self.stop = threading.Event()
        heavy = lpips is not None and lpips.signature["net"] in _HEAVY_TRUNKS
        self._jobs = _jobs_one_by_one(tasks) if heavy else _jobs(tasks, workers)
        self._next = threading.Lock()
        # Many threads keep an accelerator fed with decoded samples, but few may fill its memory at once.
        on_cpu = lpips is None or lpips.device.type == "cpu"
        self._device_slots: AbstractContextManager[object] = (
            nullcontext() if on_cpu else threading.BoundedSemaphore(_DEVICE_SLOTS)
        )

    def work(self) -> None:
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
                self.stop.set()
                if position is None:
                    image.meter.set_exception(error)
                self.outcomes.put(error)
                return

    def _prepare(self, image: _Image) -> None:
        task = image.task
        while image.after is not None and not image.after.wait(0.1):
            if self.stop.is_set():
                raise CancelledError
        gt = load(self.sources.gt, task.gt)[: task.height, : task.width]
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
        sr = load(self.sources.samples, task.samples[position][1])[: task.height, : task.width]
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
        image.meter = Future()  # lets the GT's activations go
        image.done.set()
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


def _jobs(tasks: Sequence[ImageTask], workers: int) -> Iterator[tuple[_Image, int | None]]:
    """(image, None) prepares an image's GT, (image, i) measures its i-th sample.

    The next GT is prepared while the last samples of an image are measured, so that no thread waits for it; no more
    than two images' features are held as long as an image has more samples than there are threads.
    """
    if not tasks:
        return
    following = _Image(tasks[0])
    yield following, None
    for index, task in enumerate(tasks):
        image = following
        for position in range(len(task.samples)):
            if position == max(0, len(task.samples) - workers) and index + 1 < len(tasks):
                following = _Image(tasks[index + 1])
                yield following, None
            yield image, position


def _jobs_one_by_one(tasks: Sequence[ImageTask]) -> Iterator[tuple[_Image, int | None]]:
    """As :func:`_jobs`, but a GT is prepared only when the image before is done."""
    before: threading.Event | None = None
    for task in tasks:
        image = _Image(task, after=before)
        before = image.done
        yield image, None
        for position in range(len(task.samples)):
            yield image, position


def load(source: Source, ref: FileRef) -> Pixels:
    """Read and decode a file that has been looked at before.

    Raises
    ------
    ImageError
        If it cannot be decoded, or its bytes are not those of then.
    """
    where = source.where(ref.name)
    data = source.read(ref.name)
    if digest(data) != ref.sha256:
        raise ImageError(f"{where}: has changed since the run began; run the same command again")
    return decode_png(data, where)
