"""Likelihoods of GTs under a flow."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from srspace_eval._utils.notices import notify
from srspace_eval._utils.png import read_bytes, read_rgb
from srspace_eval._utils.png_structure import inspect_png
from srspace_eval._utils.progress import Progress, no_progress
from srspace_eval.errors import ImageError, InputError, SamplingError
from srspace_eval.models.base import Flow, Model
from srspace_eval.models.folders.lr_folder import LrImage, find_lrs
from srspace_eval.models.loading import origin_of
from srspace_eval.models.lr_input import to_tensor
from srspace_eval.models.memory import default_memory_limit, out_of_memory_named, size_text
from srspace_eval.models.precision import inference

# A GT may be larger than scale × its LR: the LR is often made after a crop to a multiple of this, or of the scale.
_CROP = 8


@dataclass(frozen=True)
class Likelihood:
    """The likelihood of one GT.

    Attributes
    ----------
    image, height, width
        The image's name, and the GT's size in pixels after the crop.
    nll
        Exact negative log-likelihood in bits per HR pixel, its three channels together; NaN or infinite where the flow
        fails. For an LR of odd size it is the likelihood of LR and GT padded by reflection to even sizes, as in the
        authors' programs.
    """

    image: str
    height: int
    width: int
    nll: float


@dataclass(frozen=True)
class LikelihoodReport:
    """The likelihoods of some GTs under one flow.

    Attributes
    ----------
    model
        Name of the model's configuration.
    origin
        Where the model comes from, see :func:`srspace_eval.models.loading.origin_of`.
    images
        One entry for each pair of LR and GT, in the order of the LRs' names.

    Examples
    --------
    >>> from srspace_eval import LikelihoodReport
    >>> from srspace_eval.models.folders.likelihood import Likelihood
    >>> images = (Likelihood("0801", 24, 20, 3.5), Likelihood("0802", 24, 20, 4.5))
    >>> LikelihoodReport("srflow_df2k_x4", {}, images).mean_nll
    4.0
    """

    model: str
    origin: Mapping[str, str]
    images: tuple[Likelihood, ...]

    @property
    def mean_nll(self) -> float:
        """Mean over the images in bits per pixel. It is NaN if one is not finite: the mean is then undefined."""
        if not all(math.isfinite(x.nll) for x in self.images):
            return math.nan
        return sum(x.nll for x in self.images) / len(self.images)

    def to_dict(self) -> dict[str, Any]:
        """The document of ``likelihood --json``.

        Returns
        -------
        dict[str, Any]
            Values that JSON can hold. Likelihoods are in bits per pixel.
        """
        return {
            "model": self.model,
            **self.origin,
            "unit": "bits per pixel",
            "mean_nll": self.mean_nll,
            "images": [asdict(x) for x in self.images],
        }


def likelihoods(
    model: Model,
    lr: str | Path,
    gt: str | Path,
    *,
    memory_limit: int | None = None,
    checkpoint: str | Path | None = None,
    progress: Progress = no_progress,
) -> LikelihoodReport:
    """Compute the likelihood of every GT that has an LR, without dequantisation noise.

    The command ``srspace-eval likelihood`` does the same.

    Parameters
    ----------
    model
        A flow.
    lr, gt
        Folders of PNGs, or one PNG. An LR's GT has the same name, with or without an ending such as ``x4``. If one of
        the two is a PNG, the pair is looked up in the other folder; two PNGs are a pair whatever their names. A GT is
        cropped to scale × its LR; the top left corner is kept.
    memory_limit
        Bytes that may be used on the model's device; None: most of what is free.
    checkpoint
        The file or plug-in that the model was loaded from, for the report; None: what ``load_model`` was given.
    progress
        Progress callback, see :data:`srspace_eval._utils.progress.Progress`.

    Returns
    -------
    LikelihoodReport
        The negative log-likelihood of each GT in bits per pixel, and their mean.

    Raises
    ------
    InputError
        If the model has no likelihood.
    SamplingError
        If a GT is missing, does not fit its LR, or needs more memory than may be used. All problems are listed.
    CheckpointError
        If ``checkpoint`` cannot be read.

    Examples
    --------
    >>> from pathlib import Path
    >>> import numpy as np
    >>> import torch
    >>> from srspace_eval import Flow, ModelConfig, likelihoods, write_png
    >>> class NearestFlow(Flow):
    ...     config = ModelConfig("nearest_x4", "nearest", scale=4)
    ...     device = torch.device("cpu")
    ...     halo = 0
    ...
    ...     def condition(self, lr):
    ...         return torch.nn.functional.interpolate(lr, scale_factor=4)
    ...
    ...     def latent_shapes(self, height, width):
    ...         return ((3, 4 * height, 4 * width),)
    ...
    ...     def decode(self, lr, latents):
    ...         return self.condition(lr) + latents[0], torch.zeros(len(latents[0]))
    ...
    ...     def encode(self, lr, hr):
    ...         z = hr - self.condition(lr)
    ...         density = torch.distributions.Normal(0, 1).log_prob(z).sum((1, 2, 3))
    ...         return [z], torch.zeros(len(z)), -density / (torch.log(torch.tensor(2.0)) * z[0, 0].numel())
    ...
    ...     def memory_estimate(self, height, width, n):
    ...         return (1 + n) * 2 * 3 * 4 * height * width * 16
    >>> for name, shape in (("lr/0801x4.png", (6, 5, 3)), ("gt/0801.png", (24, 20, 3))):
    ...     Path(name).parent.mkdir()
    ...     write_png(name, np.full(shape, 128, np.uint8))
    >>> report = likelihoods(NearestFlow(), "lr", "gt")
    >>> [image.image for image in report.images], round(report.mean_nll, 2)
    (['0801'], 3.98)
    """
    if not isinstance(model, Flow):
        raise InputError(f"{model.config.name} has no likelihood: only flows do")
    limit = default_memory_limit(model.device) if memory_limit is None else memory_limit
    pairs = _pairs(model, Path(lr), Path(gt), limit)
    found = []
    with progress("Encoding", len(pairs)) as advance:
        for x, path in pairs:
            found.append(_likelihood(model, x, path))
            advance(1)
    return LikelihoodReport(model.config.name, origin_of(model, checkpoint), tuple(found))


def _likelihood(model: Flow, x: LrImage, gt: Path) -> Likelihood:
    height, width = x.height * model.config.scale, x.width * model.config.scale
    try:
        low, high = read_rgb(x.path), read_rgb(gt)[:height, :width]
    except ImageError as error:
        raise SamplingError(str(error)) from error
    with out_of_memory_named(str(gt), "free some, or choose another --device"), inference(model.device):
        _, _, nll = model.encode(to_tensor(low, model.device), to_tensor(high, model.device))
    value = float(nll[0])
    if not math.isfinite(value):
        notify(f"{gt}: its likelihood is not finite ({value})")
    return Likelihood(x.image, height, width, value)


def _pairs(model: Flow, lr: Path, gt: Path, memory_limit: int) -> list[tuple[LrImage, Path]]:
    scale = model.config.scale
    lrs, gts = _partners(lr, gt, find_lrs(lr, scale), scale)
    pairs, problems, cropped = [], [], []
    for x in lrs:
        paths = gts.get(x.image) or gts.get(x.path.stem, [])
        if len(paths) != 1:
            problem = f"belongs to {' and '.join(p.name for p in paths)}" if paths else "has no GT"
            hint = "keep one of them" if paths else f"{gt / f'{x.image}.png'} is missing"
            problems.append(f"{x.path.name}: {problem}: {hint}")
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
        elif (needed := model.encode_memory_estimate(x.height, x.width, 1)) > memory_limit:
            problems.append(
                f"{path}: encoding {wanted[1]}×{wanted[0]} pixels needs {size_text(needed)}, and "
                f"{size_text(memory_limit)} may be used; free memory, give a larger --memory, or use another --device"
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
    """The LRs whose likelihoods are wanted, and image -> its GTs."""
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
        raise SamplingError(f"{gt}: is not a PNG; name a folder of 8-bit RGB PNGs, the GTs, or one of them")
    if lr.is_dir():
        lrs = [x for x in lrs if gt.stem in (x.image, x.path.stem)]
        if not lrs:
            raise SamplingError(
                f"{lr}: holds no LR of {gt.name}, which would be {gt.stem}.png or {gt.stem}x{scale}.png; "
                "give the PNG itself as --lr if it has another name"
            )
    elif gt.stem not in (lrs[0].image, lrs[0].path.stem):
        notify(f"{gt}: taken as the GT of {lr.name}, although their names differ")
    return lrs, {lrs[0].image: [gt]}
