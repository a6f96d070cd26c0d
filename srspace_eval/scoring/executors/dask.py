"""Images measured as tasks of a Dask cluster: the user's own, or worker processes on this machine.

Each image is one task, in one thread of a worker; a worker with k threads measures k images at once. Every process
loads the network once. Before anything is measured all workers are asked what their numbers would depend on (versions,
weights, device), and they must agree with each other and with this process: results have the same bytes wherever they
come from. Tasks carry what was agreed on, so a worker that joins later is held to it as well.

A worker that dies costs its tasks alone: the scheduler gives them to another one, as often as its
``allowed-failures`` says. Dask is imported only when a cluster is opened.
"""

from __future__ import annotations

import asyncio
import json
import logging
import queue
import re
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future as ConcurrentFuture
from contextlib import ExitStack, contextmanager
from importlib import import_module
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

from srspace_eval._utils.cores import default_workers
from srspace_eval._utils.notices import notify
from srspace_eval._utils.progress import Advance
from srspace_eval.errors import ExecutorError, SrspaceEvalError
from srspace_eval.metrics.evaluator import MeterConfig
from srspace_eval.metrics.lpips import weights
from srspace_eval.results.record import ImageRecord
from srspace_eval.scoring.executors.base import NetworkPlan, RuntimeInfo, runtime_info
from srspace_eval.scoring.executors.dask_worker import RunSpec, measure_image, probe
from srspace_eval.scoring.tasks import ImageTask, TaskSources
from srspace_eval.submissions.sources import open_source

# Dask is optional, and typed by halves.
Client: TypeAlias = Any
Future: TypeAlias = Any

# For a scheduler of our own: no dashboard, and what Dask serves in its place on any free port.
HIDDEN = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}

_CONNECT_S = 15
_START_S = 180
_LOOK_S = 10


class DaskExecutor:
    """An executor on the workers of a Dask scheduler; made by :func:`open_dask`."""

    def __init__(self, client: Client, where: str) -> None:
        self._client, self._where = client, where
        self._plan: NetworkPlan | None = None
        self._runtime = RuntimeInfo(None, {})
        self._idle = False
        self._paused: set[str] = set()

    def prepare(self, plan: NetworkPlan | None) -> RuntimeInfo:
        self._plan = None if plan is None else plan.absolute()
        with self._connected():
            _raise_other_dask(self._where, self._client.get_versions())
            # A cluster that adapts to its tasks has a worker only where there is a task, or its result is held.
            wish = self._client.submit(int, pure=False)
            while not self._has_workers():
                time.sleep(0.2)
            answers = self._client.run(probe, self._plan, on_error="return")
            wish.release()
        # A worker that cannot be reached has just gone, and takes no part.
        found = {worker: answer for worker, answer in answers.items() if not isinstance(answer, OSError)}
        _raise_differences(self._where, self._plan, found)
        self._runtime = next(iter(found.values()))
        return self._runtime

    def measure(
        self, tasks: Sequence[ImageTask], sources: TaskSources, config: MeterConfig, *, advance: Advance
    ) -> Iterator[ImageRecord]:
        spec = RunSpec(self._plan, self._runtime, _absolute(sources), config)
        done: queue.SimpleQueue[Future] = queue.SimpleQueue()
        futures: dict[Any, ImageTask] = {}
        # One group of keys, which the scheduler hands out one by one as threads become free.
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

    def _next(self, done: queue.SimpleQueue[Future]) -> Future:
        while True:
            try:
                return done.get(timeout=_LOOK_S)
            except queue.Empty:
                with self._connected():
                    self._look()

    def _record(self, future: Future, task: ImageTask) -> ImageRecord:
        from distributed import KilledWorker

        with self._connected():
            # A record whose worker died before it was fetched is measured again by another one.
            while future.status not in ("error", "cancelled"):
                try:
                    record: ImageRecord = future.result(timeout=_LOOK_S)
                    return record
                except (TimeoutError, asyncio.TimeoutError):
                    self._look()
                except Exception:
                    if future.status not in ("error", "cancelled"):
                        raise
            if future.status == "cancelled":
                self._lost()
            error = future.exception()
        if isinstance(error, SrspaceEvalError):
            raise error
        if isinstance(error, KilledWorker):
            raise ExecutorError(
                f"image {task.image}: every worker that measured it died, the last was {error.last_worker.address}; "
                f"see that worker's log (out of memory?)"
            )
        raise ExecutorError(f"image {task.image}: a worker failed: {type(error).__name__}: {error}") from error

    def _look(self) -> None:
        """Say what keeps the cluster from measuring: no workers, or workers that Dask holds back."""
        if not self._has_workers():
            return
        for address, worker in self._workers().items():
            if worker.get("status") == "paused" and address not in self._paused:
                self._paused.add(address)
                notify(
                    f"{self._where}: worker {address} is paused by Dask, near its memory limit of "
                    f"{worker.get('memory_limit', 0) / 1e9:.1f} GB; start workers with more memory or fewer threads"
                )

    def _has_workers(self) -> bool:
        """Whether there are workers; says so once if there are none."""
        if self._client.status != "running":
            self._lost()
        idle = not self._client.nthreads()
        if idle and not self._idle:
            notify(f"{self._where}: has no workers now; waiting for one")
        self._idle = idle
        return not idle

    def _workers(self) -> Mapping[str, Mapping[str, Any]]:
        try:
            info = self._client.scheduler_info(n_workers=-1)
        except TypeError:  # Dask before 2025 tells of all of them unasked
            info = self._client.scheduler_info()
        workers: Mapping[str, Mapping[str, Any]] = info["workers"]
        return workers

    @contextmanager
    def _connected(self) -> Iterator[None]:
        """What fails because the scheduler is gone is said to be that."""
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
            f"{self._where}: the scheduler was lost; what was measured is kept, and the same command goes on from there"
        ) from cause


@contextmanager
def open_dask(scheduler: str, device: str = "auto") -> Iterator[DaskExecutor]:
    """Connect to a scheduler, or start worker processes on this machine; they end with the context.

    Parameters
    ----------
    scheduler:
        An address, a scheduler file, or ``"local"``, ``"local:N"``. ``"local"`` starts a process for each GPU if the
        network is to run on GPUs, else for each core; cores are shared out among them.
    device:
        Where the network will run.

    Raises
    ------
    ExecutorError
        If Dask is not installed, or no scheduler answers.
    """
    try:
        distributed: Any = import_module("distributed")
    except ImportError as error:
        raise ExecutorError(
            f"--scheduler {scheduler}: Dask is not installed: pip install 'srspace-eval[distributed]'"
        ) from error

    with ExitStack() as stack:
        stack.enter_context(_quiet())
        local = re.fullmatch(r"local(?::([1-9]\d{0,3}))?", scheduler)
        if local:
            processes = int(local[1]) if local[1] else _fitting_processes(device)
            address: Any = stack.enter_context(_local_cluster(distributed.LocalCluster, processes))
        else:
            address = _address(scheduler)
        try:
            if not local:
                _knock(address)
            client = distributed.Client(address, timeout=_CONNECT_S, set_as_default=False, name="srspace-eval")
        except (OSError, asyncio.TimeoutError, ValueError, TypeError, RuntimeError) as error:
            raise ExecutorError(f"--scheduler {scheduler}: no Dask scheduler answers there ({error})") from error
        stack.callback(client.close, timeout=5)
        yield DaskExecutor(client, f"--scheduler {scheduler}")


@contextmanager
def _local_cluster(make: Callable[..., Any], processes: int) -> Iterator[Any]:
    """Worker processes on this machine. They start within the context, so that an interrupt then ends them as well."""
    with _interrupts_blocked():
        cluster = make(
            n_workers=0,
            threads_per_worker=max(1, default_workers() // processes),
            processes=True,
            # No limit: a worker held back for its memory would never go on, torch keeps what it has.
            memory_limit=0,
            scheduler_kwargs=HIDDEN,
            silence_logs=logging.CRITICAL,
        )
    try:
        cluster.scale(processes)
        try:
            cluster.wait_for_workers(processes, timeout=_START_S)
        except (TimeoutError, asyncio.TimeoutError) as error:
            raise ExecutorError(
                f"--scheduler local: {processes} worker processes did not start within {_START_S} s; a script that "
                f"calls this must do so under if __name__ == '__main__', since workers import it again"
            ) from error
        yield cluster
    finally:
        try:
            cluster.close()
        except AssertionError:
            # Dask trips over workers that have half started. They are daemons of this process and end with it.
            cluster.shutdown_on_close = False


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Threads begun in here, and the processes that they begin, never see Ctrl-C: this thread alone answers it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # started later, it would unblock them
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _absolute(sources: TaskSources) -> TaskSources:
    samples, gt, *lr = (open_source(source.path.absolute()) for source in sources.all())
    return TaskSources(samples, gt, *lr)


def _address(scheduler: str) -> str:
    if "://" in scheduler:
        return scheduler
    path = Path(scheduler)
    if path.is_file():
        try:
            return str(json.loads(path.read_text(encoding="utf-8"))["address"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ExecutorError(f"{path}: no scheduler file of Dask ({error})") from error
    if re.fullmatch(r"[\w.-]+:\d+", scheduler) and not scheduler.startswith("local:"):
        return f"tcp://{scheduler}"
    raise ExecutorError(
        f"--scheduler {scheduler}: neither local, local:N, an address such as tcp://10.0.0.5:8786, nor a scheduler "
        f"file that is there"
    )


def _knock(address: str) -> None:
    """Make sure that a scheduler of this Dask answers.

    Left to itself, Dask's client waits for ever at a port of something else, and takes half a minute to give up once
    it has failed.

    Raises
    ------
    OSError
        If none does: why, in Dask's words.
    """
    distributed: Any = import_module("distributed")
    secured = distributed.Security().get_connection_args("client")

    async def ask() -> tuple[Any, Any]:
        comm = await distributed.connect(address, timeout=_CONNECT_S * 0.9, **secured)
        try:
            await comm.write({"op": "identity", "reply": True})
            identity = await comm.read()
            await comm.write({"op": "versions", "reply": True})
            return identity["type"], (await comm.read())["packages"]["distributed"]
        finally:
            comm.abort()

    async def ask_in_time() -> tuple[Any, Any]:
        return await asyncio.wait_for(ask(), _CONNECT_S)

    def run() -> None:
        try:
            answer.set_result(asyncio.run(ask_in_time()))
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits for the answer
            answer.set_exception(error)

    # In a thread of its own, since a notebook's already runs a loop.
    answer: ConcurrentFuture[tuple[Any, Any]] = ConcurrentFuture()
    threading.Thread(target=run, daemon=True).start()
    try:
        kind, version = answer.result()
    except Exception as error:  # of what kind depends on the address' scheme
        raise OSError(str(error) or f"within {_CONNECT_S} s") from error
    if kind != "Scheduler":
        raise OSError(f"but a {kind} does")
    if version != distributed.__version__:
        raise OSError(f"but one of distributed {version}, here is {distributed.__version__}")


def _fitting_processes(device: str) -> int:
    import torch

    if device in ("auto", "cuda") and torch.cuda.is_available():
        return torch.cuda.device_count()
    return default_workers() if device in ("auto", "cpu") else 1


def _raise_other_dask(where: str, versions: Mapping[str, Any]) -> None:
    """Refuse workers of another Dask: tasks of one version kill workers of another."""
    here = versions["client"]["packages"]["distributed"]
    found = {worker: answer["packages"]["distributed"] for worker, answer in versions["workers"].items()}
    others = {worker: version for worker, version in found.items() if version != here}
    if others:
        raise ExecutorError(
            f"{where}: its workers run another version of Dask; nothing was measured",
            [f"worker {worker}: distributed {version} / {here} here" for worker, version in others.items()],
        )


def _raise_differences(where: str, plan: NetworkPlan | None, found: Mapping[str, RuntimeInfo | BaseException]) -> None:
    """Refuse workers that cannot measure, or whose numbers would not be those of this process."""
    if not found:
        raise ExecutorError(f"{where}: its workers went away; see their logs (out of memory?)")
    problems = []
    here = runtime_info(None).environment
    versions = {key: value for key, value in here.items() if key != "device"}
    trunk = {}
    if plan is not None and plan.weights is not None and plan.weights.is_file():
        trunk = {"trunk_sha256": weights.sha256(plan.weights)}
    first: tuple[str, RuntimeInfo] | None = None
    for worker, answer in found.items():
        if not isinstance(answer, RuntimeInfo):
            mend = "" if isinstance(answer, SrspaceEvalError) else "; install this srspace-eval where it runs"
            problems.append(f"worker {worker}: {type(answer).__name__}: {answer}{mend}")
            continue
        mine = RuntimeInfo({**(answer.lpips or {}), **trunk}, {**answer.environment, **versions})
        problems += [f"worker {worker}: {conflict} here" for conflict in answer.conflicts(mine)]
        first = first or (worker, answer)
        others = RuntimeInfo(first[1].lpips, {**answer.environment, "device": first[1].environment["device"]})
        problems += [f"worker {worker}: {conflict} at worker {first[0]}" for conflict in answer.conflicts(others)]
    if problems:
        raise ExecutorError(
            f"{where}: its workers would not measure what this process does; nothing was measured", problems
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Dask's log lines about lost connections are errors and notices of ours."""
    handlers = list(logging.getLogger("distributed").handlers)
    levels = [handler.level for handler in handlers]
    for handler in handlers:
        handler.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for handler, level in zip(handlers, levels, strict=True):
            handler.setLevel(level)
