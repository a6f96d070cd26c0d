"""``srspace-eval degrade``: LR test sets with a known degradation; ``degrade pool``: pools of noise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from srspace_eval.cli._common import progress, say
from srspace_eval.cli._options import EXISTING_FOLDER, ExistingPath

KERNELS = "none, gaussian, anisotropic, pool"
SCALERS = "nearest, bilinear, bicubic, lanczos"
NOISES = "none, gaussian, poisson, gaussian+poisson, pool"


def _kinds(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """``bicubic`` or ``bicubic,lanczos``."""
    return None if value is None else tuple(part.strip() for part in value.split(","))


def _range(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[float, float] | None:
    """``1.5`` or ``0.2,3``."""
    if value is None:
        return None
    try:
        numbers = [float(part) for part in value.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 2):
        raise click.BadParameter(f"{value!r} is not a number, or two with a comma between them")
    return numbers[0], numbers[-1]


def _quality(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """``30`` or ``30,95``."""
    found = _range(ctx, param, value)
    if found is None:
        return None
    if not all(number.is_integer() for number in found):
        raise click.BadParameter(f"{value!r} is not a whole number, or two with a comma between them")
    return int(found[0]), int(found[1])


@click.command()
@click.argument("source", type=ExistingPath())
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder for the patches.")
@click.option("--size", type=int, default=256, show_default=True, help="Side of the patches in pixels.")
@click.option("--stride", type=int, default=256, show_default=True, help="Distance of the windows in pixels.")
@click.option("--variance", type=float, default=20.0, show_default=True, help="Keep windows of less variance in grey.")
@click.option("--mean", type=float, default=0.0, show_default=True, help="Keep windows of a larger mean in grey.")
@click.option("--workers", type=click.IntRange(min=1), help="Threads. Default: one per core.")
def pool(source: Path, out: Path, **options: Any) -> None:
    """Collect a pool of noise: the flat windows of real pictures.

    SOURCE is a PNG or a folder of PNGs at full resolution. RealSR's authors used --mean 0 for track 1 of NTIRE 2020 and
    --mean 50 for track 2.
    """
    from srspace_eval.degrade.noise_pool import collect_noise_pool

    say(f"{len(collect_noise_pool(source, out, progress=progress, **options))} patches: {out}")


class _WithPool(click.Command):
    """A command with an argument, whose first word ``pool`` names another command."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        if args[:1] == ["pool"]:
            return pool.make_context(f"{info_name} pool", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)


@click.command(cls=_WithPool, epilog="`srspace-eval degrade pool` collects a pool of noise; see its --help.")
@click.argument("source", type=ExistingPath())
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder for the LRs.")
@click.option("--scale", type=int, default=4, show_default=True, help="4 makes pictures a quarter as wide and high.")
@click.option(
    "--kernel", "kernels", callback=_kinds, metavar="KIND[,KIND...]", help=f"{KERNELS}. Default: gaussian, or the pool."
)
@click.option("--kernel-size", type=int, default=15, show_default=True, help="Side of Gaussian kernels in pixels.")
@click.option("--sigma", callback=_range, metavar="LOW[,HIGH]", default="0.2,3", show_default=True, help="HR pixels.")
@click.option(
    "--angle", callback=_range, metavar="LOW[,HIGH]", default="0,180", show_default=True, help="Degrees; anisotropic."
)
@click.option("--kernel-pool", type=EXISTING_FOLDER, help="Folder of .mat or .npy kernels, such as KernelGAN's.")
@click.option(
    "--centre",
    type=click.Choice(["check", "shift"]),
    default="check",
    show_default=True,
    help="Pool kernels that would move the picture: refuse them, or move them back.",
)
@click.option(
    "--scaler",
    "scalers",
    callback=_kinds,
    metavar="KIND[,KIND...]",
    help=f"{SCALERS}. Default: all; nearest with a pool of kernels.",
)
@click.option(
    "--noise",
    "noises",
    callback=_kinds,
    metavar="KIND[,KIND...]",
    help=f"{NOISES}. Default: gaussian,poisson,gaussian+poisson, or the pool.",
)
@click.option(
    "--noise-sigma", callback=_range, metavar="LOW[,HIGH]", default="0,5", show_default=True, help="8-bit levels."
)
@click.option(
    "--poisson-peak",
    callback=_range,
    metavar="LOW[,HIGH]",
    default="50,150",
    show_default=True,
    help="Mean count of white; fewer counts are more noise.",
)
@click.option("--noise-pool", type=EXISTING_FOLDER, help="Folder of PNG patches, as `degrade pool` collects them.")
@click.option("--jpeg", callback=_quality, metavar="LOW[,HIGH]", help="JPEG quality, 1 to 100. Default: no JPEG.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of everything that is drawn.")
@click.option("--workers", type=click.IntRange(min=1), help="Threads. Default: one per core.")
@click.option("--overwrite", is_flag=True, help="Replace existing LRs.")
def command(source: Path, out: Path, workers: int | None, overwrite: bool, centre: str, **options: Any) -> None:
    """Make LRs with a known degradation: blur, downscaling, noise, JPEG.

    SOURCE is a PNG or a folder of PNGs. An LR keeps its picture's name, and is rounded to 8 bits once. Each picture
    draws its own kinds and numbers; the seed and its name determine them. degradation.json records what was applied.
    """
    from srspace_eval.degrade.folder import degrade_folder
    from srspace_eval.degrade.options import DegradeOptions

    report = degrade_folder(
        source,
        out,
        DegradeOptions(shift=centre == "shift", **options),
        overwrite=overwrite,
        workers=workers,
        progress=progress,
    )
    say(f"{len(report.images)} degraded: {report.out}")
