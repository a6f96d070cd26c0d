"""Where images are measured: on this machine, or on a Dask cluster.

An executor turns tasks into records, each as soon as it is complete. It sends nothing anywhere but to the caller, who
writes the records to the journal: whatever is lost later, what was measured stays.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from srspace_eval._utils.devices import device_name, resolve_device
from srspace_eval._utils.progress import Advance
from srspace_eval._version import __version__
from srspace_eval.metrics.evaluator import MeterConfig
from srspace_eval.metrics.lpips.network import LPIPS
from srspace_eval.results.record import ImageRecord, Signature
from srspace_eval.scoring.tasks import ImageTask, TaskSources


@dataclass(frozen=True)
class NetworkPlan:
    """Which LPIPS network to load and where it runs: the parameters of
    :class:`srspace_eval.metrics.lpips.network.LPIPS`.
    """

    net: str = "alex"
    weights: Path | None = None
    weights_dir: Path | None = None
    device: str = "auto"
    precision: str = "float32"

    def load(self) -> LPIPS:
        """Load it.

        Raises
        ------
        WeightsError
            If its weights are not there.
        ExecutorError
            If there is no such device.
        """
        return LPIPS(
            self.net,
            weights=self.weights,
            weights_dir=self.weights_dir,
            device=resolve_device(self.device),
            precision=self.precision,
        )

    def absolute(self) -> NetworkPlan:
        """The same with absolute paths, for processes that have another working directory."""
        return replace(
            self,
            weights=None if self.weights is None else self.weights.absolute(),
            weights_dir=None if self.weights_dir is None else self.weights_dir.absolute(),
        )


@dataclass(frozen=True)
class RuntimeInfo:
    """What numbers depend on beside the pictures, as found where they are measured.

    Attributes
    ----------
    lpips:
        :attr:`srspace_eval.metrics.lpips.network.LPIPS.signature`; None where no network is wanted.
    environment:
        Versions of what computes, and the device.
    """

    lpips: Mapping[str, Any] | None
    environment: Mapping[str, Any]

    def conflicts(self, other: RuntimeInfo) -> list[str]:
        """What differs, one line each: this one's, a slash, the other's."""
        mine, theirs = (Signature({"lpips": f.lpips or {}, "environment": f.environment}) for f in (self, other))
        return mine.conflicts(theirs)


def runtime_info(network: LPIPS | None) -> RuntimeInfo:
    """The facts of this process."""
    environment = {
        "srspace_eval": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "numpy", "scipy", "pillow", "lpips")},
        "device": "cpu" if network is None else device_name(network.device),
        "machine": platform.machine(),
    }
    return RuntimeInfo(None if network is None else dict(network.signature), environment)


class Executor(Protocol):
    """Somewhere to measure images."""

    def prepare(self, plan: NetworkPlan | None) -> RuntimeInfo:
        """Make ready for measuring with this network, or with none; must be called before :meth:`measure`.

        Raises
        ------
        WeightsError
            If weights are not there.
        ExecutorError
            If the executor cannot be used, or would not measure the same everywhere.
        """

    def measure(
        self, tasks: Sequence[ImageTask], sources: TaskSources, config: MeterConfig, *, advance: Advance
    ) -> Iterator[ImageRecord]:
        """Measure images; each record comes as soon as it is complete, in any order.

        ``advance`` is called with the number of samples done.

        Raises
        ------
        ImageError
            If a file cannot be decoded, has vanished, or has changed since it was looked at.
        ExecutorError
            If the executor was lost. What it yielded before holds.
        """
