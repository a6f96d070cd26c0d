"""A folder of LRs in, a submission out: names, record, resume."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from srspace_eval._utils import strict_json
from srspace_eval._utils.hashing import sha256
from srspace_eval._utils.notices import notify
from srspace_eval._utils.png import decode_png, read_bytes
from srspace_eval._utils.progress import Progress, no_progress
from srspace_eval.errors import ImageError, InputError, SamplingError
from srspace_eval.models.base import Model, Quantize
from srspace_eval.models.device import Precision
from srspace_eval.models.folders.lr_folder import LrImage, find_lrs, name_samples, sample_files
from srspace_eval.models.folders.output_folder import Job, OutputFolder, environment
from srspace_eval.models.folders.png_writers import PngWriters
from srspace_eval.models.folders.provenance import ImageEntry, Provenance, read_provenance
from srspace_eval.models.sampling.samples import NOT_FINITE, Method, check_heat, iterate_samples, memory_budget
from srspace_eval.models.sampling.tiling import STEP, halo_of, size_text, tiles
from srspace_eval.tracks.model import Track


@dataclass(frozen=True)
class SampleOptions:
    """What :func:`sample_folder` makes.

    Attributes
    ----------
    samples:
        Samples of each LR.
    heats:
        With one heat the samples lie in the folder itself; with several each heat gets a folder of its own in it,
        ``heat-0.7``, a submission by itself. All heats scale the same latents.
    seed, quantize, precision:
        See :class:`srspace_eval.models.sampling.samples.Method`; ``quantize`` None: as the model's own program does.
    tile:
        ``"auto"``: whole LRs where the memory allows, else the largest tiles that it allows; ``"off"``; or the side
        in LR pixels, a multiple of 16.
    memory:
        Bytes that may be used on the model's device; None: most of what is free.
    track, names:
        See :func:`srspace_eval.models.folders.lr_folder.name_samples`.
    overwrite:
        Make everything anew, instead of only what is missing.
    """

    samples: int = 10
    heats: tuple[float, ...] = (0.9,)
    seed: int = 0
    quantize: Quantize | None = None
    precision: Precision = "float32"
    tile: int | str = "auto"
    memory: int | None = None
    track: Track | None = None
    names: str | None = None
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise InputError(f"samples = {self.samples}: at least one must be asked for")
        if not isinstance(self.tile, int) and self.tile not in ("auto", "off"):
            raise InputError(f"tile = {self.tile!r} is not auto, off or a number of LR pixels")
        if isinstance(self.tile, int) and (self.tile < STEP or self.tile % STEP):
            raise InputError(f"tile = {self.tile} is not a multiple of {STEP}")
        if not self.heats or len({check_heat(heat) for heat in self.heats}) < len(self.heats):
            raise InputError(f"heats {', '.join(map(str, self.heats))}: name at least one, and each once")


@dataclass(frozen=True)
class SampleReport:
    """What was done: the folders, the name template, the numbers of LRs, of pictures made and of those there before."""

    folders: tuple[Path, ...]
    names: str
    images: int
    made: int
    kept: int


def folder_name(heat: float) -> str:
    """The folder of one heat among several; different heats have different folders.

    >>> folder_name(0.70), folder_name(1.0), folder_name(0.7000001)
    ('heat-0.7', 'heat-1', 'heat-0.7000001')
    """
    short = f"{heat:g}"
    return f"heat-{short if float(short) == heat else repr(heat)}"


def sample_folder(
    model: Model,
    lr: Path,
    out: Path,
    options: SampleOptions | None = None,
    *,
    checkpoint: Mapping[str, Any] | None = None,
    progress: Progress = no_progress,
) -> SampleReport:
    """Sample every LR of a folder into a submission that ``score`` takes.

    A picture is written under its final name only when it is complete. A run that was stopped, or killed, goes on
    when it is called again with the same options; more samples or more LRs may be asked for.

    Parameters
    ----------
    model:
        Any :class:`~srspace_eval.models.base.Model`.
    lr, out:
        The folder of LRs (or one PNG), and the folder to fill; it is made if it is not there.
    options:
        None: the defaults of :class:`SampleOptions`.
    checkpoint:
        Where the model is from, for the record: its file's name and SHA-256.
    progress:
        Shows a bar: called with a description and a total.

    Raises
    ------
    SamplingError
        If the LRs cannot be used, the folder holds samples of another making, the memory does not suffice, or samples
        were not finite: those are listed at the end and not written, all others are.
    """
    options = options or SampleOptions()
    scale = model.config.scale
    _tell_deterministic(model, options)
    lrs = find_lrs(lr, scale)
    template, lrs = name_samples(lrs, scale=scale, samples=options.samples, track=options.track, names=options.names)
    if out.resolve() == (lr if lr.is_dir() else lr.parent).resolve():
        raise SamplingError(f"{out}: is the folder of the LRs; choose another --out")
    names = sample_files(template, lrs, options.samples)
    method = Method(options.seed, options.quantize or model.config.quantize, options.precision)
    heats = [check_heat(heat) for heat in options.heats]
    folders = [OutputFolder(out if len(heats) == 1 else out / folder_name(heat), heat, names) for heat in heats]
    budget = memory_budget(model) if options.memory is None else options.memory

    with ExitStack() as held:
        for folder in folders:
            held.enter_context(folder.held())
        plans = []
        for folder in folders:
            old = None if options.overwrite else read_provenance(folder.path)
            entries = []
            for x in lrs:
                tile = folder.tile(model, x, options.tile, budget, old)
                entries.append(ImageEntry(x.image, x.path.name, x.sha256, tile, tuple(names[x.image])))
            record = _record(model, folder.heat, method, template.text, entries, checkpoint or {})
            if options.overwrite:
                folder.clear()
            plans.append(folder.begin(record, old))
        _tell_tiles(model, lrs, plans[0], budget)
        missing = sum(len(job.files) for plan in plans for job in plan)
        lost: list[str] = []
        with progress("Sampling", missing) as advance, PngWriters(advance) as writers:
            for x, jobs in zip(lrs, zip(*plans, strict=True), strict=True):
                lost += _sample_image(model, x, jobs, method, budget, writers)
    if lost:
        raise SamplingError(f"{out}: {NOT_FINITE}; they were not written", lost)
    total = sum(map(len, names.values())) * len(folders)
    paths = tuple(folder.path for folder in folders)
    return SampleReport(paths, template.text, len(lrs), missing, total - missing)


def _sample_image(
    model: Model, x: LrImage, jobs: tuple[Job, ...], method: Method, budget: int, writers: PngWriters
) -> list[str]:
    """Make what is missing of one image, for all heats on one conditioning; returns the names of lost samples."""
    lost = []
    for tile in dict.fromkeys(job.tile for job in jobs):
        files = {request: path for job in jobs if job.tile == tile for request, path in job.files.items()}
        if not files:
            continue
        pixels = _read_lr(x)
        for request, picture in iterate_samples(model, pixels, list(files), x.image, method, tile, budget):
            if picture is None:
                lost.append(f"{files[request]}: image {x.image}, sample {request.sample}, heat {request.heat:g}")
            else:
                writers.write(files[request], picture)
    return lost


def _read_lr(x: LrImage) -> Any:
    try:
        data = read_bytes(x.path)
        if sha256(data) != x.sha256:
            raise ImageError(f"{x.path}: was changed while it was being sampled; start again")
        return decode_png(data, str(x.path))
    except ImageError as error:
        raise SamplingError(str(error)) from error


def _record(
    model: Model,
    heat: float,
    method: Method,
    names: str,
    entries: list[ImageEntry],
    checkpoint: Mapping[str, Any],
) -> Provenance:
    config = model.config
    described = {
        **checkpoint,
        "name": config.name,
        "family": config.family,
        "scale": config.scale,
        "deterministic": config.deterministic,
        "details": dict(config.details),
    }
    return Provenance(
        # As it will be read again: a plugin's tuples become lists.
        model=json.loads(strict_json.dumps(described)),
        settings={
            "heat": None if config.deterministic else heat,
            "seed": None if config.deterministic else method.seed,
            "quantize": method.quantize,
            "precision": method.precision,
            "device": model.device.type,
            "names": names,
        },
        environments=(environment(model.device),),
        images=tuple(entries),
    )


def _tell_deterministic(model: Model, options: SampleOptions) -> None:
    if not model.config.deterministic:
        return
    if len(options.heats) > 1:
        raise InputError(f"{model.config.name} is deterministic: heat changes nothing; give one at most")
    if options.samples > 1:
        notify(
            f"{model.config.name} is deterministic: the {options.samples} samples of an image are copies; --samples 1 "
            "writes one"
        )


def _tell_tiles(model: Model, lrs: list[LrImage], plan: list[Job], budget: int) -> None:
    halo = halo_of(model)
    for x, job in zip(lrs, plan, strict=True):
        if job.tile is not None and job.files:
            count = sum(1 for _ in tiles(x.height, x.width, job.tile, halo))
            needed = model.memory_estimate(x.height, x.width, 1)
            notify(
                f"{x.image}: {x.width}×{x.height} LR pixels are decoded in {count} tiles of {job.tile}×{job.tile} with "
                f"{halo} pixels of context; whole they need {size_text(needed)}, and {size_text(budget)} may be used"
            )
