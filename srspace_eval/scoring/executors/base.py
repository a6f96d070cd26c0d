"""What an executor is: it turns tasks into records, and yields each record as soon as it is complete.

An executor stores nothing. Its caller writes each record to the journal at once, so that no record is lost if the run
is stopped later.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from srspace_eval._utils.devices import device_name, resolve_device
from srspace_eval._utils.progress import Advance
from srspace_eval._version import __version__
from srspace_eval.metrics.base import Metric, NetworkSettings
from srspace_eval.metrics.checked import WrongValueError, named
from srspace_eval.metrics.evaluator import EvaluatorConfig, Networks
from srspace_eval.metrics.lpips import weights as weight_files
from srspace_eval.metrics.lpips.network import LPIPS
from srspace_eval.metrics.registry import metrics
from srspace_eval.metrics.steps import LoadedNetwork
from srspace_eval.results.record import ImageRecord
from srspace_eval.results.signature import Signature
from srspace_eval.scoring.tasks import ImageTask, TaskSources


@dataclass(frozen=True)
class NetworkPlan(NetworkSettings):
    """Which networks to load, and how.

    Attributes
    ----------
    metrics
        A metric for each network that is needed; None: only the run's LPIPS network.
    """

    metrics: tuple[Metric, ...] | None = None

    def file(self) -> Path:
        """The file of LPIPS's trunk ``net``.

        Raises
        ------
        WeightsError
            If it is missing or damaged; the message names the metrics that need none.
        """
        free = ",".join(
            name for name, metric in metrics().items() if not metric.needs.network and not metric.needs.weights
        )
        otherwise = f"without weights, these can be scored: --metrics {free}"
        return self.weights or weight_files.weights_path(self.net, self.weights_dir, otherwise)

    def files(self) -> tuple[Path, ...]:
        """The files of the trunks that are loaded.

        Raises
        ------
        WeightsError
            As :meth:`file`.
        """
        if self.metrics is None:
            return (self.file(),)
        trunks = [self.net if metric.network == "lpips" else metric.trunk for metric in self.metrics]
        plans = (self.of(trunk) for trunk in trunks if trunk)
        return tuple(plan.file() for plan in plans if isinstance(plan, NetworkPlan))

    def load(self) -> dict[str, LoadedNetwork]:
        """Load the networks, by their names in :attr:`srspace_eval.metrics.base.Metric.network`.

        Raises
        ------
        WeightsError
            If its weights are missing or damaged.
        ExecutorError
            If this machine has no such device.
        MetricError
            If a metric of another package fails to load its network.
        """
        if self.metrics is None:
            return {"lpips": self._lpips()}
        return {m.network: self._lpips() if m.network == "lpips" else self._own(m) for m in self.metrics}

    def _own(self, metric: Metric) -> LoadedNetwork:
        with named(metric):
            network = metric.load_network(self)
            missing = [name for name in ("device", "signature") if not hasattr(network, name)]
            if missing:
                raise WrongValueError(f"load_network() returned a {type(network).__name__} without {missing[0]}")
            return network

    def _lpips(self) -> LPIPS:
        device = resolve_device(self.device)
        return LPIPS(self.net, weights=self.file(), device=device, precision=self.precision)

    def absolute(self) -> NetworkPlan:
        """The same with absolute paths, for processes that have another working directory."""
        return replace(
            self,
            weights=None if self.weights is None else self.weights.absolute(),
            weights_dir=None if self.weights_dir is None else self.weights_dir.absolute(),
        )


@dataclass(frozen=True)
class RuntimeInfo:
    """What numbers depend on besides the pictures, as found where they are measured.

    Attributes
    ----------
    lpips
        :attr:`srspace_eval.metrics.lpips.network.LPIPS.signature` of the run's LPIPS network; None if it is not loaded.
    environment
        Versions of the libraries that compute, and the device.
    networks
        The signatures of the other networks, by name.
    """

    lpips: Mapping[str, Any] | None
    environment: Mapping[str, Any]
    networks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def conflicts(self, other: RuntimeInfo) -> list[str]:
        """The differences, one line each: this value, a slash, the other value."""
        here, there = (
            Signature({"lpips": r.lpips or {}, **r.networks, "environment": r.environment}) for r in (self, other)
        )
        return here.conflicts(there)


def runtime_info(networks: Networks | None) -> RuntimeInfo:
    """The runtime of this process.

    Parameters
    ----------
    networks
        The networks that measure, by name.

    Examples
    --------
    >>> sorted(runtime_info(None).environment)
    ['device', 'lpips', 'machine', 'numpy', 'pillow', 'python', 'scipy', 'srspace_eval', 'torch']
    """
    environment = {
        "srspace_eval": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "numpy", "scipy", "pillow", "lpips")},
        "device": next((device_name(network.device) for network in (networks or {}).values()), "cpu"),
        "machine": platform.machine(),
    }
    signatures = {name: dict(network.signature) for name, network in (networks or {}).items()}
    return RuntimeInfo(signatures.pop("lpips", None), environment, signatures)


class Executor(Protocol):
    """Measures images: in threads of this process, or on the workers of a cluster."""

    def prepare(self, plan: NetworkPlan | None) -> RuntimeInfo:
        """Load the network. Must be called before :meth:`measure`.

        Parameters
        ----------
        plan
            The network; None if no metric needs one.

        Returns
        -------
        RuntimeInfo
            What the numbers will depend on.

        Raises
        ------
        WeightsError
            If weights are missing or damaged.
        ExecutorError
            If the executor cannot be used, or its workers would measure different numbers.
        """

    def measure(
        self, tasks: Sequence[ImageTask], sources: TaskSources, config: EvaluatorConfig, *, advance: Advance
    ) -> Iterator[ImageRecord]:
        """Measure images. Each record is yielded as soon as it is complete, in any order.

        Parameters
        ----------
        tasks, sources
            What to measure, and where to read it.
        config
            What to measure it with.
        advance
            Called with the number of samples done, from any thread.

        Raises
        ------
        ImageError
            If a file cannot be decoded, has vanished, or has changed since its inspection.
        ExecutorError
            If the executor was lost. The records yielded before remain valid.
        """
