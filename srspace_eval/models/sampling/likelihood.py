"""Likelihoods of GTs under a flow."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from srspace_eval._utils.notices import notify
from srspace_eval._utils.png import read_bytes, read_rgb
from srspace_eval._utils.png_structure import inspect_png
from srspace_eval._utils.progress import Progress, no_progress
from srspace_eval.errors import ImageError, InputError, SamplingError
from srspace_eval.models.base import Flow, Model
from srspace_eval.models.device import inference, memory_named
from srspace_eval.models.folders.lr_folder import LrImage, find_lrs
from srspace_eval.models.lr_input import to_tensor
from srspace_eval.models.sampling.samples import memory_budget
from srspace_eval.models.sampling.tiling import size_text

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
        Of an LR of odd size, that of LR and GT padded by reflection to even sizes, as the original programs do it.
    """

    image: str
    height: int
    width: int
    nll: float


def likelihoods(
    model: Model, lr: Path, gt: Path, *, memory: int | None = None, progress: Progress = no_progress
) -> list[Likelihood]:
    """The likelihood of every GT that has an LR, without dequantisation noise.

    Parameters
    ----------
    model:
        A flow.
    lr, gt:
        Folders of PNGs, or one PNG. An LR's GT has its name, with or without an ending such as ``x4``; of a folder of
        LRs and one GT that one pair is taken, and two PNGs are a pair whatever their names. A GT is cropped, top left
        kept, to scale × its LR.
    memory:
        Bytes that may be used on the model's device; None: most of what is free.
    progress:
        Shows a bar: called with a description and a total.

    Returns
    -------
    One entry a pair, in the order of the LRs' names.

    Raises
    ------
    InputError
        If the model has no likelihood.
    SamplingError
        If a GT is missing, does not fit its LR, or needs more memory than may be used; all faults are listed at once.
    """
    if not isinstance(model, Flow):
        raise InputError(f"{model.config.name} has no likelihood: only flows do")
    pairs = _pairs(model, lr, gt, memory_budget(model) if memory is None else memory)
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
    with memory_named(str(gt), "free some, or choose another --device"), inference(model.device):
        _, _, nll = model.encode(to_tensor(low, model.device), to_tensor(high, model.device))
    value = float(nll[0])
    if not math.isfinite(value):
        notify(f"{gt}: its likelihood is not finite ({value})")
    return Likelihood(x.image, height, width, value)


def _pairs(model: Flow, lr: Path, gt: Path, budget: int) -> list[tuple[LrImage, Path]]:
    scale = model.config.scale
    lrs, gts = _partners(lr, gt, find_lrs(lr, scale), scale)
    pairs, problems, cropped = [], [], []
    for x in lrs:
        paths = gts.get(x.image) or gts.get(x.path.stem, [])
        if len(paths) != 1:
            fault = f"is the image of {' and '.join(p.name for p in paths)}" if paths else "has no GT"
            mend = "keep one of them" if paths else f"{gt / f'{x.image}.png'} is missing"
            problems.append(f"{x.path.name}: {fault}: {mend}")
            continue
        (path,) = paths
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
        elif (needed := model.encode_memory_estimate(x.height, x.width, 1)) > budget:
            problems.append(
                f"{path}: encoding {wanted[1]}×{wanted[0]} pixels needs {size_text(needed)}, and {size_text(budget)} "
                "may be used; free memory, give a larger --memory, or choose another --device"
            )
        if any(surplus):
            cropped.append(path.name)
        pairs.append((x, path))
    if problems:
        raise SamplingError(f"{gt}: some likelihoods cannot be computed", problems)
    if cropped:
        notify(f"{gt}: cropped to ×{scale} of their LRs, top left kept: {', '.join(cropped)}")
    return pairs


def _partners(lr: Path, gt: Path, lrs: list[LrImage], scale: int) -> tuple[list[LrImage], dict[str, list[Path]]]:
    """The LRs that are meant, and the GTs of each image."""
    if lr.resolve() == gt.resolve():
        raise SamplingError(f"{gt}: is given as LR and as GT")
    if gt.is_dir():
        found: dict[str, list[Path]] = {}
        try:
            for path in sorted(gt.iterdir()):
                if path.suffix.lower() == ".png":
                    found.setdefault(path.stem, []).append(path)
        except OSError as error:
            raise SamplingError(f"{gt}: cannot be listed ({error.strerror or error})") from error
        return lrs, found
    if not gt.exists():
        raise SamplingError(f"{gt}: there is no such file or folder")
    if gt.suffix.lower() != ".png":
        raise SamplingError(f"{gt}: is no PNG; name a folder of 8-bit RGB PNGs, the GTs, or one of them")
    if lr.is_dir():
        lrs = [x for x in lrs if gt.stem in (x.image, x.path.stem)]
        if not lrs:
            raise SamplingError(
                f"{lr}: holds no LR of {gt.name}, which would be {gt.stem}.png or {gt.stem}x{scale}.png; "
                "name the one PNG as --lr if it is called otherwise"
            )
    elif gt.stem not in (lrs[0].image, lrs[0].path.stem):
        notify(f"{gt}: taken as the GT of {lr.name}, although their names differ")
    return lrs, {lrs[0].image: [gt]}
