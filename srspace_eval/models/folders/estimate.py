"""How long a sample set will take, measured on one tile before the first sample is made."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from srspace_eval._utils.png import read_rgb
from srspace_eval.errors import SrspaceEvalError
from srspace_eval.models.base import Model
from srspace_eval.models.folders.lr_folder import find_lrs, name_samples, sample_files
from srspace_eval.models.folders.options import SampleOptions
from srspace_eval.models.folders.output_folder import is_made
from srspace_eval.models.folders.sample_folder import folder_name
from srspace_eval.models.memory import default_memory_limit
from srspace_eval.models.sampling.samples import iterate_samples
from srspace_eval.models.sampling.settings import SampleRequest, SamplingSettings, check_heat
from srspace_eval.models.sampling.tiling import choose_tile_size

TILE = 48
"""Side of the measured tile, in LR pixels."""


@dataclass(frozen=True)
class SamplingEstimate:
    """What is ahead of :func:`sample_folder`.

    Attributes
    ----------
    device
        Where the model runs, such as ``"cpu (8 cores)"``.
    samples
        The number of samples that are missing.
    seconds
        About how long they take. An upper estimate: what samples of one LR share is counted for each.
    tile
        Height and width of the measured tile, in LR pixels.
    """

    device: str
    samples: int
    seconds: float
    tile: tuple[int, int]

    def __str__(self) -> str:
        height, width = self.tile
        return (
            f"{self.samples} samples on {self.device}: about {_duration(self.seconds)} "
            f"(measured on {width}×{height} LR pixels)"
        )


def estimate_sampling(
    model: Model, lr: str | Path, out: str | Path, options: SampleOptions | None = None
) -> SamplingEstimate | None:
    """Estimate how long :func:`sample_folder` will take with the same arguments. Nothing is written.

    One tile of the first LR is sampled once, and its time is scaled to the pixels of all missing samples.

    Returns
    -------
    SamplingEstimate or None
        The estimate; None if nothing is missing, or the LRs or the memory cannot be used, which :func:`sample_folder`
        reports.
    """
    options = options or SampleOptions()
    try:
        lrs = find_lrs(Path(lr), model.config.scale)
        template, lrs = name_samples(
            lrs, scale=model.config.scale, samples=options.samples, track=options.track, names=options.names
        )
        names = sample_files(template, lrs, options.samples)
        heats = [check_heat(heat) for heat in options.heats]
        folders = [Path(out) if len(heats) == 1 else Path(out) / folder_name(heat) for heat in heats]
        missing = [
            sum(options.overwrite or not is_made(folder / name) for folder in folders for name in names[x.image])
            for x in lrs
        ]
        count = sum(missing)
        if not count:
            return None
        tile = read_rgb(lrs[0].path)[:TILE, :TILE]
        settings = SamplingSettings(options.seed, options.quantize or model.config.quantize, options.precision)
        limit = default_memory_limit(model.device) if options.memory_limit is None else options.memory_limit
        part = choose_tile_size(model, tile.shape[0], tile.shape[1], limit, lrs[0].image)
        start = time.perf_counter()
        list(iterate_samples(model, tile, [SampleRequest(0, heats[0])], lrs[0].image, settings, part, limit))
        seconds = time.perf_counter() - start
    except SrspaceEvalError:
        return None
    # The samples of a deterministic model are copies of the first one.
    made = [min(number, 1) for number in missing] if model.config.deterministic else missing
    work = sum(x.height * x.width * number for x, number in zip(lrs, made, strict=True))
    pixels = tile.shape[0] * tile.shape[1]
    name = model.device.type
    device = f"{name} ({os.cpu_count()} cores)" if name == "cpu" else name
    return SamplingEstimate(device, count, seconds * work / pixels, (tile.shape[0], tile.shape[1]))


def _duration(seconds: float) -> str:
    """A time as people say it.

    >>> _duration(0.4), _duration(75), _duration(9000)
    ('1 second', '1 minute', '2.5 hours')
    """
    if seconds < 60:
        number, unit = f"{max(1, round(seconds))}", "second"
    elif seconds < 3600:
        number, unit = f"{round(seconds / 60)}", "minute"
    else:
        number, unit = f"{seconds / 3600:.1f}", "hour"
    return f"{number} {unit}" + ("" if number == "1" else "s")
