"""All metrics of one image's samples, measured one by one: memory does not grow with the number of samples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import torch
from torch import Tensor

from srspace_eval.errors import InputError
from srspace_eval.kernels.cuda import upload
from srspace_eval.metrics._arrays import ArrayLike, rgb_8bit, same_size
from srspace_eval.metrics.base import LeastSize, Metric, renamed_key
from srspace_eval.metrics.checked import ReturnedValues, WrongValueError, named
from srspace_eval.metrics.steps import AnyPrepared, ImageInputs, ImageValues

if TYPE_CHECKING:
    from srspace_eval.metrics.lpips.network import LPIPS

T = TypeVar("T")

Networks: TypeAlias = "Mapping[str, Any]"
"""Networks by their names in :attr:`srspace_eval.metrics.base.Metric.network`; ``"lpips"`` is the run's."""


def by_name(networks: Networks | LPIPS | None) -> Networks:
    """Networks by name, where one that is given alone is the run's LPIPS network."""
    if networks is None:
        return {}
    return networks if isinstance(networks, Mapping) else {"lpips": networks}


SampleMeasurement: TypeAlias = tuple[object, ...]
"""What :meth:`ImageEvaluator.measure` found of one sample, for :meth:`ImageEvaluator.update`."""


@dataclass(frozen=True)
class EvaluatorConfig:
    """What is measured.

    Attributes
    ----------
    metrics
        Id -> metric with its options, as :func:`srspace_eval.metrics.registry.bind` gives them.
    scale
        Super-resolution factor.

    Raises
    ------
    InputError
        If there is no metric, or one lacks an option that must be given.
    """

    metrics: Mapping[str, Metric]
    scale: int

    def __post_init__(self) -> None:
        if not self.metrics:
            raise InputError("metrics: none is given; name at least one")
        for measure_id, metric in self.metrics.items():
            if missing := metric.missing():
                raise InputError(f"{measure_id} needs {missing}")

    @property
    def needs_network(self) -> bool:
        """Whether a metric needs a network."""
        return any(metric.network for metric in self.metrics.values())

    @property
    def needing_gt(self) -> tuple[str, ...]:
        """Ids of the metrics that cannot be measured without a GT."""
        return tuple(measure_id for measure_id, metric in self.metrics.items() if metric.needs.gt)

    def families(self) -> list[dict[str, Metric]]:
        """The metrics that share a pass, by id. A metric under another id than its own has a pass of its own."""
        found: dict[str, dict[str, Metric]] = {}
        for measure_id, metric in self.metrics.items():
            shared = metric.shared_pass if measure_id == metric.name else ""
            found.setdefault(f"family {shared}" if shared else measure_id, {})[measure_id] = metric
        return list(found.values())

    def gt_bytes(self, net: str) -> int:
        """Bytes a pixel that a prepared GT holds, with LPIPS's trunk ``net``."""
        return sum(max(metric.gt_bytes(net) for metric in family.values()) for family in self.families())

    def least_sizes(self, net: str) -> list[LeastSize]:
        """What needs pictures of a least size, with LPIPS's trunk ``net``."""
        return list(dict.fromkeys(least for metric in self.metrics.values() for least in metric.least_sizes(net)))


class ImageEvaluator:
    """Measures the samples of one image.

    :meth:`measure` does the heavy part of one sample and may run in several threads at once, in any order.
    :meth:`update` takes the measurements in the samples' order, one at a time. Each sample's numbers depend only on
    that sample, the GT and the LR.

    Parameters
    ----------
    gt
        (H, W, 3) uint8, cropped as the track says; None: there is no GT.
    config
        What is measured.
    network
        LPIPS's network, or several by name (:attr:`srspace_eval.metrics.base.Metric.network`); required if
        ``config.needs_network``. On CUDA, all metrics are measured on their device.
    lr
        (ceil(H / scale), ceil(W / scale), 3) uint8 reference of LR-PSNR; None: the downscaled GT.
    image
        Its name: for messages, and part of the patches' seed.
    size
        (height, width) of the samples; required without a GT.

    Raises
    ------
    InputError
        If a picture is not 8-bit RGB, sizes do not fit, or there is no network or GT although a metric needs it.

    Examples
    --------
    >>> from srspace_eval.metrics.registry import bind
    >>> gt = torch.zeros(32, 32, 3, dtype=torch.uint8)
    >>> evaluator = ImageEvaluator(gt, EvaluatorConfig(bind(["psnr"]), scale=4))
    >>> evaluator.update(evaluator.measure(gt + 1))
    {'psnr': 48.130803608679...}
    """

    def __init__(
        self,
        gt: ArrayLike | None,
        config: EvaluatorConfig,
        network: Networks | LPIPS | None = None,
        lr: ArrayLike | None = None,
        image: str = "",
        size: tuple[int, int] | None = None,
    ) -> None:
        where = f"{image}: " if image else ""
        self._image = image
        # MPS lacks float64, so that only the network runs on it.
        networks = by_name(network)
        cuda = (loaded.device for loaded in networks.values() if loaded.device.type == "cuda")
        self._device = next(cuda, torch.device("cpu"))
        if gt is not None:
            self._gt = upload(rgb_8bit(gt, f"{where}gt"), self._device)
        elif size is None or config.needing_gt:
            raise InputError(f"{where}there is no GT: {', '.join(config.needing_gt) or 'the size'} needs one")
        else:
            self._gt = torch.empty((*size, 3), dtype=torch.uint8, device="meta")
        if not any(metric.needs.lr for metric in config.metrics.values()):
            lr = None
        lacking = [name for name, metric in config.metrics.items() if metric.network and metric.network not in networks]
        if lacking:
            raise InputError(f"{where}these metrics need LPIPS's network or one of their own: {', '.join(lacking)}")
        used = {metric.network: networks[metric.network] for metric in config.metrics.values() if metric.network}
        inputs = ImageInputs(
            name=image,
            gt=self._gt,
            lr=None if lr is None else upload(rgb_8bit(lr, f"{where}lr"), self._device),
            scale=config.scale,
            network=used.get("lpips"),
            networks=used,
        )
        families = config.families()
        # The order of keys in result files: samples have the metrics with curves first, images have them last.
        plain = [_Family(family, inputs, config.metrics) for family in families if not _has_curves(family)]
        curved = [_Family(family, inputs, config.metrics) for family in families if _has_curves(family)]
        self._by_sample, self._by_image = [*curved, *plain], [*plain, *curved]
        self._keys: tuple[str, ...] = ()
        self._taken = 0

    def measure(self, sr: ArrayLike) -> SampleMeasurement:
        """The heavy part of one sample; thread-safe.

        Raises
        ------
        InputError
            If ``sr`` is not (H, W, 3) uint8 of the GT's size.
        """
        picture = upload(rgb_8bit(sr, f"{self._image}: sr" if self._image else "sr"), self._device)
        same_size(picture, self._gt, self._image or "sr and gt")
        # On an accelerator the network's work is queued first. The values after it are read while it runs.
        return tuple(family.measure(picture) for family in self._by_sample)

    def update(self, measurement: SampleMeasurement) -> dict[str, float]:
        """Add one sample's measurement. Call it in the samples' order, never twice at once.

        Returns
        -------
        dict[str, float]
            The sample's own values: those of columns that every sample has. ``diversity_mse`` also gives ``mse``.

        Raises
        ------
        MetricError
            If a metric fails, or returns values that cannot be used.
        """
        values = _joined(
            (family, family.update(measured)) for family, measured in zip(self._by_sample, measurement, strict=True)
        )
        self._keys = tuple(values)
        self._taken += 1
        return values

    def compute(self) -> ImageValues:
        """The image's numbers over the samples taken.

        Returns
        -------
        ImageValues
            Id -> value: an infinite PSNR is ``math.inf``, an undefined score is None. Beside columns there are ``mse``
            with ``diversity_mse`` and ``diversity_patches_se`` with ``diversity_patches``. Curve id -> S_1 .. S_M.

        Raises
        ------
        InputError
            If there were none.
        """
        if not self._taken:
            raise InputError(f"{self._image or 'image'}: no samples were measured")
        found = [(family, family.compute()) for family in self._by_image]
        values = _joined((family, image.values) for family, image in found)
        curves = {key: list(curve) for _, image in found for key, curve in image.curves.items()}
        return ImageValues({key: values[key] for key in dict.fromkeys([*self._keys, *values])}, curves)


class _Family:
    """Metrics that share a pass, prepared for one image. Values get the ids that the metrics are measured under."""

    def __init__(self, members: Mapping[str, Metric], image: ImageInputs, ids: Iterable[str]) -> None:
        self._id, self._first = next(iter(members.items()))
        longer = [other for other in ids if other not in members and other.startswith(f"{self._id}_")]
        self._others = tuple(f"{other}_" for other in longer if self._id != self._first.name)
        self.columns = {info.id for measure_id, metric in members.items() for info in metric.columns_as(measure_id)}
        # A metric of another package may change its tensors in place. Other metrics measure with the same tensors.
        self._copies = any(type(metric).__module__.partition(".")[0] != "srspace_eval" for metric in members.values())
        self._original = image
        self._given = _copied(image) if self._copies else image
        with named(self._first):
            self._prepared: AnyPrepared = self._first.prepare_family(self._given, list(members.values()))
            self._returned = ReturnedValues(members.values())

    def measure(self, sr: Tensor) -> object:
        with named(self._first):
            return self._prepared.measure(sr.clone() if self._copies else sr)

    def update(self, measured: object) -> dict[str, float]:
        with named(self._first):
            return self._renamed(self._returned.of_sample(self._prepared.update(measured)))

    def compute(self) -> ImageValues:
        with named(self._first):
            self._require_unchanged()
            found = self._returned.of_image(self._prepared.compute())
            return ImageValues(self._renamed(found.values), self._renamed(found.curves))

    def _require_unchanged(self) -> None:
        """Refuse a metric that changed its copies: otherwise, samples would be measured with changed pixels."""
        for what in ("gt", "lr"):
            given, original = getattr(self._given, what), getattr(self._original, what)
            if given is not original and not original.is_meta and not torch.equal(given, original):
                raise WrongValueError(f"it changed image.{what} in place; work on a copy, such as image.{what}.clone()")

    def _renamed(self, values: Mapping[str, T]) -> dict[str, T]:
        found = {renamed_key(key, self._first.name, self._id): value for key, value in values.items()}
        # A by-product of the pass, such as s_lpips_local_best of ``s``, may look like one of a measure ``s_lpips``.
        return {
            key: value for key, value in found.items() if key in self.columns or not f"{key}_".startswith(self._others)
        }


def _copied(image: ImageInputs) -> ImageInputs:
    return replace(image, gt=image.gt.clone(), lr=None if image.lr is None else image.lr.clone())


def _joined(found: Iterable[tuple[_Family, Mapping[str, T]]]) -> dict[str, T]:
    """The values of all families. A family's value without a column, such as the ``mse`` of S_M, replaces no column."""
    parts = list(found)
    values = {key: value for _, given in parts for key, value in given.items()}
    return values | {key: value for family, given in parts for key, value in given.items() if key in family.columns}


def _has_curves(family: Mapping[str, Metric]) -> bool:
    # A family's curves come from its shared pass.
    return any(metric.curves and metric.shared_pass == metric.family for metric in family.values())
