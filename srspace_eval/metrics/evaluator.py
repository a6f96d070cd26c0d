"""All metrics of one image's samples, measured one by one: memory does not grow with the number of samples."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from srspace_eval.errors import InputError
from srspace_eval.kernels import distance_maps, error_boxes
from srspace_eval.kernels.cuda import fetch, upload
from srspace_eval.metrics._arrays import ArrayLike, rgb_8bit, same_size
from srspace_eval.metrics.diversity.function import PatchPlan, patch_means, patch_score, score
from srspace_eval.metrics.lpips.network import LPIPS
from srspace_eval.metrics.psnr.function import picture_lr_psnr, picture_psnr
from srspace_eval.metrics.resize import resize_picture
from srspace_eval.metrics.ssim.function import picture_ssim

__all__ = [
    "LPIPS_METRICS",
    "LR_METRICS",
    "MEASURED",
    "ImageMeasurement",
    "ImageMeter",
    "MeterConfig",
    "PatchPlan",
    "SampleMeasurement",
]

LPIPS_METRICS = frozenset({"lpips", "lpips_global_best", "lpips_local_best", "diversity", "diversity_patches"})
"""Ids that need the trunk's weights."""
LR_METRICS = frozenset({"lr_psnr", "lr_psnr_worst"})
MEASURED = LPIPS_METRICS | LR_METRICS | {"diversity_mse", "psnr", "ssim"}
"""Every id of :data:`srspace_eval.metrics.base.METRICS` that is measured here."""


@dataclass(frozen=True)
class MeterConfig:
    """What is measured.

    Attributes
    ----------
    metrics:
        Ids of :data:`MEASURED`.
    scale, convention:
        The downscaling of LR-PSNR.
    patches:
        The patches of ``diversity_patches``.
    """

    metrics: frozenset[str]
    scale: int
    convention: str = "ntire21"
    patches: PatchPlan | None = None

    def __post_init__(self) -> None:
        unknown = sorted(self.metrics - MEASURED)
        if unknown or not self.metrics:
            known = ", ".join(sorted(MEASURED))
            raise InputError(f"metrics: {', '.join(unknown) or 'none'} given, any of {known} wanted")
        if ("diversity_patches" in self.metrics) != (self.patches is not None):
            raise InputError("diversity_patches and the number, size and seed of its patches go together")

    @property
    def needs_lpips(self) -> bool:
        """Whether any metric needs the trunk's weights."""
        return bool(self.metrics & LPIPS_METRICS)


@dataclass(frozen=True)
class SampleMeasurement:
    """What :meth:`ImageMeter.measure` found out about one sample, for :meth:`ImageMeter.add`."""

    values: dict[str, float]
    layers: list[Tensor] | None
    sr: Tensor | None


@dataclass(frozen=True)
class ImageMeasurement:
    """One image's numbers.

    Attributes
    ----------
    values:
        Id -> value; infinite LR-PSNR is ``math.inf``, an undefined score None. Beside the metrics asked for: ``mse``
        with ``diversity_mse`` and ``diversity_patches_se`` with ``diversity_patches``.
    curves:
        ``"diversity_curve"`` and ``"diversity_mse_curve"``: S_1 .. S_M.
    """

    values: dict[str, float | None]
    curves: dict[str, list[float | None]]


class ImageMeter:
    """Measures the samples of one image.

    :meth:`measure` does the heavy part of one sample and may run in several threads at once, in any order;
    :meth:`add` takes the measurements in the samples' order, one at a time. Each sample's numbers depend on nothing
    but that sample and the GT.

    Parameters
    ----------
    gt:
        (H, W, 3) uint8, cropped as the track says.
    config:
        What is measured.
    lpips:
        Needed if ``config.needs_lpips``.
    lr:
        (ceil(H / scale), ceil(W / scale), 3) uint8 reference of LR-PSNR; None: the downscaled GT.
    image:
        Its name: for messages, and part of the patches' seed.

    Raises
    ------
    InputError
        If a picture is not 8-bit RGB, or sizes do not fit.

    Examples
    --------
    >>> gt = torch.zeros(32, 32, 3, dtype=torch.uint8)
    >>> meter = ImageMeter(gt, MeterConfig(frozenset({"psnr"}), scale=4), None)
    >>> meter.add(meter.measure(gt + 1))
    {'psnr': 48.130803608679...}
    """

    def __init__(
        self, gt: ArrayLike, config: MeterConfig, lpips: LPIPS | None, lr: ArrayLike | None = None, image: str = ""
    ) -> None:
        where = f"{image}: " if image else ""
        self._config = config
        self._image = image
        # On CUDA everything follows the trunk there; MPS lacks float64, so that only the trunk runs on it.
        self._device = lpips.device if lpips is not None and lpips.device.type == "cuda" else torch.device("cpu")
        self._gt = upload(rgb_8bit(gt, f"{where}gt"), self._device)
        height, width = self._gt.shape[:2]
        self._size = (height, width)
        self._lr: Tensor | None = None
        if config.metrics & LR_METRICS:
            wanted = (math.ceil(height / config.scale), math.ceil(width / config.scale))
            self._lr = (
                resize_picture(self._gt, 1 / config.scale, config.convention)
                if lr is None
                else upload(rgb_8bit(lr, f"{where}lr"), self._device)
            )
            if self._lr.shape[:2] != wanted:
                raise InputError(
                    f"{where}the LR is {'×'.join(map(str, self._lr.shape[:2]))}, a GT of {height}×{width} at scale "
                    f"{config.scale} wants {wanted[0]}×{wanted[1]} (height×width)"
                )
        self._lpips = lpips
        self._reference = None
        if config.needs_lpips:
            if lpips is None:
                needing = ", ".join(sorted(config.metrics & LPIPS_METRICS))
                raise InputError(f"{where}these metrics need LPIPS: {needing}")
            self._reference = lpips.prepare(self._gt)
        self._corners = (
            upload(torch.from_numpy(config.patches.corners(height, width, image)), self._device)
            if config.patches is not None
            else None
        )
        self._patch_means: list[Tensor] = []
        self._perceptual = _Running()
        self._squared = _Running()
        self._samples: list[dict[str, float]] = []

    def measure(self, sr: ArrayLike) -> SampleMeasurement:
        """The heavy part of one sample; thread-safe.

        Raises
        ------
        InputError
            If ``sr`` is not (H, W, 3) uint8 of the GT's size.
        """
        picture = upload(rgb_8bit(sr, f"{self._image}: sr" if self._image else "sr"), self._device)
        same_size(picture, self._gt, self._image or "sr and gt")
        metrics = self._config.metrics
        values: dict[str, float] = {}
        # On an accelerator this is queued; the values that follow are the first to be waited for.
        layers = None
        if self._reference is not None and self._lpips is not None:
            layers = [layer.to(self._device) for layer in self._lpips.distances(self._reference, picture)]
        if self._lr is not None:
            values["lr_psnr"] = picture_lr_psnr(picture, self._lr, self._config.scale, self._config.convention)
        if "psnr" in metrics:
            values["psnr"] = picture_psnr(picture, self._gt)
        if "ssim" in metrics:
            values["ssim"] = picture_ssim(picture, self._gt)
        return SampleMeasurement(values, layers, picture if "diversity_mse" in metrics else None)

    def add(self, measurement: SampleMeasurement) -> dict[str, float]:
        """Take one sample's measurement; call it in the samples' order, never twice at once.

        Returns
        -------
        The sample's own values: ``lpips``, ``lr_psnr``, ``mse``, ``psnr``, ``ssim``, those that were asked for.
        """
        values: dict[str, float] = {}
        if measurement.layers is not None:
            values["lpips"] = self._perceptual.take(
                *distance_maps.reduce_into(measurement.layers, self._size, self._perceptual.minimum)
            )
            if self._corners is not None and self._config.patches is not None:
                full = distance_maps.full_map(measurement.layers, self._size)
                self._patch_means.append(patch_means(full, self._corners, self._config.patches.size))
        if measurement.sr is not None:
            values["mse"] = self._squared.take(
                *error_boxes.reduce_into(measurement.sr, self._gt, self._squared.minimum)
            )
        values |= measurement.values
        self._samples.append(values)
        return dict(values)

    def finish(self) -> ImageMeasurement:
        """The image's numbers over the samples added.

        Raises
        ------
        InputError
            If there were none.
        """
        if not self._samples:
            raise InputError(f"{self._image or 'image'}: no samples were measured")
        values: dict[str, float | None] = {}
        curves: dict[str, list[float | None]] = {}
        for name in self._samples[0]:
            values[name] = math.fsum(sample[name] for sample in self._samples) / len(self._samples)
        if self._lr is not None:
            values["lr_psnr_worst"] = min(sample["lr_psnr"] for sample in self._samples)
        if self._reference is not None:
            values["lpips_global_best"] = self._perceptual.global_best
            values["lpips_local_best"] = self._perceptual.local_best
            curves["diversity_curve"] = self._perceptual.curve
            values["diversity"] = self._perceptual.curve[-1]
        if self._patch_means:
            patches = patch_score(fetch(torch.stack(self._patch_means)))
            values["diversity_patches"] = _defined(patches.score)
            values["diversity_patches_se"] = _defined(patches.standard_error)
        if "diversity_mse" in self._config.metrics:
            curves["diversity_mse_curve"] = self._squared.curve
            values["diversity_mse"] = self._squared.curve[-1]
        return ImageMeasurement(values, curves)


@dataclass
class _Running:
    """The running minimum of one distance, and the curve of its score."""

    minimum: Tensor | None = None
    global_best: float = math.inf
    local_best: float = math.inf
    curve: list[float | None] = field(default_factory=list)

    def take(self, mean: float, local_best: float, minimum: Tensor) -> float:
        self.minimum = minimum
        self.global_best = min(self.global_best, mean)
        self.local_best = local_best
        self.curve.append(_defined(score(self.global_best, local_best)))
        return mean


def _defined(value: float) -> float | None:
    return None if math.isnan(value) else value
