"""Likelihoods of GTs under a flow."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from srspace_eval.errors import ImageError, InputError, Notice, SamplingError
from srspace_eval.images import inspect_png, read_bytes, read_rgb
from srspace_eval.models.device import inference, memory_named
from srspace_eval.models.lr_folder import LrImage, find_lrs
from srspace_eval.models.protocol import Flow, Model
from srspace_eval.models.sample_folder import Progress, no_progress
from srspace_eval.models.sampling import memory_budget
from srspace_eval.models.tiling import gigabytes

# A GT may be larger than its LR tells: the LR is often made after a crop to a multiple of this, or of the scale.
_CROP = 8


@dataclass(frozen=True)
class Likelihood:
    """The likelihood of one GT.

    Attributes
    ----------
    image, height, width:
        Its name, and its size after the crop.
    nll:
        Exact negative log-likelihood in bits per pixel of all three channels; NaN or infinite where the flow fails.
    """

    image: str
    height: int
    width: int
    nll: float


def likelihoods(model: Model, lr: Path, gt: Path, *, progress: Progress = no_progress) -> list[Likelihood]:
    """The likelihood of every GT that has an LR, without dequantisation noise.

    Parameters
    ----------
    model:
        A flow.
    lr, gt:
        Folders of PNGs, or one of each. An LR's GT has its name, less an ending such as ``x4``. A GT is cropped, top
        left kept, to scale × its LR.

    Raises
    ------
    InputError
        If the model has no likelihood.
    SamplingError
        If a GT is missing, does not fit its LR, or needs more memory than there is; all faults are listed at once.
    """
    if not isinstance(model, Flow):
        raise InputError(f"{model.config.name} has no likelihood: only flows do")
    pairs = _pairs(model, lr, gt)
    found = []
    with progress("Encoding", len(pairs)) as advance:
        for x, path in pairs:
            found.append(_likelihood(model, x, path))
            advance(1)
    return found


def _likelihood(model: Flow, x: LrImage, gt: Path) -> Likelihood:
    height, width = x.height * model.config.scale, x.width * model.config.scale
    try:
        low, high = read_rgb(x.path), read_rgb(gt)[:height, :width]
    except ImageError as error:
        raise SamplingError(str(error)) from error
    with memory_named(x.image), inference(model.device):
        _, _, nll = model.encode(_tensor(low, model.device), _tensor(high, model.device))
    value = float(nll[0])
    if not math.isfinite(value):
        warnings.warn(f"{gt}: its likelihood is not finite ({value})", Notice, stacklevel=3)
    return Likelihood(x.image, height, width, value)


def _pairs(model: Model, lr: Path, gt: Path) -> list[tuple[LrImage, Path]]:
    scale = model.config.scale
    lrs = find_lrs(lr, scale)
    if gt.is_dir():
        gts = {path.stem: path for path in sorted(gt.iterdir()) if path.suffix.lower() == ".png"}
    else:
        gts = {x.image: gt for x in lrs[:1]}
    budget = memory_budget(model)
    pairs, problems, cropped = [], [], []
    for x in lrs:
        path = gts.get(x.image)
        if path is None:
            problems.append(f"{x.path.name}: has no GT: {gt / f'{x.image}.png'} is missing")
            continue
        try:
            info = inspect_png(read_bytes(path), str(path))
        except ImageError as error:
            problems.append(str(error))
            continue
        wanted = (x.height * scale, x.width * scale)
        surplus = (info.height - wanted[0], info.width - wanted[1])
        if not all(0 <= s < max(_CROP, scale) for s in surplus):
            problems.append(
                f"{path}: {info.width}×{info.height} pixels do not belong to an LR of {x.width}×{x.height} at ×{scale} "
                f"({wanted[1]}×{wanted[0]})"
            )
        elif (needed := model.memory_estimate(x.height, x.width, 1)) > budget:
            problems.append(f"{path}: needs {gigabytes(needed)}, and {gigabytes(budget)} may be used")
        if any(surplus):
            cropped.append(path.name)
        pairs.append((x, path))
    if problems:
        raise SamplingError(f"{gt}: some likelihoods cannot be computed", problems)
    if cropped:
        warnings.warn(
            f"{gt}: cropped to ×{scale} of their LRs, top left kept: {', '.join(cropped)}", Notice, stacklevel=3
        )
    return pairs


def _tensor(pixels: NDArray[np.uint8], device: torch.device) -> torch.Tensor:
    chw = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], dtype=np.float32) / np.float32(255)
    return torch.from_numpy(chw).to(device)
