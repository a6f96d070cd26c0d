"""``srspace-eval sample``: a checkpoint and LRs in, a submission out."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import click

from srspace_eval.cli._common import progress, say
from srspace_eval.cli._options import SOURCE, memory_option, track_from
from srspace_eval.errors import InputError


def _heats(ctx: click.Context, param: click.Parameter, value: str) -> tuple[float, ...]:
    """``0.9`` or ``0.7,0.9``."""
    try:
        return tuple(float(part) for part in value.split(","))
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not a number, or several with commas between them") from error


def _tile(ctx: click.Context, param: click.Parameter, value: str) -> int | str:
    """``auto``, ``off`` or LR pixels."""
    if value in ("auto", "off"):
        return value
    try:
        return int(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not auto, off or a number of LR pixels") from error


@click.command()
@click.option(
    "--checkpoint",
    required=True,
    metavar="FILE|NAME",
    help="A .pth or .safetensors file; bicubic_x4, bicubic_x8; or a plugin: package.module:factory, an entry point.",
)
@click.option("--lr", required=True, type=SOURCE, help="Folder of LR PNGs, or one PNG.")
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder to fill with samples."
)
@click.option("--samples", type=click.IntRange(min=1), default=10, show_default=True, help="Samples of each LR.")
@click.option(
    "--heat",
    "heats",
    callback=_heats,
    metavar="NUMBER[,NUMBER...]",
    default="0.9",
    show_default=True,
    help="Standard deviation of the latents; 0 is deterministic. Several, as 0.7,0.9, get a folder each: heat-0.7 …",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the latents.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1.")
@click.option(
    "--precision",
    type=click.Choice(["float32", "bf16", "fp16"]),
    default="float32",
    show_default=True,
    help="bf16 and fp16: autocast; the record states the deviation from float32.",
)
@click.option(
    "--rrdb-skip",
    type=click.Choice(["trunk", "first"]),
    help="Wiring of an RRDB checkpoint: trunk, as in SRFlow's program; first, as in ESRGAN's. Default: tried.",
)
@click.option(
    "--self-ensemble",
    is_flag=True,
    help="Average the pictures of eight flips and turns of each LR (x8, as in RCAN+); for deterministic models.",
)
@click.option(
    "--quantize",
    type=click.Choice(["trunc", "round"]),
    help="Conversion to 8 bits. Default: as in the authors' program; the flows truncate.",
)
@click.option(
    "--tile",
    callback=_tile,
    metavar="auto|off|PIXELS",
    default="auto",
    show_default=True,
    help="auto: overlapping tiles if an LR does not fit the memory; off; or the tiles' side, a multiple of 16.",
)
@memory_option
@click.option(
    "--track", metavar="NAME|FILE.toml", help="Track that sets the file names. Default: found from scale and LR names."
)
@click.option("--names", metavar="TEMPLATE", help="File names, such as '{stem}_sample{sample:05d}.png'.")
@click.option("--overwrite", is_flag=True, help="Make all samples again, not only the missing ones.")
def command(
    checkpoint: str,
    lr: Path,
    out: Path,
    device: str,
    rrdb_skip: Literal["trunk", "first"] | None,
    self_ensemble: bool,
    memory: int | None,
    track: str | None,
    **options: Any,
) -> None:
    """Make a sample set of LRs with a model: a submission that `score` takes.

    The seed, the image's name and the sample's number determine a sample, on any device. A stopped run is resumed by
    the same command. The file srspace-eval-sample.json beside the samples records what made them.
    """
    from srspace_eval.models import SampleOptions, load_model, sample_folder
    from srspace_eval.models.folders.estimate import estimate_sampling

    try:
        chosen = SampleOptions(memory_limit=memory, track=track_from(track), **options)
    except InputError as error:
        raise click.UsageError(str(error)) from error
    model = load_model(checkpoint, device=device, rrdb_skip=rrdb_skip, self_ensemble=self_ensemble)
    try:
        if ahead := estimate_sampling(model, lr, out, chosen):
            say(f"{model.config.name}: {ahead}")
        report = sample_folder(model, lr, out, chosen, checkpoint=checkpoint, progress=progress)
    except KeyboardInterrupt:
        say(f"{out}: stopped; the same command resumes it")
        raise
    kept = f", {report.kept} existed" if report.kept else ""
    for folder in report.folders:
        example = min(path.name for path in folder.iterdir() if path.suffix.lower() == ".png")
        say(f"{folder}: {report.images} images × {options['samples']} samples, named such as {example}")
    say(f"{model.config.name} on {model.device.type}: {report.made} samples made{kept}")
