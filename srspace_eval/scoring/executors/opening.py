"""The executor that ``--scheduler`` names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from srspace_eval._utils.cores import threads_of
from srspace_eval.scoring.executors.base import Executor
from srspace_eval.scoring.executors.threads import LocalExecutor


@contextmanager
def open_executor(
    scheduler: str | None = None, *, workers: int | None = None, device: str = "auto"
) -> Iterator[Executor]:
    """The executor that ``--scheduler`` names. What it starts ends with the context.

    Parameters
    ----------
    scheduler
        None: threads of this process. ``"local"`` or ``"local:N"``: worker processes on this machine, N or as many as
        fit. Otherwise the address of a Dask scheduler (``"tcp://10.0.0.5:8786"``) or a scheduler file.
    workers
        Threads of this process; None: one for each core.
    device
        Where the network will run; it decides how many processes fit.

    Raises
    ------
    ExecutorError
        If there is no such scheduler, or Dask is not installed.

    Examples
    --------
    >>> with open_executor(workers=2) as executor:
    ...     executor.prepare(None).environment["device"]
    'cpu'
    """
    if scheduler is None:
        yield LocalExecutor(threads_of(workers))
        return
    # Dask is optional and slow to import.
    from srspace_eval.scoring.executors.connection import open_dask

    with open_dask(scheduler, device) as executor:
        yield executor
