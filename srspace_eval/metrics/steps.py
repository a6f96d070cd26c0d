"""The steps in which a metric is computed: prepare an image, measure and update with its samples, compute its numbers.

``prepare`` runs once an image. ``measure`` does the heavy part of one sample, in any thread and order. ``update`` takes
the measurements in the samples' order. ``compute`` gives the image's numbers. Imports no torch.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    from torch import Tensor, device

M = TypeVar("M")


class LoadedNetwork(Protocol):
    """A network that metrics need."""

    @property
    def device(self) -> device:
        """Where it runs."""

    @property
    def signature(self) -> Mapping[str, Any]:
        """What its numbers depend on."""


class Network(Protocol):
    """LPIPS's network, as metrics use it: :class:`srspace_eval.metrics.lpips.network.LPIPS`."""

    device: device

    def prepare(self, gt: Tensor) -> Any:
        """The GT as the network sees it."""

    def distances(self, reference: Any, sr: Tensor) -> list[Tensor]:
        """The distance of each layer."""


@dataclass(frozen=True)
class ImageInputs:
    """One image, as metrics prepare it.

    Attributes
    ----------
    name
        The image's name: for messages, and for seeds.
    gt
        (H, W, 3) uint8, cropped as the track says, on the device where samples are measured. If there is no GT, it is
        a tensor of torch's device ``meta``: it has the samples' shape and no values. Only metrics that declare
        ``Needs(gt=False)`` are prepared then.
    lr
        (ceil(H / scale), ceil(W / scale), 3) uint8 on the same device; None: no LR files are given.
    scale
        Super-resolution factor.
    network
        LPIPS's network; None unless a metric of the run needs it.
    networks
        All networks of the run by their names (:attr:`srspace_eval.metrics.base.Metric.network`).

    Examples
    --------
    >>> import torch
    >>> from srspace_eval import ImageInputs
    >>> image = ImageInputs("0801", gt=torch.zeros(16, 24, 3, dtype=torch.uint8), lr=None, scale=4)
    >>> image.has_gt, image.where, tuple(image.gt.shape)
    (True, '0801: ', (16, 24, 3))
    """

    name: str
    gt: Tensor
    lr: Tensor | None
    scale: int
    network: Network | None = None
    networks: Mapping[str, Any] = field(default_factory=dict)

    @property
    def has_gt(self) -> bool:
        """Whether there is a GT."""
        return self.gt.device.type != "meta"

    @property
    def where(self) -> str:
        """How messages begin: ``"0801: "``; empty without a name."""
        return f"{self.name}: " if self.name else ""


@dataclass(frozen=True)
class ImageValues:
    """One image's numbers of one metric; an undefined value is None.

    Attributes
    ----------
    values
        Column id -> value; further ids are written to records and are not shown in tables.
    curves
        Curve id -> the value of the first n samples, n = 1 to M.

    Examples
    --------
    >>> from srspace_eval import ImageValues
    >>> ImageValues({"best_error": 1.5}, {"best_error_curve": [2.0, 1.5]}).values
    {'best_error': 1.5}
    """

    values: Mapping[str, float | None]
    curves: Mapping[str, Sequence[float | None]] = field(default_factory=dict)


class Prepared(ABC, Generic[M]):
    """A metric prepared for one image. What it keeps must not grow with the number of samples, but for numbers.

    A subclass takes what it needs in its ``__init__``, and has the three methods below. The type parameter is what
    ``measure`` hands to ``update``. :class:`SampleMean` is the subclass for metrics of single samples.

    Examples
    --------
    A value of the whole sample set, the smallest mean absolute error. Its column declares ``per="image"``, so that
    samples have no value of their own:

    >>> import torch
    >>> from srspace_eval import ImageInputs, ImageValues, Prepared
    >>> class BestError(Prepared[float]):
    ...     def __init__(self, image):
    ...         self.gt, self.best = image.gt.double(), float("inf")
    ...
    ...     def measure(self, sr):
    ...         return float((sr.double() - self.gt).abs().mean())
    ...
    ...     def update(self, measured):
    ...         self.best = min(self.best, measured)
    ...         return {}
    ...
    ...     def compute(self):
    ...         return ImageValues({"best_error": self.best})
    >>> gt = torch.full((16, 16, 3), 100, dtype=torch.uint8)
    >>> prepared = BestError(ImageInputs("0801", gt, lr=None, scale=4))
    >>> for sample in (gt + 4, gt - 2):
    ...     values = prepared.update(prepared.measure(sample))
    >>> prepared.compute().values
    {'best_error': 2.0}
    """

    @abstractmethod
    def measure(self, sr: Tensor) -> M:
        """The heavy part of one sample. It must be thread-safe, and must not depend on other samples.

        Parameters
        ----------
        sr
            (H, W, 3) uint8 of the GT's size, on its device.

        Returns
        -------
        M
            What :meth:`update` takes.
        """

    @abstractmethod
    def update(self, measured: M) -> dict[str, float]:
        """Take one sample's measurement. It is called in the samples' order, never by two threads at once.

        Parameters
        ----------
        measured
            What :meth:`measure` returned for the sample.

        Returns
        -------
        dict[str, float]
            The sample's own values: column id (or a further id) -> value.
        """

    @abstractmethod
    def compute(self) -> ImageValues:
        """The image's numbers over all samples taken, at least one.

        Returns
        -------
        ImageValues
            The values and curves of the image.
        """


AnyPrepared: TypeAlias = "Prepared[Any]"
"""What metrics prepare; only the metric itself knows what it hands from ``measure`` to ``update``."""


class SampleMean(Prepared[dict[str, float]]):
    """A metric whose image value is the mean of its samples' values.

    Parameters
    ----------
    function
        One sample -> its values by column id. Thread-safe.
    largest
        Column id -> the largest value that a sample counts as in the mean; the samples' own values keep theirs.

    Examples
    --------
    >>> import torch
    >>> from srspace_eval import SampleMean
    >>> prepared = SampleMean(lambda sr: {"brightness": float(sr.double().mean())})
    >>> for value in (10, 30):
    ...     values = prepared.update(prepared.measure(torch.full((8, 8, 3), value, dtype=torch.uint8)))
    >>> values, prepared.compute().values
    ({'brightness': 30.0}, {'brightness': 20.0})
    """

    def __init__(
        self, function: Callable[[Tensor], dict[str, float]], largest: Mapping[str, float] = MappingProxyType({})
    ) -> None:
        self._function, self._largest = function, largest
        self.samples: list[dict[str, float]] = []

    def measure(self, sr: Tensor) -> dict[str, float]:
        return self._function(sr)

    def update(self, measured: dict[str, float]) -> dict[str, float]:
        if isinstance(measured, dict):  # a function of another package may return anything
            measured = {key: plain(value) for key, value in measured.items()}
        self.samples.append(measured)
        return measured

    def compute(self) -> ImageValues:
        return ImageValues(mean_values(self.samples, self._largest))


def plain(value: Any) -> Any:
    """The number of a tensor without axes or of a NumPy scalar; anything else as it is.

    >>> import numpy as np
    >>> plain(np.float32(0.5)), plain(2.0)
    (0.5, 2.0)
    """
    return value.item() if getattr(value, "ndim", None) == 0 and hasattr(value, "item") else value


def mean_values(
    samples: Sequence[Mapping[str, float]], largest: Mapping[str, float] = MappingProxyType({})
) -> dict[str, float | None]:
    """The mean of each value over the samples; a value counts as ``largest`` at most.

    >>> mean_values([{"psnr": 30.0}, {"psnr": 31.0}])
    {'psnr': 30.5}
    >>> mean_values([{"psnr": 30.0}, {"psnr": math.inf}], {"psnr": 100.0})
    {'psnr': 65.0}
    """
    return {
        key: math.fsum(min(sample[key], largest.get(key, math.inf)) for sample in samples) / len(samples)
        for key in samples[0]
    }
