"""What runs in the workers of a Dask cluster: one query of what their numbers depend on, then one image a task."""

from __future__ import annotations

import os
import re
import threading
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, TypeAlias

import torch

from srspace_eval._utils.allocator import keep_freed_memory
from srspace_eval.errors import ExecutorError, ImageError, MetricError, SubmissionError
from srspace_eval.metrics.evaluator import EvaluatorConfig, Networks
from srspace_eval.metrics.lpips import weights
from srspace_eval.results.record import ImageRecord
from srspace_eval.scoring.executors.base import NetworkPlan, RuntimeInfo, runtime_info
from srspace_eval.scoring.executors.threads import measure_images
from srspace_eval.scoring.tasks import ImageTask, TaskSources

Worker: TypeAlias = Any  # distributed.Worker; Dask is optional

_loading = threading.Lock()


@dataclass(frozen=True)
class RunSpec:
    """What all tasks of a run share.

    Attributes
    ----------
    plan
        The network; None if no metric needs one.
    runtime
        What all workers agreed on before the run.
    sources, config
        Where files are read from, and what is measured.
    """

    plan: NetworkPlan | None
    runtime: RuntimeInfo
    sources: TaskSources
    config: EvaluatorConfig


def probe(plan: NetworkPlan | None, dask_worker: Worker | None = None) -> RuntimeInfo:
    """Load the network, and return what this worker's numbers depend on. Dask sets ``dask_worker``.

    Raises
    ------
    WeightsError
        If weights are missing or damaged.
    ExecutorError
        If this worker has no such device.
    """
    return runtime_info(_networks(plan, dask_worker))


def measure_image(spec: RunSpec, task: ImageTask) -> ImageRecord:
    """Measure one image with one thread.

    Raises
    ------
    ImageError
        If this worker does not see a file, or the file cannot be decoded or has changed.
    ExecutorError
        If this worker's runtime is not what was agreed on.
    """
    from distributed import get_worker

    keep_freed_memory()
    worker = get_worker()
    networks = _networks(spec.plan, worker)
    here = runtime_info(networks)
    if here != spec.runtime:
        raise ExecutorError(
            f"worker {worker.address}: differs from the other workers (this worker / others); "
            f"install the same versions",
            here.conflicts(spec.runtime),
        )
    torch.set_num_threads(1)
    try:
        (record,) = measure_images([task], spec.sources, spec.config, networks, workers=1)
    except (ImageError, SubmissionError) as error:
        unseen = isinstance(error.__cause__, FileNotFoundError)
        hint = (
            "; it does not see that file: workers must find all files under the same paths as this process"
            if unseen
            else ""
        )
        raise ImageError(f"{error} (at worker {worker.address}{hint})") from error
    except MetricError as error:
        raise MetricError(f"{error} (at worker {worker.address})") from error
    return record


def _networks(plan: NetworkPlan | None, worker: Worker | None) -> Networks:
    if plan is None:
        return {}
    pinned = replace(plan, device=_pinned(plan.device, None if worker is None else worker.name))
    files = plan.files()
    with _loading:
        return _loaded(pinned, tuple(weights.sha256(file) for file in files))


@lru_cache(maxsize=2)
def _loaded(plan: NetworkPlan, trunks_sha256: tuple[str, ...]) -> Networks:
    # The hashes are part of the cache's key, because files may change during a worker's life.
    return plan.load()


def _pinned(device: str, name: Any) -> str:
    """The device of one worker among several on a machine with several GPUs.

    Its number is the one at the end of the worker's name, otherwise Slurm's local task number.
    """
    if device not in ("auto", "cuda") or torch.cuda.device_count() < 2:
        return device
    number = re.search(r"(?:^|-)(\d+)$", str(name))
    local = number[1] if number else os.environ.get("SLURM_LOCALID", "0")
    return f"cuda:{int(local) % torch.cuda.device_count()}"
