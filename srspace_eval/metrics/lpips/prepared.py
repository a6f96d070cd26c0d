"""LPIPS and S_M with LPIPS of one image's samples: one pass of the network for each sample."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from srspace_eval.errors import InputError
from srspace_eval.kernels import distance_maps
from srspace_eval.kernels.cuda import fetch, upload
from srspace_eval.metrics.diversity.function import PatchPlan, patch_means, patch_score
from srspace_eval.metrics.diversity.running import RunningScore, defined
from srspace_eval.metrics.steps import ImageInputs, ImageValues, Prepared, SampleMean


class PreparedLpips(Prepared[list[Tensor]]):
    """What LPIPS's distance maps give: LPIPS, its best values, S_M over pixels and, with a plan, over patches.

    Raises
    ------
    InputError
        If there is no network, or the image is too small for it or for the patches.
    """

    def __init__(self, image: ImageInputs, plan: PatchPlan | None) -> None:
        if image.network is None:
            raise InputError(f"{image.where}LPIPS and S_M with LPIPS need LPIPS's network")
        self._network, self._device = image.network, image.gt.device
        height, width = image.gt.shape[:2]
        self._size = (height, width)
        self._reference = self._network.prepare(image.gt)
        self._plan = plan
        self._corners = (
            None if plan is None else upload(torch.from_numpy(plan.corners(height, width, image.name)), self._device)
        )
        self._patch_means: list[Tensor] = []
        self._running = RunningScore()

    def measure(self, sr: Tensor) -> list[Tensor]:
        return [layer.to(self._device) for layer in self._network.distances(self._reference, sr)]

    def update(self, measured: list[Tensor]) -> dict[str, float]:
        mean = self._running.update(*distance_maps.reduce_into(measured, self._size, self._running.minimum))
        if self._corners is not None and self._plan is not None:
            full = distance_maps.full_map(measured, self._size)
            self._patch_means.append(patch_means(full, self._corners, self._plan.size))
        return {"lpips": mean}

    def compute(self) -> ImageValues:
        running = self._running
        values: dict[str, float | None] = {
            "lpips": running.mean(),
            "lpips_global_best": running.global_best,
            "lpips_local_best": running.local_best,
            "diversity": running.curve[-1],
        }
        if self._patch_means:
            patches = patch_score(fetch(torch.stack(self._patch_means)))
            values["diversity_patches"] = defined(patches.score)
            values["diversity_patches_se"] = defined(patches.standard_error)
        return ImageValues(values, {"diversity_curve": running.curve})


class PreparedLayerMeans(SampleMean):
    """Non-spatial LPIPS: for each sample the sum of its layers' mean distances.

    Raises
    ------
    InputError
        If there is no network, or the image is too small for it.
    """

    def __init__(self, image: ImageInputs) -> None:
        if image.network is None:
            raise InputError(f"{image.where}LPIPS needs LPIPS's network")
        network, reference = image.network, image.network.prepare(image.gt)

        def distance(sr: Tensor) -> dict[str, float]:
            layers = [layer.to(image.gt.device) for layer in network.distances(reference, sr)]  # MPS has no float64
            means = torch.stack([layer.mean(dtype=torch.float64) for layer in layers])
            return {"lpips": math.fsum(fetch(means).tolist())}

        super().__init__(distance)

    def compute(self) -> ImageValues:
        values = {"lpips_global_best": min(sample["lpips"] for sample in self.samples)}
        return ImageValues({**super().compute().values, **values})
