"""DISTS (K. Ding et al., "Image Quality Assessment: Unifying Structure and Texture Similarity", 2020).

Own code, because the authors' package computes the GT's features again for each sample, holds all features of both
pictures at once, and downloads the trunk by itself. Its calibrated weights are in ``parameters/`` with their notice.
The trunk is LPIPS's VGG-16, with another pooling.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from srspace_eval._utils.devices import device_name, resolve_device, without_autocast
from srspace_eval._utils.hashing import sha256
from srspace_eval.errors import InputError
from srspace_eval.kernels.cuda import fetch, upload
from srspace_eval.metrics._arrays import ArrayLike, rgb
from srspace_eval.metrics.lpips import weights as weight_files
from srspace_eval.metrics.lpips.nets import NETS
from srspace_eval.metrics.lpips.network import set_arithmetic
from srspace_eval.metrics.lpips.trunk_files import is_torchvision, read_parameters
from srspace_eval.metrics.lpips.trunks import ARCHITECTURES, Trunk

VERSION = "1"
NET = "vgg"
SMALLEST = NETS[NET].smallest
"""Smallest height and width."""

# torchvision's constants, for RGB in [0, 1].
_MEAN = (0.485, 0.456, 0.406)
_STD = (0.229, 0.224, 0.225)
_C1 = _C2 = 1e-6


def _trunk_path(weights_dir: Path | None) -> Path:
    return weight_files.weights_path(NET, weights_dir, option=f"--lpips-weights FILE with --lpips-net {NET}")


@dataclass(frozen=True)
class Features:
    """A GT as DISTS sees it.

    Attributes
    ----------
    size
        (height, width) in pixels.
    taps
        The picture itself and the activations at each tap, one pixel a row: (h * w, C) float32.
    sums
        For each tap the sums over its pixels of values and of squared values, (2, C) float64.
    """

    size: tuple[int, int]
    taps: tuple[Tensor, ...]
    sums: tuple[Tensor, ...]


class DISTS:
    """DISTS of many samples against one GT.

    Parameters
    ----------
    weights
        The file of VGG-16's weights, any state dict under torchvision's names; None: torchvision's file, searched as
        :func:`srspace_eval.weights_search_path` says.
    weights_dir
        Searched first.
    device
        torch device; ``"auto"``: CUDA if there is one.

    Attributes
    ----------
    signature
        What the numbers depend on: version, hashes of trunk and weights, precision.
    device, device_name
        Where it runs.

    Raises
    ------
    WeightsError
        If weights are missing, damaged, or of another network.
    ExecutorError
        If the device cannot be used.
    """

    def __init__(
        self, *, weights: Path | None = None, weights_dir: Path | None = None, device: str | torch.device = "cpu"
    ) -> None:
        self.device = resolve_device(device)
        self.device_name = device_name(self.device)
        path = Path(weights) if weights is not None else _trunk_path(weights_dir)
        digest = weight_files.sha256(path)
        parameters = read_parameters(NET, path)
        calibration = files("srspace_eval.metrics.dists").joinpath("parameters/weights.npz").read_bytes()
        self.signature: dict[str, Any] = {
            "version": VERSION,
            "trunk": "torchvision" if is_torchvision(NET, digest, parameters) else "custom",
            "trunk_sha256": digest,
            "weights_sha256": sha256(calibration),
            "precision": "float32",
        }
        self._trunk = Trunk(NET, parameters, self.device, torch.float32, smooth_pooling=True)
        channels = [3, *ARCHITECTURES[NET].channels]
        with np.load(io.BytesIO(calibration), allow_pickle=False) as arrays:
            alpha, beta = (torch.from_numpy(arrays[name].astype(np.float64)) for name in ("alpha", "beta"))
        total = alpha.sum() + beta.sum()
        self._alpha, self._beta = torch.split(alpha / total, channels), torch.split(beta / total, channels)

    @without_autocast
    def prepare(self, gt: ArrayLike) -> Features:
        """The GT's features: (H, W, 3), uint8 or float in [0, 1].

        Raises
        ------
        InputError
            If it is not such a picture, or too small.
        """
        image = rgb(gt, "gt")
        if min(image.shape[:2]) < SMALLEST:
            raise InputError(
                f"gt: {image.shape[0]}×{image.shape[1]} pixels; DISTS needs at least {SMALLEST}×{SMALLEST}"
            )
        taps: list[Tensor] = []
        sums: list[Tensor] = []
        for tap, start, pixels, values in self._parts(image):
            if tap == len(taps):
                taps.append(torch.empty((pixels, values.shape[1]), dtype=torch.float32, device=values.device))
                sums.append(torch.zeros((2, values.shape[1]), dtype=torch.float64))
            taps[tap][start : start + len(values)] = values
            wide = _wide(values)
            sums[tap] += fetch(torch.stack([wide.sum(0), wide.square().sum(0)]))
        return Features((image.shape[0], image.shape[1]), tuple(taps), tuple(sums))

    @without_autocast
    def distance(self, gt: Features, sr: ArrayLike) -> float:
        """DISTS of a sample, 0 to 1; lower is closer.

        Parameters
        ----------
        gt
            What :meth:`prepare` made of the GT.
        sr
            (H, W, 3), uint8 or float in [0, 1], of the GT's size.

        Raises
        ------
        InputError
            If it is not such a picture, or not of the GT's size.
        """
        image = rgb(sr, "sr")
        if image.shape[:2] != gt.size:
            raise InputError(f"sr is {image.shape[0]}×{image.shape[1]}, gt is {gt.size[0]}×{gt.size[1]} (height×width)")
        sums = [torch.zeros((3, tap.shape[1]), dtype=torch.float64) for tap in gt.taps]
        for tap, start, _, values in self._parts(image):
            wide, other = _wide(values), _wide(gt.taps[tap][start : start + len(values)])
            sums[tap] += fetch(torch.stack([wide.sum(0), wide.square().sum(0), (wide * other).sum(0)]))
        similarity = 0.0
        for number, features in enumerate(gt.taps):
            x, x_square = gt.sums[number] / len(features)
            y, y_square, product = sums[number] / len(features)
            texture = (2 * x * y + _C1) / (x**2 + y**2 + _C1)
            structure = (2 * (product - x * y) + _C2) / ((x_square - x**2) + (y_square - y**2) + _C2)
            similarity += float((self._alpha[number] * texture + self._beta[number] * structure).sum())
        return min(max(1 - similarity, 0.0), 1.0)

    def _parts(self, image: Tensor) -> Iterator[tuple[int, int, int, Tensor]]:
        """Tap, first pixel of the part, pixels of the whole tap, and the part's (n, C) values."""
        height, width, _ = image.shape
        if self.device.type == "cuda":
            set_arithmetic(tf32=False)
        peak = 255 if image.dtype == torch.uint8 else 1
        picture = upload(image if image.dtype == torch.uint8 else image.to(torch.float32), self.device) / peak
        yield 0, 0, height * width, picture.reshape(-1, 3)
        mean, std = (torch.tensor(values, device=self.device) for values in (_MEAN, _STD))
        normalised = ((picture - mean) / std).permute(2, 0, 1)[None]
        del picture
        with torch.no_grad():
            for part in self._trunk.activations(normalised):
                columns = part.values.shape[3]
                values = part.values[0].permute(1, 2, 0).reshape(-1, part.values.shape[1])
                yield part.tap + 1, part.start * columns, part.height * columns, values
                del part, values  # else they would live on while the next is made


def _wide(values: Tensor) -> Tensor:
    # MPS has no float64.
    return (values.cpu() if values.device.type == "mps" else values).to(torch.float64)
