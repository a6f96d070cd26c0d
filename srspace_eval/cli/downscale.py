"""``srspace-eval downscale``: LRs as MATLAB or the challenge makes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click

from srspace_eval.cli._common import progress, say
from srspace_eval.cli._options import ExistingPath
from srspace_eval.errors import ImageError, InputError, ProblemsError


@click.command()
@click.argument("source", type=ExistingPath())
@click.option("--scale", type=click.IntRange(min=2), required=True, help="4 makes pictures a quarter as wide and high.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder for the LRs.")
@click.option(
    "--convention",
    type=click.Choice(["ntire21", "matlab", "matlab-legacy"]),
    default="ntire21",
    show_default=True,
    help="ntire21: the challenge's program; matlab: present-day MATLAB; matlab-legacy: as Set5's LRs were made.",
)
@click.option("--crop", type=click.IntRange(min=1), default=1, help="First crop to a multiple of it; tracks do to 8.")
@click.option("--overwrite", is_flag=True, help="Replace pictures that are there.")
def command(source: Path, scale: int, out: Path, convention: str, crop: int, overwrite: bool) -> None:
    """Downscale 8-bit RGB PNGs, antialiased bicubic, 8-bit after each axis.

    SOURCE is a PNG or a folder of PNGs. A picture keeps its name; its size is rounded up.
    """
    pictures = sorted(source.glob("*.png")) if source.is_dir() else [source]
    if not pictures:
        raise InputError(f"{source}: holds no .png files")
    if out.resolve() == (source if source.is_dir() else source.parent).resolve():
        raise InputError(f"{out}: the LRs would replace the pictures; give --out another folder")
    there = [out / picture.name for picture in pictures if (out / picture.name).exists()]
    if there and not overwrite:
        raise ProblemsError(f"{out}: not written over without --overwrite", map(str, there))
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{out}: cannot be made ({error.strerror})") from None
    with progress("Downscaling", len(pictures)) as advance:
        faults = _all(pictures, out, scale, convention, crop, advance)
    if faults:
        raise ProblemsError(f"{len(faults)} of {len(pictures)} pictures were not downscaled", faults)
    say(f"{len(pictures)} downscaled: {out}")


def _all(
    pictures: Sequence[Path], out: Path, scale: int, convention: str, crop: int, advance: Callable[[int], None]
) -> list[str]:
    """Downscale every picture that can be; the faults of the others."""
    import torch

    from srspace_eval._utils.cores import default_workers
    from srspace_eval._utils.png import read_rgb, write_png
    from srspace_eval.metrics.resize import imresize

    def one(picture: Path) -> str | None:
        torch.set_num_threads(1)
        try:
            pixels = read_rgb(picture)
            height, width = (n // crop * crop for n in pixels.shape[:2])
            if min(height, width) == 0:
                return f"{picture}: smaller than the crop of {crop}"
            write_png(out / picture.name, imresize(pixels[:height, :width], 1 / scale, convention=convention))
        except ImageError as error:
            return str(error)
        finally:
            advance(1)
        return None

    with ThreadPoolExecutor(default_workers()) as pool:
        return [fault for fault in pool.map(one, pictures) if fault is not None]
