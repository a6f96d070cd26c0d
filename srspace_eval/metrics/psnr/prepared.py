"""LR-PSNR of one image's samples."""

from __future__ import annotations

import math

from torch import Tensor

from srspace_eval.errors import InputError
from srspace_eval.metrics.psnr.floor import largest_psnr
from srspace_eval.metrics.psnr.function import picture_lr_psnr
from srspace_eval.metrics.resize import resize_picture
from srspace_eval.metrics.steps import ImageInputs, ImageValues, Prepared, mean_values


class PreparedLrPsnr(Prepared[dict[str, float]]):
    """LR-PSNR against the given LR, else against the downscaled GT.

    Parameters
    ----------
    floored
        In the image's numbers, an infinite value counts as :func:`srspace_eval.metrics.psnr.floor.largest_psnr`.

    Raises
    ------
    InputError
        If there is neither an LR nor a GT, or the LR's size does not fit.
    """

    def __init__(self, image: ImageInputs, convention: str, *, floored: bool = True) -> None:
        self._scale, self._convention = image.scale, convention
        height, width = image.gt.shape[:2]
        required = (math.ceil(height / image.scale), math.ceil(width / image.scale))
        if image.lr is None and not image.has_gt:
            raise InputError(f"{image.where}LR-PSNR needs the LR or the GT; give --lr")
        self._lr = resize_picture(image.gt, 1 / image.scale, convention) if image.lr is None else image.lr
        if self._lr.shape[:2] != required:
            what = "GT" if image.has_gt else "sample"
            raise InputError(
                f"{image.where}the LR is {'×'.join(map(str, self._lr.shape[:2]))}, a {what} of {height}×{width} at "
                f"scale {image.scale} requires {required[0]}×{required[1]} (height×width)"
            )
        self._largest = largest_psnr(*required) if floored else math.inf
        self._samples: list[dict[str, float]] = []

    def measure(self, sr: Tensor) -> dict[str, float]:
        return {"lr_psnr": picture_lr_psnr(sr, self._lr, self._scale, self._convention)}

    def update(self, measured: dict[str, float]) -> dict[str, float]:
        self._samples.append(measured)
        return measured

    def compute(self) -> ImageValues:
        worst = min(self._largest, *(sample["lr_psnr"] for sample in self._samples))
        return ImageValues({**mean_values(self._samples, {"lr_psnr": self._largest}), "lr_psnr_worst": worst})
