"""Measuring images on this machine: threads decode and measure samples, and add them in the samples' order.

Each thread computes with one core. All cores are therefore busy while pictures are decoded, while the network runs and
while its output is reduced, and no number depends on how many threads there are.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress

import torch

from srspace_eval._utils.progress import Advance
from srspace_eval.errors import ImageError, InputError, MetricError
from srspace_eval.kernels.cuda import pinned
from srspace_eval.metrics.evaluator import EvaluatorConfig, ImageEvaluator, Networks, by_name
from srspace_eval.metrics.lpips.network import LPIPS
from srspace_eval.results.record import ImageRecord, SampleRecord
from srspace_eval.scoring.executors.base import NetworkPlan, RuntimeInfo, runtime_info
from srspace_eval.scoring.executors.budget import MemoryBudget
from srspace_eval.scoring.executors.schedule import ImageInProgress, steps_of
from srspace_eval.scoring.tasks import FileRef, ImageTask, TaskSources, load
from srspace_eval.submissions.sources import Source

PROCESS_BUDGET = MemoryBudget(1_500_000_000)
"""Memory for the activations of GTs in this process. Images wait until they fit."""

_OWN_SIZES = MemoryBudget(1_500_000_000)
"""Memory for pictures that have neither a GT nor an LR: only the submission states their size. They wait as well."""

_MEASURING = 60  # bytes that the largest metric without a reference takes for each pixel,
_BLOCK = 16  # when the picture is continued to whole blocks of this side, as PIQE does

_DEVICE_SLOTS = 2
"""Samples that a process has on an accelerator at once: while one is computed, the next is queued."""

_DECODING = 4
"""Decoding a sample takes about this many times longer than its wait for an accelerator. A waiting thread needs no
core. Therefore one extra thread is started for every so many workers."""

_device_slots = threading.BoundedSemaphore(_DEVICE_SLOTS)


class LocalExecutor:
    """Measures images in threads of this process.

    Parameters
    ----------
    workers
        The number of cores to use, at least 1.
    budget
        Limits the memory of the images that are measured at once.
    """

    def __init__(self, workers: int, *, budget: MemoryBudget = PROCESS_BUDGET) -> None:
        self._workers, self._budget = workers, budget
        self._networks: Networks = {}
        self._plan: NetworkPlan | None = None

    def prepare(self, plan: NetworkPlan | None) -> RuntimeInfo:
        """Load the network. See :meth:`srspace_eval.scoring.executors.base.Executor.prepare`."""
        if plan is None or plan != self._plan:  # the submissions of a batch share one network
            self._networks = {} if plan is None else plan.load()
            self._plan = plan
        return runtime_info(self._networks)

    def measure(
        self, tasks: Sequence[ImageTask], sources: TaskSources, config: EvaluatorConfig, *, advance: Advance
    ) -> Iterator[ImageRecord]:
        """Measure images. See :meth:`srspace_eval.scoring.executors.base.Executor.measure`."""
        return measure_images(
            tasks, sources, config, self._networks, workers=self._workers, advance=advance, budget=self._budget
        )


def measure_images(
    tasks: Sequence[ImageTask],
    sources: TaskSources,
    config: EvaluatorConfig,
    networks: Networks | LPIPS | None,
    *,
    workers: int,
    advance: Advance = lambda n: None,
    budget: MemoryBudget = PROCESS_BUDGET,
    image_bytes: Callable[[ImageTask], int] | None = None,
) -> Iterator[ImageRecord]:
    """Measure images. Each record is yielded as soon as it is complete, not always in the order of the tasks.

    Parameters
    ----------
    tasks, sources
        What to measure, and where to read it.
    config, networks
        What to measure it with; one network alone is the run's LPIPS network.
    workers
        Number of threads that decode, at least 1.
    advance
        Called with the number of samples done, from any thread.
    budget
        Limits the memory of the images that are measured at once.
    image_bytes
        Memory that an image holds while it is measured; None: its GT's activations.

    Raises
    ------
    ImageError
        If a file cannot be decoded, has vanished, or has changed since its inspection; or if a metric cannot measure
        it.
    MetricError
        If a metric fails, or returns values that cannot be used.
    """
    loaded = by_name(networks)
    run = _Run(tasks, sources, config, loaded, workers, advance, budget, image_bytes or _gt_bytes(config, loaded))
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
            with suppress(RuntimeError):  # an interrupt came before the thread was started
                thread.join()
        run.release_all()
        torch.set_num_threads(intra_op)


def _gt_bytes(config: EvaluatorConfig, networks: Networks) -> Callable[[ImageTask], int]:
    per_pixel = config.gt_bytes(str(networks["lpips"].signature["net"]) if "lpips" in networks else "")
    return lambda task: per_pixel * task.height * task.width


@contextmanager
def _naming(where: str, task: ImageTask) -> Iterator[None]:
    """Add the file and the image to what a metric says."""
    try:
        yield
    except InputError as error:  # too small for a metric
        raise ImageError(f"{where}: {error}; choose other --metrics") from error
    except MetricError as error:
        raise MetricError(f"{where} (image {task.image}): {error}") from error


class _Run:
    """The threads' shared state. Each thread runs :meth:`work`; records and the first error come in ``outcomes``."""

    def __init__(
        self,
        tasks: Sequence[ImageTask],
        sources: TaskSources,
        config: EvaluatorConfig,
        networks: Networks,
        workers: int,
        advance: Advance,
        budget: MemoryBudget,
        image_bytes: Callable[[ImageTask], int],
    ) -> None:
        self.sources, self.config, self.networks, self.advance = sources, config, networks, advance
        self.outcomes: queue.Queue[ImageRecord | BaseException] = queue.Queue()
        self.stop = threading.Event()
        devices = [network.device for network in networks.values()]
        self.device = next((device for device in devices if device.type != "cpu"), torch.device("cpu"))
        on_cpu = self.device.type == "cpu"
        workers = max(1, min(workers, sum(1 + len(task.samples) for task in tasks)))  # no thread without a step
        self.threads = workers if on_cpu else workers + workers // _DECODING
        self._images: list[ImageInProgress] = []
        for task in tasks:
            self._images.append(
                ImageInProgress(task, image_bytes(task), budget, self._images[-1] if self._images else None)
            )
        self._steps = steps_of(self._images, workers)
        self._lock = threading.Lock()
        self._working = self.threads
        # Many threads keep an accelerator supplied with decoded samples, but only a few may fill its memory at once.
        self._device_slots: AbstractContextManager[object] = nullcontext() if on_cpu else _device_slots

    def release_all(self) -> None:
        """Release what unfinished images hold; all threads must have ended."""
        for image in self._images:
            image.release()

    def work(self) -> None:
        """Take steps until there are none, or until the run is stopped."""
        try:
            self._work()
        finally:
            with self._lock:
                self._working -= 1
                last = not self._working
            if last:  # after a second interrupt nothing joins the threads, so the last one releases
                self.release_all()

    def _work(self) -> None:
        torch.set_num_threads(1)
        while not self.stop.is_set():
            with self._lock:
                step = next(self._steps, None)
            if step is None:
                return
            image, position = step
            try:
                if position is None:
                    self._prepare(image)
                else:
                    self._measure(image, position)
            except BaseException as error:  # noqa: BLE001 - passed to the thread that waits for the outcome
                # Do not report the CancelledError that stopping the run causes.
                if not (isinstance(error, CancelledError) and self.stop.is_set()):
                    self.outcomes.put(error)
                    self.stop.set()
                image.evaluator.cancel()  # wakes the threads that wait for it, if it is not there yet
                return

    def _load(self, source: Source, ref: FileRef, task: ImageTask) -> torch.Tensor:
        """A file's pixels, cropped, in memory that the device can copy from."""
        return pinned(torch.from_numpy(load(source, ref, task.height, task.width)), self.device)

    def _prepare(self, image: ImageInProgress) -> None:
        task = image.task
        while not image.admit(timeout=0.1):
            if self.stop.wait(0.01):
                raise CancelledError
        gt, where = None, self.sources.samples.where(task.samples[0][1].name)
        if task.gt is not None:
            assert self.sources.gt is not None
            gt, where = self._load(self.sources.gt, task.gt, task), self.sources.gt.where(task.gt.name)
        lr = None
        if task.lr is not None:
            assert self.sources.lr is not None
            scale = self.config.scale
            lr = load(self.sources.lr, task.lr, task.height // scale, task.width // scale)
        with _naming(where, task), self._device_slots:
            evaluator = ImageEvaluator(gt, self.config, self.networks, lr, task.image, (task.height, task.width))
        image.evaluator.set_result(evaluator)

    @contextmanager
    def _own_size_held(self, task: ImageTask) -> Iterator[None]:
        """Hold memory of :data:`_OWN_SIZES` inside the ``with`` block, if neither a GT nor an LR states the size."""
        if task.gt is not None or task.lr is not None:
            yield
            return
        size = _MEASURING * _whole_blocks(task.height) * _whole_blocks(task.width)
        while not _OWN_SIZES.acquire(size, timeout=0.1):
            if self.stop.wait(0.01):
                raise CancelledError
        try:
            yield
        finally:
            _OWN_SIZES.release(size)

    def _measure(self, image: ImageInProgress, position: int) -> None:
        task = image.task
        evaluator = image.evaluator.result()
        where = self.sources.samples.where
        with self._own_size_held(task):
            sr = self._load(self.sources.samples, task.samples[position][1], task)
            with _naming(where(task.samples[position][1].name), task), self._device_slots:
                measured = evaluator.measure(sr)
            del sr
        with image.lock:
            image.waiting[position] = measured
            while len(image.records) in image.waiting:
                number, ref = task.samples[len(image.records)]
                with _naming(where(ref.name), task):
                    values = evaluator.update(image.waiting.pop(len(image.records)))
                image.records.append(SampleRecord(number, ref.name, ref.sha256, values))
                self.advance(1)
            if len(image.records) < len(task.samples):
                return
        with _naming(str(self.sources.samples.path), task):
            total = evaluator.compute()
        del evaluator
        image.release()
        self.outcomes.put(
            ImageRecord(
                image=task.image,
                height=task.height,
                width=task.width,
                gt_sha256=None if task.gt is None else task.gt.sha256,
                values=dict(total.values),
                curves={name: tuple(curve) for name, curve in total.curves.items()},
                samples=tuple(image.records),
            )
        )


def _whole_blocks(length: int) -> int:
    """The length of whole blocks of pixels."""
    return -(-length // _BLOCK) * _BLOCK
