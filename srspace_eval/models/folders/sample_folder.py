"""Sample a folder of LRs into a submission; a stopped run can be resumed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from srspace_eval._utils import strict_json
from srspace_eval._utils.hashing import sha256
from srspace_eval._utils.notices import notify
from srspace_eval._utils.png import decode_png, is_folder_of, read_bytes
from srspace_eval._utils.progress import Progress, no_progress
from srspace_eval.errors import ImageError, InputError, SamplingError
from srspace_eval.models.base import Model
from srspace_eval.models.folders.lr_folder import LrImage, find_lrs, name_samples, sample_files
from srspace_eval.models.folders.options import SampleOptions
from srspace_eval.models.folders.output_folder import MissingSamples, OutputFolder
from srspace_eval.models.folders.png_writers import PngWriters
from srspace_eval.models.folders.sampling_record import RecordedImage, SamplingRecord, environment, read_record
from srspace_eval.models.loading import origin_of
from srspace_eval.models.memory import default_memory_limit, size_text
from srspace_eval.models.precision import Precision, check_precision, is_emulated
from srspace_eval.models.sampling.deviation import measure_deviation
from srspace_eval.models.sampling.samples import NOT_FINITE, iterate_samples
from srspace_eval.models.sampling.settings import SamplingSettings, check_heat
from srspace_eval.models.sampling.tiling import halo_of, tiles


@dataclass(frozen=True)
class SampleReport:
    """What :func:`sample_folder` did.

    Attributes
    ----------
    folders
        The folders of samples, one for each heat.
    names
        The template of the file names.
    images
        Number of LRs.
    made, kept
        Number of samples made now, and of those that existed before.

    Examples
    --------
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from srspace_eval import SampleOptions, load_model, sample_folder, write_png
    >>> Path("small").mkdir()
    >>> write_png("small/0801x4.png", np.zeros((6, 5, 3), np.uint8))
    >>> report = sample_folder(load_model("bicubic_x4", "cpu"), "small", "out", SampleOptions(samples=1))
    >>> report.images, report.made, report.kept
    (1, 1, 0)
    """

    folders: tuple[Path, ...]
    names: str
    images: int
    made: int
    kept: int


def sample_folder(
    model: Model,
    lr: str | Path,
    out: str | Path,
    options: SampleOptions | None = None,
    *,
    checkpoint: str | Path | None = None,
    progress: Progress = no_progress,
) -> SampleReport:
    """Sample every LR of a folder into a submission that ``score`` accepts, as ``srspace-eval sample`` does.

    A picture gets its final name only when it is complete. A run that was stopped or killed is resumed by the same
    call. A later call may request more samples or more LRs.

    Parameters
    ----------
    model
        Any :class:`~srspace_eval.models.base.Model`.
    lr
        A folder of 8-bit RGB PNGs, the LRs; or one PNG.
    out
        The folder to fill; it is created if necessary.
    options
        What to make; None: the defaults of :class:`SampleOptions`.
    checkpoint
        The file or plug-in that the model was loaded from, for the sampling record; None: what ``load_model`` was
        given.
    progress
        Progress callback, see :data:`srspace_eval._utils.progress.Progress`.

    Returns
    -------
    SampleReport
        The folders, the template of the file names, and how many samples were made and how many existed.

    Raises
    ------
    InputError
        If several heats are given to a deterministic model, or the model does not work in the precision.
    SamplingError
        If the LRs cannot be used, the folder holds samples that were made differently, or there is not enough memory;
        or if some samples were not finite: these are listed at the end and not written, all others are.
    CheckpointError
        If ``checkpoint`` cannot be read.
    ImageError
        If an LR changes while it is being sampled.

    Examples
    --------
    >>> import tempfile
    >>> from srspace_eval._utils.png import write_png
    >>> from srspace_eval.models import load_model
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_png(Path(folder) / "0801x4.png", np.zeros((6, 5, 3), np.uint8))
    ...     options = SampleOptions(samples=1)
    ...     report = sample_folder(load_model("bicubic_x4", "cpu"), folder, f"{folder}/out", options)
    >>> report.made, report.names
    (1, '{index:06d}.png')
    """
    options = options or SampleOptions()
    lr, out = Path(lr), Path(out)
    scale = model.config.scale
    _check_deterministic(model, options)
    check_precision(model, options.precision)
    lrs = find_lrs(lr, scale)
    template, lrs = name_samples(lrs, scale=scale, samples=options.samples, track=options.track, names=options.names)
    names = sample_files(template, lrs, options.samples)
    settings = SamplingSettings(options.seed, options.quantize or model.config.quantize, options.precision)
    heats = [check_heat(heat) for heat in options.heats]
    folders = [OutputFolder(out if len(heats) == 1 else out / folder_name(heat), heat, names) for heat in heats]
    if same := [place for place in (out, *(folder.path for folder in folders)) if is_folder_of(place, lr)]:
        raise SamplingError(f"{same[0]}: is the folder of the LRs; choose another --out")
    memory_limit = default_memory_limit(model.device) if options.memory_limit is None else options.memory_limit
    described = _describe_model(model, origin_of(model, checkpoint))
    if is_emulated(model.device, options.precision):
        notify(f"this CPU has no {options.precision} arithmetic: it is emulated, which saves no time")

    with ExitStack() as held:
        for folder in folders:
            held.enter_context(folder.held())
        plans = []
        for folder in folders:
            old = None if options.overwrite else read_record(folder.path)
            images = []
            for x in lrs:
                tile_size = folder.tile_size(model, x, options.tile, memory_limit, old)
                images.append(RecordedImage(x.image, x.path.name, x.sha256, tile_size, tuple(names[x.image])))
            record = SamplingRecord(
                model=described,
                settings=_settings_of(model, folder.heat, settings, template.text),
                environments=(_environment(model, folder.heat, options.precision),),
                images=tuple(images),
            )
            if options.overwrite:
                folder.clear()
            plans.append(folder.begin(record, old))
        _notify_tiles(model, lrs, plans[0], memory_limit)
        missing = sum(len(image.files) for plan in plans for image in plan)
        lost: list[str] = []
        with progress("Sampling", missing) as advance, PngWriters(advance) as writers:
            for x, wanted in zip(lrs, zip(*plans, strict=True), strict=True):
                lost += _sample_image(model, x, wanted, settings, memory_limit, writers)
    if lost:
        raise SamplingError(f"{out}: {NOT_FINITE}; they were not written", lost)
    total = sum(map(len, names.values())) * len(folders)
    paths = tuple(folder.path for folder in folders)
    return SampleReport(paths, template.text, len(lrs), missing, total - missing)


def folder_name(heat: float) -> str:
    """The folder of one heat among several. Different heats have different folders.

    >>> folder_name(0.70), folder_name(1.0), folder_name(0.7000001)
    ('heat-0.7', 'heat-1', 'heat-0.7000001')
    """
    short = f"{heat:g}"
    return f"heat-{short if float(short) == heat else repr(heat)}"


def _sample_image(
    model: Model,
    x: LrImage,
    wanted: Sequence[MissingSamples],
    settings: SamplingSettings,
    memory_limit: int,
    writers: PngWriters,
) -> list[str]:
    """Make the missing samples of one image, of all heats on one conditioning; returns those that were not finite."""
    lost = []
    for tile_size in dict.fromkeys(missing.tile_size for missing in wanted):
        files = {
            request: path
            for missing in wanted
            if missing.tile_size == tile_size
            for request, path in missing.files.items()
        }
        if not files:
            continue
        samples = iterate_samples(model, _read_lr(x), list(files), x.image, settings, tile_size, memory_limit)
        for request, picture in samples:
            if picture is None:
                lost.append(f"{files[request]}: image {x.image}, sample {request.sample}, heat {request.heat:g}")
            else:
                writers.write(files[request], picture)
    return lost


def _read_lr(x: LrImage) -> NDArray[np.uint8]:
    try:
        data = read_bytes(x.path)
        if sha256(data) != x.sha256:
            raise ImageError(f"{x.path}: was changed while it was being sampled; start again")
        return decode_png(data, str(x.path))
    except ImageError as error:
        raise SamplingError(str(error)) from error


def _describe_model(model: Model, origin: Mapping[str, str]) -> dict[str, object]:
    """The record's ``model``."""
    config = model.config
    described = {
        **origin,
        "name": config.name,
        "family": config.family,
        "scale": config.scale,
        "deterministic": config.deterministic,
        "details": dict(config.details),
    }
    # Through JSON, so that it equals what will be read again: the tuples of a plug-in become lists.
    plain: dict[str, object] = json.loads(strict_json.dumps(described))
    return plain


def _settings_of(model: Model, heat: float, settings: SamplingSettings, names: str) -> dict[str, object]:
    """The record's ``settings``."""
    deterministic = model.config.deterministic
    return {
        "heat": None if deterministic else heat,
        "seed": None if deterministic else settings.seed,
        "quantize": settings.quantize,
        "precision": settings.precision,
        "device": model.device.type,
        "names": names,
    }


def _environment(model: Model, heat: float, precision: Precision) -> dict[str, str]:
    """The record's environment."""
    if precision == "float32":
        return environment(model.device)
    return environment(model.device, str(measure_deviation(model, precision, heat)))


def _check_deterministic(model: Model, options: SampleOptions) -> None:
    if not model.config.deterministic:
        return
    if len(options.heats) > 1:
        raise InputError(f"{model.config.name} is deterministic: heat changes nothing; give one heat at most")
    if options.samples > 1:
        notify(
            f"{model.config.name} is deterministic: the {options.samples} samples of an image are copies; --samples 1 "
            "writes one"
        )


def _notify_tiles(model: Model, lrs: Sequence[LrImage], plan: Sequence[MissingSamples], memory_limit: int) -> None:
    halo = halo_of(model)
    note = getattr(model, "tile_note", "")
    for x, missing in zip(lrs, plan, strict=True):
        size = missing.tile_size
        if size is not None and missing.files:
            count = sum(1 for _ in tiles(x.height, x.width, size, halo))
            needed = model.memory_estimate(x.height, x.width, 1)
            text = (
                f"{x.image}: {x.width}×{x.height} LR pixels are decoded in {count} tiles of {size}×{size} with {halo} "
                f"pixels of context; whole they need {size_text(needed)}, and {size_text(memory_limit)} may be used"
            )
            notify(f"{text}; {note}" if note else text)
