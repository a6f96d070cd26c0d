"""The executor that ``--scheduler`` names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from srspace_eval._utils.cores import default_workers
from srspace_eval.scoring.executors.base import Executor
from srspace_eval.scoring.executors.threads import LocalExecutor


@contextmanager
def open_executor(
    scheduler: str | None = None, *, workers: int | None = None, device: str = "auto"
) -> Iterator[Executor]:
    """The executor that ``--scheduler`` names; whatever it starts ends with the context.

    Parameters
    ----------
    scheduler:
        None: this process. ``"local"`` or ``"local:N"``: worker processes on this machine, N or as fits it. Else a
        Dask scheduler's address (``"tcp://10.0.0.5:8786"``) or scheduler file.
    workers:
        Threads of this process; None: as many as cores.
    device:
        Where the network will run, by which ``"local"`` decides how many processes fit.

    Raises
    ------
    ExecutorError
        If there is no such scheduler, or Dask is not installed.
    """
    if scheduler is None:
        yield LocalExecutor(workers or default_workers())
        return
    from srspace_eval.scoring.executors.dask import open_dask

    with open_dask(scheduler, device) as executor:
        yield executor
