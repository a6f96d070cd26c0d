"""Connecting to a Dask scheduler: the user's own, or one started here together with worker processes."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from importlib import import_module
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

import torch

from srspace_eval._utils.cores import default_workers
from srspace_eval._utils.files import read_bounded
from srspace_eval.errors import ExecutorError
from srspace_eval.scoring.executors.dask import POLL_INTERVAL_S, DaskExecutor

NO_DASHBOARD = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}
"""Options of a scheduler started here: without a dashboard, and its remaining HTTP server on any free port."""

CONNECT_TIMEOUT_S = 15.0
"""How long a scheduler may take to answer, in seconds."""

_START_TIMEOUT_S = 180
_MAX_SCHEDULER_FILE_BYTES = 1 << 20


@contextmanager
def open_dask(
    scheduler: str,
    device: str = "auto",
    *,
    connect_timeout: float = CONNECT_TIMEOUT_S,
    poll_interval: float = POLL_INTERVAL_S,
) -> Iterator[DaskExecutor]:
    """Connect to a scheduler, or start worker processes on this machine, which end with the context.

    Parameters
    ----------
    scheduler
        An address, a scheduler file, or ``"local"`` or ``"local:N"``. ``"local"`` starts one process for each GPU if
        the network is to run on GPUs, otherwise one for each core. The processes share the cores.
    device
        Where the network will run.
    connect_timeout
        How long the scheduler may take to answer, in seconds.
    poll_interval
        How often the cluster's state is queried while no record comes, in seconds.

    Raises
    ------
    ExecutorError
        If Dask is not installed, no scheduler answers, or worker processes do not start.
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
            address: Any = stack.enter_context(local_cluster(distributed.LocalCluster, processes))
        else:
            address = _address(scheduler)
        try:
            if not local:
                _require_scheduler(address, connect_timeout)
            client = distributed.Client(address, timeout=connect_timeout, set_as_default=False, name="srspace-eval")
        except (OSError, asyncio.TimeoutError, ValueError, TypeError, RuntimeError) as error:
            raise ExecutorError(f"--scheduler {scheduler}: no Dask scheduler can be used there: {error}") from error
        stack.callback(client.close, timeout=5)
        yield DaskExecutor(client, f"--scheduler {scheduler}", poll_interval=poll_interval)


@contextmanager
def local_cluster(make: Callable[..., Any], processes: int) -> Iterator[Any]:
    """Worker processes on this machine.

    The workers start inside the context, so that an interrupt during their start ends them as well.

    Parameters
    ----------
    make
        ``distributed.LocalCluster``.
    processes
        How many.

    Raises
    ------
    ExecutorError
        If they do not start in time.
    """
    with _interrupts_blocked():
        cluster = make(
            n_workers=0,
            threads_per_worker=max(1, default_workers() // processes),
            processes=True,
            # No limit: torch keeps the memory that it has, so a worker paused at a limit would never resume.
            memory_limit=0,
            scheduler_kwargs=NO_DASHBOARD,
            silence_logs=logging.CRITICAL,
        )
    try:
        cluster.scale(processes)
        try:
            cluster.wait_for_workers(processes, timeout=_START_TIMEOUT_S)
        except (TimeoutError, asyncio.TimeoutError) as error:
            raise ExecutorError(
                f"--scheduler local: {processes} worker processes did not start within {_START_TIMEOUT_S} s; a script "
                f"that calls this must do so under if __name__ == '__main__', since workers import it again"
            ) from error
        yield cluster
    finally:
        try:
            cluster.close()
        except AssertionError:
            # Dask cannot close workers that have only half started. They are daemons of this process and end with it.
            cluster.shutdown_on_close = False


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Block Ctrl-C in threads started in this context, and in the processes that they start.

    Only the main thread then handles an interrupt.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # if it started later, it would unblock the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _address(scheduler: str) -> str:
    """The address that ``--scheduler`` means: itself, or what a scheduler file says."""
    if "://" in scheduler:
        return scheduler
    path = Path(scheduler)
    if path.is_file():
        try:
            return str(json.loads(read_bounded(path, _MAX_SCHEDULER_FILE_BYTES))["address"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise ExecutorError(f"{path}: not a scheduler file of Dask ({error})") from error
    if re.fullmatch(r"[\w.-]+:\d+", scheduler) and not scheduler.startswith("local:"):
        return f"tcp://{scheduler}"
    raise ExecutorError(
        f"--scheduler {scheduler}: neither local, local:N, an address such as tcp://10.0.0.5:8786, nor an existing "
        f"scheduler file"
    )


def _require_scheduler(address: str, timeout: float) -> None:
    """Require that a scheduler of this version of Dask answers.

    Dask's own client would wait without end at a port of another program, and needs half a minute to close after a
    failure.

    Raises
    ------
    OSError
        If none answers; the message has the reason.
    """
    distributed: Any = import_module("distributed")
    secured = distributed.Security().get_connection_args("client")

    async def ask() -> tuple[Any, Any]:
        comm = await distributed.connect(address, timeout=timeout * 0.9, **secured)
        try:
            await comm.write({"op": "identity", "reply": True})
            identity = await comm.read()
            await comm.write({"op": "versions", "reply": True})
            return identity["type"], (await comm.read())["packages"]["distributed"]
        finally:
            comm.abort()

    async def ask_in_time() -> tuple[Any, Any]:
        return await asyncio.wait_for(ask(), timeout)

    def run() -> None:
        try:
            answer.set_result(asyncio.run(ask_in_time()))
        except BaseException as error:  # noqa: BLE001 - passed to the thread that waits for the answer
            answer.set_exception(error)

    # In a separate thread, because the thread of a notebook already runs an event loop.
    answer: Future[tuple[Any, Any]] = Future()
    threading.Thread(target=run, daemon=True).start()
    try:
        kind, version = answer.result()
    except Exception as error:  # its type depends on the scheme of the address
        raise OSError(
            str(error) or f"no answer within {timeout:g} s; check the address, and that the scheduler runs"
        ) from error
    if kind != "Scheduler":
        raise OSError(f"this is the address of a {kind}; give the scheduler's address")
    if version != distributed.__version__:
        raise OSError(
            f"the scheduler runs distributed {version}, this process {distributed.__version__}; "
            "install the same version"
        )


def _fitting_processes(device: str) -> int:
    if device in ("auto", "cuda") and torch.cuda.is_available():
        return torch.cuda.device_count()
    return default_workers() if device in ("auto", "cpu") else 1


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress Dask's log lines about lost connections, which this package reports as errors and notices."""
    handlers = list(logging.getLogger("distributed").handlers)
    levels = [handler.level for handler in handlers]
    for handler in handlers:
        handler.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for handler, level in zip(handlers, levels, strict=True):
            handler.setLevel(level)
