"""Measuring images as tasks of a Dask cluster.

Each image is one task, measured in one thread of a worker; a worker with k threads measures k images at once. Every
worker process loads the network once.

Results have the same bytes wherever they are measured. Therefore all workers are asked, before anything is measured,
what their numbers depend on (versions, weights, device), and they must agree with each other and with this process.
Each task carries the agreed settings. A worker that joins later is checked against them.

If a worker dies, only its tasks are lost: the scheduler gives them to another one, as often as its
``allowed-failures`` says.
"""

from __future__ import annotations

import asyncio
import queue
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn, TypeAlias

from srspace_eval._utils.notices import notify
from srspace_eval._utils.progress import Advance
from srspace_eval.errors import ExecutorError, SrspaceEvalError
from srspace_eval.metrics.evaluator import EvaluatorConfig
from srspace_eval.metrics.lpips import weights
from srspace_eval.results.record import ImageRecord
from srspace_eval.scoring.executors.base import NetworkPlan, RuntimeInfo, runtime_info
from srspace_eval.scoring.executors.worker import RunSpec, measure_image, probe
from srspace_eval.scoring.tasks import ImageTask, TaskSources
from srspace_eval.submissions.folders import reopened

# Dask is optional, and only partly typed.
Client: TypeAlias = Any
Future: TypeAlias = Any

POLL_INTERVAL_S = 10.0
"""How often the cluster's state is queried while no record comes, in seconds."""


class DaskExecutor:
    """Measures images on the workers of a Dask scheduler; made by
    :func:`srspace_eval.scoring.executors.connection.open_dask`.

    Parameters
    ----------
    client
        A connected ``distributed.Client``.
    where
        The scheduler's name in messages.
    poll_interval
        How often the cluster's state is queried while no record comes, in seconds.
    """

    def __init__(self, client: Client, where: str, *, poll_interval: float = POLL_INTERVAL_S) -> None:
        self._client, self._where, self._poll_interval = client, where, poll_interval
        self._plan: NetworkPlan | None = None
        self._runtime = RuntimeInfo(None, {})
        self._idle = False
        self._paused: set[str] = set()

    def prepare(self, plan: NetworkPlan | None) -> RuntimeInfo:
        """Load the network in all workers. See :meth:`srspace_eval.scoring.executors.base.Executor.prepare`."""
        self._plan = None if plan is None else plan.absolute()
        with self._connected():
            require_same_dask(self._where, self._client.get_versions())
            # An adaptive cluster has workers only while there are tasks, or while a task's result is held.
            held = self._client.submit(int, pure=False)
            while not self._has_workers():
                time.sleep(0.2)
            answers = self._client.run(probe, self._plan, on_error="return")
            held.release()
        # A worker that cannot be reached has just left the cluster.
        found = {worker: answer for worker, answer in answers.items() if not isinstance(answer, OSError)}
        require_same_runtime(self._where, self._plan, found)
        self._runtime = next(iter(found.values()))
        return self._runtime

    def measure(
        self, tasks: Sequence[ImageTask], sources: TaskSources, config: EvaluatorConfig, *, advance: Advance
    ) -> Iterator[ImageRecord]:
        """Measure images. See :meth:`srspace_eval.scoring.executors.base.Executor.measure`."""
        spec = RunSpec(self._plan, self._runtime, _absolute(sources), config)
        done: queue.SimpleQueue[Future] = queue.SimpleQueue()
        futures: dict[Any, ImageTask] = {}
        # The tasks' keys form one group, whose tasks the scheduler assigns one by one as threads become free.
        group = f"measure_image-{uuid.uuid4().hex}"
        try:
            with self._connected():
                for number, task in enumerate(tasks):
                    future = self._client.submit(measure_image, spec, task, key=(group, number), pure=False)
                    futures[future] = task
                    future.add_done_callback(done.put)
            for _ in tasks:
                future = self._next(done)
                task = futures.pop(future)
                record = self._record(future, task)
                advance(len(task.samples))
                yield record
        finally:
            if futures and self._client.status == "running":
                self._client.cancel(list(futures))

    def workers(self) -> Mapping[str, Mapping[str, Any]]:
        """Worker address -> what the scheduler knows of that worker."""
        try:
            info = self._client.scheduler_info(n_workers=-1)
        except TypeError:  # before 2025 Dask has no such parameter, and lists all workers
            info = self._client.scheduler_info()
        workers: Mapping[str, Mapping[str, Any]] = info["workers"]
        return workers

    def _next(self, done: queue.SimpleQueue[Future]) -> Future:
        while True:
            try:
                return done.get(timeout=self._poll_interval)
            except queue.Empty:
                with self._connected():
                    self._report_obstacles()

    def _record(self, future: Future, task: ImageTask) -> ImageRecord:
        with self._connected():
            # If the worker died before its record was fetched, another worker measures the image again.
            while future.status not in ("error", "cancelled"):
                try:
                    record: ImageRecord = future.result(timeout=self._poll_interval)
                    return record
                except (TimeoutError, asyncio.TimeoutError):
                    self._report_obstacles()
                except Exception:
                    if future.status not in ("error", "cancelled"):
                        raise
            if future.status == "cancelled":
                self._lost()
            error = future.exception()
        if isinstance(error, SrspaceEvalError):
            raise error
        raise task_error(task, error) from error

    def _report_obstacles(self) -> None:
        """Notify the user of what keeps the cluster from measuring: no workers, or workers paused by Dask."""
        if not self._has_workers():
            return
        for address, worker in self.workers().items():
            if worker.get("status") == "paused" and address not in self._paused:
                self._paused.add(address)
                notify(
                    f"{self._where}: worker {address} is paused by Dask, near its memory limit of "
                    f"{worker.get('memory_limit', 0) / 1e9:.1f} GB; start workers with more memory or fewer threads"
                )

    def _has_workers(self) -> bool:
        """Whether there are workers. If there are none, the user is notified once."""
        if self._client.status != "running":
            self._lost()
        idle = not self._client.nthreads()
        if idle and not self._idle:
            notify(f"{self._where}: has no workers now; waiting for one")
        self._idle = idle
        return not idle

    @contextmanager
    def _connected(self) -> Iterator[None]:
        """Report errors that a lost connection causes as a lost connection."""
        try:
            yield
        except SrspaceEvalError:
            raise
        except Exception as error:
            if isinstance(error, OSError) or self._client.status != "running":
                self._lost(error)
            raise

    def _lost(self, cause: BaseException | None = None) -> NoReturn:
        raise ExecutorError(
            f"{self._where}: the connection to the scheduler was lost; finished images are kept; run the same command "
            f"again to measure the others"
        ) from cause


def task_error(task: ImageTask, error: BaseException) -> ExecutorError:
    """The error that names the image, for an unexpected error of its task or the death of its workers."""
    from distributed import KilledWorker

    if isinstance(error, KilledWorker):
        return ExecutorError(
            f"image {task.image}: every worker that measured it died, the last was {error.last_worker.address}; "
            f"see that worker's log (out of memory?)"
        )
    return ExecutorError(f"image {task.image}: a worker failed: {type(error).__name__}: {error}")


def require_same_dask(where: str, versions: Mapping[str, Any]) -> None:
    """Require that all workers run this process's version of Dask: tasks of one version kill workers of another.

    Parameters
    ----------
    where
        The scheduler's name in messages.
    versions
        The answer of ``distributed.Client.get_versions``.

    Raises
    ------
    ExecutorError
        If a worker runs another version; each is listed.
    """
    here = versions["client"]["packages"]["distributed"]
    found = {worker: answer["packages"]["distributed"] for worker, answer in versions["workers"].items()}
    others = {worker: version for worker, version in found.items() if version != here}
    if others:
        raise ExecutorError(
            f"{where}: its workers run another version of Dask; nothing was measured",
            [f"worker {worker}: distributed {version} / {here} here" for worker, version in others.items()],
        )


def require_same_runtime(
    where: str, plan: NetworkPlan | None, found: Mapping[str, RuntimeInfo | BaseException]
) -> None:
    """Require that all workers can measure, and that their numbers are those of this process.

    The devices of the workers must be the same, but this process need not have such a device.

    Parameters
    ----------
    where
        The scheduler's name in messages.
    plan
        The network.
    found
        Worker -> its answer, or the error that it raised instead.

    Raises
    ------
    ExecutorError
        If there are no workers, or some cannot measure or differ; each difference is listed.
    """
    if not found:
        raise ExecutorError(f"{where}: all its workers have gone; see their logs (out of memory?)")
    problems = []
    here = runtime_info(None).environment
    versions = {key: value for key, value in here.items() if key != "device"}
    trunk = {}
    if plan is not None and plan.weights is not None and plan.weights.is_file():
        trunk = {"trunk_sha256": weights.sha256(plan.weights)}
    first: tuple[str, RuntimeInfo] | None = None
    for worker, answer in found.items():
        if not isinstance(answer, RuntimeInfo):
            hint = "" if isinstance(answer, SrspaceEvalError) else "; install this srspace-eval where it runs"
            problems.append(f"worker {worker}: {type(answer).__name__}: {answer}{hint}")
            continue
        lpips = answer.lpips and {**answer.lpips, **trunk}
        expected = RuntimeInfo(lpips, {**answer.environment, **versions}, answer.networks)
        problems += [f"worker {worker}: {conflict} here" for conflict in answer.conflicts(expected)]
        first = first or (worker, answer)
        device = first[1].environment["device"]
        expected = RuntimeInfo(first[1].lpips, {**answer.environment, "device": device}, first[1].networks)
        problems += [f"worker {worker}: {conflict} at worker {first[0]}" for conflict in answer.conflicts(expected)]
    if problems:
        raise ExecutorError(
            f"{where}: its workers would not measure as this process does; nothing was measured", problems
        )


def _absolute(sources: TaskSources) -> TaskSources:
    """The same with absolute paths, for workers that have another working directory."""
    samples, gt, lr = (
        None if source is None else reopened(source) for source in (sources.samples, sources.gt, sources.lr)
    )
    assert samples is not None
    return TaskSources(samples, gt, lr)
